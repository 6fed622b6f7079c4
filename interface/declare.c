#include "declare.h"

#include "../base/diag.h"
#include "canon.h"
#include "declare_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	const struct rh_declare_request *request;
	struct rh_definitions            all;
	FILE                            *functions;  /* of the header         */
	FILE                            *lines;      /* of the side file      */
	struct rh_declare                made;
};

static bool contains(const char *const *names, uint8_t count, const char *name)
{
	for (uint8_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Names that C allows, each once: they count for no hash. */
static int name_params(struct rh_pool *pool, struct rh_canon_line *line)
{
	for (uint8_t i = 0; i < line->count; i++) {
		if (!rh_declare_is_name(line->names[i], strlen(line->names[i])) ||
		    contains(line->names, i, line->names[i]))
			line->names[i] = rh_pool_print(pool, "rh_a%u", i + 1u);
		if (!line->names[i])
			return RH_ENOMEM;
	}
	return RH_OK;
}

static void put_declaration(FILE *out, const struct rh_canon_line *line,
                            const struct rh_declared_value *ret,
                            const struct rh_declared_value *params)
{
	fprintf(out, "%s%s%s(", ret->c, ret->c[strlen(ret->c) - 1] == '*' ? "" : " ",
	        line->function);
	for (uint8_t i = 0; i < line->count; i++)
		fprintf(out, "%s%s", i ? ", " : "", params[i].c);
	fputs(line->count ? ");\n" : "void);\n", out);
}

/* A function that needs nothing said needs no line. */
static void put_line(FILE *out, const struct rh_canon_line *line,
                     const struct rh_declared_value *ret,
                     const struct rh_declared_value *params)
{
	static const char *const statements[] = {
		"interface", "header", "cflags", "soname", "library", "package", "version",
		"handle", "function",
	};
	bool is_needed = ret->side[0] != '\0';

	for (uint8_t i = 0; i < line->count; i++)
		is_needed = is_needed || strcmp(params[i].side, "_") != 0;
	if (!is_needed)
		return;
	fprintf(out, "%s%s", contains(statements, sizeof statements / sizeof *statements,
	                              line->function) ? "function " : "", line->function);
	for (uint8_t i = 0; i < line->count; i++)
		fprintf(out, "%s%s", i ? ", " : " (", params[i].side);
	fprintf(out, "%s%s%s\n", line->count ? ")" : "", ret->side[0] ? " -> " : "",
	        ret->side);
}

static int write_function(struct writer *writer, struct rh_canon_line *line)
{
	struct rh_declared_value ret, params[RH_PARAMS_MAX];

	writer->all.reason = NULL;
	if (!rh_declare_is_name(line->function, strlen(line->function))) {
		writer->all.reason = "C allows no such name";
		return RH_EINVAL;
	}
	int result = name_params(writer->all.pool, line);
	for (uint8_t i = 0; i < line->count && result >= 0; i++)
		result = rh_declare_param(&writer->all, line, i, &params[i]);
	if (result >= 0)
		result = rh_declare_result(&writer->all, line, &ret);
	if (result < 0)
		return result;
	put_declaration(writer->functions, line, &ret, params);
	put_line(writer->lines, line, &ret, params);
	writer->made.carried++;
	return RH_OK;
}

static int write_line(struct writer *writer, char *text, struct rh_diag *diag)
{
	struct rh_canon_line line;

	if (text[0] == '#')
		fprintf(writer->lines, "%s\n", text);
	if (text[0] == '#' || text[0] == '\0')
		return RH_OK;
	if (rh_canon_split(text, &line) < 0)
		return rh_diag_set(diag, RH_EINVAL, "'%.100s' is no canonical text", text);
	int result = write_function(writer, &line);
	if (result != RH_EINVAL)
		return result;
	fprintf(writer->lines, "# nocarry %s: %s\n", line.function, writer->all.reason);
	writer->made.left_out++;
	return RH_OK;
}

static int write_lines(struct writer *writer, struct rh_diag *diag)
{
	const char *given = writer->request->text;
	char       *text = rh_pool_copy(writer->all.pool, given, strlen(given));
	int         result = text ? RH_OK : RH_ENOMEM;

	for (char *line; result >= 0 && (line = strsep(&text, "\n"));)
		result = write_line(writer, line, diag);
	return result;
}

static void put_header(FILE *out, const struct writer *writer, const char *functions)
{
	const struct rh_definitions *all = &writer->all;

	fprintf(out, "/* The interface of %s, as C declares it: made by `rhodes interface "
	        "new`. */\n#ifndef RH_%s_H\n#define RH_%s_H\n\n#include <stdint.h>\n\n"
	        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n", writer->request->origin,
	        all->prefix, all->prefix);
	for (uint32_t i = 0; i < all->count; i++)
		if (all->items[i].code)
			fprintf(out, "%s\n", all->items[i].code);
		else
			fprintf(out, "%s;\n\n", all->items[i].tag);
	fprintf(out, "%s\n#ifdef __cplusplus\n}\n#endif\n#endif\n", functions);
}

static void put_side(FILE *out, const struct rh_declare_request *request,
                     const char *lines)
{
	fprintf(out, "# What %s cannot say about %s.  Made by `rhodes interface new`;\n"
	        "# rhodes-interface(1) tells the language.\n"
	        "interface  %s\nheader     %s\nsoname     %s\nlibrary    %s\n\n%s",
	        request->header, request->origin, request->name, request->header,
	        request->soname, request->library ? request->library : "none", lines);
}

/* Joins what was written into the two texts. */
static int finish(struct writer *writer, const char *functions, const char *lines)
{
	char  *texts[2] = { NULL, NULL };
	size_t lens[2] = { 0, 0 };
	FILE  *header = open_memstream(&texts[0], &lens[0]);
	FILE  *side = open_memstream(&texts[1], &lens[1]);

	if (header)
		put_header(header, writer, functions);
	if (side)
		put_side(side, writer->request, lines);
	bool is_whole = header && fclose(header) == 0;
	is_whole = side && fclose(side) == 0 && is_whole;
	if (is_whole) {
		writer->made.header = rh_pool_copy(writer->all.pool, texts[0], lens[0]);
		writer->made.side = rh_pool_copy(writer->all.pool, texts[1], lens[1]);
	}
	free(texts[0]);
	free(texts[1]);
	return writer->made.header && writer->made.side ? RH_OK : RH_ENOMEM;
}

static int write_all(struct writer *writer, struct rh_diag *diag)
{
	char  *texts[2] = { NULL, NULL };
	size_t lens[2] = { 0, 0 };
	int    result = RH_ENOMEM;

	writer->functions = open_memstream(&texts[0], &lens[0]);
	writer->lines = open_memstream(&texts[1], &lens[1]);
	if (writer->functions && writer->lines)
		result = write_lines(writer, diag);
	if (writer->functions && fclose(writer->functions) != 0 && result >= 0)
		result = RH_ENOMEM;
	if (writer->lines && fclose(writer->lines) != 0 && result >= 0)
		result = RH_ENOMEM;
	if (result >= 0)
		result = finish(writer, texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
	return result;
}

/* libfoo-2 -> libfoo_2 */
static const char *prefix_of(struct rh_pool *pool, const char *name)
{
	char *prefix = rh_pool_copy(pool, name, strlen(name));

	for (char *at = prefix; at && *at; at++)
		if (*at == '-' || *at == '.')
			*at = '_';
	return prefix;
}

int rh_declare_make(struct rh_pool *pool, const struct rh_declare_request *request,
                    struct rh_declare *ret, struct rh_diag *diag)
{
	struct writer writer = { .request = request, .all = { .pool = pool } };

	writer.all.prefix = prefix_of(pool, request->name);
	if (!writer.all.prefix)
		return RH_ENOMEM;
	int result = write_all(&writer, diag);
	if (result >= 0)
		*ret = writer.made;
	return result;
}

static const struct rh_function *row_named(const struct rh_plan *plan, const char *name)
{
	for (uint32_t i = 0; i < plan->interface.function_count; i++)
		if (strcmp(plan->interface.functions[i].name, name) == 0 &&
		    rh_plan_is_carried(&plan->interface.functions[i]))
			return &plan->interface.functions[i];
	return NULL;
}

static int compare(const struct rh_plan *plan, char *text, uint32_t *same,
                   struct rh_diag *diag)
{
	struct rh_param      params[RH_PARAMS_MAX] = { 0 };
	struct rh_canon_line line;
	char                 found[RH_TEXT_MAX];

	if (rh_canon_split(text, &line) < 0)
		return rh_diag_set(diag, RH_EINVAL, "'%.100s' is no canonical text", text);
	const struct rh_function *row = row_named(plan, line.function);
	if (!row)
		return RH_OK;
	struct rh_function wanted = {
		.name = line.function, .params = params, .param_count = line.count,
		.ret = { .type = line.ret },
	};
	for (uint8_t i = 0; i < line.count; i++)
		params[i].type = line.types[i];
	++*same;
	if (rh_function_hash(&wanted) == row->hash)
		return RH_OK;
	if (rh_function_text(row, found, sizeof found) < 0)
		found[0] = '\0';
	return rh_diag_set(diag, RH_EINTERFACE, "%.60s: C makes '%.200s' of it", row->name,
	                   found);
}

int rh_declare_check(const struct rh_plan *plan, const char *text,
                     const struct rh_declare *made, struct rh_diag *diag)
{
	char    *copy = strdup(text), *rest = copy;
	uint32_t same = 0;
	int      result = copy ? RH_OK : RH_ENOMEM;

	for (char *line; result >= 0 && (line = strsep(&rest, "\n"));)
		if (line[0] && line[0] != '#')
			result = compare(plan, line, &same, diag);
	free(copy);
	if (result >= 0 && same != made->carried)
		result = rh_diag_set(diag, RH_EINTERFACE, "of %u functions C declares %u",
		                     made->carried, same);
	return result;
}
