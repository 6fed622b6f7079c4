/* Rules of hook sched: as native code and as WebAssembly they give the same order to a
 * million events; and what a run queue does with those that fail. */
#include "rules_three.h"
#include "sched_fixture.h"

#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EVENTS 1000000u
#define TASKS  24u
#define MS     SCHED_MS

static const char *const names[] = { "cfs", "eevdf", "deadline", "fifo", "rr" };

#define RULES_COUNT (sizeof names / sizeof names[0])

/* ---- native code and WebAssembly ---- */

struct events {
	struct three         three;
	struct rh_runqueue  *queues[BUILDS];
	struct rh_task_moved moved[BUILDS];
	bool                 is_away[TASKS];
	uint64_t             random, now_ns;
	unsigned             number, switches;
};

static uint64_t draw(struct events *events, uint64_t below)
{
	return three_random(&events->random) % below;
}

static void compare(const struct events *events, const char *what, int build, uint64_t first,
                    uint64_t other)
{
	if (first != other)
		fail_msg("event %u, %s: native %llu, build %d %llu", events->number, what,
		         (unsigned long long)first, build, (unsigned long long)other);
}

static enum rh_task_state state_of(const struct events *events, uint32_t task)
{
	struct rh_task_stats stats;

	rh_runqueue_stats(events->queues[NATIVE], task, &stats);
	return stats.state;
}

/* Whatever it was, something else. */
static void come_or_go(struct events *events, uint32_t task)
{
	struct rh_task_traits traits = {
		.nice = (int32_t)draw(events, 40) - 20, .id = task,
		.slice_ns = draw(events, 4) ? 0 : 500000 + draw(events, 20 * MS),
		.period_ns = draw(events, 3) ? 0 : 5 * MS + draw(events, 50 * MS),
	};
	enum rh_task_state state = state_of(events, task);
	bool               is_change = draw(events, 3) > 0;

	traits.runtime_ns = traits.period_ns / 20;
	traits.deadline_ns = draw(events, 2) ? traits.period_ns / 2 : 0;
	for (int i = 0; i < BUILDS; i++) {
		if (state == RH_TASK_ABSENT)
			rh_runqueue_add(events->queues[i], task, &traits, events->now_ns);
		else if (is_change)
			rh_runqueue_change(events->queues[i], task, &traits, events->now_ns);
		else
			rh_runqueue_remove(events->queues[i], task, events->now_ns);
	}
}

static void wake(struct events *events, uint32_t task)
{
	bool first = false;

	for (int i = 0; i < BUILDS; i++) {
		bool is_ahead = rh_runqueue_wake(events->queues[i], task, events->now_ns);

		first = i ? first : is_ahead;
		compare(events, "wake", i, first, is_ahead);
	}
}

/* Out, and in again some time later. */
static void move(struct events *events, uint32_t task)
{
	bool first = false;

	for (int i = 0; i < BUILDS; i++)
		rh_runqueue_take(events->queues[i], task, events->now_ns, &events->moved[i]);
	events->now_ns += draw(events, MS);
	for (int i = 0; i < BUILDS; i++) {
		bool is_ahead = rh_runqueue_put(events->queues[i], task, &events->moved[i],
		                                events->now_ns);

		first = i ? first : is_ahead;
		compare(events, "put", i, first, is_ahead);
	}
}

static void choose(struct events *events)
{
	uint64_t first = 0, slice = 0;

	for (int i = 0; i < BUILDS; i++) {
		uint32_t task = rh_runqueue_pick(events->queues[i], events->now_ns);

		first = i ? first : task;
		compare(events, "pick", i, first, task);
		slice = i ? slice : rh_runqueue_slice(events->queues[i]);
		compare(events, "slice", i, slice, rh_runqueue_slice(events->queues[i]));
	}
	events->switches += first != RH_SCHED_NONE;
}

static void run_on(struct events *events)
{
	enum rh_runqueue_stop how = (enum rh_runqueue_stop)draw(events, 3);
	bool                  first = false, is_stopped = draw(events, 3) > 0;

	for (int i = 0; i < BUILDS; i++) {
		bool is_enough = rh_runqueue_tick(events->queues[i], events->now_ns);

		first = i ? first : is_enough;
		compare(events, "tick", i, first, is_enough);
		if (is_enough || is_stopped)
			rh_runqueue_stop(events->queues[i], is_enough ? RH_STOP_PREEMPT : how,
			                 events->now_ns);
	}
}

