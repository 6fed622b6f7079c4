#include "side_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flag {
	const char *text;
	uint16_t    flag;
};

static const struct flag flags[] = {
	{ "idempotent", RH_FUNCTION_IDEMPOTENT }, { "state", RH_FUNCTION_STATE },
	{ "stdio", RH_FUNCTION_STDIO },           { "umask", RH_FUNCTION_UMASK },
	{ "local", RH_FUNCTION_LOCAL },           { "nocarry", RH_FUNCTION_NOCARRY },
	{ "event", RH_FUNCTION_EVENT },
};

static int parse_flags(struct rh_side_parser *parser,
                       struct rh_side_function *function)
{
	struct rh_lex *lex = &parser->lex;

	while (lex->kind == RH_LEX_WORD && !rh_lex_is(lex, "on_error")) {
		uint16_t found = 0;

		if (rh_lex_is(lex, "ignore")) {
			function->is_ignored = true;
			found = RH_FUNCTION_NOCARRY;
		}
		for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
			if (rh_lex_is(lex, flags[i].text))
				found = flags[i].flag;
		if (!found)
			return rh_side_fail(parser, "unknown word '%.*s' (idempotent, state, "
			                    "stdio, umask, event, local, nocarry, ignore)",
			                    (int)(lex->len > 40 ? 40 : lex->len), lex->word);
		if (function->flags & found)
			return rh_side_fail(parser, "'%.*s' twice", (int)lex->len,
			                    lex->word);
		function->flags |= found;
		rh_lex_next(lex, false);
	}
	uint16_t where = function->flags & (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY);
	if (where == (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY))
		return rh_side_fail(parser, "local and nocarry exclude each other");
	return RH_OK;
}

static int parse_params(struct rh_side_parser *parser,
                        struct rh_side_function *function)
{
	struct rh_side_value values[RH_PARAMS_MAX];
	uint8_t              count = 0;

	function->has_params = true;
	rh_lex_next(&parser->lex, false);
	while (!rh_lex_is(&parser->lex, ")")) {
		if (count == RH_PARAMS_MAX)
			return rh_side_fail(parser, "more than %u parameters",
			                    RH_PARAMS_MAX);
		int result = rh_side_param(parser, &values[count++]);
		if (result < 0)
			return result;
		if (rh_lex_is(&parser->lex, ","))
			rh_lex_next(&parser->lex, false);
		else if (!rh_lex_is(&parser->lex, ")"))
			return rh_side_fail(parser, "expected ',' or ')'");
	}
	rh_lex_next(&parser->lex, false);
	function->params = rh_pool_take(parser->pool, count, sizeof *values);
	if (!function->params)
		return RH_ENOMEM;
	memcpy(function->params, values, count * sizeof *values);
	function->param_count = count;
	return RH_OK;
}

static int errno_named(const char *name)
{
	for (int number = 1; number < 134; number++) {
		const char *known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

static int parse_error_value(struct rh_side_parser *parser,
                             struct rh_side_function *function)
{
	const char *word = NULL;
	char       *end;

	rh_lex_next(&parser->lex, false);
	int result = rh_side_word(parser, &word);
	if (result < 0)
		return result;
	if (strcmp(word, "NULL") != 0) {
		errno = 0;
		function->error_value = strtoll(word, &end, 0);
		if (errno || *end)
			return rh_side_fail(parser, "'%s' is neither a number nor NULL",
			                    word);
	}
	function->on_error = RH_ON_ERROR_RETURN;
	rh_lex_next(&parser->lex, false);
	return RH_OK;
}

static int parse_error_errno(struct rh_side_parser *parser,
                             struct rh_side_function *function)
{
	const char *word = NULL;

	rh_lex_next(&parser->lex, false);
	int result = rh_side_word(parser, &word);
	if (result < 0)
		return result;
	function->error_errno = errno_named(word);
	if (!function->error_errno)
		return rh_side_fail(parser, "'%s' is no errno name", word);
	rh_lex_next(&parser->lex, false);
	return RH_OK;
}

/* on_error: abort | return V [, errno E] | errno E */
static int parse_on_error(struct rh_side_parser *parser,
                          struct rh_side_function *function)
{
	struct rh_lex *lex = &parser->lex;

	rh_lex_next(lex, false);
	if (!rh_lex_is(lex, ":"))
		return rh_side_fail(parser, "expected ':' behind on_error");
	rh_lex_next(lex, false);
	if (rh_lex_is(lex, "abort")) {
		function->on_error = RH_ON_ERROR_ABORT;
		rh_lex_next(lex, false);
		return RH_OK;
	}
	if (rh_lex_is(lex, "return")) {
		int result = parse_error_value(parser, function);

		if (result < 0 || !rh_lex_is(lex, ","))
			return result;
		rh_lex_next(lex, false);
	}
	if (!rh_lex_is(lex, "errno"))
		return rh_side_fail(parser, "expected abort, return or errno");
	return parse_error_errno(parser, function);
}

static int add_function(struct rh_side_parser *parser,
                        const struct rh_side_function *function)
{
	struct rh_side *side = parser->side;

	for (uint32_t i = 0; i < side->function_count; i++)
		if (strcmp(side->functions[i].name, function->name) == 0)
			return rh_side_fail_at(parser, function->place,
			                       "already described in line %u",
			                       side->functions[i].place.line);
	if (side->function_count == RH_SIDE_FUNCTIONS_MAX)
		return rh_side_fail(parser, "more than %u functions",
		                    RH_SIDE_FUNCTIONS_MAX);
	struct rh_side_function *grown = rh_pool_grow(
		parser->pool, side->functions, side->function_count, sizeof *function);
	if (!grown)
		return RH_ENOMEM;
	side->functions = grown;
	side->functions[side->function_count++] = *function;
	return RH_OK;
}

static bool is_function_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "0123456789_");

	return name[len] == '\0' || (name[len] == '*' && name[len + 1] == '\0');
}

int rh_side_line(struct rh_side_parser *parser)
{
	struct rh_side_function function = {
		.place = { parser->lex.word_line, parser->lex.word_column },
	};
	int result = rh_side_word(parser, &function.name);

	if (result < 0)
		return result;
	if (!is_function_name(function.name))
		return rh_side_fail(parser, "is no function name");
	function.is_pattern = function.name[strlen(function.name) - 1] == '*';
	rh_lex_next(&parser->lex, false);
	result = parse_flags(parser, &function);
	if (result >= 0 && rh_lex_is(&parser->lex, "(")) {
		result = parse_params(parser, &function);
		if (result >= 0)
			result = parse_flags(parser, &function);
	}
	if (result >= 0 && rh_lex_is(&parser->lex, "->")) {
		function.has_ret = true;
		rh_lex_next(&parser->lex, false);
		result = rh_side_result(parser, &function.ret);
	}
	if (result >= 0 && rh_lex_is(&parser->lex, "on_error"))
		result = parse_on_error(parser, &function);
	if (result < 0)
		return result;
	if (function.is_ignored && (function.error_errno ||
	                            function.on_error == RH_ON_ERROR_ABORT))
		return rh_side_fail_at(parser, function.place,
		                       "what is ignored returns a value and nothing else");
	if (function.is_pattern && (function.has_params || function.has_ret))
		return rh_side_fail_at(parser, function.place,
		                       "a pattern has only flags and on_error");
	return add_function(parser, &function);
}
