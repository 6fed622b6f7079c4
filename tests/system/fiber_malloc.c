/* A program with a malloc of its own.  All threads but one sleep by a call that no library
 * sees, while that one is in malloc with its lock: who needs memory then waits for it.
 *
 *   fiber_malloc COUNT ROUNDS [asks]
 *
 * A round is over when that one has left malloc, which it does when all others sleep, and
 * they have come back.  With "asks" the runtime is asked for another policy each time, by its
 * block, while that one is in malloc and before any other sleeps. */
#include "../../base/fiber_layout.h"

#include "by_hand.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MANY  64
#define KEYS  40        /* more than a thread has room for without malloc */
#define STORE (64u << 20)
#define HEAD  16u /* before each piece: its size */
#define SEEN  __attribute__((visibility("default"))) /* by the C library, too */

static _Alignas(16) unsigned char store[STORE];
static size_t           used;      /* under the lock */
static _Atomic uint32_t lock;      /* 0 free, 1 held, 2 held and somebody may sleep on it */
static _Atomic uint32_t word;      /* what the others sleep on */
static _Atomic int      reached, count_wanted;
static _Atomic bool     is_held;   /* the lock, by who stays */
static _Atomic bool     may_sleep;
static struct rh_stats *block;   /* the runtime's; NULL: nobody asks */
static __thread bool    stays __attribute__((tls_model("initial-exec")));

static void take_lock(void)
{
	uint32_t none = 0;

	if (atomic_compare_exchange_strong(&lock, &none, 1))
		return;
	while (atomic_exchange(&lock, 2))
		by_hand(SYS_futex, (long)&lock, FUTEX_WAIT, 2, 0);
}

static void give_lock(void)
{
	if (atomic_exchange(&lock, 0) == 2)
		by_hand(SYS_futex, (long)&lock, FUTEX_WAKE, 1, 0);
}

/* Whoever stays has the lock until all others sleep. */
static void *piece_of(size_t size, size_t align)
{
	unsigned char *piece = NULL;
	size_t         at;

	take_lock();
	if (stays)
		atomic_store(&is_held, true);
	while (stays && atomic_load(&reached) < atomic_load(&count_wanted))
		;
	at = (used + HEAD + align - 1) / align * align;
	if (size <= STORE && at + size <= STORE) {
		piece = store + at;
		memcpy(piece - sizeof size, &size, sizeof size);
		used = (at + size + HEAD - 1) / HEAD * HEAD;
	}
	give_lock();
	if (!piece)
		errno = ENOMEM;
	return piece;
}

SEEN void *malloc(size_t size)
{
	return piece_of(size, HEAD);
}

/* Nothing is used twice: all of it is zero. */
SEEN void *calloc(size_t count, size_t size)
{
	return size && count > STORE / size ? NULL : piece_of(count * size, HEAD);
}

SEEN void free(void *piece)
{
	(void)piece;
}

SEEN void *realloc(void *piece, size_t size)
{
	unsigned char *larger = malloc(size);
	size_t         former = 0;

	if (piece)
		memcpy(&former, (unsigned char *)piece - sizeof former, sizeof former);
	if (larger && piece)
		memcpy(larger, piece, former < size ? former : size);
	return larger;
}

SEEN void *aligned_alloc(size_t align, size_t size)
{
	return piece_of(size, align < HEAD ? HEAD : align);
}

SEEN void *memalign(size_t align, size_t size);
SEEN void *memalign(size_t align, size_t size)
{
	return aligned_alloc(align, size);
}

SEEN int posix_memalign(void **ret, size_t align, size_t size)
{
	*ret = aligned_alloc(align, size);
	return *ret ? 0 : ENOMEM;
}

static void check(int is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void *sleep_once(void *none)
{
	while (!atomic_load(&may_sleep))
		sched_yield();
	atomic_fetch_add(&reached, 1);
	while (!atomic_load(&word))
		by_hand(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0);
	return none;
}

static void *stay(void *none)
{
	stays = true;
	check(malloc(1) != NULL, "malloc");
	stays = false;
	atomic_store(&word, 1);
	by_hand(SYS_futex, (long)&word, FUTEX_WAKE, MANY, 0);
	return none;
}

/* Shared since the first thread began. */
static void find_block(void)
{
	const char *path = getenv("RHODES_SCHED_STATS");
	int         fd = open(path ? path : "", O_RDWR | O_CLOEXEC);

	block = mmap(NULL, sizeof *block, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(block != MAP_FAILED, "there is no block");
	while (!atomic_load(&block->control.monitor_tid))
		sched_yield();
}

static void ask_for(const char *policy)
{
	struct rh_stats_control *control = &block->control;

	strncpy(control->asked.policy, policy, sizeof control->asked.policy - 1);
	atomic_fetch_add(&control->wanted, 1);
	syscall(SYS_tgkill, getpid(), atomic_load(&control->monitor_tid), RH_STATS_SIGNAL);
}

static int answer(void)
{
	while (atomic_load(&block->control.done) != atomic_load(&block->control.wanted))
		sched_yield();
	return atomic_load(&block->control.result);
}

static void once(int count, const char *policy)
{
	pthread_t sleepers[MANY], one;

	atomic_store(&word, 0);
	atomic_store(&reached, 0);
	atomic_store(&is_held, false);
	atomic_store(&may_sleep, false);
	atomic_store(&count_wanted, count);
	for (int i = 0; i < count; i++)
		check(pthread_create(&sleepers[i], NULL, sleep_once, NULL) == 0, "pthread_create");
	check(pthread_create(&one, NULL, stay, NULL) == 0, "pthread_create");
	if (policy && !block)
		find_block();
	while (!atomic_load(&is_held))
		sched_yield();
	if (policy)
		ask_for(policy);
	atomic_store(&may_sleep, true);
	for (int i = 0; i < count; i++)
		check(pthread_join(sleepers[i], NULL) == 0, "pthread_join");
	check(pthread_join(one, NULL) == 0, "pthread_join");
}

int main(int argc, char *argv[])
{
	static const char *const policies[] = {"rr", "cfs", "nothing"};
	int count = argc > 1 ? atoi(argv[1]) : 8, rounds = argc > 2 ? atoi(argv[2]) : 1;

	if (count > MANY)
		return 2;
	for (int i = 0; i < KEYS; i++)
		check(pthread_key_create(&(pthread_key_t){0}, NULL) == 0, "pthread_key_create");
	for (int i = 0; i < rounds; i++) {
		const char *policy = argc > 3 ? policies[i % 3] : NULL;

		once(count, policy);
		printf("%d slept, one left malloc\n", count);
		if (policy)
			printf("%s: %d\n", policy, answer());
		fflush(stdout);
	}
	return 0;
}
