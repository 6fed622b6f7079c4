/* More threads than there are carriers sleep in one call to the kernel, beside one that
 * works:
 *
 *   fiber_blocked KIND COUNT ROUNDS [WORK]
 *
 * Each round is over when all of them are in the call, the other has worked a hundred
 * rounds meanwhile, and all have come back.  Each works WORK rounds before its call.
 * "median N us, longest N us" says how long it took until the worker went on, counted from
 * the last that came. */
#include "by_hand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY      64
#define ROUNDS    100u
#define TIMES_MAX 1000

struct sleeper {
	pthread_t   thread;
	_Atomic int is_back;
	uint64_t    worked;
};

struct kind {
	const char *name;
	void (*sleep)(void);                          /* of each thread */
	void (*let_go)(const struct sleeper *sleeper); /* of the first thread, for each */
};

static _Atomic int      reached, is_over, is_free;
static _Atomic uint32_t word;
static _Atomic uint64_t rounds, went_on; /* when the worker did so first */
static int              pipes[2], listener, file, work_before;
static struct sleeper   sleepers[MANY];
static const struct kind *kind;
static char             path[] = "/tmp/rh-blocked-XXXXXX";

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void check(int is_right, const char *what)
{
	if (is_right)
		return;
	perror(what);
	abort();
}

static void sleep_read(void)
{
	char byte;

	check(read(pipes[0], &byte, 1) == 1, "read");
}

static void let_go_read(const struct sleeper *sleeper)
{
	(void)sleeper;
	check(write(pipes[1], "x", 1) == 1, "write");
}

static void sleep_sigwait(void)
{
	sigset_t set;
	int      sig = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	check(sigwait(&set, &sig) == 0 && sig == SIGUSR2, "sigwait");
}

static void let_go_sigwait(const struct sleeper *sleeper)
{
	check(pthread_kill(sleeper->thread, SIGUSR2) == 0, "pthread_kill");
}

static void sleep_accept(void)
{
	int fd = accept(listener, NULL, NULL);

	check(fd >= 0, "accept");
	close(fd);
}

static void let_go_accept(const struct sleeper *sleeper)
{
	struct sockaddr_un at = {0};
	socklen_t          len = sizeof at;
	int                fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)sleeper;
	check(getsockname(listener, (struct sockaddr *)&at, &len) == 0, "getsockname");
	check(connect(fd, (struct sockaddr *)&at, len) == 0, "connect");
	close(fd);
}

/* Linux ends it early for any signal. */
static void sleep_nanosleep(void)
{
	struct timespec long_time = {.tv_sec = 1000};

	while (!atomic_load(&is_free))
		by_hand(SYS_nanosleep, (long)&long_time, 0, 0, 0);
}

/* Again and again: it may just be on its way into the call.  Or back already, as any signal
 * ends the call, those of the carriers too. */
static void let_go_nanosleep(const struct sleeper *sleeper)
{
	atomic_store(&is_free, 1);
	while (!atomic_load(&sleeper->is_back)) {
		pthread_kill(sleeper->thread, SIGUSR1);
		sched_yield();
	}
}

static void sleep_futex(void)
{
	while (!atomic_load(&word))
		by_hand(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0);
}

static void let_go_futex(const struct sleeper *sleeper)
{
	(void)sleeper;
	atomic_store(&word, 1);
	by_hand(SYS_futex, (long)&word, FUTEX_WAKE, MANY, 0);
}

/* One after the other has the lock. */
static void sleep_flock(void)
{
	int fd = open(path, O_RDWR);

	check(fd >= 0 && flock(fd, LOCK_EX) == 0, "flock");
	close(fd);
}

static void let_go_flock(const struct sleeper *sleeper)
{
	(void)sleeper;
	check(flock(file, LOCK_UN) == 0, "flock");
}

/* The kernel holds who did so until the child ends; its signals pile up meanwhile. */
static void sleep_vfork(void)
{
	char  byte;
	int   status = 0;
	pid_t child = vfork();

	if (child == 0) {
		by_hand(SYS_read, pipes[0], (long)&byte, 1, 0);
		by_hand(SYS_exit_group, 0, 0, 0, 0);
	}
	check(child > 0, "vfork");
	while (waitpid(child, &status, 0) != child)
		check(errno == EINTR, "waitpid");
}

