/* relay - a call through two processes in between that do nothing: what the agent
 * path of Rhodes costs before anybody checks, finds a rule or copies.
 *
 *   caller --> first --> second --> server, and back the same way
 *
 * "relay-epoll": the two in between sleep in epoll_wait on eventfds, as a process
 * with an event loop does, the ends sleep on futexes.  "relay-futex": all sleep on
 * futexes.  The payload lies in one piece of shared memory and is copied once. */
#include "../harness/machine.h"
#include "futex.h"
#include "peers.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#define STATIONS 4 /* caller, first, second, server */

struct station {
	_Alignas(64) _Atomic uint32_t word; /* rung once a visit */
	_Atomic uint32_t              asleep;
};

struct board {
	struct station there[STATIONS]; /* on the way to the server */
	struct station back[STATIONS];
	uint64_t       len;
	uint64_t       sum;
};

static struct board  *board;
static unsigned char *data;
static uint32_t       sequence;
static int            event_there[STATIONS];
static int            event_back[STATIONS];
static int            has_epoll;

static int is_relay(int station)
{
	return station > 0 && station < STATIONS - 1;
}

static void ring(struct station *stations, const int *events, int station,
                 uint32_t turn)
{
	uint64_t one = 1;

	if (!has_epoll || !is_relay(station))
		bench_futex_post(&stations[station].word, turn,
		                 &stations[station].asleep);
	else if (write(events[station], &one, sizeof one) != sizeof one)
		bench_die("eventfd");
}

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		bench_die("epoll_ctl");
}

static void relay_by_epoll(int station)
{
	int epoll = epoll_create1(0);

	watch(epoll, event_there[station]);
	watch(epoll, event_back[station]);
	for (;;) {
		struct epoll_event event;
		uint64_t           count;

		if (epoll_wait(epoll, &event, 1, -1) != 1 ||
		    read(event.data.fd, &count, sizeof count) != sizeof count)
			continue;
		/* The ends count their turns, and this one knows only the last. */
		if (event.data.fd == event_there[station])
			ring(board->there, event_there, station + 1, ++sequence);
		else
			ring(board->back, event_back, station - 1, sequence);
	}
}

static void relay_by_futex(int station)
{
	for (uint32_t turn = 1;; turn++) {
		bench_futex_wait(&board->there[station].word, turn,
		                 &board->there[station].asleep);
		ring(board->there, event_there, station + 1, turn);
		bench_futex_wait(&board->back[station].word, turn,
		                 &board->back[station].asleep);
		ring(board->back, event_back, station - 1, turn);
	}
}

static void start_relay(struct bench_run *run, int station)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		bench_die("fork");
	if (pid > 0) {
		bench_adopt(run, pid);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (has_epoll)
		relay_by_epoll(station);
	else
		relay_by_futex(station);
}

static void make(struct bench_run *run)
{
	if (run->lanes != 1)
		bench_fail("relay: one lane only");
	has_epoll = strcmp(run->transport, "relay-epoll") == 0;
	board = bench_shared(sizeof *board);
	data = bench_shared(run->size_max);
	for (int i = 0; i < STATIONS; i++) {
		event_there[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		event_back[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	for (int i = 1; i < STATIONS - 1; i++)
		start_relay(run, i);
}

static uint64_t call(struct bench_run *run, unsigned lane, const void *bytes, size_t len)
{
	(void)run, (void)lane;
	memcpy(data, bytes, len);
	board->len = len;
	sequence++;
	ring(board->there, event_there, 1, sequence);
	bench_futex_wait(&board->back[0].word, sequence, &board->back[0].asleep);
	return board->sum;
}

static void serve(struct bench_run *run, unsigned lane)
{
	struct station *own = &board->there[STATIONS - 1];

	(void)run, (void)lane;
	for (uint32_t turn = 1;; turn++) {
		bench_futex_wait(&own->word, turn, &own->asleep);
		board->sum = bench_sum(data, board->len);
		ring(board->back, event_back, STATIONS - 2, turn);
	}
}

static void end(struct bench_run *run)
{
	for (unsigned i = 0; i < STATIONS - 2; i++)
		kill(run->pids[i], SIGKILL);
}

const struct bench_transport bench_relay_epoll = {
	.name = "relay-epoll", .make = make, .serve = serve, .call = call, .end = end,
};

const struct bench_transport bench_relay_futex = {
	.name = "relay-futex", .make = make, .serve = serve, .call = call, .end = end,
};
