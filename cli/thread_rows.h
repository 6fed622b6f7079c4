/* thread_rows - how the governed threads of a resource do, as the kernel tells.
 *
 * Which threads there are stands in the file that their agent writes (agent/governed.h);
 * the numbers are those of /proc, and of a thread that the carrier `fiber` runs those of its
 * runtime (fiber_rows.h).  What nobody tells is left out.
 *
 * Ownership   rh_thread_rows_free frees the list.
 * Threads     One; the threads go on meanwhile. */
#ifndef RH_CLI_THREAD_ROWS_H
#define RH_CLI_THREAD_ROWS_H

#include "../base/dirs.h"
#include "../base/fiber_layout.h"
#include "../base/sched.h"
#include "../base/threads.h"

#include <stdbool.h>

/* Who decided, at each switch of a program under `fiber`. */
struct rh_decisions {
	uint64_t all;
	uint64_t unruled;  /* first come first served; others: by the order of the rule */
	uint64_t failures; /* so often the rule was left aside                         */
};

/* What is told of a thread's place in the order (thread_order.h). */
enum rh_thread_order {
	RH_ORDER_UNTOLD,
	RH_ORDER_AHEAD, /* of the first of its queue: by vruntime, of the kernel's deadlines
	                   of the first of its program */
	RH_ORDER_DUE,   /* until its deadline; negative: since then */
};

struct rh_thread_row {
	pid_t                 pid;
	pid_t                 tid;
	bool                  is_fiber;   /* that carrier runs it                      */
	bool                  is_runtime; /* it is one of that carrier's own           */
	bool                  is_evicted; /* that carrier left it to the kernel        */
	char                  why[RH_STATS_WHY]; /* it did; "": nobody tells           */
	struct rh_decisions   decisions;  /* under `fiber`: of its program             */
	struct rh_thread_stat stat;
	struct rh_sched_attr  attr;       /* how it is scheduled now                   */
	char                  policy[RH_STATS_NAME]; /* under `fiber`: what orders it, and
	                                                attr has the numbers it is told */
	int                   err_no;     /* why the rule is not on it, or 0           */
	double                run_ns;
	double                wait_ns;    /* ready to run, and did not                 */
	long long             switches;
	bool                  has_vruntime;
	double                vruntime_ns; /* of the fair classes                      */
	double                deadline_ns; /* of a deadline, in the clock of who keeps it; <= 0 */
	enum rh_thread_order  order;
	double                order_ns;
};

struct rh_thread_rows {
	struct rh_thread_row *at;
	size_t                count;
	char                  rule[200];  /* "NAME POLICY CARRIER", or "- - -"         */
};

/* Of a thread that the carrier `fiber` runs state is Q (ready, another one runs), R, S, or D (in
 * the kernel), and cpu the carrier.
 * RH_ENOENT: no agent of it runs here, or it is one of before.  RH_ENOMEM. */
int rh_thread_rows_read(const struct rh_dirs *dirs, const char *resource,
                        struct rh_thread_rows *ret_rows);
void rh_thread_rows_free(struct rh_thread_rows *rows);

#endif
