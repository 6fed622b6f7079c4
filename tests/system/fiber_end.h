/* fiber_end - what a program of threads says before a signal ends it.
 *
 * cmocka knows the first thread only: another one that fails would leave by exit() and take
 * along what it had to say, and one that crashes, too.  Here it says at once what failed and
 * where, and ends by SIGABRT; who crashes ends by what it did.  Before the end stands, on the
 * standard error output, which thread it was, its registers, and where every thread is, by
 * gdb if there is one.
 *
 * Threads     Any.  Calls the kernel directly and touches no storage of its thread: that may
 *             be what is broken.  It runs on an alternate stack where there is one, and else
 *             where the thread was, in some 4 KB.
 * Invariants  The runtime does not know of these handlers: nothing else changes by them. */
#ifndef RH_TESTS_FIBER_END_H
#define RH_TESTS_FIBER_END_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A test, as cmocka has it, that says how it ends: cmocka puts its own handlers before each. */
#undef cmocka_unit_test
#define cmocka_unit_test(function) \
	{#function, fiber_end_test, NULL, NULL, &(struct fiber_end_test){function}}

struct fiber_end_test {
	CMUnitTestFunction run;
};

void fiber_end_test(void **state);

#endif
