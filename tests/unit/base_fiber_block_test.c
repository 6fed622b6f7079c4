/* The block of a program under the carrier `fiber`, seen from outside: what is found, what is
 * believed, what is asked, and events that come faster than they are read. */
#include "../../base/fiber_block.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct shared {
	struct rh_stats      stats;
	struct rh_stats_ring ring;
};

/* This process is the program. */
struct scene {
	int                   fd;
	struct shared        *shared;
	struct rh_fiber_block block;
};

static int make(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	scene->fd = memfd_create(RH_STATS_MEMFD, MFD_CLOEXEC);
	assert_true(scene->fd >= 0);
	assert_int_equal(ftruncate(scene->fd, sizeof *scene->shared), 0);
	scene->shared = mmap(NULL, sizeof *scene->shared, PROT_READ | PROT_WRITE, MAP_SHARED,
	                     scene->fd, 0);
	assert_true(scene->shared != MAP_FAILED);
	scene->shared->stats.pid = (uint32_t)getpid();
	scene->shared->stats.version = RH_STATS_VERSION;
	scene->shared->stats.magic = RH_STATS_MAGIC;
	assert_int_equal(rh_fiber_block_open(getpid(), 1, &scene->block), RH_OK);
	*state = scene;
	return 0;
}

static int leave(void **state)
{
	struct scene *scene = *state;

	rh_fiber_block_close(&scene->block);
	munmap(scene->shared, sizeof *scene->shared);
	close(scene->fd);
	free(scene);
	return 0;
}

static int open_result(void)
{
	struct rh_fiber_block block;
	int                   r = rh_fiber_block_open(getpid(), 0, &block);

	if (r == RH_OK)
		rh_fiber_block_close(&block);
	return r;
}

/* ---- what is found ---------------------------------------------------------- */

static void only_a_whole_one_of_that_process_is_found(void **state)
{
	struct scene    *scene = *state;
	struct rh_stats *stats = &scene->shared->stats;
	struct rh_fiber_block block;

	assert_int_equal(open_result(), RH_OK);
	stats->version = RH_STATS_VERSION + 1;
	assert_int_equal(open_result(), RH_ENOSYS);
	stats->version = RH_STATS_VERSION;
	stats->magic = 0; /* it is being made */
	assert_int_equal(open_result(), RH_ENOENT);
	stats->magic = RH_STATS_MAGIC;
	stats->pid = (uint32_t)getpid() + 1; /* a parent's */
	assert_int_equal(open_result(), RH_ENOENT);
	stats->pid = (uint32_t)getpid();
	assert_int_equal(open_result(), RH_OK);
	assert_int_equal(rh_fiber_block_open(0x7ffffff0, 0, &block), RH_ENOENT);
}

static void one_that_is_cut_off_is_lost_and_nothing_more(void **state)
{
	struct scene         *scene = *state;
	struct rh_stats_ask   ask = { .policy = "rr" };
	struct rh_stats_event event;
	struct rh_stats      *stats = malloc(sizeof *stats);
	uint64_t              next = 0, lost = 0;

	assert_non_null(stats);
	assert_int_equal(ftruncate(scene->fd, 4096), 0);
	assert_int_equal(rh_fiber_block_read(&scene->block, stats), RH_ELOST);
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_ELOST);
	assert_int_equal(rh_fiber_block_trace(&scene->block, 1), RH_ELOST);
	assert_int_equal(rh_fiber_block_is_traced(&scene->block), 0);
	assert_int_equal(rh_fiber_block_events(&scene->block, &next, &event, 1, &lost),
	                 RH_ELOST);
	free(stats);
}

static void what_it_says_can_be_printed(void **state)
{
	struct scene    *scene = *state;
	struct rh_stats *stats = malloc(sizeof *stats);

	assert_non_null(stats);
	memset(scene->shared->stats.reasons, '\033', sizeof stats->reasons);
	assert_int_equal(rh_fiber_block_read(&scene->block, stats), RH_OK);
	for (unsigned i = 0; i < RH_STATS_REASONS; i++) {
		assert_int_equal(strlen(stats->reasons[i]), RH_STATS_WHY - 1);
		assert_int_equal(strspn(stats->reasons[i], "?"), RH_STATS_WHY - 1);
	}
	free(stats);
}

