#include "runqueue_inner.h"

#include "../base/diag.h"
#include "../base/lines.h"
#include "../model/check.h"

#include <string.h>

/* ---- queues ---- */

static inline void show_least(struct rh_runqueue *queue, uint32_t at)
{
	const struct rh_tree *tree = &queue->trees[at];

	if (queue->buffer)
		queue->buffer->least[at] = tree->count ? tree->nodes[tree->first].key : UINT64_MAX;
}

void rh_runqueue_insert(struct rh_runqueue *queue, uint32_t task, uint32_t into,
                        uint64_t key)
{
	queue->tasks[task].queue = into;
	queue->nodes[task].key = key;
	queue->nodes[task].order = ++queue->order;
	rh_tree_insert(&queue->trees[into], task);
	show_least(queue, into);
}

void rh_runqueue_extract(struct rh_runqueue *queue, uint32_t task)
{
	uint32_t from = queue->tasks[task].queue;

	rh_tree_remove(&queue->trees[from], task);
	queue->tasks[task].queue = RH_RUNQUEUE_TREES;
	show_least(queue, from);
}

/* Those whose time has come. */
static void ripen(struct rh_runqueue *queue)
{
	struct rh_tree *later = &queue->trees[RH_SCHED_LATER];

	while (queue->buffer && later->count &&
	       later->nodes[later->first].key <= queue->buffer->ripe) {
		uint32_t task = later->first;

		rh_runqueue_extract(queue, task);
		rh_runqueue_insert(queue, task, 0, queue->buffer->tasks[task].next_key);
	}
}

static uint32_t first_queue(const struct rh_runqueue *queue)
{
	for (uint32_t i = 0; i < RH_RUNQUEUE_TREES; i++)
		if (queue->trees[i].count)
			return i;
	return RH_RUNQUEUE_TREES;
}

/* ---- moments ---- */

static inline void enter(struct rh_runqueue *queue, uint32_t task,
                         enum rh_task_state state)
{
	static const uint8_t told[] = {
		[RH_TASK_BLOCKED] = RH_SCHED_BLOCKED, [RH_TASK_QUEUED] = RH_SCHED_QUEUED,
		[RH_TASK_RUNNING] = RH_SCHED_RUNNING,
	};

	queue->tasks[task].stats.state = state;
	queue->tasks[task].stats.since_ns = queue->now;
	if (queue->buffer)
		queue->buffer->tasks[task].state = told[state];
}

/* How long it was in its state. */
static inline uint64_t elapsed(const struct rh_runqueue *queue, uint32_t task)
{
	return queue->now - queue->tasks[task].stats.since_ns;
}

static void count_wait(struct rh_runqueue *queue, uint32_t task)
{
	struct rh_task_stats *stats = &queue->tasks[task].stats;
	uint64_t              waited = elapsed(queue, task);

	stats->wait_ns += waited;
	if (waited > stats->wait_max_ns)
		stats->wait_max_ns = waited;
}

static void count_in(struct rh_runqueue *queue, uint32_t task)
{
	queue->nr++;
	queue->weight_sum += rh_runqueue_weight(queue->tasks[task].traits.nice);
	rh_runqueue_publish(queue);
}

static void count_out(struct rh_runqueue *queue, uint32_t task)
{
	queue->nr--;
	queue->weight_sum -= rh_runqueue_weight(queue->tasks[task].traits.nice);
	rh_runqueue_publish(queue);
}

static struct rh_runqueue_task *task_at(struct rh_runqueue *queue, uint32_t task)
{
	RH_CHECK(task < RH_SCHED_TASKS && queue->tasks[task].stats.state != RH_TASK_ABSENT);
	return &queue->tasks[task];
}

/* ---- what the rule says of one ---- */

