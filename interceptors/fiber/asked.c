#include "asked.h"

#include "loan.h"
#include "maker.h"
#include "own.h"
#include "park.h"
#include "policy.h"
#include "preempt.h"
#include "stats.h"
#include "sys.h"
#include "trace.h"

#include <string.h>

#define STACK (256u << 10) /* rules are asked on it, as on a carrier's */

static _Atomic uint32_t passed; /* a futex: what was wanted at the monitor's last look (P11) */
static _Atomic bool started;    /* there is who obeys, or will be */

void rh_asked_open(void)
{
	struct rh_stats_control *control = &rh_stats->control;

	control->now = *rh_policy_asked(); /* a child of fork begins with its parent's */
	atomic_store(&control->signal, RH_PREEMPT_SIGNAL);
	atomic_store(&control->monitor_tid, (uint32_t)rh_sys_tid());
}

static void obey(uint32_t wanted)
{
	struct rh_stats_control *control = &rh_stats->control;
	struct rh_stats_ask ask;
	int result;

	memcpy(&ask, &control->asked, sizeof ask);
	ask.policy[sizeof ask.policy - 1] = '\0';
	result = rh_loan_set_policy(&ask);
	if (!result)
		memcpy(&control->now, &ask, sizeof ask);
	atomic_store(&control->result, result);
	atomic_store(&control->done, wanted);
}

static void *main_of(void *none)
{
	uint32_t done = 0;

	rh_park_leave_rseq();
	rh_own_name("rh-asked");
	for (;;) {
		uint32_t wanted = atomic_load(&passed);

		if (wanted == done) {
			rh_sys_wait(&passed, wanted, NULL);
			continue;
		}
		obey(wanted);
		done = wanted;
	}
	return none;
}

void rh_asked_make(void)
{
	if (!atomic_load(&passed) || atomic_exchange(&started, true))
		return;
	if (rh_own_create(pthread_create, STACK, main_of, NULL))
		atomic_store(&started, false); /* until the monitor's next look */
}

/* To who obeys, or to who makes that one. */
static void pass_on(void)
{
	struct rh_stats_control *control = &rh_stats->control;
	uint32_t wanted = atomic_load(&control->wanted);

	if (wanted != atomic_exchange(&passed, wanted))
		rh_sys_wake(&passed, 1);
	if (wanted != atomic_load(&control->done) && !atomic_load(&started))
		rh_maker_ask();
}

void rh_asked_forget(void)
{
	atomic_store(&passed, 0);
	atomic_store(&started, false);
}

uint64_t rh_asked_look(void)
{
	struct rh_stats_control *control = &rh_stats->control;
	uint64_t again;

	pass_on();
	again = rh_trace_until(atomic_load(&control->trace_until));
	atomic_store(&control->is_traced, atomic_load(&rh_trace_is_on));
	return again;
}
