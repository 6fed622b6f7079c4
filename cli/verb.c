#include "verb.h"

#include <string.h>

const struct rh_option rh_verb_common[] = {
	{ "system", 'S', "NAME",
	  "the system to talk to (default: RHODES_SYSTEM or rhodes)",
	  RH_COMPLETE_NOTHING },
	{ "help", 'h', NULL, "show how the verb is used", RH_COMPLETE_NOTHING },
	{ 0 },
};

const struct rh_verb *rh_verb_find(const char *name)
{
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
	}
	return NULL;
}

/* Letters to add, take or change to make a of b; both are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], up, diagonal, len = strlen(b);

	if (strlen(a) >= 32 || len >= 32)
		return 32;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t least = diagonal + (a[i - 1] != b[j - 1]);

			up = row[j];
			if (up + 1 < least)
				least = up + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			diagonal = up;
			row[j] = least;
		}
	}
	return row[len];
}

const struct rh_verb *rh_verb_guess(const char *name)
{
	const struct rh_verb *best = NULL;
	size_t                least = 3; /* at most two letters apart */

	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		size_t apart = distance(name, verb->name);

		if (apart < least && apart < strlen(verb->name)) {
			least = apart;
			best = verb;
		}
	}
	return best;
}

void rh_verb_print_list(FILE *file)
{
	fputs("usage: rhodes [--system NAME] VERB [OPTIONS] [WORDS]\n\n", file);
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++)
		fprintf(file, "  %-11s %s\n", verb->name, verb->help);
	fputs("\n`rhodes help VERB` tells more; rhodes(1) lists the exit codes.\n", file);
}

void rh_verb_print_usage(const struct rh_verb *verb, FILE *file)
{
	fprintf(file, "usage: rhodes %s%s%s%s\n", verb->name,
	        verb->options ? " [OPTIONS]" : "", verb->words[0] ? " " : "",
	        verb->words);
}

static void print_options(const struct rh_option *options, FILE *file)
{
	for (const struct rh_option *o = options; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
		         o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
		         o->value ? " " : "", o->value ? o->value : "");
		fprintf(file, "  %-29s %s\n", left, o->help);
	}
}

void rh_verb_print_help(const struct rh_verb *verb, FILE *file)
{
	rh_verb_print_usage(verb, file);
	fprintf(file, "\n%s.\n\n%s\n", verb->help, verb->about);
	if (verb->is_raw)
		return;
	fputs("\noptions:\n", file);
	print_options(verb->options, file);
	print_options(rh_verb_common, file);
}