static void happen(struct events *events)
{
	uint32_t           task = (uint32_t)draw(events, TASKS);
	enum rh_task_state state = state_of(events, task);
	unsigned           kind = (unsigned)draw(events, 100);

	events->now_ns += draw(events, 4) ? draw(events, 300000) : draw(events, 6 * MS);
	if (kind < 3 || state == RH_TASK_ABSENT)
		come_or_go(events, task);
	else if (kind < 40 && state == RH_TASK_BLOCKED)
		wake(events, task);
	else if (kind < 45 && state != RH_TASK_RUNNING)
		move(events, task);
	else if (rh_runqueue_current(events->queues[NATIVE]) == RH_SCHED_NONE)
		choose(events);
	else
		run_on(events);
}

static void begin(struct events *events, const char *name)
{
	const struct rh_runqueue_place place = { .cpu = 0, .cpus = 1 };
	struct rh_diag                 diag = { 0 };
	char                           path[32];

	memset(events, 0, sizeof *events);
	events->random = 11;
	events->now_ns = 1000000000;
	snprintf(path, sizeof path, "sched/%s", name);
	three_load(&events->three, path, "sched");
	for (int i = 0; i < BUILDS; i++)
		if (rh_runqueue_create(&place, events->three.rules[i], 1, &events->queues[i],
		                       &diag) < 0)
			fail_msg("%s", diag.text);
}

static void events_are_ordered_alike(void **state)
{
	static struct events events;

	(void)state;
	for (size_t i = 0; i < RULES_COUNT; i++) {
		char path[32];

		snprintf(path, sizeof path, "sched/%s", names[i]);
		if (!three_wants(path))
			continue;
		begin(&events, names[i]);
		for (events.number = 0; events.number < EVENTS; events.number++) {
			happen(&events);
			if (events.number % 1024 == 0)
				three_compare(&events.three, 0,
				              offsetof(struct rh_sched_buffer, tasks[TASKS]));
		}
		for (int build = 0; build < BUILDS; build++)
			assert_int_equal(rh_runqueue_counters(events.queues[build])->failures, 0);
		printf("%-8s %u decisions in %u events\n", names[i], events.switches, EVENTS);
		assert_in_range(events.switches, EVENTS / 10, EVENTS);
		for (int build = 0; build < BUILDS; build++)
			rh_runqueue_destroy(events.queues[build]);
		three_unload(&events.three);
	}
}

/* What is built in is the same source again. */
static void a_built_in_rule_is_the_object(void **state)
{
	static struct events events;

	(void)state;
	for (size_t i = 0; i < RULES_COUNT; i++) {
		struct rh_rule *rule = sched_builtin(names[i], NULL, 0);

		begin(&events, names[i]);
		assert_int_equal(rh_runqueue_exchange(events.queues[PORTABLE], rule, 1, 0, NULL),
		                 RH_OK);
		for (events.number = 0; events.number < 100000; events.number++)
			happen(&events);
		for (int build = 0; build < BUILDS; build++)
			rh_runqueue_destroy(events.queues[build]);
		three_unload(&events.three);
		rh_rule_destroy(rule);
	}
}

/* ---- rules that fail ---- */

static uint64_t host_now(void *user)
{
	(void)user;
	return 0;
}

static uint64_t host_random(void *user)
{
	uint64_t high = three_random(user) << 32;

	return high ^ three_random(user);
}

static void host_log(void *user, const char *text, uint32_t length)
{
	(void)user, (void)text, (void)length;
}

static int32_t host_param(void *user, const char *name, uint32_t length, char *into,
                          uint32_t room)
{
	(void)user, (void)name, (void)length, (void)into, (void)room;
	return -1;
}

/* Round robin in turns of 3 ms, and what else is said: enqueue has the task in $0 and why
 * in $1, its record at $2. */
static struct rh_rule *load_text(const char *enqueue, const char *more)
{
	static uint64_t                  random;
	static const struct rh_rule_host host = { &random, host_now, host_random, host_log,
		                                  host_param, NULL };
	char     text[4096];
	uint8_t *module;
	size_t   len;