/* Where the rule wants it; with none at the end of the first queue. */
static void place(struct rh_runqueue *queue, uint32_t task, uint32_t why)
{
	uint32_t value, into = 0;
	uint64_t key = 0;

	if (queue->buffer && rh_runqueue_ask(queue, RH_SLOT_SCHED_ENQUEUE, task, why, &value)) {
		into = queue->buffer->tasks[task].queue;
		key = queue->buffer->tasks[task].key;
		if (into > RH_SCHED_LATER) {
			rh_runqueue_blame(queue, "rh_sched_enqueue named a queue that there is not");
			into = 0, key = 0;
		}
	}
	rh_runqueue_insert(queue, task, into, key);
}

/* May one that came take the place of the one that runs? */
static bool is_ahead(struct rh_runqueue *queue, uint32_t task)
{
	uint32_t value = 0;

	if (queue->current == RH_SCHED_NONE || !rh_runqueue_has(queue, RH_SLOT_SCHED_WAKEUP))
		return false;
	if (rh_runqueue_ask(queue, RH_SLOT_SCHED_WAKEUP, task, queue->current, &value) &&
	    value > 1)
		rh_runqueue_blame(queue, "rh_sched_wakeup said neither 0 nor 1");
	return value == 1;
}

static void leave(struct rh_runqueue *queue, uint32_t task, uint32_t why)
{
	uint32_t value;

	if (rh_runqueue_has(queue, RH_SLOT_SCHED_DEQUEUE))
		rh_runqueue_ask(queue, RH_SLOT_SCHED_DEQUEUE, task, why, &value);
}

/* ---- what happens ---- */

bool rh_runqueue_wake(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns)
{
	struct rh_runqueue_task *at = task_at(queue, task);

	RH_CHECK(at->stats.state == RH_TASK_BLOCKED);
	rh_runqueue_begin(queue, now_ns);
	at->stats.wakeups += !at->is_new;
	enter(queue, task, RH_TASK_QUEUED);
	count_in(queue, task);
	place(queue, task, at->is_new ? RH_SCHED_NEW : RH_SCHED_WAKE);
	at->is_new = false;
	return is_ahead(queue, task);
}

static uint32_t choose(struct rh_runqueue *queue)
{
	uint32_t value;

	if (!rh_runqueue_has(queue, RH_SLOT_SCHED_PICK_NEXT) ||
	    !rh_runqueue_ask(queue, RH_SLOT_SCHED_PICK_NEXT, queue->place.cpu, 0, &value))
		return first_queue(queue);
	if (value <= RH_SCHED_LATER && queue->trees[value].count)
		return value;
	rh_runqueue_blame(queue, "rh_sched_pick_next named a queue with nothing in it");
	return first_queue(queue);
}

void rh_runqueue_take_slice(struct rh_runqueue *queue)
{
	uint64_t wanted = queue->buffer ? queue->buffer->tasks[queue->current].slice_ns
	                                : RH_RUNQUEUE_SLICE_NS;

	if (wanted == 0 || wanted > RH_RUNQUEUE_SLICE_MAX_NS) {
		rh_runqueue_blame(queue, wanted ? "the rule gave a slice of more than 10 s"
		                                : "the rule gave a slice of no time");
		wanted = RH_RUNQUEUE_SLICE_NS;
	}
	queue->slice_ns = wanted;
}

static void run(struct rh_runqueue *queue, uint32_t task)
{
	struct rh_runqueue_task *at = &queue->tasks[task];
	uint32_t                 value;

	count_wait(queue, task);
	at->stats.switches += queue->last != task;
	queue->last = queue->current = task;
	queue->started_ns = queue->counted_ns = queue->now;
	enter(queue, task, RH_TASK_RUNNING);
	queue->counters.picks++;
	if (queue->buffer) {
		queue->counters.ruled++;
		queue->buffer->current = task;
		queue->buffer->tasks[task].ran_ns = 0;
	}
	if (rh_runqueue_has(queue, RH_SLOT_SCHED_RUNNING))
		rh_runqueue_ask(queue, RH_SLOT_SCHED_RUNNING, task, 0, &value);
	rh_runqueue_take_slice(queue);
}

