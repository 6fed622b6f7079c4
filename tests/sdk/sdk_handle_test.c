/* Handles: made again after a loss, or lost for good; owned by one caller. */
#include "stage.h"

#include "../../base/clock.h"
#include "../../model/error.h"
#include "../../sdk/c/rhodes.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
	(void)state;
	stage_up(NULL);
	stage_things(1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_down();
	return 0;
}

static void replace_worker(void)
{
	stage_kill(stage.workers[stage.worker_count - 1]);
	stage_things(1);
}

static unsigned boxes(void)
{
	return atomic_load((_Atomic uint32_t *)(void *)&stage.ledger->boxes);
}

static void await_boxes(unsigned n)
{
	uint64_t until = rh_clock_ns() + 20 * RH_NS_PER_S;

	while (boxes() != n && rh_clock_ns() < until)
		sched_yield();
	assert_int_equal(boxes(), n);
}

static void an_object_stays_in_the_callee(void **state)
{
	box *made = box_new(5);

	(void)state;
	assert_non_null(made);
	assert_int_equal(box_get(made), 5);
	assert_int_equal(box_set(made, 6), 0);
	assert_int_equal(box_get(made), 6);
	assert_int_equal(boxes(), 1);
	box_free(made);
	assert_int_equal(boxes(), 0);
}

static void a_freed_or_foreign_pointer_is_refused(void **state)
{
	box *made = box_new(5), *other = box_new(6);
	int  on_stack = 0;

	(void)state;
	box_free(made);
	errno = 0;
	assert_int_equal(box_get(made), -1);
	assert_int_equal(rh_last_code(), RH_EHANDLE);
	assert_int_equal(box_get((box *)(void *)&on_stack), -1);
	assert_int_equal(rh_last_code(), RH_EHANDLE);
	assert_int_equal(box_get((box *)((uintptr_t)other + 16)), -1);
	assert_int_equal(box_get((box *)((uintptr_t)other + 1)), -1);
	assert_int_equal(box_get((box *)((uintptr_t)other ^ (1ull << 40))), -1);
	box *again = box_new(7); /* takes the place of the first */
	assert_int_equal(box_get(made), -1);
	assert_int_equal(box_get(again), 7);
	assert_int_equal(box_get(other), 6);
}

static void a_handle_of_another_type_is_refused(void **state)
{
	box  *made = box_new(5);
	vase *fragile = vase_new(8);

	(void)state;
	assert_int_equal(vase_get((vase *)(void *)made), -1);
	assert_int_equal(rh_last_code(), RH_EHANDLE);
	assert_int_equal(rh_last_ran(), 0);
	/* Said on this side: the callee need not be asked. */
	assert_non_null(strstr(rh_last_error(), "no handle of that type"));
	vase_free((vase *)(void *)made);
	assert_int_equal(box_get(made), 5);
	assert_int_equal(vase_get(fragile), 8);
}

static void the_state_is_made_again_in_the_next_instance(void **state)
{
	box *made = box_new(5), *other = box_new(50);

	(void)state;
	assert_int_equal(box_set(made, 6), 0);
	assert_int_equal(box_set(made, 7), 0);
	replace_worker();
	assert_int_equal(box_get(made), 7);
	assert_int_equal(box_set(made, 8), 0); /* not idempotent: a live object again */
	replace_worker();
	replace_worker();
	assert_int_equal(box_get(made), 8);
	assert_int_equal(box_get(other), 50);
}

static void an_object_made_from_another_comes_back_with_it(void **state)
{
	box *under = box_new(5);
	lid *on = lid_new(under), *second = lid_new(under);

	(void)state;
	assert_int_equal(lid_get(on), 50);
	replace_worker();
	assert_int_equal(lid_get(on), 50); /* the box is not among the arguments */
	assert_int_equal(box_set(under, 6), 0);
	assert_int_equal(lid_get(on), 60); /* still the same box */
	assert_int_equal(lid_get(second), 60);
	replace_worker();
	assert_int_equal(box_get(under), 6);
	assert_int_equal(lid_get(second), 60);
	assert_int_equal(box_set(under, 7), 0);
	assert_int_equal(lid_get(on), 70);
}

