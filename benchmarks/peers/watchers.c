#include "watchers.h"

#include "../harness/harness.h"
#include "../harness/machine.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCHERS_MAX 4096u
#define PATIENCE_MS  30000
#define LOOK_MS      200     /* whether a process of them has failed             */
#define PER_USER     100u /* inotify instances; Debian allows a user 128 */

struct shared {
	_Atomic unsigned ready;
	_Atomic unsigned seen;                 /* who has the newest change        */
	_Atomic uint64_t number;               /* of it                            */
	uint64_t         when[WATCHERS_MAX];   /* each has it; read after seen     */
};

static struct shared *shared;
static unsigned       watcher_count;
static int            all_have; /* an eventfd: the last one tells */

void watched_text(char text[WATCHED_BYTES + 1], uint64_t number)
{
	int n = snprintf(text, WATCHED_BYTES, "%llu ", (unsigned long long)number);

	memset(text + n, '.', WATCHED_BYTES - (size_t)n);
	text[WATCHED_BYTES] = '\0';
}

/* ---- those who watch ---------------------------------------------------------- */

static void tell_when_all(_Atomic unsigned *count)
{
	uint64_t one = 1;

	if (atomic_fetch_add(count, 1) + 1 == watcher_count &&
	    write(all_have, &one, sizeof one) < 0)
		bench_die("eventfd");
}

static void note(unsigned watcher, uint64_t number)
{
	if (number != atomic_load(&shared->number))
		return;
	shared->when[watcher] = bench_now();
	tell_when_all(&shared->seen);
}

static _Noreturn void watch(const struct watch_kind *kind, const char *target,
                            unsigned first, unsigned behind)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fds[WATCHERS_MAX];

	for (unsigned i = first; i < behind; i++) {
		struct epoll_event wanted = { .events = EPOLLIN, .data.u32 = i };

		fds[i] = kind->open(target, i);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &wanted) < 0)
			bench_die("epoll_ctl");
		tell_when_all(&shared->ready);
	}
	for (;;) {
		struct epoll_event events[64];
		int                n = epoll_wait(epoll, events, 64, -1);

		for (int k = 0; k < n; k++) {
			unsigned i = events[k].data.u32;
			uint64_t number = kind->take(fds[i], i);

			if (number != 0)
				note(i, number);
		}
	}
}

/* A user may have 128 inotify instances; root takes other users for the rest. */
static void take_user(unsigned process)
{
	if (geteuid() == 0 && setuid(60000 + watcher_count + process / PER_USER) < 0)
		bench_die("setuid");
}

static void start(const struct watch_kind *kind, const char *target, unsigned processes)
{
	pid_t parent = getpid();

	for (unsigned p = 0; p < processes; p++) {
		pid_t pid = fork();

		if (pid < 0)
			bench_die("fork");
		if (pid > 0)
			continue;
		take_user(p);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		watch(kind, target, watcher_count * p / processes,
		      watcher_count * (p + 1) / processes);
	}
}

/* ---- the one who changes -------------------------------------------------------- */

static void await_all(const char *what, _Atomic unsigned *have)
{
	struct pollfd look = { .fd = all_have, .events = POLLIN };
	uint64_t      count;

	for (int ms = 0; poll(&look, 1, LOOK_MS) != 1; ms += LOOK_MS) {
		if (ms >= PATIENCE_MS || waitpid(-1, NULL, WNOHANG) > 0)
			bench_fail("only %u of %u watchers %s", *have, watcher_count, what);
	}
	if (read(all_have, &count, sizeof count) < 0)
		bench_die("eventfd");
}

/* One change, as a list of microseconds. */
static void change(const struct watch_kind *kind, const char *target, uint64_t number)
{
	uint64_t began;

	atomic_store(&shared->seen, 0);
	atomic_store(&shared->number, number);
	began = bench_now();
	kind->change(target, number);
	await_all("saw the change", &shared->seen);
	putchar('[');
	for (unsigned i = 0; i < watcher_count; i++)
		printf("%s%llu", i ? "," : "",
		       (unsigned long long)(shared->when[i] - began) / 1000);
	printf("]\n");
	fflush(stdout);
}

static const struct watch_kind *find(const char *name)
{
	static const struct watch_kind *const kinds[] = { &watch_file, &watch_etcd };

	for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	}
	bench_fail("no such kind: %s (file, etcd)", name);
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Makes a change for each line of standard input, until it ends. */
int main(int argc, char **argv)
{
	const struct watch_kind *kind;
	uint64_t                 number = 0;
	char                     line[16];

	if (argc != 5)
		bench_fail("usage: %s file|etcd TARGET WATCHERS PROCESSES", argv[0]);
	kind = find(argv[1]);
	watcher_count = (unsigned)atoi(argv[3]);
	unsigned processes = (unsigned)atoi(argv[4]);
	if (watcher_count < 1 || watcher_count > WATCHERS_MAX || processes < 1 ||
	    processes > watcher_count)
		bench_fail("1 to %u watchers, no more processes", WATCHERS_MAX);
	raise_limit();
	shared = bench_shared(sizeof *shared);
	all_have = eventfd(0, EFD_CLOEXEC);
	kind->prepare(argv[2]);
	start(kind, argv[2], processes);
	await_all("watch", &shared->ready);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin))
		change(kind, argv[2], ++number);
	return 0;
}
