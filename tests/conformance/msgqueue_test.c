/* What only msgqueue has: names, limits, and a kernel object that others may write. */
#include "pair.h"

#include "protocols/msgqueue/msgqueue.h"
#include "protocols/msgqueue/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void is_named_as_in_the_papers(void **unused)
{
	struct rh_channel_config config = {
		.system = "rhodes", .caller = "httpclient", .callee = "net_driver",
	};
	struct rh_queue_names names;

	(void)unused;
	assert_int_equal(rh_queue_names(&config, &names, NULL), RH_OK);
	assert_string_equal(names.request, "/rhodes-httpclient-net_driver-queue");
	assert_string_equal(names.reply, "/rhodes-httpclient-net_driver-reply");
}

static void takes_the_longest_names_and_no_longer(void **unused)
{
	char                     longest[RH_NAME_MAX + 2];
	struct rh_queue_names    names;
	struct rh_diag           diag;
	struct rh_channel_config config = {
		.system = longest, .caller = longest, .callee = longest,
	};

	(void)unused;
	memset(longest, 'x', sizeof longest);
	longest[RH_NAME_MAX] = 0;
	assert_int_equal(rh_queue_names(&config, &names, NULL), RH_OK);
	assert_int_equal(strlen(names.request), 3 * RH_NAME_MAX + 9);

	longest[RH_NAME_MAX] = 'x';
	longest[RH_NAME_MAX + 1] = 0;
	assert_int_equal(rh_queue_names(&config, &names, &diag), RH_EINVAL);
	config.system = config.caller = "a";
	config.callee = "b/../c";
	assert_int_equal(rh_queue_names(&config, &names, &diag), RH_EINVAL);
	assert_non_null(strstr(diag.text, "b/../c"));
}

static mqd_t open_queue(const struct pair *pair, int reply, int flags)
{
	struct rh_queue_names names;

	assert_int_equal(rh_queue_names(&pair->config, &names, NULL), RH_OK);
	return mq_open(reply ? names.reply : names.request, flags | O_NONBLOCK);
}

static void the_kernel_holds_the_messages(void **unused)
{
	struct rh_description told;
	struct mq_attr        is;
	struct pair           pair;

	(void)unused;
	pair_open(&pair);
	mqd_t queue = open_queue(&pair, 0, O_RDONLY);
	assert_true(queue >= 0);
	for (uint64_t call = 0; call < 5; call++)
		pair_send(&pair, pair.caller, RH_MSG_CALL, call, call % 2 ? 100 : 5000);
	assert_int_equal(mq_getattr(queue, &is), 0);
	assert_int_equal(is.mq_curmsgs, 5);
	assert_int_equal(is.mq_msgsize, RH_QUEUE_MESSAGE_MAX);
	pair.protocol->describe(pair.caller, &told);
	assert_non_null(strstr(told.object, "-httpclient-net_driver-queue"));
	assert_non_null(strstr(told.detail, "5 sent wait, 0 unread"));
	mq_close(queue);
	pair_close(&pair);
}

