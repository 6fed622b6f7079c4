/* The callee's side of the SDK, its callers and an agent as threads of one process over one
 * mapping of each page (once.h), for ThreadSanitizer: pages and callers come and go while
 * calls run, so that pages pass from the control thread to serving threads and back, and
 * objects from one serving thread to another.
 *
 * What a call does to an object is plain code: only the hand-over of pages orders it. */
#include "once.h"

#include "../support/mini_agent.h"
#include "../support/scene.h"

#include "../../sdk/c/rhodes-stub.h"
#include "../../sdk/c/rhodes.h"
#include "../../sdk/c/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FUNCTION_NEW, FUNCTION_ADD, FUNCTION_FREE, FUNCTION_PLAIN, FUNCTIONS };

struct box {
	uint64_t value;
};

static _Atomic int boxes; /* that live */

/* ---- what is served ---------------------------------------------------------- */

static void run_new(void *const *args, void *ret)
{
	struct box *box = malloc(sizeof *box);

	box->value = *(uint64_t *)args[0];
	boxes++;
	*(struct box **)ret = box;
}

static void run_add(void *const *args, void *ret)
{
	struct box *box = *(struct box **)args[0];

	box->value += *(uint64_t *)args[1];
	*(uint64_t *)ret = box->value;
}

static void run_free(void *const *args, void *ret)
{
	struct box *box = *(struct box **)args[0];

	(void)ret;
	box->value = 0; /* a race with whoever uses it yet */
	free(box);
	boxes--;
}

static void run_plain(void *const *args, void *ret)
{
	*(uint64_t *)ret = *(uint64_t *)args[0] + 1;
}

#define NUMBER { .name = "number", .type = "u64", .kind = RH_KIND_UINT, .size = 8 }
#define BOX    { .name = "box", .type = "handle box", .kind = RH_KIND_HANDLE, .size = 8 }

static const struct rh_param number_params[] = { NUMBER };
static const struct rh_param add_params[] = { BOX, NUMBER };
static const struct rh_param free_params[] = {
	{ .name = "box", .type = "handle box", .kind = RH_KIND_HANDLE, .size = 8,
	  .flags = RH_PARAM_DESTROYS },
};

#define RETURN_NUMBER { .name = "", .type = "u64", .kind = RH_KIND_UINT, \
	                .direction = RH_OUT, .size = 8 }

static struct rh_function functions[FUNCTIONS] = {
	[FUNCTION_NEW] = {
		.name = "box_new", .params = number_params, .param_count = 1,
		.ret = { .name = "", .type = "handle box", .kind = RH_KIND_HANDLE,
		         .direction = RH_OUT, .size = 8, .flags = RH_PARAM_CREATES },
	},
	[FUNCTION_ADD] = { .name = "box_add", .params = add_params, .param_count = 2,
	                   .ret = RETURN_NUMBER },
	[FUNCTION_FREE] = { .name = "box_free", .params = free_params, .param_count = 1,
	                    .ret = { .name = "", .type = "void" } },
	[FUNCTION_PLAIN] = { .name = "plain", .params = number_params, .param_count = 1,
	                     .ret = RETURN_NUMBER },
};

static const struct rh_handle_type handle_types[] = {
	{ .name = "box", .destructor = FUNCTION_FREE },
};

static struct rh_interface interface = {
	.abi = RH_INTERFACE_ABI, .function_count = FUNCTIONS, .name = "boxes",
	.soname = "libboxes.so.1", .version = "1", .functions = functions,
	.handles = handle_types, .handle_count = 1,
};

static rh_trampoline *const trampolines[FUNCTIONS] = {
	[FUNCTION_NEW] = run_new, [FUNCTION_ADD] = run_add, [FUNCTION_FREE] = run_free,
	[FUNCTION_PLAIN] = run_plain,
};

static const struct rh_skeleton skeleton = {
	.abi = RH_INTERFACE_ABI, .interface = &interface, .trampolines = trampolines,
};

/* ---- the calls ----------------------------------------------------------------- */

static struct rh_stub_library library = { .abi = RH_STUB_ABI, .interface = &interface };

static void *box_new(uint64_t number)
{
	void *args[] = { &number };
	void *box = NULL;

	assert_int_equal(rh_stub_invoke(&library, FUNCTION_NEW, args, &box), 0);
	return box;
}

