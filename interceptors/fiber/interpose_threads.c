/* The threads of C11: the same things by other names. */
#include "real.h"
#include "runtime.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

static int result_of(int error)
{
	switch (error) {
	case 0:
		return thrd_success;
	case EBUSY:
		return thrd_busy;
	case ETIMEDOUT:
		return thrd_timedout;
	case ENOMEM:
		return thrd_nomem;
	default:
		return thrd_error;
	}
}

struct begun {
	thrd_start_t start;
	void *argument;
};

static void *begin(void *argument)
{
	struct begun begun = *(struct begun *)argument;

	free(argument);
	return (void *)(intptr_t)begun.start(begun.argument);
}

RH_INTERPOSED int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
	struct begun *begun = malloc(sizeof *begun);
	int error;

	if (!begun)
		return thrd_nomem;
	*begun = (struct begun){start, argument};
	error = pthread_create(thread, NULL, begin, begun);
	if (error)
		free(begun);
	return error == EAGAIN ? thrd_nomem : result_of(error);
}

RH_INTERPOSED int thrd_join(thrd_t thread, int *ret_value)
{
	void *value = NULL;
	int error = pthread_join(thread, &value);

	if (!error && ret_value)
		*ret_value = (int)(intptr_t)value;
	return result_of(error);
}

RH_INTERPOSED int thrd_sleep(const struct timespec *time, struct timespec *ret_left)
{
	int error = clock_nanosleep(CLOCK_REALTIME, 0, time, ret_left);

	return error == 0 ? 0 : error == EINTR ? -1 : -2;
}

RH_INTERPOSED void thrd_yield(void)
{
	sched_yield();
}

RH_INTERPOSED int mtx_lock(mtx_t *mutex)
{
	return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

RH_INTERPOSED int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until)
{
	return result_of(pthread_mutex_timedlock((pthread_mutex_t *)mutex, until));
}

RH_INTERPOSED int mtx_unlock(mtx_t *mutex)
{
	return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

RH_INTERPOSED int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
	return result_of(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex));
}

RH_INTERPOSED int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
				const struct timespec *restrict until)
{
	return result_of(pthread_cond_timedwait((pthread_cond_t *)cond,
						(pthread_mutex_t *)mutex, until));
}

RH_INTERPOSED int cnd_signal(cnd_t *cond)
{
	return result_of(pthread_cond_signal((pthread_cond_t *)cond));
}

RH_INTERPOSED int cnd_broadcast(cnd_t *cond)
{
	return result_of(pthread_cond_broadcast((pthread_cond_t *)cond));
}