	random = 5;
	snprintf(text, sizeof text,
		"(module (import \"rhodes\" \"random\" (func $random (result i64)))"
		" (memory (export \"memory\") 4)"
		" (func (export \"rh_abi\") (result i32) i32.const 1114113)"
		" (func (export \"rh_buffer\") (result i32) i32.const 0)"
		" (func (export \"rh_sched_enable\") (param i32) (result i32) i32.const 0)"
		" (func (export \"rh_sched_enqueue\") (param i32 i32) (result i32) (local i32)"
		"  (local.set 2 (i32.add (i32.const 192) (i32.mul (local.get 0) (i32.const 128))))"
		"  (i64.store offset=24 (local.get 2) (i64.const 3000000)) %s i32.const 0) %s)",
		enqueue, more);
	module = fixture_assemble(text, &len);
	struct rh_build job = { .hook = rh_hook_find("sched"), .module = module,
	                        .module_bytes = len };
	struct rh_built built;
	struct rh_diag  diag = { 0 };
	if (rh_build_run(&job, &built, &diag) < 0)
		fail_msg("%s", diag.text);
	struct rh_rule_source source = {
		.hook = job.hook, .mode = RH_RULE_WASM, .object_fd = built.fd,
		.limits = { .time_us = 1000 }, .host = &host,
	};
	struct rh_rule *rule = NULL;
	if (rh_rule_load(&source, &rule, &diag) < 0)
		fail_msg("%s", diag.text);
	close(built.fd);
	free(module);
	return rule;
}

#define WHEN_PREEMPTED(text) "(if (i32.eq (local.get 1) (i32.const 2)) (then " text "))"

static const struct hostile {
	const char *what, *enqueue, *more;
	enum rh_rule_failure kind;
	bool may_be_refused; /* it fails as soon as it is told of tasks */
} hostiles[] = {
	{ "traps", "unreachable", "", RH_FAILED_TRAP, true },
	{ "traps later", WHEN_PREEMPTED("unreachable"), "", RH_FAILED_TRAP, false },
	{ "loops later", WHEN_PREEMPTED("(loop br 0)"), "", RH_FAILED_TIMEOUT, false },
	{ "writes outside of its memory", WHEN_PREEMPTED("(i32.store (i32.const -8) (i32.const 1))"),
	  "", RH_FAILED_TRAP, false },
	{ "names a queue that there is not", "(i32.store offset=112 (local.get 2) (i32.const 9))",
	  "", RH_FAILED_VALUE, true },
	{ "does so later",
	  WHEN_PREEMPTED("(i32.store offset=112 (local.get 2) (i32.const -1))"), "",
	  RH_FAILED_VALUE, false },
	{ "gives no time", "(i64.store offset=24 (local.get 2) (i64.const 0))", "",
	  RH_FAILED_VALUE, false },
	{ "gives too much time", "(i64.store offset=24 (local.get 2) (i64.const 10000000001))",
	  "", RH_FAILED_VALUE, false },
	{ "picks an empty queue", "",
	  "(func (export \"rh_sched_pick_next\") (param i32) (result i32) i32.const 3)",
	  RH_FAILED_VALUE, false },
	{ "picks no queue", "",
	  "(func (export \"rh_sched_pick_next\") (param i32) (result i32) i32.const -1)",
	  RH_FAILED_VALUE, false },
	{ "says nonsense at a tick", "",
	  "(func (export \"rh_sched_tick\") (param i32) (result i32) i32.const 7)",
	  RH_FAILED_VALUE, false },
	{ "traps at a tick", "",
	  "(func (export \"rh_sched_tick\") (param i32) (result i32) unreachable)",
	  RH_FAILED_TRAP, false },
	{ "says nonsense of one that wakes up", "",
	  "(func (export \"rh_sched_wakeup\") (param i32 i32) (result i32) i32.const 2)",
	  RH_FAILED_VALUE, false },
	{ "traps when one runs", "",
	  "(func (export \"rh_sched_running\") (param i32) (result i32) unreachable)",
	  RH_FAILED_TRAP, true },
	{ "traps when one stops", "",
	  "(func (export \"rh_sched_stopping\") (param i32 i32) (result i32) unreachable)",
	  RH_FAILED_TRAP, false },
	{ "traps when one leaves", "",
	  "(func (export \"rh_sched_dequeue\") (param i32 i32) (result i32) unreachable)",
	  RH_FAILED_TRAP, false },
};

static void add_load(struct sched_stand *stand)
{
	for (int i = 0; i < 4; i++)
		sched_add(stand, i % 2 ? 10 : 0, 0, 0);
	sched_add(stand, 0, 2 * MS, 11 * MS);
	sched_add(stand, 0, 1 * MS, 7 * MS);
}