static void let_go_vfork(const struct sleeper *sleeper)
{
	for (int i = 0; i < 3000; i++)
		pthread_kill(sleeper->thread, SIGUSR1);
	check(write(pipes[1], "x", 1) == 1, "write");
}

static const struct kind kinds[] = {
	{ "read", sleep_read, let_go_read },
	{ "sigwait", sleep_sigwait, let_go_sigwait },
	{ "accept", sleep_accept, let_go_accept },
	{ "nanosleep", sleep_nanosleep, let_go_nanosleep },
	{ "futex", sleep_futex, let_go_futex },
	{ "flock", sleep_flock, let_go_flock },
	{ "vfork", sleep_vfork, let_go_vfork },
};

static uint64_t work_once(uint64_t at)
{
	for (int i = 0; i < 20000; i++)
		at = at * 6364136223846793005u + 1442695040888963407u;
	return at;
}

static void *work(void *none)
{
	uint64_t at = 1, none_yet;

	while (!atomic_load(&is_over)) {
		none_yet = 0;
		atomic_compare_exchange_strong(&went_on, &none_yet, now());
		at = work_once(at);
		atomic_fetch_add(&rounds, 1 + (at == 7));
	}
	return none;
}

static void *sleep_once(void *user)
{
	struct sleeper *sleeper = user;
	uint64_t        at = 1;

	for (int i = 0; i < work_before; i++)
		at = work_once(at);
	sleeper->worked = at;
	atomic_store(&went_on, 0);
	atomic_fetch_add(&reached, 1);
	kind->sleep();
	atomic_fetch_sub(&reached, 1);
	atomic_store(&sleeper->is_back, 1);
	return NULL;
}

static void open_all(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX}; /* the kernel finds a name */
	sigset_t           set;

	check(pipe(pipes) == 0, "pipe");
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&at, sizeof at.sun_family) == 0, "bind");
	check(listen(listener, MANY) == 0, "listen");
	check((file = mkstemp(path)) >= 0, "mkstemp");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* How long the worker did not work. */
static uint64_t once(int count)
{
	uint64_t from, came;

	atomic_store(&is_free, 0);
	atomic_store(&word, 0);
	check(flock(file, LOCK_EX) == 0, "flock");
	for (int i = 0; i < count; i++) {
		atomic_store(&sleepers[i].is_back, 0);
		check(pthread_create(&sleepers[i].thread, NULL, sleep_once, &sleepers[i]) == 0,
		      "pthread_create");
	}
	while (atomic_load(&reached) < count)
		sched_yield();
	came = now();
	from = atomic_load(&rounds);
	while (atomic_load(&rounds) < from + ROUNDS || !atomic_load(&went_on))
		sched_yield();
	check(atomic_load(&reached) == count, "they sleep");
	for (int i = 0; i < count; i++)
		kind->let_go(&sleepers[i]);
	for (int i = 0; i < count; i++)
		check(pthread_join(sleepers[i].thread, NULL) == 0, "pthread_join");
	return atomic_load(&went_on) > came ? atomic_load(&went_on) - came : 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* On the side of the errors: the rest of what it says is the same each time. */
static void tell(uint64_t *took, int count)
{
	qsort(took, (size_t)count, sizeof *took, compare);
	fprintf(stderr, "median %llu us, longest %llu us\n",
	        (unsigned long long)took[count / 2] / 1000,
	        (unsigned long long)took[count - 1] / 1000);
}

int main(int argc, char *argv[])
{
	struct sigaction action = {.sa_handler = on_signal};
	int              count = argc > 2 ? atoi(argv[2]) : 8;
	int              most = argc > 3 ? atoi(argv[3]) : 1;
	uint64_t         took[TIMES_MAX];
	pthread_t        worker;

	kind = kinds;
	for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0)
			kind = &kinds[i];
	if (count > MANY || most < 1 || most > TIMES_MAX)
		return 2;
	work_before = argc > 4 ? atoi(argv[4]) : 0;
	sigaction(SIGUSR1, &action, NULL);
	open_all();
	check(pthread_create(&worker, NULL, work, NULL) == 0, "pthread_create");
	for (int i = 0; i < most; i++) {
		took[i] = once(count);
		printf("%s: %d slept, one worked\n", kind->name, count);
	}
	atomic_store(&is_over, 1);
	pthread_join(worker, NULL);
	unlink(path);
	tell(took, most);
	return 0;
}
