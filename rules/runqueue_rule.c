#include "runqueue_inner.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../model/check.h"
#include "hook.h"
#include "rule.h"

#include <string.h>

#define RETRY_PICKS 64u /* and one for each task */

/* By nice + 20: a tenth more or less of a processor each, as Linux has it. */
static const uint32_t weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
};

static uint32_t nice_index(int32_t nice)
{
	return nice < -20 ? 0 : nice > 19 ? 39 : (uint32_t)(nice + 20);
}

uint32_t rh_runqueue_weight(int32_t nice)
{
	return weights[nice_index(nice)];
}

/* ---- a rule that is asked, or not ---- */

static void order_by_arrival(struct rh_runqueue *queue)
{
	for (uint32_t i = 0; i < RH_RUNQUEUE_TREES; i++)
		rh_tree_init(&queue->trees[i], queue->nodes, RH_SCHED_TASKS);
	for (uint32_t task = 0; task < queue->top; task++) {
		if (queue->tasks[task].stats.state != RH_TASK_QUEUED ||
		    queue->tasks[task].queue == RH_RUNQUEUE_TREES)
			continue;
		queue->tasks[task].queue = 0;
		queue->nodes[task].key = 0;
		rh_tree_insert(&queue->trees[0], task);
	}
}

/* From now on first in first out. */
static void lose(struct rh_runqueue *queue)
{
	queue->buffer = NULL;
	queue->counters.failures++;
	queue->retry_at = queue->counters.picks + RETRY_PICKS + queue->nr;
	order_by_arrival(queue);
}

__attribute__((noinline, cold)) static int ask_timed(struct rh_runqueue *queue, unsigned slot,
                                                     uint64_t a, uint64_t b,
                                                     uint64_t *ret_value)
{
	uint64_t began_ns = rh_clock_ns();
	int      err = rh_rule_call(queue->rule, slot, a, b, ret_value);

	queue->asked = 0;
	rh_rule_took(queue->rule, (rh_clock_ns() - began_ns) * RH_RUNQUEUE_TIMED_EVERY);
	return err;
}

bool rh_runqueue_ask(struct rh_runqueue *queue, unsigned slot, uint64_t a, uint64_t b,
                     uint32_t *ret_value)
{
	uint64_t value;
	int      err;

	if (__builtin_expect(++queue->asked == RH_RUNQUEUE_TIMED_EVERY, 0))
		err = ask_timed(queue, slot, a, b, &value);
	else
		err = rh_rule_call(queue->rule, slot, a, b, &value);
	if (__builtin_expect(err < 0, 0)) {
		lose(queue);
		return false;
	}
	*ret_value = (uint32_t)value;
	return true;
}

void rh_runqueue_blame(struct rh_runqueue *queue, const char *why)
{
	rh_rule_blame(queue->rule, why);
	lose(queue);
}

/* ---- telling it everything ---- */

/* A rule that is told, and is not yet the one that orders. */
struct telling {
	struct rh_runqueue           *queue;
	struct rh_rule               *rule;
	struct rh_sched_buffer       *buffer;
	const struct rh_sched_buffer *former; /* NULL: nothing of it is handed over */
	struct rh_diag               *diag;
};

void rh_runqueue_describe(const struct rh_runqueue *queue, uint32_t task,
                          struct rh_sched_task *record)
{
	const struct rh_task_traits *traits = &queue->tasks[task].traits;

	record->nice = nice_index(traits->nice);
	record->weight = weights[record->nice];
	record->id = traits->id;
	record->cpu = queue->place.cpu;
	record->want_slice_ns = traits->slice_ns;
	record->want_runtime_ns = traits->runtime_ns;
	record->want_deadline_ns = traits->deadline_ns;
	record->want_period_ns = traits->period_ns;
}

static int call(struct telling *telling, unsigned slot, uint64_t a, uint64_t b,
                uint32_t *ret_value)
{
	uint64_t value = 0;

	if (rh_rule_has(telling->rule, slot) &&
	    rh_rule_call(telling->rule, slot, a, b, &value) < 0)
		return rh_diag_set(telling->diag, RH_ERULE, "%.200s", rh_rule_why(telling->rule));
	*ret_value = (uint32_t)value;
	return RH_OK;
}