/* Something of everything, so that each rule comes to what it does wrong. */
static void stir(struct sched_stand *stand)
{
	struct rh_task_traits traits = *rh_runqueue_traits(stand->queue, 1);

	sched_run(stand, 100 * MS);
	rh_runqueue_change(stand->queue, 1, &traits, stand->now_ns);
	sched_run(stand, 500 * MS);
}

static void check_hostile(const struct hostile *hostile, struct sched_stand *stand,
                          struct rh_rule *good)
{
	struct rh_rule       *bad = load_text(hostile->enqueue, hostile->more);
	struct rh_task_stats  before[6];
	struct rh_diag        diag = { 0 };
	int                   err;

	for (uint32_t i = 0; i < 6; i++)
		before[i] = sched_stats(stand, i);
	err = rh_runqueue_exchange(stand->queue, bad, 2, stand->now_ns, &diag);
	if (err == RH_OK)
		stir(stand);
	else if (!hostile->may_be_refused || err != RH_ERULE || !diag.text[0])
		fail_msg("%s: refused: %d %s", hostile->what, err, diag.text);
	else
		sched_run(stand, 600 * MS); /* by the former one */
	if (!rh_rule_counters(bad)->failures[hostile->kind])
		fail_msg("a rule that %s: not as expected: %s", hostile->what, rh_rule_why(bad));
	for (uint32_t i = 0; i < 6; i++) {
		if (sched_ran(stand, i) <= before[i].run_ns)
			fail_msg("a rule that %s: task %u did not run", hostile->what, i);
		assert_in_range(sched_stats(stand, i).wait_max_ns, 0, 100 * MS);
	}
	/* Another one decides as soon as it is there. */
	if (err == RH_OK)
		sched_exchange(stand, good, 1);
	assert_true(rh_runqueue_is_ruled(stand->queue));
	rh_rule_destroy(bad);
}

static void what_fails_at_once_is_refused_when_it_is_tried(void **state)
{
	static const struct rh_task_traits traits;
	struct rh_rule                    *rule;
	struct rh_diag                     diag = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++) {
		rule = load_text(hostiles[i].enqueue, hostiles[i].more);
		if (rh_runqueue_try(rule, &traits, &diag) != RH_ERULE)
			fail_msg("a rule that %s is taken", hostiles[i].what);
		assert_string_equal(diag.text, rh_rule_why(rule));
		assert_int_not_equal(rh_rule_counters(rule)->failures[hostiles[i].kind], 0);
		rh_rule_destroy(rule);
	}
}

static void what_decides_well_is_taken_when_it_is_tried(void **state)
{
	static const struct rh_task_traits traits[] = {
		{ 0 }, { .nice = 19, .slice_ns = MS, .runtime_ns = MS, .period_ns = 10 * MS },
	};
	struct rh_rule *rule;
	struct rh_diag  diag = { 0 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
		rule = sched_builtin(names[i / 2], NULL, 0);
		if (rh_runqueue_try(rule, &traits[i % 2], &diag) != RH_OK)
			fail_msg("%s: %s", names[i / 2], diag.text);
		rh_rule_destroy(rule);
	}
}

static void all_run_whatever_a_rule_does(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *good = sched_begin(&stand, "cfs");
	uint64_t           before[2], ruled;

	(void)state;
	add_load(&stand);
	sched_run(&stand, 100 * MS);
	for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++)
		check_hostile(&hostiles[i], &stand, good);
	assert_int_equal(rh_rule_counters(good)->failures[RH_FAILED_VALUE], 0);
	before[0] = sched_ran(&stand, 0);
	before[1] = sched_ran(&stand, 1);
	ruled = rh_runqueue_counters(stand.queue)->picks -
	        rh_runqueue_counters(stand.queue)->ruled;
	sched_run(&stand, 10000 * MS);
	assert_in_range((sched_ran(&stand, 0) - before[0]) * 1000 /
	                (sched_ran(&stand, 1) - before[1]), 8850, 9780);
	assert_int_equal(rh_runqueue_counters(stand.queue)->picks -
	                 rh_runqueue_counters(stand.queue)->ruled, ruled);
	sched_end(&stand, good);
}

/* Keys, queues, slices and what is ripe are random numbers, of which some make no sense: no
 * time is lost, and nobody who is runnable is forgotten. */
