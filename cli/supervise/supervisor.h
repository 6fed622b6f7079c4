/* supervisor - a whole system under one process: center, manifests, agents,
 * instances; and a crew alone, for `rhodes serve`.
 *
 *   CENTER --center ready--> APPLY --applied--> RUN --stop--> STOP
 *      |                       |                               ^
 *      +-------- failed -------+-------------------------------+
 *
 * In RUN the plan that the center sends is followed; in STOP the instances end
 * first, then the agents, then the center, then what their children left.
 *
 * Ownership   Everything in the options is borrowed until run returns.
 * Threads     One, and it must be the main thread (spawn.h). */
#ifndef RH_SUPERVISE_SUPERVISOR_H
#define RH_SUPERVISE_SUPERVISOR_H

#include "plan.h"

#include "../../base/dirs.h"

#include <stdbool.h>
#include <stddef.h>

struct rh_supervise {
	const struct rh_dirs *dirs;
	const char           *center;       /* rhodes-center; NULL: only plan   */
	const char           *tcp;          /* where else it answers, or NULL   */
	const char           *agent;        /* rhodes-agent                     */
	const char           *bpf;          /* rhodes-bpf; NULL: no mode ebpf   */
	unsigned              pool;         /* agents a process; 0: one         */
	const char           *self;         /* this program                     */
	char *const          *apply;        /* argv that applies, or NULL       */
	char *const          *observe;      /* argv that observes, or NULL      */
	const struct rh_plan *plan;         /* without a center                 */
	int                   screen;       /* where lines are shown, or -1     */
	bool                  has_color;
	int                   notify;       /* told when ready, or -1           */
	unsigned              timeout_ms;   /* to become ready; 0 for ever      */
};

/* Runs until it is stopped; returns an enum rh_exit.  What it has to say before the
 * journal is open goes to standard error. */
int rh_supervise_run(const struct rh_supervise *options);

#endif