static uint64_t box_add(void *box, uint64_t number)
{
	void    *args[] = { &box, &number };
	uint64_t sum = 0;

	assert_int_equal(rh_stub_invoke(&library, FUNCTION_ADD, args, &sum), 0);
	return sum;
}

static void box_free(void *box)
{
	void *args[] = { &box };

	assert_int_equal(rh_stub_invoke(&library, FUNCTION_FREE, args, NULL), 0);
}

static int plain(uint64_t number)
{
	void    *args[] = { &number };
	uint64_t next = 0;
	int      r = rh_stub_invoke(&library, FUNCTION_PLAIN, args, &next);

	if (r == 0)
		assert_true(next == number + 1);
	return r;
}

/* ---- the stage ------------------------------------------------------------------- */

struct hall {
	char               dir[SCENE_PATH];
	char               path[SCENE_PATH + 16];
	struct mini_agent *agent;
	pthread_t          server;
	unsigned           threads;
};

static void *serve(void *user)
{
	const struct hall *hall = user;

	assert_int_equal(rh_serve(&skeleton, hall->threads), 0);
	return NULL;
}

static void begin_serving(struct hall *hall, unsigned threads)
{
	unsigned before = mini_agent_counts(hall->agent).served;

	hall->threads = threads;
	assert_int_equal(pthread_create(&hall->server, NULL, serve, hall), 0);
	assert_int_equal(MINI_AWAIT(hall->agent, served, before + 1), 0);
}

static void end_serving(struct hall *hall)
{
	rh_serve_stop();
	pthread_join(hall->server, NULL);
	assert_int_equal(MINI_AWAIT(hall->agent, workers, 0), 0);
}

static int set_up(void **state)
{
	static const struct mini_options options = { .tells_gone = 1 };
	struct hall *hall = calloc(1, sizeof *hall);

	scene_dir(hall->dir);
	snprintf(hall->path, sizeof hall->path, "%s/agent.sock", hall->dir);
	setenv("RHODES_AGENT", hall->path, 1);
	hall->agent = mini_agent_start(hall->path, &options);
	boxes = 0;
	*state = hall;
	return 0;
}

static int tear_down(void **state)
{
	struct hall *hall = *state;

	mini_agent_stop(hall->agent);
	rh_session_lost(rh_session.generation);
	scene_remove(hall->dir);
	free(hall);
	return 0;
}