static void a_rule_of_random_numbers_loses_nobody(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule;
	uint64_t           ran = 0;

	(void)state;
	rule = load_text("(i64.store (local.get 2) (call $random))"
		"(i64.store offset=24 (local.get 2) (i64.shr_u (call $random) (i64.const 38)))"
		"(i64.store offset=32 (local.get 2) (call $random))"
		"(i32.store offset=112 (local.get 2) (i32.rem_u (i32.wrap_i64 (call $random))"
		" (i32.const 9)))"
		"(if (i64.eqz (i64.and (call $random) (i64.const 63)))"
		" (then (i32.store offset=112 (local.get 2) (i32.wrap_i64 (call $random)))))"
		"(i64.store offset=32 (i32.const 0) (call $random))",
		"(func (export \"rh_sched_wakeup\") (param i32 i32) (result i32)"
		" (i32.wrap_i64 (i64.shr_u (i64.and (call $random) (i64.const 63)) (i64.const 5))))"
		"(func (export \"rh_sched_tick\") (param i32) (result i32)"
		" (i32.shr_u (i32.rem_u (i32.wrap_i64 (call $random)) (i32.const 129))"
		"  (i32.const 6)))");
	sched_begin(&stand, NULL);
	add_load(&stand);
	sched_exchange(&stand, rule, 1);
	for (unsigned n = 0; n < 2000; n++) {
		struct rh_task_traits traits = *rh_runqueue_traits(stand.queue, n % 4);

		sched_run(&stand, 10 * MS);
		traits.nice = (int32_t)(n % 40) - 20;
		rh_runqueue_change(stand.queue, n % 4, &traits, stand.now_ns);
	}
	for (uint32_t i = 0; i < stand.count; i++) {
		assert_true(sched_ran(&stand, i) > 0);
		ran += sched_ran(&stand, i);
	}
	assert_int_equal(ran + stand.idle_ns, stand.now_ns);
	assert_int_equal(stand.idle_ns, 0);
	assert_true(rh_runqueue_counters(stand.queue)->failures > 10);
	assert_true(rh_runqueue_counters(stand.queue)->ruled > 100);
	sched_end(&stand, NULL);
	rh_rule_destroy(rule);
}

/* It fails for a while, and then not any more: it is told anew, and decides again. */
static void a_rule_that_recovers_decides_again(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule;
	uint64_t           ruled;

	(void)state;
	sched_begin(&stand, NULL);
	rule = load_text("(if (i64.eq (i64.div_u (i64.load (i32.const 0)) (i64.const 1000000000))"
	                 " (i64.const 1)) (then unreachable))", "");
	add_load(&stand);
	sched_exchange(&stand, rule, 1);
	sched_run(&stand, 900 * MS);
	assert_true(rh_runqueue_is_ruled(stand.queue));
	sched_run(&stand, 600 * MS);
	assert_false(rh_runqueue_is_ruled(stand.queue));
	sched_run(&stand, 1000 * MS);
	assert_true(rh_runqueue_is_ruled(stand.queue));
	/* Not told at every pick: 64 and some between two. */
	assert_in_range(rh_runqueue_counters(stand.queue)->failures, 2,
	                rh_runqueue_counters(stand.queue)->picks / 64 + 1);
	ruled = rh_runqueue_counters(stand.queue)->ruled;
	sched_run(&stand, 100 * MS);
	assert_true(rh_runqueue_counters(stand.queue)->ruled > ruled + 20);
	sched_end(&stand, NULL);
	rh_rule_destroy(rule);
}

/* The rule really decides: what runs is what it says, not what it should say. */
static void a_rule_that_inverts_the_order_inverts_the_shares(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *rule;

	(void)state;
	sched_begin(&stand, NULL);
	/* A slice of its nice value plus one, in microseconds. */
	rule = load_text("(i64.store offset=24 (local.get 2) (i64.mul (i64.const 100000)"
	                 " (i64.extend_i32_u (i32.sub (i32.load offset=108 (local.get 2))"
	                 " (i32.const 19)))))", "");
	sched_exchange(&stand, rule, 1);
	sched_add(&stand, 0, 0, 0);
	sched_add(&stand, 9, 0, 0);
	sched_run(&stand, 10000 * MS);
	assert_in_range(sched_ran(&stand, 1) * 1000 / sched_ran(&stand, 0), 9900, 10100);
	sched_end(&stand, NULL);
	rh_rule_destroy(rule);
}

