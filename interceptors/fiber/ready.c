#include "ready.h"

#include "clock.h"
#include "handler.h"
#include "stats.h"
#include "waitqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DESCRIPTORS 1024u
#define AT_ONCE     16
#define LOOK_NS     20000u /* a look costs half a microsecond */
#define BELL        UINT64_MAX
#define TAG         1u

static struct descriptor {
	struct rh_latch latch;
	char key[2]; /* of the queue, for each way */
} descriptors[DESCRIPTORS];

static struct rh_latch latch;              /* of looking */
static _Atomic int epoll = -1, bell = -1; /* -1: descriptors are waited for in the kernel */
static _Atomic uint32_t waiting; /* fibers */
static _Atomic uint32_t watcher; /* its seat + 1 */
static _Atomic uint64_t looked_ns;

/* ---- the epoll ---- */

static int high(int fd)
{
	int result = fd < 0 ? -1 : rh_stats_high_fd(fd);

	if (fd >= 0)
		rh_sys4(SYS_close, fd, 0, 0, 0);
	return result;
}

static int control(int what, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data = {.u64 = data}};

	return (int)rh_sys4(SYS_epoll_ctl, atomic_load(&epoll), what, fd, (long)&event);
}

void rh_ready_open(void)
{
	int fd = high(epoll_create1(EPOLL_CLOEXEC));

	atomic_store(&bell, high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
	atomic_store(&epoll, fd);
	if (fd >= 0 && control(EPOLL_CTL_ADD, atomic_load(&bell), EPOLLIN, BELL) < 0)
		atomic_store(&epoll, -1);
}

static bool is_waited_for(int fd, enum rh_ready_way way)
{
	const char *key = &descriptors[fd].key[way];
	struct rh_bucket *bucket = rh_wait_open(key);
	bool result = rh_wait_has(bucket, key, TAG);

	rh_wait_leave(bucket);
	return result;
}

/* Tells the epoll for what it is to look, once: what is ready already is found at the next
 * look.  False: it cannot look for that. */
static bool arm(int fd)
{
	uint32_t events = 0;
	int result = 0;

	rh_handler_enter();
	rh_latch_lock(&descriptors[fd].latch);
	if (is_waited_for(fd, RH_READY_IN))
		events |= EPOLLIN;
	if (is_waited_for(fd, RH_READY_OUT))
		events |= EPOLLOUT;
	if (events) {
		events |= EPOLLONESHOT;
		result = control(EPOLL_CTL_MOD, fd, events, (uint64_t)fd);
		if (result == -ENOENT)
			result = control(EPOLL_CTL_ADD, fd, events, (uint64_t)fd);
	}
	rh_latch_unlock(&descriptors[fd].latch);
	rh_handler_leave();
	return result == 0;
}

/* ---- who waits ---- */

struct sleeper {
	int fd;
	bool failed;
};

static bool queued(void *passed)
{
	struct sleeper *sleeper = passed;

	sleeper->failed = !arm(sleeper->fd);
	return !sleeper->failed;
}

/* Also when the thread is cancelled meanwhile. */
static void leave(_Atomic uint32_t **count)
{
	atomic_fetch_sub(*count, 1);
}

enum rh_ready rh_ready_wait(int fd, enum rh_ready_way way)
{
	struct sleeper sleeper = {.fd = fd};
	struct rh_wait how = {.until = RH_WAIT_FOREVER, .tag = TAG, .interruptible = true,
			      .queued = queued, .passed = &sleeper};
	struct rh_fiber *fiber = rh_fiber_current();
	enum rh_waited waited;

	/* Not of a handler in the midst of another wait.  A child of vfork has the memory of
	 * its parent. */
	if (fd < 0 || (uint32_t)fd >= DESCRIPTORS || atomic_load(&epoll) < 0 ||
	    atomic_load(&fiber->bucket) || rh_stats->pid != (uint32_t)rh_sys_pid())
		return RH_READY_UNKNOWN;
	how.key = &descriptors[fd].key[way];
	__attribute__((cleanup(leave))) _Atomic uint32_t *count = &waiting;
	atomic_fetch_add(count, 1);
	waited = rh_wait_sleep(rh_wait_open(how.key), &how);
	return sleeper.failed ? RH_READY_UNKNOWN :
	       waited == RH_SIGNALLED ? RH_READY_SIGNALLED : RH_READY_MAYBE;
}

bool rh_ready_is_own(int fd)
{
	return fd >= 0 && (fd == atomic_load(&epoll) || fd == atomic_load(&bell));
}

void rh_ready_gone(int fd)
{
	if (!atomic_load(&waiting) || fd < 0 || (uint32_t)fd >= DESCRIPTORS ||
	    rh_stats->pid != (uint32_t)rh_sys_pid())
		return;
	rh_wait_wake(&descriptors[fd].key[RH_READY_IN], INT32_MAX);
	rh_wait_wake(&descriptors[fd].key[RH_READY_OUT], INT32_MAX);
}

/* ---- who looks ---- */

/* The program closed what is not its own: all go on, their calls sleep in the kernel. */
static void give_up(void)
{
	atomic_store(&epoll, -1);
	for (uint32_t fd = 0; fd < DESCRIPTORS; fd++)
		rh_ready_gone((int)fd);
}

/* One of each way; the others wait on. */
static void wake(int fd, uint32_t events)
{
	if (events & ~(uint32_t)EPOLLOUT)
		rh_wait_wake(&descriptors[fd].key[RH_READY_IN], 1);
	if (events & ~(uint32_t)EPOLLIN)
		rh_wait_wake(&descriptors[fd].key[RH_READY_OUT], 1);
	arm(fd);
}

static int collect(int ms)
{
	struct epoll_event events[AT_ONCE];
	int found = (int)rh_sys6(SYS_epoll_wait, atomic_load(&epoll), (long)events, AT_ONCE,
				 ms, 0, 0);

	if (found < 0 && found != -EINTR)
		give_up();
	for (int i = 0; i < found; i++) {
		uint64_t count;

		if (events[i].data.u64 != BELL)
			wake((int)events[i].data.u64, events[i].events);
		else if (ms < 0) /* it is for who sleeps, who may just have begun to */
			rh_sys4(SYS_read, atomic_load(&bell), (long)&count, sizeof count, 0);
	}
	return found;
}

void rh_ready_look_now(void)
{
	if (!rh_ready_unwatched() || atomic_load(&epoll) < 0 || !rh_latch_try(&latch))
		return;
	atomic_store(&looked_ns, rh_clock());
	while (collect(0) == AT_ONCE)
		continue;
	rh_latch_unlock(&latch);
}

void rh_ready_look(void)
{
	if (rh_ready_unwatched() && rh_clock() - atomic_load(&looked_ns) >= LOOK_NS)
		rh_ready_look_now();
}

bool rh_ready_sleep(const _Atomic uint32_t *called, uint32_t seat)
{
	uint32_t none = 0;

	if (!atomic_load(&waiting) || atomic_load(&epoll) < 0 ||
	    !atomic_compare_exchange_strong(&watcher, &none, seat + 1))
		return false;
	if (!atomic_load(called) && !rh_handler_put_off) /* P10: watcher, then called */
		collect(-1);
	atomic_store(&watcher, 0);
	return true;
}

bool rh_ready_ring(uint32_t seat)
{
	const uint64_t one = 1;

	if (atomic_load(&watcher) != seat + 1)
		return false;
	rh_sys4(SYS_write, atomic_load(&bell), (long)&one, sizeof one, 0);
	return true;
}

bool rh_ready_unwatched(void)
{
	return atomic_load(&waiting) && !atomic_load(&watcher);
}

void rh_ready_forget_all(void)
{
	int fds[] = {atomic_exchange(&epoll, -1), atomic_exchange(&bell, -1)};

	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			rh_sys4(SYS_close, fds[i], 0, 0, 0);
	atomic_store(&latch.word, 0);
	for (uint32_t fd = 0; fd < DESCRIPTORS; fd++)
		atomic_store(&descriptors[fd].latch.word, 0);
	atomic_store(&waiting, 0);
	atomic_store(&watcher, 0);
}
