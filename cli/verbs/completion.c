#include "../cli.h"
#include "../kind.h"
#include "../verb.h"

#include <string.h>

/* What a word completes to, as a bash command that sets COMPREPLY. */
static const char *const sources[RH_COMPLETE_COUNT] = {
	[RH_COMPLETE_NOTHING] = ":",
	[RH_COMPLETE_FILE] = "_rhodes_files",
	[RH_COMPLETE_FORMAT] = "_rhodes_words json yaml name wide",
	[RH_COMPLETE_JSON] = "_rhodes_words json yaml",
	[RH_COMPLETE_LINES] = "_rhodes_words json table",
	[RH_COMPLETE_WATCHED] = "_rhodes_words resources rules interfaces modules all",
	[RH_COMPLETE_PLANE] = "_rhodes_words declared allowed observed",
	[RH_COMPLETE_KIND] = "_rhodes_kinds",
	[RH_COMPLETE_RESOURCE] = "_rhodes_objects resources",
	[RH_COMPLETE_VERB] = "_rhodes_verbs",
	[RH_COMPLETE_COMMAND] = "_rhodes_commands",
	[RH_COMPLETE_INTERFACE] = "_rhodes_words new check build show",
	[RH_COMPLETE_ROLLOUT] = "_rhodes_words status history pause resume undo",
	[RH_COMPLETE_PROGRAM] = "_rhodes_words new record test publish pull list top log maps",
	[RH_COMPLETE_RULE] = "_rhodes_objects rules",
	[RH_COMPLETE_OBJECT] = "_rhodes_objects \"$prev\"",
	[RH_COMPLETE_SHELL] = "_rhodes_words bash",
};

static const char prologue[] =
	"# bash completion for rhodes: made by `rhodes completion bash`.\n"
	"_rhodes_words() { COMPREPLY=($(compgen -W \"$*\" -- \"$cur\")); }\n"
	"_rhodes_files() { compopt -o filenames 2>/dev/null;"
	" COMPREPLY=($(compgen -f -- \"$cur\")); }\n"
	"_rhodes_commands() { COMPREPLY=($(compgen -c -- \"$cur\")); }\n"
	"_rhodes_objects() {\n"
	"\t_rhodes_words \"$(rhodes ${system:+--system \"$system\"} get \"$1\" -o name"
	" 2>/dev/null | sed 's|.*/||')\"\n"
	"}\n";

static void print_lists(FILE *out)
{
	fputs("_rhodes_verbs() { _rhodes_words", out);
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++)
		fprintf(out, " %s", verb->name);
	fputs("; }\n_rhodes_kinds() { _rhodes_words", out);
	for (const struct rh_kind *kind = rh_kinds; kind->plural; kind++)
		fprintf(out, " %s", kind->plural);
	fputs("; }\n", out);
}

static void print_names(const struct rh_option *options, FILE *out)
{
	for (const struct rh_option *o = options; o && o->name; o++) {
		fprintf(out, " --%s", o->name);
		if (o->letter)
			fprintf(out, " -%c", o->letter);
	}
}

/* The value behind "verb:option". */
static void print_values(const struct rh_verb *verb, const struct rh_option *options,
                         FILE *out)
{
	for (const struct rh_option *o = options; o && o->name; o++) {
		if (!o->value)
			continue;
		fprintf(out, "\t%s:--%s", verb->name, o->name);
		if (o->letter)
			fprintf(out, "|%s:-%c", verb->name, o->letter);
		fprintf(out, ") %s; return ;;\n", sources[o->complete]);
	}
}

static void print_options(FILE *out)
{
	fputs("_rhodes_options() {\n\tcase $verb in\n", out);
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		if (verb->is_raw)
			continue;
		fprintf(out, "\t%s) _rhodes_words", verb->name);
		print_names(verb->options, out);
		print_names(rh_verb_common, out);
		fputs(" ;;\n", out);
	}
	fputs("\tesac\n}\n", out);
}

static void print_operands(FILE *out)
{
	fputs("_rhodes_operands() {\n\tcase $verb:$count in\n", out);
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		for (size_t i = 0; i < RH_VERB_WORDS_MAX; i++) {
			bool is_last = i + 1 == RH_VERB_WORDS_MAX && verb->word_most > 3;

			if (verb->complete[i] != RH_COMPLETE_NOTHING)
				fprintf(out, "\t%s:%s) %s ;;\n", verb->name,
				        is_last ? "*"
				                : (const char *[]){ "0", "1", "2" }[i],
				        sources[verb->complete[i]]);
		}
	}
	fputs("\tesac\n}\n", out);
}

static const char walk[] =
	"_rhodes() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal verb= system= count=0 i word\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t-S|--system) system=${COMP_WORDS[i+1]}; ((i++)) ;;\n"
	"\t\t-*) _rhodes_takes_value \"$verb:$word\" && ((i++)) ;;\n"
	"\t\t*) if [[ -z $verb ]]; then verb=$word; else ((count++)); fi ;;\n"
	"\t\tesac\n"
	"\tdone\n";

static void print_takes_value(FILE *out)
{
	const char *between = "";

	fputs("_rhodes_takes_value() {\n\tcase $1 in\n\t", out);
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++) {
		for (const struct rh_option *o = verb->options; o && o->name; o++) {
			if (!o->value)
				continue;
			fprintf(out, "%s%s:--%s", between, verb->name, o->name);
			if (o->letter)
				fprintf(out, "|%s:-%c", verb->name, o->letter);
			between = "|";
		}
	}
	fputs(") return 0 ;;\n\tesac\n\treturn 1\n}\n", out);
}

int rh_verb_completion(struct rh_cli *cli)
{
	FILE *out = cli->out;

	if (strcmp(cli->args.words[0], "bash") != 0)
		return rh_cli_usage(cli,
		                    "there is completion for bash, not for \"%.40s\"",
		                    cli->args.words[0]);
	fputs(prologue, out);
	print_lists(out);
	print_options(out);
	print_operands(out);
	print_takes_value(out);
	fputs(walk, out);
	fputs("\tcase $verb:$prev in\n", out);
	for (const struct rh_verb *verb = rh_verbs; verb->name; verb++)
		print_values(verb, verb->options, out);
	fputs("\tesac\n"
	      "\tif [[ -z $verb ]]; then _rhodes_verbs\n"
	      "\telif [[ $cur == -* ]]; then _rhodes_options\n"
	      "\telse _rhodes_operands; fi\n"
	      "}\n"
	      "complete -F _rhodes rhodes\n", out);
	return RH_EXIT_OK;
}