/* Of two processors: the one that is there, and one that is not. */
static void a_processor_that_there_is_not_is_no_place(void **state)
{
	const struct rh_runqueue_place place = { .cpu = 1, .cpus = 4 };
	struct rh_task_traits          traits = { .nice = 0 };
	struct rh_runqueue            *queue;
	struct rh_rule                *rule;

	(void)state;
	for (int said = 3; said <= 4; said++) {
		char more[160];

		snprintf(more, sizeof more, "(func (export \"rh_sched_select_cpu\") (param i32 i64)"
		         " (result i32) i32.const %d)", said);
		rule = load_text("", more);
		assert_int_equal(rh_runqueue_create(&place, rule, 1, &queue, NULL), RH_OK);
		rh_runqueue_add(queue, 0, &traits, 1);
		assert_int_equal(rh_runqueue_select(queue, 0, 1u << 2, 1), said == 3 ? 3 : 2);
		assert_int_equal(rh_runqueue_is_ruled(queue), said == 3);
		/* By itself: here, if that is idle; else an idle one; else here. */
		rh_runqueue_exchange(queue, NULL, 0, 2, NULL);
		assert_int_equal(rh_runqueue_select(queue, 0, 1u << 1 | 1u << 0, 2), 1);
		assert_int_equal(rh_runqueue_select(queue, 0, 1u << 3 | 1u << 2, 2), 2);
		assert_int_equal(rh_runqueue_select(queue, 0, 0, 2), 1);
		assert_int_equal(rh_runqueue_select(queue, 0, 1ull << 40, 2), 1);
		rh_runqueue_destroy(queue);
		rh_rule_destroy(rule);
	}
}

/* A rule that takes no task is refused, and one that refuses later is left aside. */
static void a_rule_may_refuse_a_task(void **state)
{
	struct sched_stand stand;
	struct rh_rule    *good = sched_begin(&stand, "rr"), *bad;
	struct rh_diag     diag = { 0 };
	uint8_t           *module;
	size_t             len;

	(void)state;
	sched_add(&stand, 0, 0, 0);
	sched_run(&stand, 10 * MS);
	module = fixture_assemble(
		"(module (memory (export \"memory\") 4)"
		" (func (export \"rh_abi\") (result i32) i32.const 1114113)"
		" (func (export \"rh_buffer\") (result i32) i32.const 0)"
		" (func (export \"rh_sched_enable\") (param i32) (result i32) i32.const -3)"
		" (func (export \"rh_sched_enqueue\") (param i32 i32) (result i32) i32.const 0))",
		&len);
	struct rh_build job = { .hook = rh_hook_find("sched"), .module = module,
	                        .module_bytes = len };
	struct rh_built built;
	assert_int_equal(rh_build_run(&job, &built, &diag), RH_OK);
	struct rh_rule_source source = { .hook = job.hook, .mode = RH_RULE_WASM,
	                                 .object_fd = built.fd };
	assert_int_equal(rh_rule_load(&source, &bad, &diag), RH_OK);
	/* Of others it may take them: the exchange asks it about those that there are. */
	assert_int_equal(rh_runqueue_try(bad, &stand.tasks[0].traits, &diag), RH_OK);
	assert_int_equal(rh_runqueue_exchange(stand.queue, bad, 2, stand.now_ns, &diag),
	                 RH_EINVAL);
	assert_string_equal(diag.text, "the rule does not take a task (rh_sched_enable said -3)");
	assert_true(rh_runqueue_is_ruled(stand.queue));
	sched_end(&stand, good);

	sched_begin(&stand, NULL);
	sched_exchange(&stand, bad, 1); /* nobody is there */
	assert_true(rh_runqueue_is_ruled(stand.queue));
	sched_add(&stand, 0, 0, 0);
	sched_run(&stand, 10 * MS);
	assert_false(rh_runqueue_is_ruled(stand.queue));
	assert_int_equal(sched_ran(&stand, 0), 10 * MS);
	sched_end(&stand, NULL);
	rh_rule_destroy(bad);
	close(built.fd);
	free(module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_ordered_alike),
		cmocka_unit_test(a_built_in_rule_is_the_object),
		cmocka_unit_test(what_fails_at_once_is_refused_when_it_is_tried),
		cmocka_unit_test(what_decides_well_is_taken_when_it_is_tried),
		cmocka_unit_test(all_run_whatever_a_rule_does),
		cmocka_unit_test(a_rule_of_random_numbers_loses_nobody),
		cmocka_unit_test(a_rule_that_recovers_decides_again),
		cmocka_unit_test(a_rule_that_inverts_the_order_inverts_the_shares),
		cmocka_unit_test(a_processor_that_there_is_not_is_no_place),
		cmocka_unit_test(a_rule_may_refuse_a_task),
	};

	if (!three_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_sched", tests, NULL, NULL);
}