uint32_t rh_runqueue_pick(struct rh_runqueue *queue, uint64_t now_ns)
{
	uint32_t task;

	RH_CHECK(queue->current == RH_SCHED_NONE);
	rh_runqueue_begin(queue, now_ns);
	if (!queue->nr)
		return RH_SCHED_NONE;
	if (__builtin_expect(!queue->buffer, 0))
		rh_runqueue_retry(queue);
	ripen(queue);
	task = queue->trees[choose(queue)].first;
	rh_runqueue_extract(queue, task);
	run(queue, task);
	return task;
}

/* Its time is counted, and nobody runs. */
static void halt(struct rh_runqueue *queue, bool is_runnable)
{
	uint32_t task = queue->current, value;

	queue->tasks[task].stats.run_ns += queue->now - queue->counted_ns;
	queue->current = RH_SCHED_NONE;
	enter(queue, task, is_runnable ? RH_TASK_QUEUED : RH_TASK_BLOCKED);
	if (queue->buffer)
		queue->buffer->current = RH_SCHED_NONE;
	if (rh_runqueue_has(queue, RH_SLOT_SCHED_STOPPING))
		rh_runqueue_ask(queue, RH_SLOT_SCHED_STOPPING, task, is_runnable, &value);
	if (!is_runnable)
		count_out(queue, task);
}

void rh_runqueue_stop(struct rh_runqueue *queue, enum rh_runqueue_stop how,
                      uint64_t now_ns)
{
	uint32_t task = queue->current;

	RH_CHECK(task != RH_SCHED_NONE);
	rh_runqueue_begin(queue, now_ns);
	halt(queue, how != RH_STOP_BLOCK);
	if (how == RH_STOP_BLOCK)
		return;
	queue->tasks[task].stats.preemptions += how == RH_STOP_PREEMPT;
	place(queue, task, how == RH_STOP_YIELD ? RH_SCHED_YIELD : RH_SCHED_PREEMPT);
}

bool rh_runqueue_tick(struct rh_runqueue *queue, uint64_t now_ns)
{
	uint32_t value = 0;

	if (queue->current == RH_SCHED_NONE)
		return false;
	rh_runqueue_begin(queue, now_ns);
	if (!rh_runqueue_has(queue, RH_SLOT_SCHED_TICK))
		return queue->now - queue->started_ns >= queue->slice_ns && queue->nr > 1;
	if (rh_runqueue_ask(queue, RH_SLOT_SCHED_TICK, queue->current, 0, &value) && value > 1)
		rh_runqueue_blame(queue, "rh_sched_tick said neither 0 nor 1");
	return value == 1;
}

uint64_t rh_runqueue_slice(const struct rh_runqueue *queue)
{
	return queue->slice_ns;
}

uint32_t rh_runqueue_current(const struct rh_runqueue *queue)
{
	return queue->current;
}

uint32_t rh_runqueue_waiting(const struct rh_runqueue *queue)
{
	return queue->nr - (queue->current != RH_SCHED_NONE);
}

/* ---- tasks ---- */

/* The task is here, whatever it was before. */
static void settle(struct rh_runqueue *queue, uint32_t task,
                   const struct rh_task_traits *traits)
{
	queue->tasks[task].traits = *traits;
	if (task >= queue->top)
		queue->top = task + 1;
}

/* A rule that is asked learns of it. */
static void introduce(struct rh_runqueue *queue, uint32_t task)
{
	uint32_t value = 0;

	if (!queue->buffer)
		return;
	queue->buffer->tasks[task] = (struct rh_sched_task){ 0 };
	rh_runqueue_describe(queue, task, &queue->buffer->tasks[task]);
	if (rh_runqueue_ask(queue, RH_SLOT_SCHED_ENABLE, task, 0, &value) && value)
		rh_runqueue_blame(queue, "rh_sched_enable does not take a task");
}

