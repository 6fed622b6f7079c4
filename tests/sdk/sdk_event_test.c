/* Events: pulled, kept, refused, and not shared with children. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"
#include "../../wire/limits.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KIND = 77, OTHER = 78 };

static struct rh_callee *callee;

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	return rh_open("bytes", 0, &callee) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static int take(uint64_t event, char *bytes, size_t cap, uint64_t timeout_ms)
{
	size_t len = 0;
	int    r = rh_event_take(callee, event, bytes, cap, &len,
	                         timeout_ms * RH_NS_PER_MS);

	if (r == RH_OK)
		bytes[len] = 0;
	return r;
}

struct emission {
	uint64_t     event;
	const char  *text;
	int          times;
	_Atomic int  taken;
	pthread_t    id;
};

static void *emit(void *user)
{
	struct emission *emission = user;

	for (int i = 0; i < emission->times; i++)
		emission->taken += mini_agent_emit(stage.agent, emission->event,
		                                   emission->text,
		                                   (uint32_t)strlen(emission->text));
	return NULL;
}

static void start(struct emission *emission)
{
	assert_int_equal(pthread_create(&emission->id, NULL, emit, emission), 0);
}

static void an_event_is_taken_with_its_bytes(void **state)
{
	struct emission emission = { .event = KIND, .text = "it happened", .times = 20 };
	char            bytes[32];

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN); /* subscribes */
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
	start(&emission);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(take(KIND, bytes, sizeof bytes, 20000), RH_OK);
		assert_string_equal(bytes, "it happened");
	}
	pthread_join(emission.id, NULL);
	assert_int_equal(emission.taken, 20);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 10), RH_EAGAIN);
}

static void an_event_that_does_not_fit_stays(void **state)
{
	struct emission emission = { .event = KIND, .text = "long enough", .times = 1 };
	char            bytes[32] = "untouched";

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	start(&emission);
	assert_int_equal(take(KIND, bytes, 5, 20000), RH_EMSGSIZE);
	assert_string_equal(bytes, "untouched");
	assert_int_equal(take(KIND, bytes, sizeof bytes, 20000), RH_OK);
	assert_string_equal(bytes, "long enough");
	pthread_join(emission.id, NULL);
	assert_int_equal(emission.taken, 1);
}

static void a_kind_that_nobody_takes_is_refused(void **state)
{
	struct emission other = { .event = OTHER, .text = "other", .times = 1 };
	struct emission wanted = { .event = KIND, .text = "wanted", .times = 1 };
	char            bytes[32];

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	start(&other);
	while (take(KIND, bytes, sizeof bytes, 50) == RH_EAGAIN && !other.taken) {
		if (pthread_tryjoin_np(other.id, NULL) == 0)
			break;
	}
	assert_int_equal(other.taken, 0); /* the emitter is told */
	start(&wanted);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 20000), RH_OK);
	assert_string_equal(bytes, "wanted");
	pthread_join(wanted.id, NULL);
}

static int listen_as_child(void *user)
{
	char   bytes[32];
	size_t len = 0;

	(void)user;
	/* A call page is mapped where the parent's inbox was; both must work. */
	struct rh_callee *things;
	if (rh_open("things", 0, &things) < 0 ||
	    rh_call(things, 1, NULL, 0, NULL, 0, &len, 0) != RH_EFUNC)
		return 1;
	if (take(KIND, bytes, sizeof bytes, 0) != RH_EAGAIN)
		return 2;
	if (rh_call(things, 1, NULL, 0, NULL, 0, &len, 0) != RH_EFUNC)
		return 3;
	return 0;
}

static void a_child_listens_for_itself(void **state)
{
	struct emission emission = { .event = KIND, .text = "for the parent", .times = 1 };
	char            bytes[32];

	(void)state;
	stage_things(1);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	for (int i = 0; i < 5; i++)
		assert_int_equal(scene_child(listen_as_child, NULL), 0);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
	start(&emission);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 20000), RH_OK);
	assert_string_equal(bytes, "for the parent");
	pthread_join(emission.id, NULL);
}

