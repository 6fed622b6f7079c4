#include "side.h"

#include "../base/diag.h"
#include "side_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail_at(struct rh_side_parser *parser, struct rh_side_place place,
                   const char *reason)
{
	if (parser->lex.kind == RH_LEX_BAD)
		reason = "a control byte or an endless word";
	return rh_diag_set(parser->diag, RH_EINVAL, "%.80s:%u:%u: %.40s: %.100s",
	                   parser->side->file, place.line, place.column,
	                   parser->object, reason);
}

int rh_side_fail(struct rh_side_parser *parser, const char *format, ...)
{
	struct rh_side_place place = { parser->lex.word_line, parser->lex.word_column };
	char                 reason[160];
	va_list              args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return fail_at(parser, place, reason);
}

int rh_side_fail_at(struct rh_side_parser *parser, struct rh_side_place place,
                    const char *format, ...)
{
	char    reason[160];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return fail_at(parser, place, reason);
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len >= 1 && len <= 63 && name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

static bool is_file_name(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                    "0123456789_.+-") == len;
}

static bool is_header(const char *path)
{
	return strpbrk(path, "\"<>\\\n") == NULL;
}

/* Only flags that change what the header says; none that runs a program. */
static bool is_cflag(const char *flag)
{
	static const char *const allowed[] = { "-I", "-D", "-U", "-std=" };

	if (strcmp(flag, "-pthread") == 0)
		return true;
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (strncmp(flag, allowed[i], strlen(allowed[i])) == 0)
			return flag[strlen(allowed[i])] != '\0';
	return false;
}

static int add_words(struct rh_side_parser *parser, const char ***list,
                     uint32_t *count, bool (*allow)(const char *),
                     const char *refusal)
{
	rh_lex_next(&parser->lex, true);
	do {
		const char *word = NULL;
		int result = rh_side_word(parser, &word);

		if (result < 0)
			return result;
		if (!allow(word))
			return rh_side_fail(parser, "'%s' %s", word, refusal);
		if (*count == RH_SIDE_HEADS_MAX)
			return rh_side_fail(parser, "more than %u of them",
			                    RH_SIDE_HEADS_MAX);
		const char **grown = rh_pool_grow(parser->pool, *list, *count,
		                                  sizeof **list);
		if (!grown)
			return RH_ENOMEM;
		*list = grown;
		(*list)[(*count)++] = word;
		rh_lex_next(&parser->lex, true);
	} while (parser->lex.kind == RH_LEX_WORD);
	return RH_OK;
}

static int set_word(struct rh_side_parser *parser, const char **field,
                    bool (*allow)(const char *), const char *refusal)
{
	const char *word = NULL;

	if (*field)
		return rh_side_fail(parser, "stands here a second time");
	rh_lex_next(&parser->lex, true);
	int result = rh_side_word(parser, &word);
	if (result < 0)
		return result;
	if (!allow(word))
		return rh_side_fail(parser, "'%s' %s", word, refusal);
	*field = word;
	rh_lex_next(&parser->lex, true);
	return RH_OK;
}

static int parse_interface(struct rh_side_parser *parser)
{
	return set_word(parser, &parser->side->name, is_name,
	                "is no name (a-z, then a-z 0-9 _ . -, at most 63)");
}

static int parse_soname(struct rh_side_parser *parser)
{
	return set_word(parser, &parser->side->soname, is_file_name,
	                "is no file name without a folder");
}

static int parse_package(struct rh_side_parser *parser)
{
	return set_word(parser, &parser->side->package, is_file_name,
	                "is no package name");
}

static int parse_version(struct rh_side_parser *parser)
{
	return set_word(parser, &parser->side->version, is_header,
	                "holds a quote or a backslash");
}

static int parse_library(struct rh_side_parser *parser)
{
	int result = set_word(parser, &parser->side->library, is_header,
	                      "holds a quote or a backslash");

	if (result >= 0 && strcmp(parser->side->library, "none") == 0)
		parser->side->has_library = false;
	return result;
}

static int parse_header(struct rh_side_parser *parser)
{
	return add_words(parser, &parser->side->headers,
	                 &parser->side->header_count, is_header,
	                 "cannot stand in an #include");
}

static int parse_cflags(struct rh_side_parser *parser)
{
	return add_words(parser, &parser->side->cflags, &parser->side->cflag_count,
	                 is_cflag, "is refused: only -I -D -U -std= -pthread");
}

/* net.NetDriver, with $ before a nested class. */
static bool is_class(const char *name)
{
	for (bool begins = true; *name; name++) {
		bool is_letter = (*name >= 'a' && *name <= 'z') || *name == '_' || *name == '$' ||
		                 (*name >= 'A' && *name <= 'Z');

		if (begins ? !is_letter : !is_letter && *name != '.' && (*name < '0' || *name > '9'))
			return false;
		begins = *name == '.';
		if (begins && !name[1])
			return false;
	}
	return true;
}

static int parse_java(struct rh_side_parser *parser)
{
	return add_words(parser, &parser->side->java, &parser->side->java_count, is_class,
	                 "is no class (net.NetDriver; Outer$Inner)");
}

static int parse_small_number(struct rh_side_parser *parser, uint16_t *ret)
{
	const char *word = NULL;
	char       *end;
	long        number;

	rh_lex_next(&parser->lex, false);
	int result = rh_side_word(parser, &word);
	if (result < 0)
		return result;
	number = strtol(word, &end, 0);
	if (*end || number < 0 || number >= (long)RH_MIRROR_MAX)
		return rh_side_fail(parser, "'%s' is no number below %u", word,
		                    RH_MIRROR_MAX);
	*ret = (uint16_t)number;
	return RH_OK;
}