static void a_newer_channel_keeps_its_names(void **unused)
{
	struct pair older, newer;

	(void)unused;
	pair_open(&older);
	pair_send(&older, older.caller, RH_MSG_CALL, 0, 100);
	pair_open(&newer);
	pair_send(&newer, newer.caller, RH_MSG_CALL, 0, 200);
	pair_receive(&older, older.callee, RH_MSG_CALL, 0, 100); /* drains on */
	pair_close(&older);
	mqd_t queue = open_queue(&newer, 0, O_RDONLY);
	assert_true(queue >= 0);
	mq_close(queue);
	pair_receive(&newer, newer.callee, RH_MSG_CALL, 0, 200);
	pair_close(&newer);
	assert_int_equal(open_queue(&newer, 0, O_RDONLY), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(open_queue(&newer, 1, O_RDONLY), -1);
}

enum { CANNOT_TELL = 98, WRONG_REASON };

/* In a child, whose limits end with it, and in a user namespace of its own, where
 * no other process's queues count.  Returns what its offer answered. */
static int offer_with_limit(rlim_t bytes, const char *reason)
{
	pid_t child = fork();
	int   status;

	if (child == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(CANNOT_TELL);
		const struct rh_protocol *protocol = traits.protocol;
		struct rlimit             limit = { bytes, bytes };
		struct rh_channel_config  config;
		struct rh_offer           offer;
		struct rh_diag            diag = { 0 };
		int                       before = count_fds();

		pair_config(&config);
		/* The kernel counts all queues of a user: one that has no others. */
		if (geteuid() == 0 && setuid(60000 + (uid_t)(getpid() % 5000)) < 0)
			_exit(98);
		setrlimit(RLIMIT_MSGQUEUE, &limit);
		int r = protocol->offer(pair_state(protocol), &config, &offer, &diag);
		if (r < 0 && (!strstr(diag.text, reason) || count_fds() != before)) {
			print_error("the reason was: %s\n", diag.text);
			_exit(WRONG_REASON);
		}
		_exit(-r);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	/* The child did not close: its names are ours to remove. */
	char name[RH_QUEUE_NAME_MAX];
	snprintf(name, sizeof name, "/test%d-httpclient-net_driver-queue", (int)child);
	mq_unlink(name);
	snprintf(name, sizeof name, "/test%d-httpclient-net_driver-reply", (int)child);
	mq_unlink(name);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT_TELL) {
		print_message("no user namespaces here\n");
		skip();
	}
	return -WEXITSTATUS(status);
}

/* Who may raise a hard limit is not bound by it, so this shows nothing there. */
static int may_raise_the_limit(void)
{
	struct rlimit less = { 1000, 1000 }, more = { 2000, 2000 };
	pid_t         child = fork();
	int           status;

	if (child == 0)
		_exit(setrlimit(RLIMIT_MSGQUEUE, &less) == 0 &&
		      setrlimit(RLIMIT_MSGQUEUE, &more) == 0);
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void explains_that_queues_are_used_up(void **unused)
{
	(void)unused;
	if (may_raise_the_limit())
		skip();
	assert_int_equal(offer_with_limit(1000, "RLIMIT_MSGQUEUE, 1000 bytes"), RH_ENOSPC);
}

static void makes_do_with_shallower_queues(void **unused)
{
	(void)unused;
	if (may_raise_the_limit())
		skip();
	/* Room for two queues of two messages, not for two of ten. */
	assert_int_equal(offer_with_limit(2 * (2 * (512 + 8 + 48) + 64) + 100, ""), RH_OK);
}

static void leaves_no_name_when_the_second_queue_fails(void **unused)
{
	(void)unused;
	if (may_raise_the_limit())
		skip();
	/* Room for one queue of two messages and not for another. */
	assert_int_equal(offer_with_limit(1500, "used up"), RH_ENOSPC);
}

/* Somebody else writes to the queue. */

static int receive_raw(const void *bytes, size_t len)
{
	struct rh_msg_head head;
	struct pair        pair;
	const void        *body;

	pair_open(&pair);
	mqd_t queue = open_queue(&pair, 0, O_WRONLY);
	assert_int_equal(mq_send(queue, bytes, len, 0), 0);
	mq_close(queue);
	pair.protocol->arm(pair.callee, MESSAGE);
	int r = pair.protocol->poll(pair.callee, &head, &body);
	int again = pair.protocol->poll(pair.callee, &head, &body);
	if (r == RH_EPROTO)
		assert_int_equal(again, RH_EPROTO); /* it stays broken */
	pair_close(&pair);
	return r;
}

static void refuses_messages_that_are_not_ours(void **unused)
{
	struct {
		struct rh_msg_head head;
		uint32_t           offset;
		char               rest[444];
	} sent = { .head = message(RH_MSG_CALL, 1, 0) };

	(void)unused;
	assert_int_equal(receive_raw(&sent, 0), RH_EPROTO);
	assert_int_equal(receive_raw(&sent, 63), RH_EPROTO);
	assert_int_equal(receive_raw(&sent, 65), RH_EPROTO);
	sent.head.len = 10;
	assert_int_equal(receive_raw(&sent, 64), RH_EPROTO);
	assert_int_equal(receive_raw(&sent, 75), RH_EPROTO);
	sent.head.len = 449; /* in the arena, with an offset */
	assert_int_equal(receive_raw(&sent, 64), RH_EPROTO);
	assert_int_equal(receive_raw(&sent, 69), RH_EPROTO);
	sent.offset = RH_ARENA_BYTES - 448;
	assert_int_equal(receive_raw(&sent, 68), RH_EPROTO);
	sent.offset = UINT32_MAX - 100;
	assert_int_equal(receive_raw(&sent, 68), RH_EPROTO);
	sent.head.len = RH_PAYLOAD_ARENA_MAX + 1;
	sent.offset = 0;
	assert_int_equal(receive_raw(&sent, 68), RH_EPROTO);
	sent.head = message(RH_MSG_KINDS, 1, 0);
	assert_int_equal(receive_raw(&sent, 64), RH_EPROTO);
	sent.head = message(0, 1, 0);
	assert_int_equal(receive_raw(&sent, 64), RH_EPROTO);
	sent.head = message(RH_MSG_CALL, 1, 0);
	sent.head.version++;
	assert_int_equal(receive_raw(&sent, 64), RH_EPROTO);
}

/* The peer of an offered descriptor may clear O_NONBLOCK: nobody may hang. */
static void does_not_hang_on_a_descriptor_made_blocking(void **unused)
{
	struct rh_watch_set set;
	struct rh_msg_head  head = message(RH_MSG_REPLY, 1, 5);
	const void         *body;
	struct pair         pair;
	int                 r;

	(void)unused;
	pair_open(&pair);
	pair.protocol->watch(pair.callee, BOTH, &set);
	for (uint32_t i = 0; i < set.count; i++)
		assert_int_equal(fcntl(set.fds[i], F_SETFL, 0), 0);
	pair.protocol->arm(pair.callee, MESSAGE);
	assert_int_equal(pair.protocol->poll(pair.callee, &head, &body), RH_EAGAIN);
	do {
		head = message(RH_MSG_REPLY, 1, 5);
		r = pair.protocol->submit(pair.callee, &head, "12345");
	} while (r == RH_OK);
	assert_int_equal(r, RH_EAGAIN);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_named_as_in_the_papers),
		cmocka_unit_test(takes_the_longest_names_and_no_longer),
		cmocka_unit_test(the_kernel_holds_the_messages),
		cmocka_unit_test(a_newer_channel_keeps_its_names),
		cmocka_unit_test(explains_that_queues_are_used_up),
		cmocka_unit_test(makes_do_with_shallower_queues),
		cmocka_unit_test(leaves_no_name_when_the_second_queue_fails),
		cmocka_unit_test(refuses_messages_that_are_not_ours),
		cmocka_unit_test(does_not_hang_on_a_descriptor_made_blocking),
	};

	traits_init("msgqueue");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
