#include "rank.h"

#include "../base/sched.h"
#include "../model/check.h"

#include <stdio.h>
#include <sys/resource.h>

#define OWN_PRIORITY (RH_SCHED_PRIORITY_MAX + 10)
#define OWN_SLICE_NS 100000u

enum rank { FAIR, REAL, RANKS };

static struct rh_sched_attr own;       /* before the first rule       */
static unsigned             holds[RANKS];
static int                  priority;  /* that it has in REAL         */

static enum rank rank_of(const struct rh_sched *says)
{
	return says->use == RH_SCHED_CFS || says->use == RH_SCHED_EEVDF ? FAIR : REAL;
}

/* -1: it cannot be read. */
static long long read_number(const char *path)
{
	FILE     *file = fopen(path, "re");
	long long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%lld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* Real-time threads that never sleep may take only this part of each period. */
static int check_throttling(struct rh_diag *diag)
{
	long long runtime = read_number("/proc/sys/kernel/sched_rt_runtime_us");
	long long period = read_number("/proc/sys/kernel/sched_rt_period_us");

	if (runtime >= 0 && runtime < period)
		return RH_OK;
	return rh_diag_set(diag, RH_EPERM, "the machine keeps no time for other threads: "
		"kernel.sched_rt_runtime_us is %lld of %lld, and a thread that never sleeps "
		"would lock it up", runtime, period);
}

static int raise_real(struct rh_diag *diag)
{
	struct rh_sched_attr attr = { .policy = RH_CLASS_RR, .priority = OWN_PRIORITY,
	                              .flags = RH_SCHED_RESET_ON_FORK };
	struct rlimit        limit = { 0 };

	if (holds[REAL])
		return RH_OK;
	priority = OWN_PRIORITY;
	if (rh_sched_set(0, &attr) == 0)
		return RH_OK;
	getrlimit(RLIMIT_RTPRIO, &limit);
	attr.priority = limit.rlim_cur < OWN_PRIORITY ? (uint32_t)limit.rlim_cur : OWN_PRIORITY;
	priority = (int)attr.priority;
	if (attr.priority >= 2 && rh_sched_set(0, &attr) == 0)
		return RH_OK;
	return rh_diag_set(diag, RH_EPERM, "the agent cannot outrank real-time threads: it has "
		"neither CAP_SYS_NICE nor an RLIMIT_RTPRIO of 2 or more");
}

/* As nice as it may be, and the shortest slice, which needs no right. */
static void set_fair(void)
{
	struct rh_sched_attr attr = { .policy = RH_CLASS_OTHER, .nice = -20,
	                              .flags = RH_SCHED_RESET_ON_FORK,
	                              .runtime_ns = OWN_SLICE_NS };

	if (rh_sched_set(0, &attr) == 0)
		return;
	attr.nice = own.nice;
	attr.flags = own.flags; /* what is set without a right cannot be unset without it */
	rh_sched_set(0, &attr);
}

static int check_fair(const struct rh_sched *says, struct rh_diag *diag)
{
	struct rh_sched_attr now;

	if (rh_sched_get(0, &now) < 0 || now.policy != RH_CLASS_OTHER ||
	    says->at[RH_SCHED_NICE] >= now.nice)
		return RH_OK;
	return rh_diag_set(diag, RH_EPERM, "threads of nice %d would outrank the agent, which "
		"is of nice %d: it lacks CAP_SYS_NICE or an RLIMIT_NICE of %d",
		(int)says->at[RH_SCHED_NICE], (int)now.nice, 20 - (int)says->at[RH_SCHED_NICE]);
}

/* What the rules that are left need. */
static void settle(void)
{
	struct rh_sched_attr attr = { .policy = RH_CLASS_RR, .priority = (uint32_t)priority,
	                              .flags = RH_SCHED_RESET_ON_FORK };

	if (holds[REAL]) {
		rh_sched_set(0, &attr);
		return;
	}
	if (holds[FAIR]) {
		set_fair();
		return;
	}
	attr = own;
	if (rh_sched_set(0, &attr) == 0)
		return;
	attr.flags |= RH_SCHED_RESET_ON_FORK;
	rh_sched_set(0, &attr);
}

static int raise(const struct rh_sched *says, struct rh_diag *diag)
{
	int r;

	if (rank_of(says) == FAIR) {
		if (holds[FAIR] + holds[REAL] == 0)
			set_fair();
		return check_fair(says, diag);
	}
	if (says->use == RH_SCHED_DEADLINE && !rh_sched_is_privileged())
		return rh_diag_set(diag, RH_EPERM, "deadline needs CAP_SYS_NICE, which the "
		                   "agent lacks");
	r = check_throttling(diag);
	return r < 0 ? r : raise_real(diag);
}

int rh_rank_raise(const struct rh_sched *says, int *ret_priority, struct rh_diag *diag)
{
	int wanted = says->at[RH_SCHED_PRIORITY], r;

	if (holds[FAIR] + holds[REAL] == 0 && rh_sched_get(0, &own) < 0)
		return rh_diag_set(diag, RH_EIO, "the agent cannot see how it is scheduled");
	r = raise(says, diag);
	if (r < 0) {
		settle();
		return r;
	}
	holds[rank_of(says)]++;
	*ret_priority = wanted < priority ? wanted : priority - 1;
	return RH_OK;
}

void rh_rank_lower(const struct rh_sched *says)
{
	RH_CHECK(holds[rank_of(says)] > 0);
	holds[rank_of(says)]--;
	settle();
}