/* mirror OFFSET LENGTH: bytes of the object that programs read themselves. */
static int parse_mirror(struct rh_side_parser *parser, struct rh_side_handle *handle)
{
	int result = parse_small_number(parser, &handle->mirror_off);

	if (result < 0 || (result = parse_small_number(parser, &handle->mirror_len)) < 0)
		return result;
	if (handle->mirror_len == 0 ||
	    handle->mirror_off + handle->mirror_len > (int)RH_MIRROR_MAX)
		return rh_side_fail(parser, "a mirror is 1 to %u bytes that end below %u",
		                    RH_MIRROR_MAX, RH_MIRROR_MAX);
	rh_lex_next(&parser->lex, false);
	return RH_OK;
}

static int parse_handle(struct rh_side_parser *parser)
{
	struct rh_side       *side = parser->side;
	struct rh_side_handle handle = {
		.place = { parser->lex.word_line, parser->lex.word_column },
	};

	rh_lex_next(&parser->lex, false);
	int result = rh_side_type_words(parser, &handle.type, &handle.type_index);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < side->handle_count; i++)
		if (side->handles[i].type_index == handle.type_index)
			return rh_side_fail_at(parser, handle.place,
			                       "'%s' is a handle since line %u", handle.type,
			                       side->handles[i].place.line);
	if (rh_lex_is(&parser->lex, "replay")) {
		handle.flags |= RH_HANDLE_REPLAY;
		rh_lex_next(&parser->lex, false);
	}
	if (rh_lex_is(&parser->lex, "mirror") &&
	    (result = parse_mirror(parser, &handle)) < 0)
		return result;
	if (side->handle_count == RH_SIDE_FUNCTIONS_MAX)
		return rh_side_fail(parser, "more than %u handles",
		                    RH_SIDE_FUNCTIONS_MAX);
	struct rh_side_handle *grown = rh_pool_grow(parser->pool, side->handles,
	                                            side->handle_count, sizeof handle);
	if (!grown)
		return RH_ENOMEM;
	side->handles = grown;
	side->handles[side->handle_count++] = handle;
	return RH_OK;
}

static int parse_explicit_function(struct rh_side_parser *parser)
{
	rh_lex_next(&parser->lex, false);
	return rh_side_line(parser);
}

struct statement {
	const char *word;
	int (*parse)(struct rh_side_parser *parser);
};

static const struct statement statements[] = {
	{ "interface", parse_interface }, { "header", parse_header },
	{ "cflags", parse_cflags },       { "soname", parse_soname },
	{ "library", parse_library },     { "package", parse_package },
	{ "version", parse_version },     { "handle", parse_handle },
	{ "function", parse_explicit_function }, { "java", parse_java },
};

static void name_object(struct rh_side_parser *parser)
{
	size_t len = parser->lex.len;

	if (len >= sizeof parser->object_text)
		len = sizeof parser->object_text - 1;
	memcpy(parser->object_text, parser->lex.word, len);
	parser->object_text[len] = '\0';
	parser->object = parser->object_text;
}

static int parse_statement(struct rh_side_parser *parser)
{
	int (*parse)(struct rh_side_parser *) = rh_side_line;

	name_object(parser);
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		if (rh_lex_is(&parser->lex, statements[i].word))
			parse = statements[i].parse;
	int result = parse(parser);
	if (result >= 0 && parser->lex.kind != RH_LEX_LINE_END &&
	    parser->lex.kind != RH_LEX_FILE_END)
		return rh_side_fail(parser, "'%.*s' does not belong here",
		                    (int)(parser->lex.len > 40 ? 40 : parser->lex.len),
		                    parser->lex.word);
	return result;
}

static int parse_all(struct rh_side_parser *parser)
{
	rh_lex_next(&parser->lex, false);
	while (parser->lex.kind != RH_LEX_FILE_END) {
		if (parser->lex.kind != RH_LEX_LINE_END) {
			int result = parse_statement(parser);

			if (result < 0)
				return result;
		}
		rh_lex_next(&parser->lex, false);
	}
	parser->object = "end of the file";
	if (!parser->side->name)
		return rh_side_fail(parser, "there is no 'interface NAME' line");
	if (!parser->side->header_count)
		return rh_side_fail(parser, "there is no 'header FILE' line");
	return RH_OK;
}

int rh_side_parse(struct rh_pool *pool, const char *file, const char *text,
                  size_t len, struct rh_side *ret, struct rh_diag *diag)
{
	struct rh_side side = { .file = file, .has_library = true };
	struct rh_side_parser parser = {
		.pool = pool, .side = &side, .diag = diag, .object = "side file",
	};

	rh_lex_init(&parser.lex, text, len);
	if (len > RH_SIDE_BYTES_MAX)
		return rh_side_fail(&parser, "larger than %zu bytes", RH_SIDE_BYTES_MAX);
	int result = parse_all(&parser);
	if (result < 0)
		return result;
	*ret = side;
	return RH_OK;
}

static bool fits(const struct rh_side_function *pattern, const char *function)
{
	return strncmp(pattern->name, function, strlen(pattern->name) - 1) == 0;
}

const struct rh_side_function *rh_side_find(const struct rh_side *side,
                                            const char *function)
{
	const struct rh_side_function *best = NULL;

	for (uint32_t i = 0; i < side->function_count; i++) {
		const struct rh_side_function *line = &side->functions[i];

		if (!line->is_pattern && strcmp(line->name, function) == 0)
			return line;
		if (line->is_pattern && fits(line, function) &&
		    (!best || strlen(line->name) > strlen(best->name)))
			best = line;
	}
	return best;
}
