/* Who a process is: nobody gets what was, or will be, another's. */
#include "../../agent/identity.h"
#include "../../model/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID = 77, START = 1000, NOW = 2000 };

static uint64_t number(uint64_t time, uint64_t pid)
{
	return time << RH_IDENTITY_PID_BITS | pid;
}

static void no_two_are_given_the_same(void **unused)
{
	uint64_t last = 0;

	(void)unused;
	assert_true(rh_identity_choose(PID, START, NOW, 0, &last) == number(NOW, PID));
	assert_true(rh_identity_choose(PID, START, NOW, 0, &last) ==
	            number(NOW + 1, PID));
	assert_true(rh_identity_choose(PID, START, NOW - 5, 0, &last) ==
	            number(NOW + 2, PID));
	assert_true(rh_identity_choose(PID + 1, START, NOW + 2, 0, &last) ==
	            number(NOW + 3, PID + 1));
	/* Not before the process counts as begun, for its claim would fail. */
	last = 0;
	assert_true(rh_identity_choose(PID, START, START - 1, 0, &last) ==
	            number(START, PID));
	assert_true(rh_identity_choose(PID, START, START - 1, number(START, PID), &last) ==
	            number(START, PID));
}

static void what_it_had_it_keeps(void **unused)
{
	static const uint64_t times[] = { START, START + 1, NOW - 1, NOW };
	uint64_t              last = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		uint64_t had = number(times[i], PID);

		assert_true(rh_identity_choose(PID, START, NOW, had, &last) == had);
	}
	assert_true(last == 0);
}

static void what_another_had_it_does_not_get(void **unused)
{
	static const uint64_t claims[] = {
		(uint64_t)START << RH_IDENTITY_PID_BITS | (PID + 1), /* another pid */
		(uint64_t)(START - 1) << RH_IDENTITY_PID_BITS | PID, /* before it */
		(uint64_t)(NOW + 1) << RH_IDENTITY_PID_BITS | PID,   /* to come */
		PID, UINT64_MAX, UINT64_MAX << RH_IDENTITY_PID_BITS | PID,
	};

	(void)unused;
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
		uint64_t last = 0;

		assert_true(rh_identity_choose(PID, START, NOW, claims[i], &last) ==
		            number(NOW, PID));
	}
}

static void a_process_that_ended_has_none(void **unused)
{
	uint64_t last = 0, identity = 1;
	pid_t    child = fork();
	int      pidfd;

	(void)unused;
	if (child == 0)
		for (;;)
			pause();
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(rh_identity_of(child, pidfd, 0, &last, &identity), RH_OK);
	assert_true((identity & ((1u << RH_IDENTITY_PID_BITS) - 1)) == (uint64_t)child);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(rh_identity_of(child, pidfd, 0, &last, &identity), RH_EIDENT);
	close(pidfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_are_given_the_same),
		cmocka_unit_test(what_it_had_it_keeps),
		cmocka_unit_test(what_another_had_it_does_not_get),
		cmocka_unit_test(a_process_that_ended_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
