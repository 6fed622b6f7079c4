/* A wait on a futex in bench-whitedb (benchmarks/sched/turn.c) does not end before the word is
 * another, or its time is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAKES 4 /* each finds it waiting */

static _Atomic uint32_t word;
static _Atomic bool     is_back;

static long wake(void)
{
	return syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *wait_for_turn(void *none)
{
	struct timespec hour = { .tv_sec = 3600 };

	(void)none;
	assert_int_equal(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &hour, NULL, 0), 0);
	atomic_store(&is_back, true);
	return NULL;
}

static void a_wait_goes_on_until_the_word_is_another(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&word, 1);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_turn, NULL), 0);
	for (int i = 0; i < WAKES; i++)
		while (wake() != 1) {
			assert_false(atomic_load(&is_back));
			sched_yield();
		}
	atomic_store(&word, 0);
	wake();
	pthread_join(thread, NULL);
	assert_true(atomic_load(&is_back));
}

static void a_wait_ends_by_its_time_and_does_not_begin_for_another_word(void **state)
{
	struct timespec soon = { .tv_nsec = 1 };

	(void)state;
	atomic_store(&word, 1);
	assert_int_equal(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &soon, NULL, 0), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(syscall(SYS_futex, &word, FUTEX_WAIT, 2, NULL, NULL, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void other_calls_are_as_they_are(void **state)
{
	(void)state;
	assert_int_equal(syscall(SYS_getpid), getpid());
	assert_int_equal(wake(), 0);
	assert_int_equal(syscall(SYS_close, -1), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_goes_on_until_the_word_is_another),
		cmocka_unit_test(a_wait_ends_by_its_time_and_does_not_begin_for_another_word),
		cmocka_unit_test(other_calls_are_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
