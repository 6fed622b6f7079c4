/* process - what /proc and a socket say of a process.
 *
 * A process that is gone, or of another user, has nothing to say: 0, or -1. */
#ifndef RH_CLI_DOCTOR_PROCESS_H
#define RH_CLI_DOCTOR_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* The process that listens on a Unix socket of that type, found by connecting; 0 when
 * nobody does.  *ret_errno says why. */
pid_t rh_process_listener(const char *path, int type, int *ret_errno);

/* SIGSTOP, or a debugger. */
bool rh_process_is_stopped(pid_t pid);

/* The file that it was started from is no longer the one of that name; path gets the
 * name. */
bool rh_process_is_outdated(pid_t pid, char path[PATH_MAX]);

/* It was started with that word, or with the word, = and something. */
bool rh_process_has_word(pid_t pid, const char *word);

/* How many descriptors it has open and may have; false when that cannot be read. */
bool rh_process_files(pid_t pid, long *ret_open, long *ret_limit);

#endif