/* Killed in the middle of an idempotent call: made again, and called again. */
static void a_loss_in_the_middle_of_a_call_is_not_seen(void **state)
{
	box *made = box_new(9);

	(void)state;
	assert_int_equal(box_set(made, 11), 0);
	stage_start("things", 1); /* serves when the first has died */
	assert_int_equal(MINI_AWAIT(stage.agent, served, 2), 0);
	assert_int_equal(box_die(made), 11);
	assert_int_equal(stage_ran(11), 2);
}

/* Not to be made again: the error comes at once, and not after the deadline. */
static void a_fragile_object_is_lost_for_good(void **state)
{
	vase    *fragile = vase_new(3);
	uint64_t before;

	(void)state;
	assert_int_equal(vase_get(fragile), 3);
	replace_worker();
	before = rh_clock_ns();
	assert_int_equal(vase_get(fragile), -1);
	assert_int_equal(rh_last_code(), RH_ELOST);
	assert_int_equal(vase_look(fragile), -1); /* idempotent changes nothing */
	assert_int_equal(rh_last_code(), RH_ELOST);
	assert_true(rh_clock_ns() - before < 10 * RH_NS_PER_S);
	vase *next = vase_new(4);
	assert_int_equal(vase_get(next), 4);
}

static void *look_at_it(void *user)
{
	return (void *)(intptr_t)vase_get(user);
}

/* A page that another agent makes is still this program's: it says who it was. */
static void an_object_outlives_the_agent(void **state)
{
	vase     *fragile = vase_new(8);
	pthread_t thread;
	void     *seen;

	(void)state;
	assert_int_equal(vase_get(fragile), 8);
	mini_agent_stop(stage.agent);
	stage.agent = mini_agent_start(stage.agent_path, NULL);
	assert_int_equal(pthread_create(&thread, NULL, look_at_it, fragile), 0);
	assert_int_equal(pthread_join(thread, &seen), 0);
	assert_int_equal((intptr_t)seen, 8);
	assert_int_equal(mini_agent_counts(stage.agent).attached, 1);
}

static void freeing_what_was_lost_is_no_error(void **state)
{
	vase *fragile = vase_new(3);
	box  *made = box_new(5);

	(void)state;
	stage_kill(stage.workers[0]);
	errno = 0;
	stage_things(1);
	vase_free(fragile);
	assert_int_equal(errno, 0);
	box_free(made);
	assert_int_equal(errno, 0);
	assert_int_equal(vase_get(fragile), -1);
	assert_int_equal(rh_last_code(), RH_EHANDLE); /* it is gone here, too */
}

static int use_inherited(void *user)
{
	box **given = user;

	/* box: made anew by replay, in the child's own name; vase: lost */
	return box_get(given[0]) == 5 && vase_get((vase *)(void *)given[1]) == -1 &&
	       rh_last_code() == RH_ELOST ? 0 : 1;
}

static void a_child_has_its_own_objects(void **state)
{
	box  *made = box_new(5);
	vase *fragile = vase_new(3);
	box  *given[2] = { made, (box *)(void *)fragile };

	(void)state;
	assert_int_equal(scene_child(use_inherited, given), 0);
	await_boxes(1); /* the child's box went with the child */
	assert_int_equal(box_get(made), 5);
	assert_int_equal(vase_get(fragile), 3);
}

static int leave_boxes(void *user)
{
	int n = *(int *)user;

	for (int i = 0; i < n; i++) {
		if (!box_new(i))
			return 1;
	}
	return 0;
}