static void begin_telling(struct telling *telling)
{
	const struct rh_runqueue *queue = telling->queue;
	struct rh_sched_buffer   *buffer = telling->buffer;

	buffer->now_ns = queue->now;
	buffer->tick_ns = queue->place.tick_ns;
	buffer->cpu = queue->place.cpu;
	buffer->cpus = queue->place.cpus;
	buffer->current = RH_SCHED_NONE;
	buffer->nr = 0;
	buffer->weight_sum = 0;
	buffer->ripe = 0;
	buffer->vclock = telling->former ? telling->former->vclock : 0;
	memset(buffer->least, 0xff, sizeof buffer->least);
}

static int tell_of(struct telling *telling, uint32_t task)
{
	struct rh_sched_task *record = &telling->buffer->tasks[task];
	uint32_t              refused = 0;
	int                   err;

	*record = (struct rh_sched_task){ 0 };
	rh_runqueue_describe(telling->queue, task, record);
	if (telling->former) {
		record->vruntime = telling->former->tasks[task].vruntime;
		record->deadline = telling->former->tasks[task].deadline;
	}
	err = call(telling, RH_SLOT_SCHED_ENABLE, task, 0, &refused);
	if (err == RH_OK && refused)
		return rh_diag_set(telling->diag, RH_EINVAL, "the rule does not take a task "
		                   "(rh_sched_enable said %d)", (int32_t)refused);
	return err;
}

/* A runnable one, as if it came to those that were told before. */
static int order(struct telling *telling, uint32_t task)
{
	struct rh_runqueue_task *at = &telling->queue->tasks[task];
	struct rh_sched_buffer  *buffer = telling->buffer;
	struct rh_sched_task    *record = &buffer->tasks[task];
	uint32_t                 value;
	int                      err;

	buffer->nr++;
	buffer->weight_sum += record->weight;
	record->state = at->stats.state == RH_TASK_RUNNING ? RH_SCHED_RUNNING
	                                                   : RH_SCHED_QUEUED;
	err = call(telling, RH_SLOT_SCHED_ENQUEUE, task, RH_SCHED_SWAP, &value);
	if (err < 0)
		return err;
	if (record->queue > RH_SCHED_LATER) {
		rh_rule_blame(telling->rule, "rh_sched_enqueue named a queue that there is not");
		return rh_diag_set(telling->diag, RH_ERULE, "%.200s", rh_rule_why(telling->rule));
	}
	at->said_queue = record->queue;
	at->said_key = record->key;
	if (record->state == RH_SCHED_QUEUED && record->key < buffer->least[record->queue])
		buffer->least[record->queue] = record->key;
	return RH_OK;
}

static int resume(struct telling *telling, uint32_t task)
{
	uint32_t value;

	telling->buffer->current = task;
	return call(telling, RH_SLOT_SCHED_RUNNING, task, 0, &value);
}

static int tell(struct telling *telling)
{
	const struct rh_runqueue *queue = telling->queue;
	int                       err = RH_OK;

	telling->buffer = rh_rule_buffer(telling->rule);
	if (!telling->buffer)
		return rh_diag_set(telling->diag, RH_ERULE, "%.200s", rh_rule_why(telling->rule));
	begin_telling(telling);
	for (uint32_t task = 0; err == RH_OK && task < queue->top; task++) {
		enum rh_task_state state = queue->tasks[task].stats.state;

		if (state != RH_TASK_ABSENT)
			err = tell_of(telling, task);
		if (err == RH_OK && (state == RH_TASK_QUEUED || state == RH_TASK_RUNNING))
			err = order(telling, task);
	}
	if (err == RH_OK && queue->current != RH_SCHED_NONE)
		err = resume(telling, queue->current);
	return err;
}

/* Its order is the one in force, and of the same keys the one that was. */
static void adopt(struct telling *telling)
{
	struct rh_runqueue *queue = telling->queue;

	queue->rule = telling->rule;
	queue->buffer = telling->buffer;
	queue->has = 0;
	for (unsigned slot = RH_SLOT_SCHED_ENABLE; slot <= RH_SLOT_SCHED_WAKEUP; slot++)
		queue->has |= (uint32_t)rh_rule_has(queue->rule, slot) << slot;
	for (uint32_t i = 0; i < RH_RUNQUEUE_TREES; i++)
		rh_tree_init(&queue->trees[i], queue->nodes, RH_SCHED_TASKS);
	for (uint32_t task = 0; task < queue->top; task++) {
		struct rh_runqueue_task *at = &queue->tasks[task];

		if (at->stats.state != RH_TASK_QUEUED)
			continue;
		at->queue = at->said_queue;
		queue->nodes[task].key = at->said_key;
		rh_tree_insert(&queue->trees[at->queue], task);
	}
}

