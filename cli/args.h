/* args - the options and words behind a verb.
 *
 * A verb describes its options in a table; the parser, the help, the completion
 * and the man pages are all made from it.  Options may stand before, between and
 * after the words; "--" ends them.
 *
 * Ownership   Everything borrows from argv and the tables.
 * Limits      RH_ARGS_MAX options in one command. */
#ifndef RH_CLI_ARGS_H
#define RH_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#define RH_ARGS_MAX 64

struct rh_diag;

/* What completes the value of an option or a word of a verb. */
enum rh_complete {
	RH_COMPLETE_NOTHING,
	RH_COMPLETE_FILE,
	RH_COMPLETE_FORMAT,   /* json yaml name wide   */
	RH_COMPLETE_JSON,     /* json yaml             */
	RH_COMPLETE_LINES,    /* json table            */
	RH_COMPLETE_PLANE,    /* the planes of matrix  */
	RH_COMPLETE_KIND,     /* resources rules ...   */
	RH_COMPLETE_RESOURCE, /* asked from the center */
	RH_COMPLETE_VERB,
	RH_COMPLETE_COMMAND,  /* a program             */
	RH_COMPLETE_INTERFACE, /* new check build show */
	RH_COMPLETE_WATCHED,  /* kinds, or all         */
	RH_COMPLETE_ROLLOUT,  /* status history ...    */
	RH_COMPLETE_PROGRAM,  /* new record test ...   */
	RH_COMPLETE_RULE,     /* asked from the center */
	RH_COMPLETE_OBJECT,   /* of the kind before it */
	RH_COMPLETE_SHELL,
	RH_COMPLETE_COUNT
};

/* The last entry of a table has no name.  value is NULL for a flag. */
struct rh_option {
	const char      *name;     /* "file"                        */
	int              letter;   /* 'f', or 0                     */
	const char      *value;    /* "FILE", or NULL               */
	const char      *help;     /* "manifest, folder or - ..."   */
	enum rh_complete complete;
};

struct rh_given {
	const struct rh_option *option;
	const char             *value;
};

struct rh_args {
	struct rh_given given[RH_ARGS_MAX];
	size_t          given_count;
	char          **words;      /* ends with NULL */
	size_t          word_count;
};

/* Reads argv[1..argc) by the options of both tables; argv is reordered so that
 * the words come last.  With stop_early the first word ends the options.
 * RH_EINVAL  an option is unknown, lacks its value, or has one too many. */
int rh_args_parse(struct rh_args *ret_args, const struct rh_option *const tables[2],
                  char **argv, bool stop_early, struct rh_diag *diag);

/* The value of the last such option; "" for a flag; NULL when it was not given. */
const char *rh_args_value(const struct rh_args *args, const char *name);

bool rh_args_has(const struct rh_args *args, const char *name);

/* The last such option as its table has it, or NULL. */
const struct rh_option *rh_args_option(const struct rh_args *args, const char *name);

/* The value of the i-th such option, NULL past the last. */
const char *rh_args_nth(const struct rh_args *args, const char *name, size_t i);

/* A number in [least, most].
 * RH_ENOENT  the option was not given; *ret_number is untouched.
 * RH_EINVAL  it is not such a number. */
int rh_args_number(const struct rh_args *args, const char *name, long least, long most,
                   long *ret_number, struct rh_diag *diag);

#endif
