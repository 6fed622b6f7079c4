/* Asks rules what a run queue of a program was asked, as sched_recorder.c wrote it down:
 *
 *   sched_replay RULE FILE...
 *
 * As native code, as WebAssembly of three kinds, and in the program then, a rule of hook
 * sched has to say the same at each event, and to keep the same. */
#include "sched_stream.h"

#include "../unit/rules_three.h"

#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/hook.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define COMPARED_EVERY 1024u /* all that a rule keeps */

static char  *rule_name;
static char **paths;

struct replay {
	struct three        three;
	struct rh_runqueue *queues[BUILDS];
	const char         *path;
	uint64_t            number, events, picks, moves;
};

/* What became of an event. */
struct outcome {
	uint64_t             answer;
	uint32_t             waiting;
	struct sched_said    said;
	struct rh_task_moved moved;
};

/* ---- one event ---- */

static uint64_t ask(struct rh_runqueue *queue, const struct sched_event *event,
                    const void *extra, struct rh_task_moved *ret_moved)
{
	switch ((enum sched_kind)event->kind) {
	case SCHED_ADD:
		return (uint64_t)rh_runqueue_add(queue, event->task, extra, event->now_ns);
	case SCHED_REMOVE:
		rh_runqueue_remove(queue, event->task, event->now_ns);
		return 0;
	case SCHED_CHANGE:
		rh_runqueue_change(queue, event->task, extra, event->now_ns);
		return 0;
	case SCHED_WAKE:
		return rh_runqueue_wake(queue, event->task, event->now_ns);
	case SCHED_PICK:
		return rh_runqueue_pick(queue, event->now_ns);
	case SCHED_STOP:
		rh_runqueue_stop(queue, (enum rh_runqueue_stop)event->how, event->now_ns);
		return 0;
	case SCHED_TICK:
		return rh_runqueue_tick(queue, event->now_ns);
	case SCHED_TAKE:
		rh_runqueue_take(queue, event->task, event->now_ns, ret_moved);
		return 0;
	case SCHED_PUT:
		return rh_runqueue_put(queue, event->task, extra, event->now_ns);
	}
	fail_msg("an event of kind %u", event->kind);
	return 0;
}

static struct outcome outcome_of(struct replay *replay, int build,
                                 const struct sched_event *event, const void *extra)
{
	struct rh_runqueue *queue = replay->queues[build];
	struct outcome      outcome = { 0 };

	outcome.answer = ask(queue, event, extra, &outcome.moved);
	assert_true(rh_runqueue_is_ruled(queue));
	outcome.waiting = rh_runqueue_waiting(queue);
	outcome.said = sched_said_of(rh_rule_buffer(replay->three.rules[build]), event->task);
	return outcome;
}

/* Two that are to say the same. */
struct pair {
	const char           *first_name, *other_name;
	const struct outcome *first, *other;
};

static void compare(const struct replay *replay, const char *what, const struct pair *pair,
                    uint64_t first, uint64_t other)
{
	if (first != other)
		fail_msg("%s, event %llu, %s: %s %llu, %s %llu", replay->path,
		         (unsigned long long)replay->number, what, pair->first_name,
		         (unsigned long long)first, pair->other_name, (unsigned long long)other);
}

static void compare_all(const struct replay *replay, const struct pair *pair)
{
	const struct outcome    *first = pair->first, *other = pair->other;
	const struct sched_said *a = &first->said, *b = &other->said;

	compare(replay, "answer", pair, first->answer, other->answer);
	compare(replay, "who runs", pair, a->current, b->current);
	compare(replay, "how many wait", pair, first->waiting, other->waiting);
	compare(replay, "queue", pair, a->queue, b->queue);
	compare(replay, "key", pair, a->key, b->key);
	compare(replay, "slice", pair, a->slice_ns, b->slice_ns);
	compare(replay, "vruntime", pair, a->vruntime, b->vruntime);
	compare(replay, "deadline", pair, a->deadline, b->deadline);
	compare(replay, "clock", pair, a->vclock, b->vclock);
	compare(replay, "difference of what moves", pair, 0,
	        memcmp(&first->moved.record, &other->moved.record,
	               sizeof first->moved.record) != 0);
}

