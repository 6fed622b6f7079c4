/* sched_stream - what a run queue of a program was asked, and what it answered, in the order
 * that it happened: written by a runtime that records (sched_recorder.c), and asked again
 * of rules in other builds (sched_replay.c).
 *
 * A file for each run queue: the head, and then events, each followed by what was put in or
 * came out, if there is any. */
#ifndef SCHED_STREAM_H
#define SCHED_STREAM_H

#include "../../rules/runqueue.h"

#define SCHED_STREAM_BYTES (256ull << 20) /* of a file, most of which is never written */

enum sched_kind {
	SCHED_ADD, SCHED_REMOVE, SCHED_CHANGE, SCHED_WAKE, SCHED_PICK, SCHED_STOP, SCHED_TICK,
	SCHED_TAKE, SCHED_PUT
};

struct sched_head {
	_Atomic uint64_t         bytes; /* of whole events */
	_Atomic uint64_t         events;
	uint64_t                 generation;
	struct rh_runqueue_place place;
	_Atomic uint32_t         end;   /* enum sched_end */
};

/* Why more was asked than is recorded; what is there is whole all the same. */
enum sched_end { SCHED_ALL, SCHED_FULL, SCHED_OTHER_RULE };

/* Of whom it was about: what the rule keeps, and says. */
struct sched_said {
	uint64_t key, vruntime, deadline, slice_ns, vclock;
	uint32_t queue, current;
};

struct sched_event {
	uint32_t          kind, task;
	uint64_t          now_ns;
	uint64_t          how;     /* it stops */
	uint64_t          answer;
	uint32_t          extra;   /* bytes behind: traits, or a task between two run queues */
	uint32_t          waiting;
	struct sched_said said;
};

/* What there is to be compared, of one that may have left: then of nobody. */
static inline struct sched_said sched_said_of(const struct rh_sched_buffer *buffer,
                                              uint32_t                      task)
{
	const struct rh_sched_task *record = &buffer->tasks[task];

	if (task >= RH_SCHED_TASKS)
		return (struct sched_said){ .vclock = buffer->vclock, .current = buffer->current };
	return (struct sched_said){
		.key = record->key, .vruntime = record->vruntime, .deadline = record->deadline,
		.slice_ns = record->slice_ns, .vclock = buffer->vclock, .queue = record->queue,
		.current = buffer->current,
	};
}

#endif