int rh_runqueue_add(struct rh_runqueue *queue, uint32_t task,
                    const struct rh_task_traits *traits, uint64_t now_ns)
{
	if (task >= RH_SCHED_TASKS || queue->tasks[task].stats.state != RH_TASK_ABSENT)
		return RH_EINVAL;
	rh_runqueue_begin(queue, now_ns);
	queue->tasks[task] = (struct rh_runqueue_task){
		.queue = RH_RUNQUEUE_TREES, .is_new = true,
	};
	settle(queue, task, traits);
	enter(queue, task, RH_TASK_BLOCKED);
	introduce(queue, task);
	return RH_OK;
}

static void forget(struct rh_runqueue *queue, uint32_t task)
{
	queue->tasks[task].stats.state = RH_TASK_ABSENT;
	while (queue->top && queue->tasks[queue->top - 1].stats.state == RH_TASK_ABSENT)
		queue->top--;
	if (queue->last == task)
		queue->last = RH_SCHED_NONE;
}

void rh_runqueue_remove(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns)
{
	struct rh_runqueue_task *at = task_at(queue, task);
	uint32_t                 value;

	rh_runqueue_begin(queue, now_ns);
	if (at->stats.state == RH_TASK_RUNNING) {
		halt(queue, false);
	} else if (at->stats.state == RH_TASK_QUEUED) {
		leave(queue, task, RH_SCHED_EXIT);
		rh_runqueue_extract(queue, task);
		count_out(queue, task);
	}
	if (rh_runqueue_has(queue, RH_SLOT_SCHED_DISABLE))
		rh_runqueue_ask(queue, RH_SLOT_SCHED_DISABLE, task, 0, &value);
	forget(queue, task);
}

void rh_runqueue_change(struct rh_runqueue *queue, uint32_t task,
                        const struct rh_task_traits *traits, uint64_t now_ns)
{
	struct rh_runqueue_task *at = task_at(queue, task);
	enum rh_task_state       state = at->stats.state;
	uint32_t                 value;

	rh_runqueue_begin(queue, now_ns);
	if (state != RH_TASK_BLOCKED) {
		leave(queue, task, RH_SCHED_CHANGE);
		count_out(queue, task);
	}
	if (state == RH_TASK_QUEUED)
		rh_runqueue_extract(queue, task);
	at->traits = *traits;
	if (queue->buffer)
		rh_runqueue_describe(queue, task, &queue->buffer->tasks[task]);
	if (state != RH_TASK_BLOCKED)
		count_in(queue, task);
	if (state == RH_TASK_QUEUED)
		place(queue, task, RH_SCHED_CHANGE);
	else if (state == RH_TASK_RUNNING && queue->buffer)
		rh_runqueue_ask(queue, RH_SLOT_SCHED_ENQUEUE, task, RH_SCHED_CHANGE, &value);
}

const struct rh_task_traits *rh_runqueue_traits(const struct rh_runqueue *queue,
                                                uint32_t task)
{
	return &queue->tasks[task].traits;
}

void rh_runqueue_stats(const struct rh_runqueue *queue, uint32_t task,
                       struct rh_task_stats *ret)
{
	RH_CHECK(task < RH_SCHED_TASKS);
	*ret = queue->tasks[task].stats;
	ret->vruntime = queue->buffer ? queue->buffer->tasks[task].vruntime : 0;
	ret->deadline = queue->buffer ? queue->buffer->tasks[task].deadline : 0;
}

/* ---- more than one processor ---- */

uint64_t rh_runqueue_load(const struct rh_runqueue *queue)
{
	return queue->weight_sum;
}

uint32_t rh_runqueue_load_of(const struct rh_runqueue *queue, uint32_t task)
{
	return rh_runqueue_weight(queue->tasks[task].traits.nice);
}

static uint32_t usual_cpu(const struct rh_runqueue *queue, uint64_t idle)
{
	uint32_t here = queue->place.cpu;

	if (!idle || (here < 64 && idle >> here & 1))
		return here;
	return (uint32_t)__builtin_ctzll(idle);
}

