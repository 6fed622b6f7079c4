/* tracing - steps of calls, heard from agents and put together.
 *
 * The agent of the caller tells of every call that leaves (steps 3, 4, 10, 11 of the
 * papers' Figure 11); the agents of its callees tell of the same calls (4, 5, 9, 10).
 * The steps inside the two processes (1, 2, 6, 7, 8, 12, 13, 14) are known from these
 * and are printed without a time.  A call is printed when its last step came.
 *
 * Ownership   The caller destroys it.
 * Threads     One; run blocks.
 * Limits      RH_TRACING_CALLS_MAX calls under way; what does not end by then is
 *             printed as far as it came. */
#ifndef RH_CLI_TRACING_H
#define RH_CLI_TRACING_H

#include "../model/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RH_TRACING_CALLS_MAX   64u
#define RH_TRACING_CALLEES_MAX 64u
#define RH_TRACING_BODY_MAX    4096u

struct rh_dirs;
struct rh_tracing;

struct rh_tracing *rh_tracing_create(const char *caller);
void rh_tracing_destroy(struct rh_tracing *tracing);

/* Listens to the agent of a callee too; text is the canonical text of its interface,
 * copied, or NULL.  RH_ENOSPC, RH_ENOMEM. */
int rh_tracing_add_callee(struct rh_tracing *tracing, const char *name,
                          const char *text);

/* Only calls to that one; NULL: to all.  Borrowed. */
void rh_tracing_limit_to(struct rh_tracing *tracing, const char *callee);

/* Connects to the agents; count 0: until it is stopped.
 * RH_EDETACHED  the agent of the caller does not run. */
int rh_tracing_start(struct rh_tracing *tracing, const struct rh_dirs *dirs,
                     uint32_t count, struct rh_diag *diag);

/* Prints calls until there were enough, or Ctrl-C, or the agent is gone.
 * RH_ELOST  it is gone; RH_EACCES it does not let this user trace. */
int rh_tracing_run(struct rh_tracing *tracing, FILE *out, bool has_color,
                   struct rh_diag *diag);

/* --- for tests: one step, as an agent tells it ----------------------------------------
 */

struct rh_tracing_step {
	uint32_t    step;
	bool        is_of_callee; /* its agent told it, not the caller's */
	uint64_t    time_ns;
	uint64_t    call;
	uint64_t    function;
	char        caller[64];
	char        callee[64];
	char        text[RH_DIAG_MAX];
	uint32_t    body_len;
	unsigned char body[RH_TRACING_BODY_MAX];
};

/* Prints the calls whose callee's agent has not told all of them yet; returns how
 * many. */
unsigned rh_tracing_flush(struct rh_tracing *tracing, FILE *out, bool has_color);

/* Takes the step, and prints the call when it was the last; returns how many calls
 * were printed. */
unsigned rh_tracing_take(struct rh_tracing *tracing, const struct rh_tracing_step *step,
                         FILE *out, bool has_color);

#endif
