/* Measures a call and its answer over each protocol between two processes on one
 * core, each asleep in epoll when it has nothing to do, beside a Unix stream socket
 * driven the same way: round_trip [calls] [bytes].  Not a test: nothing is asserted
 * about time. */
#include "pair.h"

#include "base/clock.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct loop {
	int                        epoll;
	const struct rh_protocol  *protocol;
	void                      *state;
};

static void loop_init(struct loop *loop, const struct rh_protocol *protocol, void *state)
{
	struct rh_watch_set set;

	*loop = (struct loop){ epoll_create1(EPOLL_CLOEXEC), protocol, state };
	protocol->watch(state, MESSAGE, &set);
	for (uint32_t i = 0; i < set.count; i++) {
		struct epoll_event event = { .events = (uint32_t)set.events[i] };

		epoll_ctl(loop->epoll, EPOLL_CTL_ADD, set.fds[i], &event);
	}
}

/* The next message; sleeps while there is none.  0 when the other side is gone. */
static int loop_next(struct loop *loop, struct rh_msg_head *head, const void **body)
{
	struct epoll_event events[4];
	int                r;

	while ((r = loop->protocol->poll(loop->state, head, body)) == RH_EAGAIN) {
		if (loop->protocol->arm(loop->state, MESSAGE) == RH_OK)
			epoll_wait(loop->epoll, events, 4, -1);
	}
	return r == 1;
}

static void answer_all(struct pair *pair)
{
	struct loop        loop;
	struct rh_msg_head head;
	const void        *body;
	static char        copy[RH_PAYLOAD_ARENA_MAX];

	loop_init(&loop, pair->protocol, pair->callee);
	while (loop_next(&loop, &head, &body)) {
		uint32_t len = head.len;

		memcpy(copy, body, len); /* whoever parses copies first */
		pair->protocol->release(pair->callee);
		head.kind = RH_MSG_REPLY;
		pair->protocol->submit(pair->callee, &head, copy);
	}
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void report(const char *name, uint64_t *times, int calls)
{
	qsort(times, (size_t)calls, sizeof *times, compare);
	printf("%-12s p50 %6.2f us  p99 %6.2f  p99.9 %6.2f\n", name,
	       (double)times[calls / 2] / 1e3, (double)times[calls / 100 * 99] / 1e3,
	       (double)times[calls / 1000 * 999] / 1e3);
}

static void measure(const char *name, uint64_t *times, int calls, uint32_t len)
{
	struct pair        pair;
	struct rh_offer    offer;
	struct loop        loop;
	struct rh_msg_head head;
	const void        *body;

	traits_init(name);
	pair_offer(&pair, &offer);
	pid_t child = fork();
	if (child == 0) {
		if (pair_accept(&pair, &offer) < 0)
			_exit(1);
		answer_all(&pair);
	}
	for (uint32_t i = 0; i < offer.fd_count; i++)
		close(offer.fds[i]);
	loop_init(&loop, pair.protocol, pair.caller);
	for (int i = -calls / 10; i < calls; i++) {
		uint64_t start = rh_clock_ns();

		pair_send(&pair, pair.caller, RH_MSG_CALL, (uint64_t)(i + calls), len);
		loop_next(&loop, &head, &body);
		pair.protocol->release(pair.caller);
		if (i >= 0)
			times[i] = rh_clock_ns() - start;
	}
	close(loop.epoll);
	pair_close(&pair);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	report(name, times, calls);
}

/* Blocking when epoll is -1. */
static void read_all(int fd, int epoll, char *bytes, size_t len)
{
	struct epoll_event event;

	while (len > 0) {
		if (epoll >= 0)
			epoll_wait(epoll, &event, 1, -1);
		ssize_t n = read(fd, bytes, len);

		if (n <= 0)
			_exit(0);
		bytes += n;
		len -= (size_t)n;
	}
}

static void measure_socket(const char *name, int with_epoll, uint64_t *times, int calls,
                           uint32_t len)
{
	static char        bytes[RH_PAYLOAD_ARENA_MAX + 64];
	struct epoll_event event = { .events = EPOLLIN };
	int                fds[2], epoll = -1;

	len += 64; /* the same head */
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return;
	pid_t child = fork();
	int   fd = fds[child == 0];
	close(fds[child != 0]);
	if (with_epoll) {
		epoll = epoll_create1(0);
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
	for (int i = -calls / 10; child == 0 || i < calls; i++) {
		uint64_t start = rh_clock_ns();

		if (child == 0)
			read_all(fd, epoll, bytes, len);
		if (write(fd, bytes, len) != (ssize_t)len)
			_exit(1);
		if (child != 0)
			read_all(fd, epoll, bytes, len);
		if (i >= 0 && child != 0)
			times[i] = rh_clock_ns() - start;
	}
	close(fd);
	waitpid(child, NULL, 0);
	if (epoll >= 0)
		close(epoll);
	report(name, times, calls);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "shm", "semaphore", "msgqueue", "bind" };
	int       calls = argc > 1 ? atoi(argv[1]) : 20000;
	uint32_t  len = argc > 2 ? (uint32_t)atoi(argv[2]) : 64;
	uint64_t *times = calloc((size_t)calls, sizeof *times);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(1, &one);
	sched_setaffinity(0, sizeof one, &one);
	message_body(0);
	if (!times || calls < 1000 || len > RH_PAYLOAD_ARENA_MAX)
		return 2;
	measure_socket("uds-stream", 0, times, calls, len);
	measure_socket("uds+epoll", 1, times, calls, len);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		measure(names[i], times, calls, len);
	free(times);
	return 0;
}
