#include "steer.h"

#include "fibers.h"

#include "../base/plural.h"
#include "../base/threads.h"
#include "../model/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define US         1000u
#define KERNEL_EXT "/sys/kernel/sched_ext" /* Linux 6.12, with CONFIG_SCHED_CLASS_EXT */

/* What a look at all threads came to. */
struct tally {
	unsigned total;
	unsigned refused;
	int      err_no;  /* of the first that was refused */
	pid_t    pid;
	pid_t    tid;
};

int rh_steer_check(const struct rh_schedspec *spec, struct rh_diag *why)
{
	if (spec->says.carrier != RH_SCHED_EXT)
		return RH_OK;
	return rh_diag_set(why, RH_ENOSYS, access(KERNEL_EXT, F_OK) == 0
	                   ? "this agent schedules nothing by sched_ext"
	                   : "this kernel has no sched_ext");
}

/* ---- a rule as a class ------------------------------------------------------ */

void rh_steer_init(struct rh_steer *steer, const struct rh_schedspec *spec, int priority,
                   uint64_t slice_ns)
{
	const int32_t        *at = spec->says.at;
	struct rh_sched_attr *wanted = &steer->wanted;

	*steer = (struct rh_steer){
		.use = spec->says.use, .carrier = spec->says.carrier, .slice_ns = slice_ns,
	};
	switch (spec->says.use) {
	case RH_SCHED_DEADLINE:
		/* The kernel refuses fork and clone to a thread with a deadline whose
		 * children would have it too. */
		wanted->policy = RH_CLASS_DEADLINE;
		wanted->flags = RH_SCHED_RESET_ON_FORK | RH_SCHED_RECLAIM;
		wanted->runtime_ns = (uint64_t)at[RH_SCHED_RUNTIME_US] * US;
		wanted->deadline_ns = (uint64_t)at[RH_SCHED_DEADLINE_US] * US;
		wanted->period_ns = (uint64_t)at[RH_SCHED_PERIOD_US] * US;
		return;
	case RH_SCHED_FIFO:
	case RH_SCHED_RR:
		wanted->policy = spec->says.use == RH_SCHED_RR ? RH_CLASS_RR : RH_CLASS_FIFO;
		wanted->priority = (uint32_t)priority;
		return;
	default:
		wanted->policy = RH_CLASS_OTHER;
		wanted->nice = at[RH_SCHED_NICE];
		wanted->runtime_ns = slice_ns ? (uint64_t)at[RH_SCHED_SLICE_US] * US : 0;
		steer->is_sliceless = !slice_ns && at[RH_SCHED_SLICE_US];
	}
}

int rh_steer_is_on(void *user, const struct rh_sched_attr *attr)
{
	const struct rh_steer      *steer = user;
	const struct rh_sched_attr *wanted = &steer->wanted;
	uint64_t                    slice = wanted->runtime_ns ? wanted->runtime_ns
	                                                       : steer->slice_ns;

	if (attr->policy != wanted->policy)
		return 0;
	if (wanted->policy == RH_CLASS_DEADLINE)
		return attr->runtime_ns == wanted->runtime_ns &&
		       attr->deadline_ns == wanted->deadline_ns &&
		       attr->period_ns == wanted->period_ns;
	if (wanted->policy != RH_CLASS_OTHER)
		return attr->priority == wanted->priority;
	return attr->nice == wanted->nice &&
	       (attr->runtime_ns == slice || attr->runtime_ns == wanted->runtime_ns);
}

/* ---- words ------------------------------------------------------------------ */

static const char *lack_of(uint32_t policy, int err_no)
{
	if (err_no == EBUSY)
		return "admission: the budgets of all deadlines are more than the CPUs have";
	if (err_no == EPERM && policy == RH_CLASS_DEADLINE)
		return rh_sched_is_privileged() ? "its affinity leaves CPUs out"
		                                : "needs CAP_SYS_NICE";
	if (err_no == EPERM && (policy == RH_CLASS_FIFO || policy == RH_CLASS_RR))
		return rh_sched_is_privileged() ? "its cgroup has no cpu.rt_runtime_us"
		                                : "needs CAP_SYS_NICE or its RLIMIT_RTPRIO";
	if (err_no == EPERM)
		return "needs CAP_SYS_NICE or its RLIMIT_NICE";
	return strerror(err_no);
}

static const char *errno_text(int err_no)
{
	const char *name = strerrorname_np(err_no);

	return name ? name : "?";
}

static int code_of(int err_no)
{
	return err_no == EBUSY ? RH_EBUSY : err_no == EPERM ? RH_EPERM : RH_EINVAL;
}

