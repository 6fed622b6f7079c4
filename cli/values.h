/* values - the parameters of a traced call, in the words of its interface.
 *
 *   magic_file, handle magic_t|#3, path?|"/bin/ls", string
 *
 * A line of canonical text (docs/interface-text.md) says how the bytes that the SDK
 * packed (sdk/c/marshal.h) are to be read.  The bytes were written by a process that
 * may lie: what does not fit its line is shown as "?".
 *
 * Ownership   Everything is borrowed.
 * Threads     Pure. */
#ifndef RH_CLI_VALUES_H
#define RH_CLI_VALUES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The hash by which a call names the function of the line; 0 when it is no such
 * line. */
uint64_t rh_values_hash(const char *line);

/* Prints the line with the values of body in place of the names. */
void rh_values_print_args(FILE *file, const char *line, const void *body, size_t len);

/* Prints what came back: the result, then "name = value" of what was written
 * through pointers. */
void rh_values_print_reply(FILE *file, const char *line, const void *body, size_t len);

#endif
