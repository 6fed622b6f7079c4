/* languages - programs of other languages: how one that serves is started.
 *
 * What a language needs at run time lies in one folder, sdk/<language> of the build tree
 * or lib/rhodes/<language> of an installation.
 *
 * Ownership   As noted. */
#ifndef RH_CLI_LANGUAGES_H
#define RH_CLI_LANGUAGES_H

#include "cli.h"

/* Whether a file can serve: one of a language is readable, any other a program, of a path
 * or found in PATH.  Returns an enum rh_exit; tells on err why not. */
int rh_languages_check(struct rh_cli *cli, const char *file);

/* The command that serves words[0], a file, with the words behind it as arguments:
 *
 *   FILE.py                 python3 -m rhodes.serve FILE ...
 *   FILE.class, FILE.jar    java -cp ... rhodes.Serve FILE ...
 *   FILE.js .cjs .mjs       node .../serve.js FILE ...
 *   any other               FILE ...
 *
 * and sets what it needs in the environment.  The caller frees *ret_argv, not the words.
 * Returns an enum rh_exit; tells on err. */
int rh_languages_serve(struct rh_cli *cli, char *const *words, char ***ret_argv);

/* Sets in the environment what lets unmodified programs of these languages call resources
 * (interceptors/).  What is not installed is left out. */
void rh_languages_enter(void);

/* The command with what its interpreter must be told by an argument, which the command
 * `java` is: its agent.  Returns argv itself, or one that lives as long as the process. */
char **rh_languages_command(char **argv);

#endif