static void happen(struct replay *replay, const struct sched_event *event,
                   const void *extra)
{
	struct outcome then = { .answer = event->answer, .waiting = event->waiting,
		                .said = event->said };
	struct outcome native = outcome_of(replay, NATIVE, event, extra);

	if (event->kind == SCHED_TAKE)
		memcpy(&then.moved, extra, sizeof then.moved);
	for (int build = NATIVE + 1; build < BUILDS; build++) {
		static const char *const names[] = { "native", "build 1", "build 2", "build 3" };
		struct outcome other = outcome_of(replay, build, event, extra);

		compare_all(replay, &(struct pair){ "native", names[build], &native, &other });
	}
	compare_all(replay, &(struct pair){ "in the program", "native", &then, &native });
	replay->picks += event->kind == SCHED_PICK && event->answer != RH_SCHED_NONE;
	replay->moves += event->kind == SCHED_PUT;
}

/* ---- a run queue ---- */

static size_t extra_of(const struct sched_event *event)
{
	switch (event->kind) {
	case SCHED_ADD:
	case SCHED_CHANGE:
		return sizeof(struct rh_task_traits);
	case SCHED_TAKE:
	case SCHED_PUT:
		return sizeof(struct rh_task_moved);
	default:
		return 0;
	}
}

static void go_through(struct replay *replay, const struct sched_head *head)
{
	const unsigned char *at = (const unsigned char *)(head + 1), *end = at + head->bytes;

	for (replay->number = 0; at < end; replay->number++) {
		struct sched_event event;
		unsigned char      extra[sizeof(struct rh_task_moved)];

		memcpy(&event, at, sizeof event);
		assert_int_equal(event.extra, extra_of(&event));
		memcpy(extra, at + sizeof event, event.extra);
		happen(replay, &event, extra);
		if (replay->number % COMPARED_EVERY == 0)
			three_compare(&replay->three, 0, offsetof(struct rh_sched_buffer, bytes));
		at += sizeof event + event.extra;
	}
	assert_int_equal(replay->number, head->events);
	replay->events += replay->number;
}

static const struct sched_head *map(const char *path)
{
	int   fd = open(path, O_RDONLY | O_CLOEXEC);
	void *at = mmap(NULL, SCHED_STREAM_BYTES, PROT_READ, MAP_SHARED, fd, 0);

	if (fd < 0 || at == MAP_FAILED)
		fail_msg("%s cannot be read", path);
	close(fd);
	return at;
}

/* All that rules keep is in their buffers: as it was when they were loaded. */
static void replay_file(struct replay *replay, const char *path,
                        const struct rh_sched_buffer *fresh)
{
	const struct sched_head *head = map(path);
	struct rh_diag           diag = { 0 };

	replay->path = path;
	three_put(&replay->three, 0, fresh, sizeof *fresh);
	for (int i = 0; i < BUILDS; i++)
		if (rh_runqueue_create(&head->place, replay->three.rules[i], head->generation,
		                       &replay->queues[i], &diag) < 0)
			fail_msg("%s", diag.text);
	go_through(replay, head);
	for (int i = 0; i < BUILDS; i++) {
		assert_int_equal(rh_runqueue_counters(replay->queues[i])->failures, 0);
		rh_runqueue_destroy(replay->queues[i]);
	}
	munmap((void *)(uintptr_t)head, SCHED_STREAM_BYTES);
}

static void all_builds_say_what_was_said(void **state)
{
	static struct replay   replay;
	struct rh_sched_buffer *fresh = malloc(sizeof *fresh);
	char                    name[40];

	(void)state;
	snprintf(name, sizeof name, "sched/%s", rule_name);
	three_load(&replay.three, name, "sched");
	assert_non_null(fresh);
	memcpy(fresh, rh_rule_buffer(replay.three.rules[NATIVE]), sizeof *fresh);
	for (char **path = paths; *path; path++)
		replay_file(&replay, *path, fresh);
	printf("%s: %llu events, %llu decisions, %llu moves\n", rule_name,
	       (unsigned long long)replay.events, (unsigned long long)replay.picks,
	       (unsigned long long)replay.moves);
	three_unload(&replay.three);
	free(fresh);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_builds_say_what_was_said) };

	if (argc < 3) {
		fprintf(stderr, "sched_replay RULE FILE...\n");
		return 2;
	}
	if (!three_has_tools())
		return 77;
	rule_name = argv[1];
	paths = argv + 2;
	return cmocka_run_group_tests_name("sched_replay", tests, NULL, NULL);
}
