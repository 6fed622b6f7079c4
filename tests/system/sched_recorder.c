/* The runtime of the carrier `fiber`, linked so that whoever asks a run queue asks here
 * (ld's --wrap): what is asked and answered is written to a file in the folder that
 * SCHED_RECORD names, one for each run queue of each process.
 *
 * Threads  A run queue is asked by one at a time, also from signal handlers: nothing here
 *          allocates or calls the system once the run queue is made. */
#include "sched_stream.h"

#include "../../model/check.h"
#include "../../rules/runqueue_inner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define QUEUES 64u

static struct sched_head *heads[QUEUES];

#define REAL(name)  __real_rh_runqueue_##name
#define WRAP(name)  __wrap_rh_runqueue_##name
#define ASKED(name) __typeof__(rh_runqueue_##name) REAL(name), WRAP(name)

ASKED(create);
ASKED(add);
ASKED(remove);
ASKED(change);
ASKED(wake);
ASKED(pick);
ASKED(stop);
ASKED(tick);
ASKED(take);
ASKED(put);
ASKED(exchange);

/* ---- files ---- */

static struct sched_head *open_stream(uint32_t cpu)
{
	static _Atomic unsigned count;
	const char             *folder = getenv("SCHED_RECORD");
	char                    path[4096];
	void                   *at;
	int                     fd;

	if (!folder || cpu >= QUEUES)
		return NULL;
	snprintf(path, sizeof path, "%s/%d-%u-%u", folder, (int)getpid(), count++, cpu);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	RH_CHECK(fd >= 0 && ftruncate(fd, SCHED_STREAM_BYTES) == 0);
	at = mmap(NULL, SCHED_STREAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	RH_CHECK(at != MAP_FAILED);
	close(fd);
	return at;
}

int WRAP(create)(const struct rh_runqueue_place *place, struct rh_rule *rule,
                 uint64_t generation, struct rh_runqueue **ret_queue, struct rh_diag *diag)
{
	int                r = REAL(create)(place, rule, generation, ret_queue, diag);
	struct sched_head *head = open_stream(place->cpu);

	if (place->cpu < QUEUES)
		heads[place->cpu] = head;
	if (!head)
		return r;
	head->place = *place;
	head->generation = generation;
	return r;
}

/* ---- events ---- */

/* What is recorded ends where a rule was lost or exchanged, or where there is no room. */
static void end(const struct rh_runqueue *queue, enum sched_end why)
{
	struct sched_head *head = heads[queue->place.cpu];

	if (head && head->end == SCHED_ALL)
		head->end = why;
}

static void record(const struct rh_runqueue *queue, struct sched_event event,
                   const void *extra)
{
	struct sched_head *head = heads[queue->place.cpu];
	unsigned char     *at;

	if (!queue->buffer)
		end(queue, SCHED_OTHER_RULE);
	if (head && sizeof *head + head->bytes + sizeof event + event.extra > SCHED_STREAM_BYTES)
		end(queue, SCHED_FULL);
	if (!head || head->end != SCHED_ALL)
		return;
	at = (unsigned char *)(head + 1) + head->bytes;
	event.waiting = rh_runqueue_waiting(queue);
	event.said = sched_said_of(queue->buffer, event.task);
	memcpy(at, &event, sizeof event);
	if (event.extra)
		memcpy(at + sizeof event, extra, event.extra);
	head->bytes += sizeof event + event.extra;
	head->events++;
}

int WRAP(add)(struct rh_runqueue *queue, uint32_t task, const struct rh_task_traits *traits,
              uint64_t now_ns)
{
	int r = REAL(add)(queue, task, traits, now_ns);

	record(queue, (struct sched_event){ .kind = SCHED_ADD, .task = task,
	                                    .now_ns = now_ns, .answer = (uint64_t)r,
	                                    .extra = sizeof *traits }, traits);
	return r;
}

void WRAP(remove)(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns)
{
	REAL(remove)(queue, task, now_ns);
	record(queue, (struct sched_event){ .kind = SCHED_REMOVE, .task = task,
	                                    .now_ns = now_ns }, NULL);
}

void WRAP(change)(struct rh_runqueue *queue, uint32_t task,
                  const struct rh_task_traits *traits, uint64_t now_ns)
{
	REAL(change)(queue, task, traits, now_ns);
	record(queue, (struct sched_event){ .kind = SCHED_CHANGE, .task = task,
	                                    .now_ns = now_ns, .extra = sizeof *traits }, traits);
}

bool WRAP(wake)(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns)
{
	bool is_ahead = REAL(wake)(queue, task, now_ns);

	record(queue, (struct sched_event){ .kind = SCHED_WAKE, .task = task,
	                                    .now_ns = now_ns, .answer = is_ahead }, NULL);
	return is_ahead;
}

uint32_t WRAP(pick)(struct rh_runqueue *queue, uint64_t now_ns)
{
	uint32_t task = REAL(pick)(queue, now_ns);

	record(queue, (struct sched_event){ .kind = SCHED_PICK, .task = task,
	                                    .now_ns = now_ns, .answer = task }, NULL);
	return task;
}

void WRAP(stop)(struct rh_runqueue *queue, enum rh_runqueue_stop how, uint64_t now_ns)
{
	uint32_t task = rh_runqueue_current(queue);

	REAL(stop)(queue, how, now_ns);
	record(queue, (struct sched_event){ .kind = SCHED_STOP, .task = task,
	                                    .now_ns = now_ns, .how = how }, NULL);
}

bool WRAP(tick)(struct rh_runqueue *queue, uint64_t now_ns)
{
	bool is_enough = REAL(tick)(queue, now_ns);

	record(queue, (struct sched_event){ .kind = SCHED_TICK,
	                                    .task = rh_runqueue_current(queue),
	                                    .now_ns = now_ns, .answer = is_enough }, NULL);
	return is_enough;
}

void WRAP(take)(struct rh_runqueue *queue, uint32_t task, uint64_t now_ns,
                struct rh_task_moved *ret)
{
	REAL(take)(queue, task, now_ns, ret);
	record(queue, (struct sched_event){ .kind = SCHED_TAKE, .task = task,
	                                    .now_ns = now_ns, .extra = sizeof *ret }, ret);
}

bool WRAP(put)(struct rh_runqueue *queue, uint32_t task, const struct rh_task_moved *moved,
               uint64_t now_ns)
{
	bool is_ahead = REAL(put)(queue, task, moved, now_ns);

	record(queue, (struct sched_event){ .kind = SCHED_PUT, .task = task, .now_ns = now_ns,
	                                    .answer = is_ahead, .extra = sizeof *moved }, moved);
	return is_ahead;
}

int WRAP(exchange)(struct rh_runqueue *queue, struct rh_rule *rule, uint64_t generation,
                   uint64_t now_ns, struct rh_diag *diag)
{
	end(queue, SCHED_OTHER_RULE);
	return REAL(exchange)(queue, rule, generation, now_ns, diag);
}