uint32_t rh_runqueue_select(struct rh_runqueue *queue, uint32_t task, uint64_t idle,
                            uint64_t now_ns)
{
	uint32_t value;

	task_at(queue, task);
	if (queue->place.cpus < 64)
		idle &= (1ull << queue->place.cpus) - 1;
	rh_runqueue_begin(queue, now_ns);
	if (!rh_runqueue_has(queue, RH_SLOT_SCHED_SELECT_CPU) ||
	    !rh_runqueue_ask(queue, RH_SLOT_SCHED_SELECT_CPU, task, idle, &value) ||
	    value == RH_SCHED_NONE)
		return usual_cpu(queue, idle);
	if (value < queue->place.cpus)
		return value;
	rh_runqueue_blame(queue, "rh_sched_select_cpu named a processor that there is not");
	return usual_cpu(queue, idle);
}

uint32_t rh_runqueue_first(const struct rh_runqueue *queue)
{
	uint32_t at = first_queue(queue);

	return at < RH_RUNQUEUE_TREES ? queue->trees[at].first : RH_SCHED_NONE;
}

void rh_runqueue_take(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns,
                      struct rh_task_moved *ret)
{
	struct rh_runqueue_task *at = task_at(queue, task);

	RH_CHECK(at->stats.state != RH_TASK_RUNNING);
	rh_runqueue_begin(queue, now_ns);
	leave(queue, task, RH_SCHED_MIGRATE);
	if (at->stats.state == RH_TASK_QUEUED) {
		rh_runqueue_extract(queue, task);
		count_wait(queue, task);
		count_out(queue, task);
	}
	ret->traits = at->traits;
	ret->stats = at->stats;
	ret->is_new = at->is_new;
	ret->generation = queue->buffer ? queue->generation : 0;
	if (queue->buffer)
		ret->record = queue->buffer->tasks[task];
	forget(queue, task);
}

bool rh_runqueue_put(struct rh_runqueue *queue, uint32_t task,
                     const struct rh_task_moved *moved, uint64_t now_ns)
{
	struct rh_runqueue_task *at = &queue->tasks[task];
	bool                     is_known = moved->generation == queue->generation;

	RH_CHECK(task < RH_SCHED_TASKS && at->stats.state == RH_TASK_ABSENT);
	rh_runqueue_begin(queue, now_ns);
	*at = (struct rh_runqueue_task){ .stats = moved->stats, .queue = RH_RUNQUEUE_TREES };
	at->stats.moves++;
	at->stats.wakeups += moved->stats.state == RH_TASK_BLOCKED && !moved->is_new;
	settle(queue, task, &moved->traits);
	if (is_known && queue->buffer) {
		queue->buffer->tasks[task] = moved->record;
		rh_runqueue_describe(queue, task, &queue->buffer->tasks[task]);
	} else {
		introduce(queue, task);
	}
	enter(queue, task, RH_TASK_QUEUED);
	count_in(queue, task);
	place(queue, task, is_known ? RH_SCHED_MIGRATE : RH_SCHED_NEW);
	return is_ahead(queue, task);
}

/* ---- making one ---- */

int rh_runqueue_create(const struct rh_runqueue_place *where, struct rh_rule *rule,
                       uint64_t generation, struct rh_runqueue **ret_queue,
                       struct rh_diag *diag)
{
	struct rh_runqueue *queue;
	int                 err;

	RH_CHECK(where->cpu < where->cpus);
	queue = rh_lines_create(sizeof *queue);
	if (!queue)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a run queue");
	queue->place = *where;
	queue->current = queue->last = RH_SCHED_NONE;
	queue->slice_ns = RH_RUNQUEUE_SLICE_NS;
	for (unsigned i = 0; i < RH_RUNQUEUE_TREES; i++)
		rh_tree_init(&queue->trees[i], queue->nodes, RH_SCHED_TASKS);
	err = rule ? rh_runqueue_exchange(queue, rule, generation, 0, diag) : RH_OK;
	if (err < 0) {
		rh_runqueue_destroy(queue);
		return err;
	}
	*ret_queue = queue;
	return RH_OK;
}

void rh_runqueue_destroy(struct rh_runqueue *queue)
{
	rh_lines_destroy(queue);
}
