#include "asked.h"

#include "loan.h"
#include "policy.h"
#include "preempt.h"
#include "stats.h"
#include "sys.h"
#include "trace.h"

#include <string.h>

void rh_asked_open(void)
{
	struct rh_stats_control *control = &rh_stats->control;

	control->now = *rh_policy_asked(); /* a child of fork begins with its parent's */
	atomic_store(&control->signal, RH_PREEMPT_SIGNAL);
	atomic_store(&control->monitor_tid, (uint32_t)rh_sys_tid());
}

static void obey(void)
{
	struct rh_stats_control *control = &rh_stats->control;
	uint32_t wanted = atomic_load(&control->wanted);
	struct rh_stats_ask ask;
	int result;

	if (wanted == atomic_load(&control->done))
		return;
	memcpy(&ask, &control->asked, sizeof ask);
	ask.policy[sizeof ask.policy - 1] = '\0';
	result = rh_loan_set_policy(&ask);
	if (!result)
		memcpy(&control->now, &ask, sizeof ask);
	atomic_store(&control->result, result);
	atomic_store(&control->done, wanted);
}

uint64_t rh_asked_obey(void)
{
	struct rh_stats_control *control = &rh_stats->control;
	uint64_t again;

	obey();
	again = rh_trace_until(atomic_load(&control->trace_until));
	atomic_store(&control->is_traced, atomic_load(&rh_trace_is_on));
	return again;
}
