#include "hangup.h"

#include "own.h"
#include "park.h"
#include "stats.h"
#include "waitqueue.h"

#include <errno.h>
#include <sys/epoll.h>

#define STACK   (128u << 10)
#define AT_ONCE 16

static struct rh_latch latch;
static _Atomic int epoll = -1; /* of the thread, which never ends */

static void *main_of(void *none)
{
	struct epoll_event events[AT_ONCE];
	int found, own = atomic_load(&epoll);

	rh_park_leave_rseq();
	for (;;) {
		found = (int)rh_sys6(SYS_epoll_wait, own, (long)events, AT_ONCE, -1, 0, 0);
		if (found < 0 && found != -EINTR)
			return none; /* the descriptor was closed by the program */
		for (int i = 0; i < found; i++)
			rh_wait_wake(events[i].data.ptr, INT32_MAX);
	}
}

/* Under the latch. */
static int open_one(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	int high = fd < 0 ? -1 : rh_stats_high_fd(fd);

	if (fd >= 0)
		close(fd);
	if (high < 0)
		return -1;
	atomic_store(&epoll, high);
	if (rh_own_create(pthread_create, STACK, main_of, NULL)) {
		close(high);
		atomic_store(&epoll, -1);
	}
	return atomic_load(&epoll);
}

/* Who comes while another starts it does without: starting a thread may take long. */
static int opened(void)
{
	int fd = atomic_load(&epoll);

	if (fd >= 0 || !rh_latch_try(&latch))
		return fd;
	fd = atomic_load(&epoll) >= 0 ? atomic_load(&epoll) : open_one();
	rh_latch_unlock(&latch);
	return fd;
}

static int control(int what, int fd, const void *key)
{
	/* Of no events: hang-ups and errors are always told; once, until armed again. */
	struct epoll_event event = {.events = EPOLLONESHOT,
				    .data = {.u64 = (uint64_t)(uintptr_t)key}};

	return (int)rh_sys4(SYS_epoll_ctl, atomic_load(&epoll), what, fd, (long)&event);
}

bool rh_hangup_add(int fd, const void *key)
{
	int result;

	if (opened() < 0)
		return false;
	result = control(EPOLL_CTL_ADD, fd, key);
	return result == 0 || result == -EEXIST;
}

void rh_hangup_arm(int fd, const void *key)
{
	control(EPOLL_CTL_MOD, fd, key);
}

void rh_hangup_remove(int fd)
{
	control(EPOLL_CTL_DEL, fd, NULL);
}

void rh_hangup_forget(void)
{
	int fd = atomic_exchange(&epoll, -1);

	if (fd >= 0)
		close(fd);
	atomic_store(&latch.word, 0);
}
