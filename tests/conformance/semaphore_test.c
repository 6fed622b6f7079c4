/* What only semaphore has: a unit in the kernel for every message that waits. */
#include "pair.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int semaphore_of(struct pair *pair, void *state)
{
	struct rh_watch_set set;

	pair->protocol->watch(state, MESSAGE, &set);
	assert_int_equal(set.count, 1);
	return set.fds[0];
}

static long units(int fd)
{
	char path[40], line[80];
	long found = -1;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		sscanf(line, "eventfd-count: %lx", (unsigned long *)&found);
	fclose(file);
	return found;
}

static void the_kernel_counts_what_waits(void **unused)
{
	struct rh_description told;
	struct pair           pair;

	(void)unused;
	pair_open(&pair);
	int fd = semaphore_of(&pair, pair.callee);
	for (uint64_t call = 0; call < 10; call++) {
		pair_send(&pair, pair.caller, RH_MSG_CALL, call, 600);
		assert_int_equal(units(fd), call + 1);
	}
	for (uint64_t call = 0; call < 10; call++) {
		pair.protocol->describe(pair.callee, &told);
		char expected[40];
		snprintf(expected, sizeof expected, "%u unread", 10 - (unsigned)call);
		assert_non_null(strstr(told.detail, expected));
		pair_receive(&pair, pair.callee, RH_MSG_CALL, call, 600);
		assert_int_equal(units(fd), 9 - call); /* one read each */
	}
	pair_close(&pair);
}

static int poll_after(struct pair *pair)
{
	struct rh_msg_head head;
	const void        *body;

	assert_int_equal(pair->protocol->arm(pair->callee, MESSAGE), RH_OK);
	return pair->protocol->poll(pair->callee, &head, &body);
}

static void a_unit_without_a_message_is_corrupt(void **unused)
{
	struct pair pair;

	(void)unused;
	pair_open(&pair);
	assert_int_equal(poll_after(&pair), RH_EAGAIN);
	eventfd_write(semaphore_of(&pair, pair.callee), 1);
	assert_int_equal(poll_after(&pair), RH_EPROTO);
	pair_close(&pair);
}

static void a_message_without_its_unit_is_not_there_yet(void **unused)
{
	struct rh_msg_head head;
	const void        *body;
	struct pair        pair;
	eventfd_t          taken;

	(void)unused;
	pair_open(&pair);
	pair_send(&pair, pair.caller, RH_MSG_CALL, 0, 10);
	int fd = semaphore_of(&pair, pair.callee);
	assert_int_equal(eventfd_read(fd, &taken), 0);
	assert_int_equal(taken, 1);
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_EAGAIN);
	eventfd_write(fd, 1);
	pair_receive(&pair, pair.callee, RH_MSG_CALL, 0, 10);
	pair_close(&pair);
}

static void refuses_an_eventfd_that_is_no_semaphore(void **unused)
{
	struct rh_offer offer;
	struct pair     pair;

	(void)unused;
	pair_offer(&pair, &offer);
	close(offer.fds[3]);
	offer.fds[3] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_int_equal(pair_accept(&pair, &offer), RH_OK); /* nothing shows it yet */
	int fd = semaphore_of(&pair, pair.callee);
	for (uint64_t call = 0; call < 2; call++) {
		pair_send(&pair, pair.caller, RH_MSG_CALL, call, 10);
		eventfd_write(fd, 1);
	}
	assert_int_equal(poll_after(&pair), RH_EPROTO);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_counts_what_waits),
		cmocka_unit_test(a_unit_without_a_message_is_corrupt),
		cmocka_unit_test(a_message_without_its_unit_is_not_there_yet),
		cmocka_unit_test(refuses_an_eventfd_that_is_no_semaphore),
	};

	traits_init("semaphore");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
