/* sched_tracing - follows what happens to the threads of a resource's programs that run under
 * the carrier `fiber`.
 *
 * While it is connected to the agent of the resource, that has programs write down what
 * happens, in the block that they share (base/fiber_block.h), and it is read there: nobody
 * waits for it.  Programs that come later are found in what the agent writes down
 * (agent/governed.h).
 *
 * Ownership   The caller destroys it.
 * Threads     One; run blocks.
 * Limits      RH_SCHED_TRACING_MAX programs; what is overwritten before it is read is
 *             counted, and told. */
#ifndef RH_CLI_SCHED_TRACING_H
#define RH_CLI_SCHED_TRACING_H

#include "../base/dirs.h"
#include "../model/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RH_SCHED_TRACING_MAX 64u

struct rh_sched_tracing;

/* dirs and resource are borrowed. */
struct rh_sched_tracing *rh_sched_tracing_create(const struct rh_dirs *dirs,
                                                 const char *resource);
void rh_sched_tracing_destroy(struct rh_sched_tracing *tracing);

/* RH_EDETACHED  its agent does not run.
 * RH_ENOSYS     all programs that it has are scheduled by the kernel. */
int rh_sched_tracing_start(struct rh_sched_tracing *tracing, struct rh_diag *diag);

/* Prints events until there were count (0: no end), or Ctrl-C, or nobody reads.
 * RH_ELOST  the agent is gone; RH_EACCES, RH_ENOSPC it does not want us. */
int rh_sched_tracing_run(struct rh_sched_tracing *tracing, uint32_t count, FILE *out,
                         FILE *err, bool has_color, struct rh_diag *diag);

#endif
