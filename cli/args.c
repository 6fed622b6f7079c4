#include "args.h"

#include "../base/diag.h"
#include "../model/check.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define LONG_FIRST 256 /* option values above every letter */

struct parser {
	struct option           longs[RH_ARGS_MAX];
	const struct rh_option *options[RH_ARGS_MAX];
	char                    shorts[2 * RH_ARGS_MAX + 4];
	size_t                  count;
};

static void describe(struct parser *parser, const struct rh_option *option)
{
	size_t at = strlen(parser->shorts);

	RH_CHECK(parser->count + 1 < RH_ARGS_MAX);
	parser->options[parser->count] = option;
	parser->longs[parser->count] = (struct option){
		.name = option->name,
		.has_arg = option->value ? required_argument : no_argument,
		.val = LONG_FIRST + (int)parser->count,
	};
	parser->count++;
	if (!option->letter)
		return;
	parser->shorts[at++] = (char)option->letter;
	if (option->value)
		parser->shorts[at++] = ':';
}

static const struct rh_option *option_of(const struct parser *parser, int value)
{
	if (value >= LONG_FIRST)
		return parser->options[value - LONG_FIRST];
	for (size_t i = 0; i < parser->count; i++) {
		if (parser->options[i]->letter == value)
			return parser->options[i];
	}
	return NULL;
}

static int refuse(int result, char **argv, struct rh_diag *diag)
{
	const char *text = argv[optind - 1];

	if (result == ':')
		return rh_diag_set(diag, RH_EINVAL, "the option %s needs a value", text);
	if (optopt > 0 && optopt < LONG_FIRST)
		return rh_diag_set(diag, RH_EINVAL, "there is no option -%c", optopt);
	if (optopt >= LONG_FIRST)
		return rh_diag_set(diag, RH_EINVAL, "the option %s takes no value", text);
	return rh_diag_set(diag, RH_EINVAL, "there is no option %s", text);
}

static int read_all(const struct parser *parser, struct rh_args *args, int argc,
                    char **argv, struct rh_diag *diag)
{
	int result;

	optind = 0; /* glibc: start afresh */
	opterr = 0;
	while ((result = getopt_long(argc, argv, parser->shorts, parser->longs,
	                             NULL)) != -1) {
		if (result == '?' || result == ':')
			return refuse(result, argv, diag);
		if (args->given_count == RH_ARGS_MAX)
			return rh_diag_set(diag, RH_EINVAL, "more than %d options",
			                   RH_ARGS_MAX);
		args->given[args->given_count++] = (struct rh_given){
			.option = option_of(parser, result),
			.value = optarg ? optarg : "",
		};
	}
	args->words = argv + optind;
	args->word_count = (size_t)(argc - optind);
	return RH_OK;
}

int rh_args_parse(struct rh_args *ret_args, const struct rh_option *const tables[2],
                  char **argv, bool stop_early, struct rh_diag *diag)
{
	struct parser  parser = { .count = 0 };
	struct rh_args args = { .given_count = 0 };
	int            argc = 0, r;

	/* ':' tells a missing value from an unknown option; '+' stops early. */
	strcpy(parser.shorts, stop_early ? "+:" : ":");
	for (size_t t = 0; t < 2; t++) {
		for (const struct rh_option *o = tables[t]; o && o->name; o++)
			describe(&parser, o);
	}
	while (argv[argc])
		argc++;
	r = read_all(&parser, &args, argc, argv, diag);
	if (r == RH_OK)
		*ret_args = args;
	return r;
}

const char *rh_args_nth(const struct rh_args *args, const char *name, size_t i)
{
	for (size_t g = 0; g < args->given_count; g++) {
		if (strcmp(args->given[g].option->name, name) == 0 && i-- == 0)
			return args->given[g].value;
	}
	return NULL;
}

/* The last one; NULL when there is none. */
static const struct rh_given *find(const struct rh_args *args, const char *name)
{
	for (size_t g = args->given_count; g-- > 0;) {
		if (strcmp(args->given[g].option->name, name) == 0)
			return &args->given[g];
	}
	return NULL;
}

const struct rh_option *rh_args_option(const struct rh_args *args, const char *name)
{
	const struct rh_given *given = find(args, name);

	return given ? given->option : NULL;
}

const char *rh_args_value(const struct rh_args *args, const char *name)
{
	const struct rh_given *given = find(args, name);

	return given ? given->value : NULL;
}

bool rh_args_has(const struct rh_args *args, const char *name)
{
	return rh_args_value(args, name) != NULL;
}

int rh_args_number(const struct rh_args *args, const char *name, long least, long most,
                   long *ret_number, struct rh_diag *diag)
{
	const char *text = rh_args_value(args, name);
	char       *end;
	long        number;

	if (!text)
		return RH_ENOENT;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || *end || number < least || number > most)
		return rh_diag_set(diag, RH_EINVAL,
		                   "--%s wants a number from %ld to %ld, not \"%.40s\"",
		                   name, least, most, text);
	*ret_number = number;
	return RH_OK;
}
