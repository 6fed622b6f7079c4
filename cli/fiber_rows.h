/* fiber_rows - what the carrier `fiber` tells of the threads that it runs, in the memory
 * that it shares (base/fiber_layout.h).
 *
 * Ownership   Nothing is kept.
 * Threads     One; the program goes on meanwhile, each number is whole. */
#ifndef RH_CLI_FIBER_ROWS_H
#define RH_CLI_FIBER_ROWS_H

#include "thread_rows.h"

/* Puts what the runtime of that process says into the rows, all of which are of it.
 * RH_ENOENT: it has none, or its memory may not be read. */
int rh_fiber_rows_put(pid_t pid, struct rh_thread_row *rows, size_t count);

/* The same, of what was read. */
void rh_fiber_rows_put_of(const struct rh_stats *stats, struct rh_thread_row *rows,
                          size_t count);

#endif