/* It would take events from those who listen, and hold a thread of the service. */
static void an_event_is_no_function(void **state)
{
	struct rh_callee *things;
	size_t            len;

	(void)state;
	stage_things(1);
	assert_int_equal(rh_open("things", 0, &things), RH_OK);
	assert_int_equal(rh_call(things, rh_function_id("things_event(out i32)i32"), "", 0, NULL,
	                         0, &len, 2000 * RH_NS_PER_MS), RH_ENOCARRY);
}

static void a_listener_comes_back_to_a_new_agent(void **state)
{
	struct emission emission = { .event = KIND, .text = "again", .times = 1 };
	char            bytes[32];

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	/* Only who takes notices, and not always within the first 50 ms. */
	for (int i = 0; i < 400 && mini_agent_counts(stage.agent).listeners == 0; i++)
		assert_int_equal(take(KIND, bytes, sizeof bytes, 50), RH_EAGAIN);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
	start(&emission);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 20000), RH_OK);
	assert_string_equal(bytes, "again");
	pthread_join(emission.id, NULL);
}

/* Whoever emitted it was told that it has come.  A call notices first that the agent is
 * another one. */
static void what_a_former_agent_left_is_taken_first(void **state)
{
	const char function[] = "never()void";
	char       bytes[32];
	size_t     len;

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
	assert_int_equal(mini_agent_place(stage.agent, KIND, "one", 3), 1);
	assert_int_equal(mini_agent_place(stage.agent, KIND, "two", 3), 1);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	assert_true(rh_call(callee, rh_function_id(function), "", 0, NULL, 0, &len,
	                    20 * RH_NS_PER_MS) < 0);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_OK);
	assert_string_equal(bytes, "one");
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_OK);
	assert_string_equal(bytes, "two");
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
}

struct listener {
	struct stage_thread thread;
	char                bytes[32];
	int                 result;
};

static void *listen(void *user)
{
	struct listener *listener = user;

	listener->result = take(KIND, listener->bytes, sizeof listener->bytes, 20000);
	return NULL;
}

static void a_listener_that_waits_comes_back_to_a_new_agent(void **state)
{
	struct emission emission = { .event = KIND, .text = "at last", .times = 1 };
	struct listener listener = { 0 };

	(void)state;
	stage_thread_start(&listener.thread, listen, &listener);
	stage_await_syscall(listener.thread.tid, SYS_poll);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
	start(&emission);
	stage_thread_join(&listener.thread);
	assert_int_equal(listener.result, RH_OK);
	assert_string_equal(listener.bytes, "at last");
	pthread_join(emission.id, NULL);
}

/* The milliseconds that a thread in poll(2) wants to sleep. */
static long poll_timeout(pid_t tid)
{
	char  path[64];
	FILE *file;
	long  timeout = -1;

	snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)tid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%*d %*x %*x %lx", (unsigned long *)&timeout) != 1)
		timeout = -1;
	if (file)
		fclose(file);
	return timeout;
}

/* Woken by what it waits for, it does not look around meanwhile. */
static void a_listener_that_waits_sleeps_until_it_is_woken(void **state)
{
	struct emission emission = { .event = KIND, .text = "good morning", .times = 1 };
	struct listener listener = { 0 };

	(void)state;
	assert_int_equal(take(KIND, listener.bytes, sizeof listener.bytes, 0), RH_EAGAIN);
	stage_thread_start(&listener.thread, listen, &listener);
	stage_await_syscall(listener.thread.tid, SYS_poll);
	assert_true(poll_timeout(listener.thread.tid) > 1000);
	start(&emission);
	stage_thread_join(&listener.thread);
	assert_int_equal(listener.result, RH_OK);
	assert_string_equal(listener.bytes, "good morning");
	pthread_join(emission.id, NULL);
}

/* Also one that never waits. */
static void a_listener_that_polls_comes_back_to_a_new_agent(void **state)
{
	uint64_t until = rh_clock_ns() + 20 * RH_NS_PER_S;
	char     bytes[32];

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	while (mini_agent_counts(stage.agent).listeners == 0 && rh_clock_ns() < until)
		assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	assert_int_equal(mini_agent_counts(stage.agent).listeners, 1);
}

