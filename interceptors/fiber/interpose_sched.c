/* What a thread says about its own scheduling. */
#include "real.h"
#include "fiber.h"

RH_INTERPOSED int sched_yield(void)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber)
		return rh_real_get()->sched_yield();
	rh_fiber_leave(RH_LEAVE_YIELD, NULL);
	return 0;
}
