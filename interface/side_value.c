#include "side_value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct word {
	const char *text;
	unsigned    value;
};

static const struct word directions[] = {
	{ "in", RH_IN }, { "out", RH_OUT }, { "inout", RH_INOUT }, { NULL, 0 },
};

static const struct word roles[] = {
	{ "string", RH_ROLE_STRING }, { "path", RH_ROLE_PATH },
	{ "fd", RH_ROLE_FD },         { "bytes", RH_ROLE_BYTES },
	{ "handle", RH_ROLE_HANDLE }, { "_", RH_ROLE_UNSET },
	{ NULL, 0 },
};

static const struct word attributes[] = {
	{ "nullable", RH_PARAM_NULLABLE }, { "destroys", RH_PARAM_DESTROYS },
	{ "transfer", RH_PARAM_TRANSFER }, { "inplace", RH_PARAM_INPLACE },
	{ "new", RH_PARAM_CREATES },       { "borrowed", 0 },
	{ NULL, 0 },
};

static const struct word *lookup(const struct word *table,
                                 const struct rh_lex *lex)
{
	if (lex->kind != RH_LEX_WORD)
		return NULL;
	for (; table->text; table++)
		if (rh_lex_is(lex, table->text))
			return table;
	return NULL;
}

static bool is_identifier(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]) && word[i] != '_')
			return false;
	return len > 0 && !isdigit((unsigned char)word[0]);
}

int rh_side_word(struct rh_side_parser *parser, const char **ret)
{
	if (parser->lex.kind != RH_LEX_WORD)
		return rh_side_fail(parser, "a word is missing here");
	char *copy = rh_pool_copy(parser->pool, parser->lex.word, parser->lex.len);
	if (!copy)
		return RH_ENOMEM;
	*ret = copy;
	return RH_OK;
}

static int enter_type(struct rh_side_parser *parser, const char *type,
                      struct rh_side_place place, uint16_t *ret_index)
{
	struct rh_side *side = parser->side;

	for (uint32_t i = 0; i < side->type_count; i++) {
		if (strcmp(side->types[i], type) == 0) {
			*ret_index = (uint16_t)i;
			return RH_OK;
		}
	}
	if (side->type_count == RH_SIDE_FUNCTIONS_MAX)
		return rh_side_fail(parser, "more than %u C types",
		                    RH_SIDE_FUNCTIONS_MAX);
	const char **grown = rh_pool_grow(parser->pool, side->types,
	                                  side->type_count, sizeof *side->types);
	struct rh_side_place *places = rh_pool_grow(
		parser->pool, side->type_places, side->type_count, sizeof *places);
	if (!grown || !places)
		return RH_ENOMEM;
	side->types = grown;
	side->type_places = places;
	places[side->type_count] = place;
	*ret_index = (uint16_t)side->type_count;
	side->types[side->type_count++] = type;
	return RH_OK;
}

/* Whether a type ends before this word, which is what stands behind one; the name of a
 * struct may be anything. */
static bool ends_type(const struct rh_lex *lex, const char *type, size_t used)
{
	bool is_tag = used >= 6 && (memcmp(type + used - 6, "struct", 6) == 0);

	return lookup(attributes, lex) || rh_lex_is(lex, "replay") ||
	       rh_lex_is(lex, "on_error") || (rh_lex_is(lex, "mirror") && used && !is_tag);
}

int rh_side_type_words(struct rh_side_parser *parser, const char **ret,
                       uint16_t *ret_index)
{
	char   text[RH_SIDE_WORD_MAX + 1];
	size_t used = 0;
	struct rh_lex *lex = &parser->lex;
	struct rh_side_place place = { lex->word_line, lex->word_column };

	while (lex->kind == RH_LEX_WORD && !ends_type(lex, text, used)) {
		if (!is_identifier(lex->word, lex->len))
			return rh_side_fail(parser, "'%.*s' is no word of a C type",
			                    (int)lex->len, lex->word);
		if (used + lex->len + 2 > sizeof text)
			return rh_side_fail(parser, "the C type is too long");
		if (used)
			text[used++] = ' ';
		memcpy(text + used, lex->word, lex->len);
		used += lex->len;
		rh_lex_next(lex, false);
	}
	if (!used)
		return rh_side_fail(parser, "a C type is missing here");
	char *copy = rh_pool_copy(parser->pool, text, used);
	if (!copy)
		return RH_ENOMEM;
	*ret = copy;
	return enter_type(parser, copy, place, ret_index);
}

/* [direction] [role] [C type] */
static int parse_kind(struct rh_side_parser *parser, struct rh_side_value *value)
{
	struct rh_lex     *lex = &parser->lex;
	const struct word *word = lookup(directions, lex);

	if (word) {
		value->direction = (uint8_t)word->value;
		rh_lex_next(lex, false);
	}
	/* "-> new handle T" reads better than "-> handle T new" */
	if (rh_lex_is(lex, "new")) {
		value->flags |= RH_PARAM_CREATES;
		rh_lex_next(lex, false);
	}
	word = lookup(roles, lex);
	if (word) {
		value->role = (uint8_t)word->value;
		rh_lex_next(lex, false);
		if (value->role != RH_ROLE_HANDLE && value->role != RH_ROLE_BYTES)
			return RH_OK;
	}
	if (lex->kind != RH_LEX_WORD || lookup(attributes, lex) ||
	    rh_lex_is(lex, "on_error") || value->role == RH_ROLE_BYTES)
		return RH_OK;
	if (value->role == RH_ROLE_UNSET)
		value->role = RH_ROLE_VALUE;
	return rh_side_type_words(parser, &value->type, &value->type_index);
}

