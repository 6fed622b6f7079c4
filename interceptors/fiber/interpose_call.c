/* Calls that sleep in the kernel and that Linux ends early for any signal: the runtime's
 * own signal is none to the program. */
#include "real.h"
#include "restart.h"

#include <string.h>

/* What a call is asked to wait for at most, told anew each time. */
#define REPEAT(fiber, result, call, more) \
	for (;;) { \
		struct rh_restart seen = rh_restart_begin(fiber); \
		result = call; \
		if (result >= 0 || !rh_restart_again(fiber, seen)) \
			break; \
		more; \
	}

static int left_ms(uint64_t until, int asked)
{
	struct timespec left = rh_restart_left(until);

	if (asked < 0)
		return -1;
	return (int)(left.tv_sec * 1000 + (left.tv_nsec + 999999) / 1000000);
}

static uint64_t until_ms(int ms)
{
	return ms < 0 ? 0 : rh_clock() + (uint64_t)ms * 1000000u;
}

static int finish(struct rh_fiber *fiber, int result)
{
	int saved = errno;

	rh_fiber_point(fiber);
	errno = saved;
	return result;
}

RH_INTERPOSED int poll(struct pollfd *fds, nfds_t count, int ms)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	uint64_t until;
	int result, left = ms;

	if (!fiber || ms == 0)
		return real->poll(fds, count, ms);
	until = until_ms(ms);
	REPEAT(fiber, result, real->poll(fds, count, left), left = left_ms(until, ms));
	return finish(fiber, result);
}

RH_INTERPOSED int epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	uint64_t until;
	int result, left = ms;

	if (!fiber || ms == 0)
		return real->epoll_wait(fd, events, most, ms);
	until = until_ms(ms);
	REPEAT(fiber, result, real->epoll_wait(fd, events, most, left),
	       left = left_ms(until, ms));
	return finish(fiber, result);
}

/* While a call has a mask of its own, signals go straight to the carrier. */
static void with_mask(struct rh_fiber *fiber, const sigset_t *mask, int more)
{
	if (mask)
		rh_restart_masked(fiber, more > 0);
}

RH_INTERPOSED int epoll_pwait(int fd, struct epoll_event *events, int most, int ms,
			      const sigset_t *mask)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	uint64_t until;
	int result, left = ms;

	if (!fiber)
		return real->epoll_pwait(fd, events, most, ms, mask);
	until = until_ms(ms);
	with_mask(fiber, mask, 1);
	REPEAT(fiber, result, real->epoll_pwait(fd, events, most, left, mask),
	       left = left_ms(until, ms));
	with_mask(fiber, mask, 0);
	return finish(fiber, result);
}

RH_INTERPOSED int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *most,
			const sigset_t *mask)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	struct timespec left = most ? *most : (struct timespec){0};
	uint64_t until;
	int result;

	if (!fiber)
		return real->ppoll(fds, count, most, mask);
	until = most ? rh_restart_until(most) : 0;
	with_mask(fiber, mask, 1);
	REPEAT(fiber, result, real->ppoll(fds, count, most ? &left : NULL, mask),
	       left = rh_restart_left(until));
	with_mask(fiber, mask, 0);
	return finish(fiber, result);
}

RH_INTERPOSED int pselect(int count, fd_set *restrict in, fd_set *restrict out,
			  fd_set *restrict other, const struct timespec *restrict most,
			  const sigset_t *restrict mask)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	struct timespec left = most ? *most : (struct timespec){0};
	uint64_t until;
	int result;

	if (!fiber)
		return real->pselect(count, in, out, other, most, mask);
	until = most ? rh_restart_until(most) : 0;
	with_mask(fiber, mask, 1);
	REPEAT(fiber, result, real->pselect(count, in, out, other, most ? &left : NULL, mask),
	       left = rh_restart_left(until));
	with_mask(fiber, mask, 0);
	return finish(fiber, result);
}

/* Linux leaves in *most what is left. */
RH_INTERPOSED int select(int count, fd_set *restrict in, fd_set *restrict out,
			 fd_set *restrict other, struct timeval *restrict most)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	int result;

	if (!fiber)
		return real->select(count, in, out, other, most);
	REPEAT(fiber, result, real->select(count, in, out, other, most), (void)0);
	return finish(fiber, result);
}

RH_INTERPOSED int semtimedop(int id, struct sembuf *what, size_t count,
			     const struct timespec *most)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	struct timespec left = most ? *most : (struct timespec){0};
	uint64_t until;
	int result;

	if (!fiber)
		return real->semtimedop(id, what, count, most);
	until = most ? rh_restart_until(most) : 0;
	REPEAT(fiber, result, real->semtimedop(id, what, count, most ? &left : NULL),
	       left = rh_restart_left(until));
	return finish(fiber, result);
}

RH_INTERPOSED int semop(int id, struct sembuf *what, size_t count)
{
	return semtimedop(id, what, count, NULL);
}

RH_INTERPOSED ssize_t msgrcv(int id, void *message, size_t size, long kind, int flags)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	ssize_t result;

	if (!fiber)
		return real->msgrcv(id, message, size, kind, flags);
	REPEAT(fiber, result, real->msgrcv(id, message, size, kind, flags), (void)0);
	return result;
}

RH_INTERPOSED int msgsnd(int id, const void *message, size_t size, int flags)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber = rh_fiber_current();
	int result;

	if (!fiber)
		return real->msgsnd(id, message, size, flags);
	REPEAT(fiber, result, real->msgsnd(id, message, size, flags), (void)0);
	return result;
}
