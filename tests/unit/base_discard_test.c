/* Descriptors whose last close takes long hold up nobody. */
#include "../support/scene.h"

#include "../../base/discard.h"
#include "../../base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

/* A connection with bytes that its other end does not take, which waits for that for
 * an hour when it is closed.  The other end stays open. */
static int lingering(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct linger      linger = { .l_onoff = 1, .l_linger = 3600 };
	socklen_t          len = sizeof address;
	static char        bytes[65536];
	int                listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int                fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
	assert_true(accept(listener, NULL, NULL) >= 0);
	close(listener);
	while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
	return fd;
}

static void assert_hangs_up(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	char          byte;
	ssize_t       n;

	assert_int_equal(poll(&look, 1, PATIENCE_MS), 1);
	n = read(fd, &byte, 1);
	/* A Unix socket that goes with what it was sent resets its peer. */
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
}

/* In this process nothing was started, so this goes first. */
static void without_a_start_it_is_close(void **state)
{
	int pair[2], before = scene_fds();

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	rh_discard(pair[1]);
	assert_int_equal(scene_fds(), before + 1);
	assert_hangs_up(pair[0]);
	rh_discard(pair[0]);
	rh_discard(-1);
	rh_discard_socket(-1);
	assert_int_equal(scene_fds(), before);
}

static void what_is_only_memory_is_closed_at_once(void **state)
{
	int before = scene_fds();

	(void)state;
	rh_discard_start();
	rh_discard(rh_memory_freeze("bytes", 5));
	rh_discard(open("/", O_PATH | O_CLOEXEC));
	assert_int_equal(scene_fds(), before);
}

/* Those that linger, as many as may be held up, but one; and what comes behind. */
static void slow_ones_hold_up_nobody(void **state)
{
	int pair[2], sockets[2], inside[2];

	(void)state;
	rh_discard_start();
	for (unsigned i = 0; i < RH_DISCARD_THREADS - 2; i++)
		rh_discard(lingering());
	/* The last copy stands in a queue that goes with its socket. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, inside), 0);
	union {
		struct cmsghdr head;
		char           room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	char          byte = 0;
	struct iovec  part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof control.room,
	};
	int slow = lingering();
	memcpy(CMSG_DATA(&control.head), &slow, sizeof slow);
	assert_int_equal(sendmsg(inside[0], &message, 0), 1);
	close(slow);
	rh_discard_socket(inside[1]);
	assert_hangs_up(inside[0]);
	close(inside[0]);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
		rh_discard(pair[1]);
		assert_hangs_up(pair[0]);
		close(pair[0]);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	rh_discard_socket(sockets[0]);
	assert_hangs_up(sockets[1]);
	close(sockets[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_start_it_is_close),
		cmocka_unit_test(what_is_only_memory_is_closed_at_once),
		cmocka_unit_test(slow_ones_hold_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
