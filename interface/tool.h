/* tool - runs a program and waits: the compiler, ar, dpkg-query.
 *
 * Nothing goes through a shell.  Standard output and error of the program are
 * read together, as much as fits; the rest is read and dropped.
 *
 * Threads     Any. */
#ifndef RH_INTERFACE_TOOL_H
#define RH_INTERFACE_TOOL_H

#include "../model/error.h"

#include <stdbool.h>
#include <stddef.h>

/* argv[0] is looked up in PATH.  Writes what the program said, with a NUL, to
 * text (NULL: drop it).  with_errors: standard error too.
 * RH_ENOENT  there is no such program.
 * RH_EIO     it could not be started, was killed, or exited with a failure. */
int rh_tool_run(const char *const *argv, bool with_errors, char *text, size_t cap);

#endif
