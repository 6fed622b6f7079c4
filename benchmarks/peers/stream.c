/* stream - a length and a payload through a pipe or a Unix stream socket, the sum
 * back; a connection and a server thread per caller. */
#include "../harness/machine.h"
#include "peers.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct ends {
	int in;
	int out;
};

static struct ends     callers[BENCH_LANES_MAX];
static struct ends     servers[BENCH_LANES_MAX];

static void make_pipes(struct bench_run *run)
{
	for (unsigned i = 0; i < run->lanes; i++) {
		int there[2], back[2];

		if (pipe(there) || pipe(back))
			bench_die("pipe");
		callers[i] = (struct ends){ .in = back[0], .out = there[1] };
		servers[i] = (struct ends){ .in = there[0], .out = back[1] };
	}
}

static void make_sockets(struct bench_run *run)
{
	for (unsigned i = 0; i < run->lanes; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			bench_die("socketpair");
		callers[i] = (struct ends){ pair[0], pair[0] };
		servers[i] = (struct ends){ pair[1], pair[1] };
	}
}

/* One writev in the usual case. */
static void put(int fd, struct iovec *parts, int count)
{
	while (count > 0) {
		ssize_t sent = writev(fd, parts, count);

		if (sent < 0)
			bench_die("writev");
		while (count > 0 && (size_t)sent >= parts->iov_len) {
			sent -= (ssize_t)parts->iov_len;
			parts++;
			count--;
		}
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + sent;
			parts->iov_len -= (size_t)sent;
		}
	}
}

/* Reads at least want bytes of room and returns how many came. */
static size_t get(int fd, unsigned char *bytes, size_t have, size_t want, size_t room)
{
	while (have < want) {
		ssize_t got = read(fd, bytes + have, room - have);

		if (got <= 0)
			bench_die("read");
		have += (size_t)got;
	}
	return have;
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	uint64_t     head = len, sum;
	struct iovec parts[2] = {
		{ &head, sizeof head }, { (void *)(uintptr_t)bytes, len },
	};

	(void)run;
	put(callers[lane].out, parts, 2);
	get(callers[lane].in, (unsigned char *)&sum, 0, sizeof sum, sizeof sum);
	return sum;
}

static void serve(struct bench_run *run, unsigned lane)
{
	size_t         room = run->size_max + 8;
	unsigned char *bytes = bench_payload(room);

	for (;;) {
		uint64_t len, sum;
		size_t   have = get(servers[lane].in, bytes, 0, sizeof len, room);

		memcpy(&len, bytes, sizeof len);
		get(servers[lane].in, bytes, have, sizeof len + len, room);
		sum = bench_sum(bytes + sizeof len, len);
		if (write(servers[lane].out, &sum, sizeof sum) != sizeof sum)
			return;
	}
}

const struct bench_transport bench_pipe = {
	.name = "pipe", .make = make_pipes, .serve = serve, .call = call,
};

const struct bench_transport bench_stream = {
	.name = "unix-stream", .make = make_sockets, .serve = serve, .call = call,
};