static void a_program_that_becomes_another_has_another(void **state)
{
	struct scene         *scene = *state;
	struct rh_fiber_block again;
	int                   next = memfd_create(RH_STATS_MEMFD, MFD_CLOEXEC);

	assert_int_equal(rh_fiber_block_open(getpid(), 0, &again), RH_OK);
	assert_true(rh_fiber_block_is_same(&scene->block, &again));
	assert_int_equal(dup2(next, again.fd), again.fd);
	assert_false(rh_fiber_block_is_same(&scene->block, &again));
	rh_fiber_block_close(&again);
	close(next);
}

static void threads_that_the_kernel_orders_are_counted(void **state)
{
	struct scene            *scene = *state;
	struct rh_stats_control *control = &scene->shared->stats.control;
	char                     why[RH_STATS_WHY];

	assert_int_equal(rh_fiber_block_hosted(&scene->block, why), 0);
	control->hosted = 3;
	memset(control->why, 'x', sizeof control->why);
	assert_int_equal(rh_fiber_block_hosted(&scene->block, why), 3);
	assert_string_equal(why, ""); /* it is being written */
	control->has_why = 2;
	control->why[1] = '\n';
	rh_fiber_block_hosted(&scene->block, why);
	assert_int_equal(strlen(why), RH_STATS_WHY - 1);
	assert_memory_equal(why, "x?x", 3);
	control->hosted = UINT32_MAX;
	assert_int_equal(rh_fiber_block_hosted(&scene->block, why), 0);
}

static void threads_that_are_at_home_are_named(void **state)
{
	struct scene           *scene = *state;
	struct rh_thread_stats *lines = scene->shared->stats.threads;
	_Atomic uint64_t       *others = scene->shared->stats.others;
	pid_t                   tids[RH_FIBER_BLOCK_HOMES];

	assert_int_equal(rh_fiber_block_homes(&scene->block, tids), 0);
	lines[3].tid = 30;
	lines[3].state = RH_THREAD_HOME;
	lines[4].tid = 40;
	lines[4].state = RH_THREAD_RUNNING;
	lines[RH_STATS_THREADS - 1].tid = 50;
	lines[RH_STATS_THREADS - 1].state = RH_THREAD_HOME;
	others[0] = 60; /* the runtime's own */
	others[RH_STATS_OTHERS - 1] = 2ull << 32 | 70;
	assert_int_equal(rh_fiber_block_homes(&scene->block, tids), 3);
	assert_int_equal(tids[0], 30);
	assert_int_equal(tids[1], 50);
	assert_int_equal(tids[2], 70);
	assert_int_equal(ftruncate(scene->fd, 4096), 0);
	assert_int_equal(rh_fiber_block_homes(&scene->block, tids), RH_ELOST);
}

static void text_ends(void **state)
{
	struct scene    *scene = *state;
	struct rh_stats *stats = malloc(sizeof *stats);

	assert_non_null(stats);
	memset(scene->shared->stats.policy, 'x', RH_STATS_NAME);
	memset(scene->shared->stats.control.now.policy, 'y', RH_STATS_NAME);
	assert_int_equal(rh_fiber_block_read(&scene->block, stats), RH_OK);
	assert_int_equal(strlen(stats->policy), RH_STATS_NAME - 1);
	assert_int_equal(strlen(stats->control.now.policy), RH_STATS_NAME - 1);
	free(stats);
}

/* ---- what is asked ---------------------------------------------------------- */

static void it_is_asked_once_and_believed_when_it_says_so(void **state)
{
	struct scene            *scene = *state;
	struct rh_stats_control *control = &scene->shared->stats.control;
	struct rh_stats_ask      none = { .policy = "" }, ask = { .policy = "rr", .slice_ns = 5 };

	assert_int_equal(rh_fiber_block_ask(&scene->block, &none), RH_OK); /* as it began */
	assert_int_equal(control->wanted, 0);
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
	assert_int_equal(control->wanted, 1);
	assert_memory_equal(&control->asked, &ask, sizeof ask);
	control->now = ask;
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN); /* not yet */
	control->done = 1;
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_OK);
	ask.slice_ns = 6;
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
	assert_int_equal(control->wanted, 2);
	ask.slice_ns = 7; /* something else, before it has answered */
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
	assert_int_equal(control->wanted, 3);
}

static void a_refusal_is_told_until_something_else_is_asked(void **state)
{
	struct scene            *scene = *state;
	struct rh_stats_control *control = &scene->shared->stats.control;
	struct rh_stats_ask      ask = { .policy = "nothing" };

	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
	control->result = RH_ENOENT;
	control->done = control->wanted;
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EINVAL);
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EINVAL);
	snprintf(ask.policy, sizeof ask.policy, "rr");
	ask.policy[6] = '\0';
	assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
}

