/* Barriers.  Those of one process are the runtime's: the C library has set the count, its
 * other words are ours. */
#include "real.h"
#include "waitqueue.h"

struct layout {
	unsigned arrived, round, count, shared, out;
};

_Static_assert(sizeof(struct layout) <= sizeof(pthread_barrier_t), "glibc's barrier");

static struct layout *of(pthread_barrier_t *barrier)
{
	return (struct layout *)(void *)barrier;
}

RH_INTERPOSED int pthread_barrier_wait(pthread_barrier_t *barrier)
{
	struct layout *own = of(barrier);
	struct rh_wait how = {.key = barrier, .until = RH_WAIT_FOREVER, .handling = true};
	struct rh_fiber *fiber = rh_fiber_current();
	struct rh_bucket *bucket;

	if (own->shared)
		return rh_real_get()->pthread_barrier_wait(barrier);
	rh_real_get();
	bucket = rh_wait_open(barrier);
	if (++own->arrived == own->count) {
		own->arrived = 0;
		rh_wait_wake_all(bucket, barrier);
		if (fiber)
			rh_fiber_point(fiber);
		return PTHREAD_BARRIER_SERIAL_THREAD;
	}
	/* Only the last one wakes, under the same latch.  The barrier may be gone when this
	 * one runs again. */
	rh_wait_sleep(bucket, &how);
	return 0;
}

RH_INTERPOSED int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
	struct layout *own = of(barrier);

	if (own->shared)
		return rh_real_get()->pthread_barrier_destroy(barrier);
	return 0;
}