static void a_caller_that_ends_leaves_nothing_behind(void **state)
{
	int  n = 200;
	box *ours = box_new(1);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(scene_child(leave_boxes, &n), 0);
		await_boxes(1);
	}
	assert_int_equal(box_get(ours), 1);
}

static void *call_all_the_time(void *user)
{
	_Atomic int *go_on = user;

	while (atomic_load(go_on))
		things_once(1);
	return NULL;
}

/* A library that is served by one thread is entered by one thread, destructors of
 * callers that ended included. */
static void one_thread_means_one_at_a_time(void **state)
{
	_Atomic int go_on = 1;
	int         n = 500;
	pthread_t   thread;
	box        *ours = box_new(1);

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, call_all_the_time, &go_on), 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(scene_child(leave_boxes, &n), 0);
		await_boxes(1);
	}
	atomic_store(&go_on, 0);
	pthread_join(thread, NULL);
	assert_int_equal(stage.ledger->inside_max, 1);
	box_free(ours);
}

static void as_many_as_the_limit_and_no_more(void **state)
{
	enum { LIMIT = 65536 };
	box **made = calloc(LIMIT + 1, sizeof *made);
	int   n = 0;

	(void)state;
	while (n <= LIMIT && (made[n] = box_new(n)))
		n++;
	assert_int_equal(n, LIMIT);
	assert_int_equal(rh_last_code(), RH_ENOSPC);
	assert_int_equal(boxes(), LIMIT); /* what nobody got is gone */
	assert_int_equal(box_get(made[0]), 0);
	assert_int_equal(box_get(made[LIMIT - 1]), LIMIT - 1);
	box_free(made[77]);
	made[77] = box_new(1234);
	assert_non_null(made[77]);
	assert_int_equal(box_get(made[77]), 1234);
	free(made);
}

/* More state than is worth keeping: then the object is lost like a fragile one. */
static void too_long_a_history_makes_an_object_fragile(void **state)
{
	box *made = box_new(0), *brief = box_new(1);

	(void)state;
	for (int i = 0; i < 5000; i++)
		assert_int_equal(box_set(made, i), 0);
	assert_int_equal(box_get(made), 4999);
	replace_worker();
	assert_int_equal(box_get(made), -1);
	assert_int_equal(rh_last_code(), RH_ELOST);
	assert_int_equal(box_get(brief), 1);
}

struct sharing {
	box        *shared;
	_Atomic int bad;
};

static void *use_shared(void *user)
{
	struct sharing *sharing = user;

	for (int i = 0; i < 300; i++) {
		if (box_get(sharing->shared) != 5)
			sharing->bad = 1;
	}
	return NULL;
}

/* Several threads find the object lost at once; it is made again, and serves all. */
static void threads_share_an_object_through_losses(void **state)
{
	struct sharing sharing = { .shared = box_new(5) };
	pthread_t      threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_shared, &sharing), 0);
	for (int i = 0; i < 3; i++)
		replace_worker();
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(sharing.bad, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
static const struct CMUnitTest tests[] = {
	CASE(an_object_stays_in_the_callee),
	CASE(a_freed_or_foreign_pointer_is_refused),
	CASE(a_handle_of_another_type_is_refused),
	CASE(the_state_is_made_again_in_the_next_instance),
	CASE(an_object_made_from_another_comes_back_with_it),
	CASE(a_loss_in_the_middle_of_a_call_is_not_seen),
	CASE(a_fragile_object_is_lost_for_good),
	CASE(an_object_outlives_the_agent),
	CASE(freeing_what_was_lost_is_no_error),
	CASE(a_child_has_its_own_objects),
	CASE(a_caller_that_ends_leaves_nothing_behind),
	CASE(one_thread_means_one_at_a_time),
	CASE(as_many_as_the_limit_and_no_more),
	CASE(too_long_a_history_makes_an_object_fragile),
	CASE(threads_share_an_object_through_losses),
};
STAGE_MAIN(tests)
