/* runqueue - the runnable tasks of one processor, in the order that a rule of hook
 * `sched` says.
 *
 * A task is a thread that somebody makes run: a carrier.  The carrier says what happens to
 * it, and when; the run queue says who runs next, for how long, and when it has run
 * enough.  What time it is the carrier says, too: the same events give the same order.
 *
 *                        wake                 pick
 *      add -> BLOCKED ---------->  QUEUED  ---------->  RUNNING
 *                ^                    ^                    |
 *                |                    +---- PREEMPT, YIELD +
 *                +------------------------------- BLOCK ---+
 *
 * A task's number is the carrier's, below RH_SCHED_TASKS; it is the same in all run queues
 * of a program, in one of which the task is: take and put move it.  One rule is in one run
 * queue: more processors have more instances of it.
 *
 * A rule that fails, or says what makes no sense, is blamed for it (rule.h), and until it
 * was told everything anew all tasks run first in first out, each for
 * RH_RUNQUEUE_SLICE_NS: that is tried after as many picks as there are tasks, and some.
 * Without a rule it is the same.  No task is ever lost to a rule.
 *
 * Ownership  The rule outlives the run queue, or leaves it by an exchange.
 * Threads    One at a time, whichever: the carrier has a lock for each run queue, and
 *            none of these functions needs two of them.
 * Limits     Nothing is allocated but in create, by a rule's new instance, and by the
 *            first call of a rule in WebAssembly by a thread. */
#ifndef RH_RULES_RUNQUEUE_H
#define RH_RULES_RUNQUEUE_H

#include <rhodes/hook/sched_layout.h>
#include <stdbool.h>

struct rh_diag;
struct rh_rule;
struct rh_runqueue;

#define RH_RUNQUEUE_SLICE_NS     4000000u /* without a rule */
#define RH_RUNQUEUE_SLICE_MAX_NS 10000000000u

/* What is asked for a task. */
struct rh_task_traits {
	int32_t  nice; /* -20 to 19 */
	uint32_t id;   /* which thread it is, for the rule and for people */
	uint64_t slice_ns, runtime_ns, deadline_ns, period_ns; /* 0: nothing is */
};

enum rh_task_state { RH_TASK_ABSENT, RH_TASK_BLOCKED, RH_TASK_QUEUED, RH_TASK_RUNNING };

/* What became of it. */
struct rh_task_stats {
	enum rh_task_state state;
	uint64_t           since_ns; /* it is in that state */
	uint64_t           run_ns, wait_ns, wait_max_ns; /* without what `since` begins */
	uint64_t           switches, preemptions, wakeups, moves;
	uint64_t           vruntime, deadline; /* as the rule has them, or 0 */
};

/* Questions to a rule: so often one is timed.  What it is asked comes in turns of a few, so that
 * a power of two would always meet the same question. */
#define RH_RUNQUEUE_TIMED_EVERY 251u

struct rh_runqueue_counters {
	uint64_t picks;    /* that gave a task */
	uint64_t ruled;    /* of them, by the order of the rule */
	uint64_t failures; /* of the rule: so often it was not asked any more */
};

struct rh_runqueue_place {
	uint32_t cpu, cpus;
	uint64_t tick_ns; /* how exactly the carrier can end a slice, or 0 */
};

/* A task between two run queues. */
struct rh_task_moved {
	struct rh_task_traits traits;
	struct rh_task_stats  stats;
	struct rh_sched_task  record;
	uint64_t              generation; /* of the rule that wrote the record; 0: none did */
	bool                  is_new;     /* it never ran */
};

/* rule: NULL without.  RH_ENOMEM, or what rh_runqueue_exchange says. */
int  rh_runqueue_create(const struct rh_runqueue_place *place, struct rh_rule *rule,
                        uint64_t generation, struct rh_runqueue **ret_queue,
                        struct rh_diag *diag);
void rh_runqueue_destroy(struct rh_runqueue *queue);

/* ---- tasks ---- */

/* A task that is blocked yet.
 * RH_EINVAL  the number is too large, or there is one of that number. */
int rh_runqueue_add(struct rh_runqueue *queue, uint32_t task,
                    const struct rh_task_traits *traits, uint64_t now_ns);