/* "1 of 9 threads not: xz (12/14): EBUSY, admission: ..." */
static void say(const struct tally *tally, uint32_t policy, const char *what,
                struct rh_diag *why)
{
	struct rh_thread_stat stat = { .name = "?" };

	rh_thread_stat(tally->pid, tally->tid, &stat);
	rh_diag_set(why, code_of(tally->err_no), "%u of %u thread%s %s: %.15s (%d/%d): %s, %s",
	            tally->refused, tally->total, rh_plural(tally->total), what, stat.name,
	            (int)tally->pid, (int)tally->tid, errno_text(tally->err_no),
	            lack_of(policy, tally->err_no));
}

/* ---- on every thread -------------------------------------------------------- */

static void count(struct tally *tally, const struct rh_governed_process *process,
                  struct rh_governed *set, struct rh_governed_thread *thread, int r)
{
	int err_no = r == -ESRCH ? 0 : -r;

	tally->total++;
	set->is_changed |= thread->err_no != err_no;
	thread->err_no = err_no;
	if (!err_no)
		return;
	if (tally->refused++ > 0)
		return;
	tally->err_no = err_no;
	tally->pid = process->pid;
	tally->tid = thread->tid;
}

/* 0, or a negative errno. */
typedef int do_to_thread(const void *user, const struct rh_governed_thread *thread);

/* All but those that are their runtimes' under a rule for that carrier. */
static void visit(struct tally *tally, struct rh_governed *set, enum rh_sched_carrier carrier,
                  do_to_thread *action, const void *user)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct rh_governed_process *process = set->at[i];

		for (unsigned j = 0; j < process->count; j++) {
			struct rh_governed_thread *thread = &process->threads[j];

			if (!rh_fibers_is_left(process, thread, carrier))
				count(tally, process, set, thread, action(user, thread));
		}
	}
}

static int put_on(const void *user, const struct rh_governed_thread *thread)
{
	const struct rh_steer *steer = user;
	struct rh_sched_attr   now;
	int                    r = rh_sched_get(thread->tid, &now);

	if (r < 0 || rh_steer_is_on((void *)(uintptr_t)steer, &now))
		return r;
	return rh_sched_set(thread->tid, &steer->wanted);
}

static int refuse(const void *user, const struct rh_governed_thread *thread)
{
	(void)user;
	(void)thread;
	return -EPERM;
}

int rh_steer_put(const struct rh_steer *steer, struct rh_governed *set,
                      struct rh_diag *why)
{
	struct tally tally = { 0 };

	*why = (struct rh_diag){ .code = RH_OK };
	visit(&tally, set, steer->carrier, steer->lacks.code ? refuse : put_on, steer);
	if (tally.refused && steer->lacks.code)
		rh_diag_set(why, steer->lacks.code, "%u thread%s not under fiber: %.180s",
		            tally.refused, rh_plural(tally.refused), steer->lacks.text);
	else if (tally.refused)
		say(&tally, steer->wanted.policy, "not", why);
	else if (set->is_full)
		rh_diag_set(why, RH_ENOSPC, "more than %u processes or %u threads are not "
		            "governed", RH_GOVERNED_PROCESSES, RH_GOVERNED_THREADS);
	else if (steer->is_sliceless)
		rh_diag_set(why, RH_ENOSYS, "sliceUs needs Linux 6.12: the kernel's own slice "
		            "is in force");
	return tally.refused && tally.refused == tally.total && !steer->lacks.code &&
	       !rh_fibers_is_any(set) ? why->code : RH_OK;
}

static int give_back(const void *user, const struct rh_governed_thread *thread)
{
	const struct rh_governed *set = user;
	struct rh_sched_attr      before = thread->before, now;
	int                       r = rh_sched_get(thread->tid, &now);

	if (r < 0)
		return r;
	if (now.policy == before.policy && now.nice == before.nice &&
	    now.priority == before.priority &&
	    (now.runtime_ns == before.runtime_ns ||
	     (!before.runtime_ns && now.runtime_ns == set->slice_ns)))
		return 0;
	return rh_sched_set(thread->tid, &before);
}

void rh_steer_leave_fibers(struct rh_governed *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct rh_governed_process *process = set->at[i];

		for (unsigned j = 0; process->is_fiber && j < process->count; j++) {
			if (!rh_fibers_is_left(process, &process->threads[j], RH_SCHED_HOST))
				give_back(set, &process->threads[j]);
		}
	}
}

void rh_steer_restore(const struct rh_steer *steer, struct rh_governed *set,
                      struct rh_diag *why)
{
	struct tally tally = { 0 };

	*why = (struct rh_diag){ .code = RH_OK };
	visit(&tally, set, steer->carrier, give_back, set);
	if (tally.refused)
		say(&tally, RH_CLASS_OTHER, "keep what the rule gave them", why);
}
