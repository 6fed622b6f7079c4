/* runqueue_inner - what a run queue is, for its own sources: runqueue.c has what happens to
 * tasks, runqueue_rule.c what the rule is told and asked, runqueue_trial.c tries one. */
#ifndef RH_RULES_RUNQUEUE_INNER_H
#define RH_RULES_RUNQUEUE_INNER_H

#include "runqueue.h"
#include "tree.h"

#define RH_RUNQUEUE_TREES (RH_SCHED_QUEUES + 1) /* the last one is LATER */

struct rh_runqueue_task {
	struct rh_task_traits traits;
	struct rh_task_stats  stats;
	uint32_t              queue;  /* RH_RUNQUEUE_TREES: in none */
	bool                  is_new; /* it never ran */
	/* What a rule said that is not in force yet. */
	uint32_t said_queue;
	uint64_t said_key;
};

struct rh_runqueue {
	struct rh_rule             *rule;
	struct rh_sched_buffer     *buffer; /* of the rule, NULL: it is not to be asked */
	uint32_t                    has;    /* 1 << slot */
	uint32_t                    asked;  /* to know which question is timed */
	uint64_t                    generation, retry_at; /* in picks */
	struct rh_runqueue_place    place;
	struct rh_runqueue_counters counters;

	uint64_t now, slice_ns, order, weight_sum;
	uint64_t started_ns; /* the one that runs was picked */
	uint64_t counted_ns; /* until then its time is counted */
	uint32_t nr, current, last;
	uint32_t top; /* no task has a number from here on */

	struct rh_tree          trees[RH_RUNQUEUE_TREES];
	struct rh_runqueue_task tasks[RH_SCHED_TASKS];
	struct rh_tree_node     nodes[RH_SCHED_TASKS + 1];
};

static inline bool rh_runqueue_has(const struct rh_runqueue *queue, unsigned slot)
{
	return queue->buffer && (queue->has & 1u << slot);
}

/* Calls what the rule has.  False: it failed, and is not asked any more. */
bool rh_runqueue_ask(struct rh_runqueue *queue, unsigned slot, uint64_t a, uint64_t b,
                     uint32_t *ret_value);

/* What the rule said makes no sense. */
void rh_runqueue_blame(struct rh_runqueue *queue, const char *why);

/* The slice of the one that runs, as the rule said it last. */
void rh_runqueue_take_slice(struct rh_runqueue *queue);

/* Tells a rule that was lost everything anew, if it is time. */
void rh_runqueue_retry(struct rh_runqueue *queue);

/* The part of a record that the rule does not write. */
void rh_runqueue_describe(const struct rh_runqueue *queue, uint32_t task,
                          struct rh_sched_task *record);

uint32_t rh_runqueue_weight(int32_t nice);

/* Something happens now. */
static inline void rh_runqueue_begin(struct rh_runqueue *queue, uint64_t now_ns)
{
	if (now_ns > queue->now)
		queue->now = now_ns;
	if (!queue->buffer)
		return;
	queue->buffer->now_ns = queue->now;
	if (queue->current != RH_SCHED_NONE)
		queue->buffer->tasks[queue->current].ran_ns = queue->now - queue->counted_ns;
}

/* nr and weight_sum changed. */
static inline void rh_runqueue_publish(struct rh_runqueue *queue)
{
	if (!queue->buffer)
		return;
	queue->buffer->nr = queue->nr;
	queue->buffer->weight_sum = queue->weight_sum;
}

/* Into a queue, and out of it; the rule sees the least key. */
void rh_runqueue_insert(struct rh_runqueue *queue, uint32_t task, uint32_t into,
                        uint64_t key);
void rh_runqueue_extract(struct rh_runqueue *queue, uint32_t task);

#endif