/* Runs so many threads at once, each a turn, and each followed by others. */
static void run_turns(void *(*turn)(void *), unsigned at_once, unsigned turns)
{
	pthread_t *threads = calloc(at_once, sizeof *threads);

	for (unsigned t = 0; t < turns * at_once; t++) {
		pthread_t *thread = &threads[t % at_once];

		if (t >= at_once)
			pthread_join(*thread, NULL);
		assert_int_equal(pthread_create(thread, NULL, turn,
		                                (void *)(uintptr_t)t), 0);
	}
	for (unsigned i = 0; i < at_once; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

/* ---- the tests ------------------------------------------------------------------- */

enum { BOXES_AT_ONCE = 6, COMERS = 8, AGENTS = 400 };
static void *passed[BOXES_AT_ONCE]; /* from one thread to the one that follows it */

static void *use_boxes(void *user)
{
	uintptr_t turn = (uintptr_t)user;
	void    **box = &passed[turn % BOXES_AT_ONCE];
	void     *own = box_new(turn);

	if (!*box)
		*box = box_new(0);
	for (unsigned i = 0; i < 1 + turn % 40; i++) {
		uint64_t before = box_add(*box, 0);

		assert_true(box_add(*box, i) == before + i);
		assert_true(box_add(own, 0) == turn);
	}
	box_free(own);
	return NULL;
}

static void an_object_passes_between_serving_threads(void **state)
{
	struct hall *hall = *state;

	begin_serving(hall, 3);
	run_turns(use_boxes, BOXES_AT_ONCE, 60);
	for (int i = 0; i < BOXES_AT_ONCE; i++) {
		box_free(passed[i]);
		passed[i] = NULL;
	}
	assert_int_equal(boxes, 0);
	assert_true(once_shared() > 0);
	end_serving(hall);
}

static void *leave_box(void *user)
{
	void *box = box_new((uintptr_t)user);

	for (unsigned i = 0; i < 1 + (uintptr_t)user % 4; i++)
		box_add(box, 1);
	return NULL;
}

/* The process attaches again, as another caller. */
static void become_another(void)
{
	pthread_mutex_lock(&rh_session.lock);
	rh_session.attachment = 0;
	pthread_mutex_unlock(&rh_session.lock);
	rh_session_lost(rh_session.generation);
}

/* Each caller is another one to the callee, and what it leaves is freed by the first
 * serving thread, whoever used it last. */
static void what_a_caller_leaves_is_freed(void **state)
{
	struct hall *hall = *state;

	begin_serving(hall, 4);
	for (int caller = 0; caller < 40; caller++) {
		run_turns(leave_box, 8, 2);
		become_another();
	}
	end_serving(hall); /* frees the last caller's in any case */
	assert_int_equal(boxes, 0);
}

static pthread_barrier_t meeting;

static void *call_together(void *user)
{
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(plain((uintptr_t)user), 0);
	pthread_barrier_wait(&meeting); /* all have their pages */
	for (unsigned i = 0; i < (uintptr_t)user % 50; i++)
		assert_int_equal(plain(i), 0);
	return NULL;
}

/* More pages than a thread can sleep on, then none, then one. */
static void lookouts_watch_pages_that_come_and_go(void **state)
{
	struct hall *hall = *state;

	begin_serving(hall, 1);
	for (unsigned round = 0; round < 3; round++) {
		pthread_barrier_init(&meeting, NULL, 150);
		run_turns(call_together, 150, 1);
		pthread_barrier_destroy(&meeting);
		for (unsigned i = 0; i < 200; i++)
			assert_int_equal(plain(i), 0);
	}
	end_serving(hall);
}

static _Atomic int is_over;

static void *call_on(void *user)
{
	while (!is_over)
		plain((uintptr_t)user); /* lost, when the server ends in the middle */
	return NULL;
}

static void serving_ends_in_the_middle_of_calls(void **state)
{
	struct hall *hall = *state;
	pthread_t    threads[6];

	is_over = 0;
	for (uintptr_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, call_on, (void *)i);
	for (int round = 0; round < 8; round++) {
		begin_serving(hall, 1 + (unsigned)round % 3);
		assert_int_equal(MINI_AWAIT(hall->agent, pages, 6), 0);
		end_serving(hall);
	}
	begin_serving(hall, 2);
	is_over = 1;
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	end_serving(hall);
}

static void *call_some(void *user)
{
	for (uintptr_t i = 0; i < 3 && !is_over; i++)
		assert_int_equal(plain((uintptr_t)user + i), 0);
	return NULL;
}

static void *turn_until_over(void *user)
{
	while (!is_over)
		run_turns(call_some, 1, 1);
	return user;
}

/* Each numbers the edges in its own way, and a page that was asked for by the number of
 * a former one would be another edge's.  Bound pages outlive them. */
static void agents_come_and_go(void **state)
{
	struct hall        *hall = *state;
	struct mini_options options = { 0 };
	pthread_t           threads[COMERS];

	is_over = 0;
	begin_serving(hall, 2);
	for (int i = 0; i < COMERS; i++)
		pthread_create(&threads[i], NULL, turn_until_over, NULL);
	for (int round = 0; round < AGENTS; round++) {
		mini_agent_stop(hall->agent);
		options.first_edge += 10;
		hall->agent = mini_agent_start(hall->path, &options);
		assert_int_equal(MINI_AWAIT(hall->agent, workers, 1), 0);
	}
	is_over = 1;
	for (int i = 0; i < COMERS; i++)
		pthread_join(threads[i], NULL);
	end_serving(hall);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(an_object_passes_between_serving_threads),
		CASE(what_a_caller_leaves_is_freed),
		CASE(lookouts_watch_pages_that_come_and_go),
		CASE(serving_ends_in_the_middle_of_calls),
		CASE(agents_come_and_go),
	};

	for (int i = 0; i < FUNCTIONS; i++)
		functions[i].hash = rh_function_hash(&functions[i]);
	interface.hash = rh_interface_hash(&interface);
	setenv("RHODES_LOG", "error", 0);
	return cmocka_run_group_tests_name("serve_race", tests, NULL, NULL);
}