/* The agent may lie as well: what it says of an event is checked. */
static void an_event_without_bytes_is_refused(void **state)
{
	char bytes[32];

	(void)state;
	assert_int_equal(take(KIND, bytes, sizeof bytes, 0), RH_EAGAIN);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
	mini_agent_emit_lie(stage.agent, KIND);
	int r = take(KIND, bytes, sizeof bytes, 1000);
	assert_true(r == RH_EPROTO || r == RH_EAGAIN);
	struct emission emission = { .event = KIND, .text = "true", .times = 1 };
	start(&emission);
	assert_int_equal(take(KIND, bytes, sizeof bytes, 20000), RH_OK);
	assert_string_equal(bytes, "true");
	pthread_join(emission.id, NULL);
}

static void an_event_is_emitted_to_the_agent(void **state)
{
	char large[8] = "0123456";

	(void)state;
	assert_int_equal(rh_event_emit(KIND, large, 7, 0), RH_OK);
	assert_int_equal(rh_event_emit(KIND, NULL, 0, 0), RH_OK);
	assert_int_equal(mini_agent_counts(stage.agent).emitted, 2);
	assert_int_equal(rh_event_emit(KIND, large, RH_PAYLOAD_ARENA_MAX + 1u, 0), RH_EMSGSIZE);
}

static int set_up_full(void **state)
{
	static const struct mini_options options = { .event_full = 1 };

	(void)state;
	stage_up(&options);
	return 0;
}

static void a_full_listener_is_told_at_once(void **state)
{
	uint64_t before = rh_clock_ns();

	(void)state;
	assert_int_equal(rh_event_emit(KIND, "x", 1, 0), RH_EAGAIN);
	assert_int_equal(rh_last_ran(), 0);
	assert_true(rh_clock_ns() - before < 10 * RH_NS_PER_S);
}

static void tell_things(void)
{
	_Atomic uint32_t *told = (_Atomic uint32_t *)(void *)&stage.ledger->told;

	atomic_fetch_add(told, 1);
	syscall(SYS_futex, told, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* A hosted library's events leave its worker in order, each once. */
static void a_worker_emits_the_events_of_its_library(void **state)
{
	(void)state;
	stage_things(1);
	for (unsigned i = 1; i <= 20; i++) {
		tell_things();
		assert_int_equal(MINI_AWAIT(stage.agent, emitted, i), 0);
	}
}

static int set_up_impatient(void **state)
{
	setenv("RHODES_TIMEOUT_MS", "100", 1);
	return set_up(state);
}

static void a_program_pulls_events_by_a_function(void **state)
{
	int value = 5;

	(void)state;
	errno = 0;
	assert_int_equal(things_event(&value), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(value, 5);
	assert_int_equal(MINI_AWAIT(stage.agent, listeners, 1), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(an_event_is_taken_with_its_bytes),
	CASE(an_event_that_does_not_fit_stays),
	CASE(a_kind_that_nobody_takes_is_refused),
	CASE(a_child_listens_for_itself),
	CASE(an_event_is_no_function),
	CASE(a_listener_comes_back_to_a_new_agent),
	CASE(what_a_former_agent_left_is_taken_first),
	CASE(a_listener_that_waits_comes_back_to_a_new_agent),
	CASE(a_listener_that_waits_sleeps_until_it_is_woken),
	CASE(a_listener_that_polls_comes_back_to_a_new_agent),
	CASE(an_event_without_bytes_is_refused),
	CASE(an_event_is_emitted_to_the_agent),
	cmocka_unit_test_setup_teardown(a_full_listener_is_told_at_once, set_up_full,
	                                tear_down),
	CASE(a_worker_emits_the_events_of_its_library),
	cmocka_unit_test_setup_teardown(a_program_pulls_events_by_a_function,
	                                set_up_impatient, tear_down),
};
STAGE_MAIN(tests)
