/* preload - can the carrier `fiber` be put into a program?
 *
 * Its runtime is a library in front of the others (LD_PRELOAD): it needs a program that the
 * dynamic loader starts, or a script whose interpreter is one, and that is not one of Go.
 *
 * Threads     One. */
#ifndef RH_CLI_PRELOAD_H
#define RH_CLI_PRELOAD_H

#include "../model/error.h"

#include <limits.h>

/* The path of a program as execvp would find it.  RH_ENOENT. */
int rh_preload_program(const char *name, char path[PATH_MAX]);

/* What the program at path is or has, so that the loader puts nothing in front of it for
 * this user ("is set-user-id"), constant; NULL: nothing of that kind. */
const char *rh_preload_privilege(const char *path);

/* RH_ENOCARRY: the program at path is none for it; why says so. */
int rh_preload_check(const char *path, struct rh_diag *why);

/* The absolute path of the runtime.  RH_ENOENT: it is not installed; why says so. */
int rh_preload_library(char path[PATH_MAX], struct rh_diag *why);

/* Puts it in front in the environment of this process. */
void rh_preload_enter(const char *library);

#endif
