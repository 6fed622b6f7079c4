/* sched_fixture - one processor whose time is a number: tasks that compute and sleep as
 * they are told, in the order of a run queue. */
#ifndef SCHED_FIXTURE_H
#define SCHED_FIXTURE_H

#include "../../rules/rule.h"
#include "../../rules/runqueue.h"

#define SCHED_MS    1000000ull
#define SCHED_TASKS 16u

struct sched_task {
	struct rh_task_traits traits;
	uint64_t work_ns;  /* that it does before it sleeps; 0: it never sleeps */
	uint64_t sleep_ns; /* then; 0: until its next period begins */
	uint64_t start_ns; /* it comes then */
	bool     yields;   /* instead of sleeping */

	/* What became of it. */
	bool     is_here;
	uint64_t wakes_at, left_ns, began_ns; /* its job */
	unsigned jobs, late; /* late: behind its deadline, or period */
	uint64_t latency_max_ns; /* from waking up until it ran */
	bool     has_run;        /* since it woke up */
};

struct sched_stand {
	struct rh_runqueue *queue;
	struct sched_task   tasks[SCHED_TASKS];
	uint32_t            count;
	uint64_t            now_ns, ticks_at, idle_ns;
};

/* The built-in rule of that name, which is in the stand's run queue then; NULL: none. */
struct rh_rule *sched_begin(struct sched_stand *stand, const char *name);
struct rh_rule *sched_builtin(const char *name, const struct rh_rule_param *params,
                                unsigned count);
void sched_end(struct sched_stand *stand, struct rh_rule *rule);

struct sched_task *sched_add(struct sched_stand *stand, int32_t nice, uint64_t work_ns,
                               uint64_t sleep_ns);

/* Goes on for so long. */
void sched_run(struct sched_stand *stand, uint64_t ns);

/* Another rule, or none; whoever runs goes on, and as many wait. */
void sched_exchange(struct sched_stand *stand, struct rh_rule *rule, uint64_t generation);

uint64_t sched_ran(const struct sched_stand *stand, uint32_t task);
struct rh_task_stats sched_stats(const struct sched_stand *stand, uint32_t task);

#endif
