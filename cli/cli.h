/* cli - what every verb is given, and how a command ends.
 *
 * main reads the words, finds the verb in the table of verb.h, fills a struct
 * rh_cli and calls the verb; the verb writes results to out, everything else to
 * err, and returns an exit code.
 *
 * Ownership   main owns the struct; a verb borrows it until it returns.
 * Threads     One. */
#ifndef RH_CLI_CLI_H
#define RH_CLI_CLI_H

#include "args.h"

#include "../base/dirs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Documented in rhodes(1); scripts rely on them. */
enum rh_exit {
	RH_EXIT_OK        = 0,
	RH_EXIT_REFUSED   = 1,   /* an error, a refusal, or the answer "no"     */
	RH_EXIT_USAGE     = 2,   /* the command itself was wrong                */
	RH_EXIT_DOWN      = 3,   /* no system of that name is running           */
	RH_EXIT_NOT_FOUND = 4,   /* no such object                              */
	RH_EXIT_CONFLICT  = 5,   /* changed since, in use, or running already   */
	RH_EXIT_NO_EXEC   = 126, /* run: the program cannot be executed         */
	RH_EXIT_NO_FILE   = 127, /* run: the program was not found              */
};

struct rh_http;
struct rh_verb;

struct rh_cli {
	const struct rh_verb *verb;
	struct rh_args        args;
	struct rh_dirs        dirs;
	struct rh_http       *http;  /* NULL until the center was asked */
	FILE                 *out;
	FILE                 *err;
	bool                  has_color; /* out is a terminal that shows colours */
	uint64_t              wait_until; /* ns; a center that is away is awaited till
	                                     then, 0: not at all (wait.h)            */
	int                   wait_watch; /* tells that something came, or -1        */
	bool                  is_recalling; /* known.h: was told of                  */
};

/* Prints "rhodes VERB: text" on err and returns exit. */
int rh_cli_fail(const struct rh_cli *cli, int exit, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints the text, how the verb is used, and returns RH_EXIT_USAGE. */
int rh_cli_usage(const struct rh_cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit code that belongs to an error code (RH_E...). */
int rh_cli_exit_of(int err);

#endif