/* It ended, in whatever state it was. */
void rh_runqueue_remove(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns);

/* Something else is asked for it, in whatever state it is. */
void rh_runqueue_change(struct rh_runqueue *queue, uint32_t task,
                        const struct rh_task_traits *traits, uint64_t now_ns);

const struct rh_task_traits *rh_runqueue_traits(const struct rh_runqueue *queue,
                                                uint32_t task);
void rh_runqueue_stats(const struct rh_runqueue *queue, uint32_t task,
                       struct rh_task_stats *ret);

/* ---- what happens ---- */

/* A blocked task is runnable.  True: it should run instead of the one that does. */
bool rh_runqueue_wake(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns);

/* Who runs now, when nobody does.  RH_SCHED_NONE: there is none. */
uint32_t rh_runqueue_pick(struct rh_runqueue *queue, uint64_t now_ns);

enum rh_runqueue_stop { RH_STOP_PREEMPT, RH_STOP_YIELD, RH_STOP_BLOCK };

/* The one that runs does not any more. */
void rh_runqueue_stop(struct rh_runqueue *queue, enum rh_runqueue_stop how,
                      uint64_t now_ns);

/* Time went by.  True: who runs has run enough, and is to be stopped. */
bool rh_runqueue_tick(struct rh_runqueue *queue, uint64_t now_ns);

/* For how long the one that runs may run, from when it was picked. */
uint64_t rh_runqueue_slice(const struct rh_runqueue *queue);

uint32_t rh_runqueue_current(const struct rh_runqueue *queue); /* or RH_SCHED_NONE */
uint32_t rh_runqueue_waiting(const struct rh_runqueue *queue); /* how many are QUEUED */

/* ---- more than one processor ---- */

/* By weight: of all that are QUEUED or RUNNING, and of one. */
uint64_t rh_runqueue_load(const struct rh_runqueue *queue);
uint32_t rh_runqueue_load_of(const struct rh_runqueue *queue, uint32_t task);

/* Where a blocked task of this run queue should wake up; idle: a bit for each of the
 * first 64 processors that has nothing to do.  Without a word of the rule: where it was
 * if that is idle, else the first idle one, else where it was. */
uint32_t rh_runqueue_select(struct rh_runqueue *queue, uint32_t task, uint64_t idle,
                            uint64_t now_ns);

/* The one that would run next, which is worth stealing; or RH_SCHED_NONE. */
uint32_t rh_runqueue_first(const struct rh_runqueue *queue);

/* Takes out a blocked or a queued task. */
void rh_runqueue_take(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns,
                      struct rh_task_moved *ret);

/* Puts it in, where it is runnable.  True: it should run instead of the one that does. */
bool rh_runqueue_put(struct rh_runqueue *queue, uint32_t task,
                     const struct rh_task_moved *moved, uint64_t now_ns);

/* ---- the rule ---- */

/* Goes on with another rule, or none.  It gets what the former one can hand over
 * (rh_rule_swap), is told of each task, and orders those that are runnable; the one that
 * runs goes on, with the slice that the new rule says.  A former rule that is not lost is told that it lost its tasks.
 * generation: not 0, and the same for the instances of one rule in all run queues.
 * RH_EINVAL, RH_ERULE: it refuses or fails, diag says how; the former one stays. */
int rh_runqueue_exchange(struct rh_runqueue *queue, struct rh_rule *rule,
                         uint64_t generation, uint64_t now_ns, struct rh_diag *diag);

/* Before an exchange: has an instance of the rule, which is for nothing else then, order two
 * tasks that wake up, run, are preempted and sleep, twice.
 * RH_ERULE  it failed, or said what makes no sense: diag says what.  RH_ENOMEM. */
int rh_runqueue_try(struct rh_rule *rule, const struct rh_task_traits *traits,
                    struct rh_diag *diag);

/* Does the rule order the tasks?  False: there is none, or it failed. */
bool rh_runqueue_is_ruled(const struct rh_runqueue *queue);

const struct rh_runqueue_counters *rh_runqueue_counters(const struct rh_runqueue *queue);

#endif