static int parse_count(struct rh_side_parser *parser, const char *word,
                       struct rh_side_value *value)
{
	size_t digits = strspn(word, "0123456789");
	long   count = digits && digits < 8 && !word[digits] ? atol(word) : 0;

	if (count < 1)
		return rh_side_fail(parser, "'%s' is no number of elements", word);
	value->count = (uint32_t)count;
	rh_lex_next(&parser->lex, false);
	return RH_OK;
}

/* key=word, with the key in hand */
static int parse_pair(struct rh_side_parser *parser, struct rh_side_value *value,
                      const char *key)
{
	const char *word = NULL;

	rh_lex_next(&parser->lex, false);
	int result = rh_side_word(parser, &word);
	if (result < 0)
		return result;
	if (strcmp(key, "null") == 0) {
		if (strcmp(word, "stdin") != 0)
			return rh_side_fail(parser, "null= can only be stdin");
		value->flags |= RH_PARAM_STDIN | RH_PARAM_NULLABLE;
	} else if (strcmp(key, "size") == 0) {
		return parse_count(parser, word, value);
	} else if (strcmp(key, "used") == 0) {
		value->used = word;
	} else if (strcmp(key, "len") == 0 || strcmp(key, "cap") == 0) {
		value->length = word;
	} else {
		return rh_side_fail(parser, "unknown key '%s' (len, cap, used, size, null)",
		                    key);
	}
	rh_lex_next(&parser->lex, false);
	return RH_OK;
}

static int parse_attributes(struct rh_side_parser *parser,
                            struct rh_side_value *value)
{
	struct rh_lex *lex = &parser->lex;
	const char    *key = NULL;

	while (lex->kind == RH_LEX_WORD && !rh_lex_is(lex, "on_error")) {
		const struct word *word = lookup(attributes, lex);

		if (word) {
			value->flags = (uint16_t)(value->flags | word->value);
			rh_lex_next(lex, false);
			continue;
		}
		int result = rh_side_word(parser, &key);
		if (result < 0)
			return result;
		struct rh_lex before = *lex;
		rh_lex_next(lex, false);
		if (!rh_lex_is(lex, "=")) {
			*lex = before;
			return rh_side_fail(parser, "unknown word '%s'", key);
		}
		result = parse_pair(parser, value, key);
		if (result < 0)
			return result;
	}
	return RH_OK;
}

static const char *misused(const struct rh_side_value *value)
{
	bool is_bytes = value->role == RH_ROLE_BYTES;
	bool is_handle = value->role == RH_ROLE_HANDLE || value->role == RH_ROLE_UNSET;

	if ((value->length || value->used || value->flags & RH_PARAM_INPLACE) &&
	    !is_bytes)
		return "len=, cap=, used= and inplace belong to bytes";
	if (value->count && (value->direction == RH_SIDE_NO_DIRECTION ||
	                     value->role != RH_ROLE_UNSET))
		return "size= stands with in, out or inout alone";
	if (value->flags & RH_PARAM_STDIN && value->role != RH_ROLE_PATH)
		return "null=stdin belongs to a path";
	if (value->flags & (RH_PARAM_CREATES | RH_PARAM_DESTROYS) && !is_handle)
		return "new and destroys belong to a handle";
	if (value->flags & RH_PARAM_TRANSFER && value->role != RH_ROLE_STRING &&
	    !is_bytes)
		return "transfer belongs to a string or bytes";
	if (value->flags & RH_PARAM_INPLACE && value->direction != RH_IN &&
	    value->direction != RH_SIDE_NO_DIRECTION)
		return "inplace bytes are only read";
	return NULL;
}

static void begin_value(const struct rh_side_parser *parser,
                        struct rh_side_value *value)
{
	*value = (struct rh_side_value){
		.type_index = RH_SIDE_NO_TYPE,
		.direction = RH_SIDE_NO_DIRECTION,
		.place = { parser->lex.word_line, parser->lex.word_column },
	};
}

int rh_side_param(struct rh_side_parser *parser, struct rh_side_value *ret)
{
	begin_value(parser, ret);
	int result = parse_kind(parser, ret);
	if (result < 0)
		return result;
	if (rh_lex_is(&parser->lex, "|")) {
		rh_lex_next(&parser->lex, false);
		result = rh_side_word(parser, &ret->name);
		if (result < 0)
			return result;
		rh_lex_next(&parser->lex, false);
	}
	result = parse_attributes(parser, ret);
	if (result < 0)
		return result;
	const char *reason = misused(ret);
	if (!reason && ret->role == RH_ROLE_BYTES && !ret->length)
		reason = "bytes need len= (read) or cap= (written)";
	return reason ? rh_side_fail_at(parser, ret->place, "%s", reason) : RH_OK;
}

int rh_side_result(struct rh_side_parser *parser, struct rh_side_value *ret)
{
	begin_value(parser, ret);
	int result = parse_kind(parser, ret);
	if (result >= 0)
		result = parse_attributes(parser, ret);
	if (result < 0)
		return result;
	const char *reason = misused(ret);
	if (ret->direction != RH_SIDE_NO_DIRECTION)
		reason = "a result has no direction";
	else if (ret->flags & RH_PARAM_DESTROYS)
		reason = "a result cannot be destroyed";
	else if (ret->role == RH_ROLE_VALUE)
		reason = "a result is new, handle T, string, path, fd or bytes";
	else if (ret->role == RH_ROLE_BYTES && !ret->used)
		reason = "bytes returned need used= with the parameter that tells the length";
	return reason ? rh_side_fail_at(parser, ret->place, "%s", reason) : RH_OK;
}