void rh_runqueue_retry(struct rh_runqueue *queue)
{
	struct telling telling = { .queue = queue, .rule = queue->rule };

	if (!queue->rule || queue->counters.picks < queue->retry_at)
		return;
	if (tell(&telling) < 0)
		lose(queue);
	else
		adopt(&telling);
}

/* ---- another rule ---- */

static uint64_t failures_of(const struct rh_rule *rule)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < RH_FAILURES; i++)
		sum += rh_rule_counters(rule)->failures[i];
	return sum;
}

/* What both have beside the tasks.  The former one may fail over it, and is lost then; so
 * may the new one, which begins without. */
static void hand_over(struct rh_runqueue *queue, struct rh_rule *rule)
{
	uint64_t failed = failures_of(queue->rule);

	rh_rule_swap(queue->rule, rule, NULL);
	if (failures_of(queue->rule) != failed)
		lose(queue);
}

/* Nobody asks for the answers of one that goes. */
static void dismiss(struct rh_runqueue *queue)
{
	uint64_t value;

	for (uint32_t task = 0; task < queue->top; task++) {
		if (queue->tasks[task].stats.state != RH_TASK_ABSENT &&
		    rh_rule_call(queue->rule, RH_SLOT_SCHED_DISABLE, task, 0, &value) < 0)
			return;
	}
}

/* The rule counts what the one that runs has had.  When it does not go after all, it is as
 * if that one had been picked again. */
static void settle(struct rh_runqueue *queue)
{
	uint32_t value;

	if (queue->current == RH_SCHED_NONE)
		return;
	if (rh_runqueue_has(queue, RH_SLOT_SCHED_STOPPING))
		rh_runqueue_ask(queue, RH_SLOT_SCHED_STOPPING, queue->current, 1, &value);
	queue->tasks[queue->current].stats.run_ns += queue->now - queue->counted_ns;
	queue->counted_ns = queue->now;
	if (queue->buffer)
		queue->buffer->tasks[queue->current].ran_ns = 0;
}

static void unsettle(struct rh_runqueue *queue)
{
	uint32_t value;

	if (queue->current == RH_SCHED_NONE || !queue->buffer)
		return;
	if (rh_runqueue_ask(queue, RH_SLOT_SCHED_ENQUEUE, queue->current, RH_SCHED_PREEMPT,
	                    &value) && rh_runqueue_has(queue, RH_SLOT_SCHED_RUNNING))
		rh_runqueue_ask(queue, RH_SLOT_SCHED_RUNNING, queue->current, 0, &value);
}

int rh_runqueue_exchange(struct rh_runqueue *queue, struct rh_rule *rule,
                         uint64_t generation, uint64_t now_ns, struct rh_diag *diag)
{
	struct telling telling = { .queue = queue, .rule = rule, .diag = diag };
	int            err;

	RH_CHECK(!rule || generation);
	rh_runqueue_begin(queue, now_ns);
	settle(queue);
	if (queue->buffer && rule && rule != queue->rule)
		hand_over(queue, rule);
	telling.former = rule != queue->rule ? queue->buffer : NULL;
	err = rule ? tell(&telling) : RH_OK;
	if (err < 0) {
		unsettle(queue);
		return err;
	}
	if (rh_runqueue_has(queue, RH_SLOT_SCHED_DISABLE) && rule != queue->rule)
		dismiss(queue);
	queue->generation = generation;
	if (rule) {
		adopt(&telling);
	} else {
		queue->rule = NULL;
		queue->buffer = NULL;
		order_by_arrival(queue);
	}
	if (queue->current != RH_SCHED_NONE)
		rh_runqueue_take_slice(queue);
	return RH_OK;
}

bool rh_runqueue_is_ruled(const struct rh_runqueue *queue)
{
	return queue->buffer != NULL;
}

const struct rh_runqueue_counters *rh_runqueue_counters(const struct rh_runqueue *queue)
{
	return &queue->counters;
}
