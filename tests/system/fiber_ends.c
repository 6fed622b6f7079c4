/* A thread that fails, or crashes, beside others: what it says is seen by fiber_programs_test.py.
 * The argument says which test. */
#include "fiber_kit.h"

static void *fail_here(void *none)
{
	await(&reached, 1);
	assert_int_equal(41, reached);
	return none;
}

static void *crash_here(void *none)
{
	await(&reached, 1);
	*(volatile int *)none = 1;
	return none;
}

/* So it has no say. */
static void *die_here(void *none)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	return crash_here(none);
}

static void end_with(void *(*run)(void *))
{
	pthread_t burner, thread;

	have_burners(&burner, 1);
	start_all(&thread, 1, run, NULL);
	atomic_store(&reached, 1);
	join_all(&thread, 1);
}

static void a_thread_may_fail(void **state)
{
	(void)state;
	end_with(fail_here);
}

static void a_thread_may_crash(void **state)
{
	(void)state;
	end_with(crash_here);
}

static void a_thread_may_die(void **state)
{
	(void)state;
	end_with(die_here);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_may_fail),
		cmocka_unit_test(a_thread_may_crash),
		cmocka_unit_test(a_thread_may_die),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