/* It has no handler of that signal, and would end by it. */
static void who_has_no_handler_is_not_signalled(void **state)
{
	struct scene            *scene = *state;
	struct rh_stats_control *control = &scene->shared->stats.control;
	struct rh_stats_ask      ask = { .policy = "rr" };
	const uint32_t           liars[] = { 1, (uint32_t)getpid(), 0x80000001u, UINT32_MAX };

	for (unsigned i = 0; i < sizeof liars / sizeof liars[0]; i++) {
		control->monitor_tid = liars[i];
		ask.slice_ns++;
		assert_int_equal(rh_fiber_block_ask(&scene->block, &ask), RH_EAGAIN);
		assert_int_equal(rh_fiber_block_trace(&scene->block, 0), RH_OK);
	}
}

/* ---- events ----------------------------------------------------------------- */

static void put(struct scene *scene)
{
	uint64_t number = ++scene->shared->ring.written;

	scene->shared->ring.at[(number - 1) % RH_STATS_EVENTS] = (struct rh_stats_event){
		.number = number, .again = number, .tid = (uint32_t)number,
	};
}

static int take(struct scene *scene, uint64_t *next, uint64_t *lost, uint32_t first,
                unsigned cap)
{
	struct rh_stats_event events[8];
	int n = rh_fiber_block_events(&scene->block, next, events, cap, lost);

	for (int i = 0; i < n; i++)
		assert_int_equal(events[i].tid, first + (uint32_t)i);
	return n;
}

static void events_come_in_order_each_once(void **state)
{
	struct scene *scene = *state;
	uint64_t      next = 0, lost = 0;

	put(scene);
	assert_int_equal(take(scene, &next, &lost, 0, 8), 0); /* from now on */
	put(scene);
	put(scene);
	put(scene);
	assert_int_equal(take(scene, &next, &lost, 2, 2), 2);
	assert_int_equal(take(scene, &next, &lost, 4, 8), 1);
	assert_int_equal(take(scene, &next, &lost, 5, 8), 0);
	assert_int_equal(lost, 0);
}

static void one_that_is_written_just_now_comes_later(void **state)
{
	struct scene *scene = *state;
	uint64_t      next = 1, lost = 0;

	put(scene);
	put(scene);
	scene->shared->ring.at[1].again = 0;
	assert_int_equal(take(scene, &next, &lost, 1, 8), 1);
	assert_int_equal(take(scene, &next, &lost, 2, 8), 0);
	scene->shared->ring.at[1].again = 2;
	assert_int_equal(take(scene, &next, &lost, 2, 8), 1);
	assert_int_equal(lost, 0);
}

static void what_was_overwritten_is_counted(void **state)
{
	struct scene *scene = *state;
	uint64_t      next = 1, lost = 0;
	const uint32_t all = 2 * RH_STATS_EVENTS + 100;

	for (uint32_t i = 0; i < all; i++)
		put(scene);
	assert_int_equal(take(scene, &next, &lost, (uint32_t)next, 0), 0);
	assert_int_equal(next, lost + 1);
	assert_in_range(lost, all - RH_STATS_EVENTS, all - RH_STATS_EVENTS + RH_STATS_SEATS);
	assert_int_equal(take(scene, &next, &lost, (uint32_t)next, 8), 8);
	scene->shared->ring.written = UINT64_MAX - 5; /* a lie */
	assert_in_range(take(scene, &next, &lost, 0, 0), 0, 0);
	scene->shared->ring.written = 0;
	assert_int_equal(take(scene, &next, &lost, 0, 8), 0);
	assert_int_equal(next, 1);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, make, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(only_a_whole_one_of_that_process_is_found),
		IN_SCENE(one_that_is_cut_off_is_lost_and_nothing_more),
		IN_SCENE(what_it_says_can_be_printed),
		IN_SCENE(a_program_that_becomes_another_has_another),
		IN_SCENE(threads_that_the_kernel_orders_are_counted),
		IN_SCENE(threads_that_are_at_home_are_named),
		IN_SCENE(text_ends),
		IN_SCENE(it_is_asked_once_and_believed_when_it_says_so),
		IN_SCENE(a_refusal_is_told_until_something_else_is_asked),
		IN_SCENE(who_has_no_handler_is_not_signalled),
		IN_SCENE(events_come_in_order_each_once),
		IN_SCENE(one_that_is_written_just_now_comes_later),
		IN_SCENE(what_was_overwritten_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
