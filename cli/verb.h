/* verb - the table of what `rhodes` can do.
 *
 * One line of help, a page of help, options and a function per verb; parsing,
 * help, completion and the tests walk this table.
 *
 * Ownership   The table is static. */
#ifndef RH_CLI_VERB_H
#define RH_CLI_VERB_H

#include "args.h"

#include <stdio.h>

struct rh_cli;

/* Returns an enum rh_exit. */
typedef int rh_verb_run(struct rh_cli *cli);

#define RH_VERB_WORDS_MAX 3

struct rh_verb {
	const char             *name;
	const char             *words;    /* "KIND NAME", after the options     */
	const char             *help;     /* one line, no full stop             */
	const char             *about;    /* a paragraph for VERB --help        */
	const struct rh_option *options;
	rh_verb_run            *run;
	size_t                  word_least;
	size_t                  word_most;
	enum rh_complete        complete[RH_VERB_WORDS_MAX]; /* by word          */
	bool                    is_local; /* needs no run or state directory     */
	bool                    is_raw;   /* gets argv unparsed: interface       */
};

/* Ends with an entry without a name. */
extern const struct rh_verb rh_verbs[];

/* The options that every verb takes; ends with an entry without a name. */
extern const struct rh_option rh_verb_common[];

/* NULL when there is no such verb. */
const struct rh_verb *rh_verb_find(const char *name);

/* The verb most like a mistyped name, or NULL. */
const struct rh_verb *rh_verb_guess(const char *name);

void rh_verb_print_list(FILE *file);
void rh_verb_print_help(const struct rh_verb *verb, FILE *file);
void rh_verb_print_usage(const struct rh_verb *verb, FILE *file);

rh_verb_run rh_verb_up, rh_verb_down, rh_verb_run_program, rh_verb_serve, rh_verb_restart, rh_verb_get,
	rh_verb_describe, rh_verb_apply, rh_verb_diff, rh_verb_delete, rh_verb_matrix, rh_verb_observe, rh_verb_explain,
	rh_verb_can_i, rh_verb_top, rh_verb_trace, rh_verb_watch, rh_verb_logs, rh_verb_interface,
	rh_verb_rollout, rh_verb_rule, rh_verb_doctor, rh_verb_completion, rh_verb_version, rh_verb_help;

#endif
