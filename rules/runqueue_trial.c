#include "runqueue_inner.h"

#include "../base/diag.h"
#include "rule.h"

#define ONE     0u
#define OTHER   1u
#define STEP_NS 1000000u

/* One wakes up, and the other while it runs; one is preempted, and both sleep again. */
static void live(struct rh_runqueue *queue, uint64_t *now,
                 const struct rh_task_traits *traits)
{
	rh_runqueue_wake(queue, ONE, *now += STEP_NS);
	rh_runqueue_pick(queue, *now);
	rh_runqueue_wake(queue, OTHER, *now += STEP_NS);
	rh_runqueue_tick(queue, *now);
	rh_runqueue_change(queue, ONE, traits, *now);
	rh_runqueue_stop(queue, RH_STOP_PREEMPT, *now += STEP_NS);
	for (int i = 0; i < 2; i++) {
		rh_runqueue_pick(queue, *now);
		rh_runqueue_stop(queue, RH_STOP_BLOCK, *now += STEP_NS);
	}
}

int rh_runqueue_try(struct rh_rule *rule, const struct rh_task_traits *traits,
                    struct rh_diag *diag)
{
	const struct rh_runqueue_place place = { .cpu = 0, .cpus = 1 };
	struct rh_runqueue            *queue;
	uint64_t                       now = STEP_NS;
	int                            err;

	err = rh_runqueue_create(&place, rule, 1, &queue, diag);
	if (err < 0)
		return err;
	rh_runqueue_add(queue, ONE, traits, now);
	rh_runqueue_add(queue, OTHER, traits, now);
	if (rh_runqueue_is_ruled(queue)) { /* else it takes no such tasks, but may take others */
		live(queue, &now, traits);
		live(queue, &now, traits);
		rh_runqueue_remove(queue, ONE, now);
		if (rh_runqueue_counters(queue)->failures)
			err = rh_diag_set(diag, RH_ERULE, "%.200s", rh_rule_why(rule));
	}
	rh_runqueue_destroy(queue);
	return err;
}
