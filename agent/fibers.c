#include "fibers.h"

#include "../base/fiber_block.h"
#include "../base/plural.h"
#include "../base/threads.h"
#include "../model/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US 1000u

/* ---- what is asked ---------------------------------------------------------- */

static uint64_t ns_of(const struct rh_sched *says, enum rh_sched_number number)
{
	return (uint64_t)says->at[number] * US;
}

static void ask_of(const struct rh_schedspec *spec, struct rh_stats_ask *ret_ask)
{
	const struct rh_sched *says;

	*ret_ask = (struct rh_stats_ask){ .policy = "" };
	if (!spec)
		return;
	says = &spec->says;
	snprintf(ret_ask->policy, sizeof ret_ask->policy, "%s", rh_sched_use_text(says->use));
	ret_ask->has_nice = says->is_set >> RH_SCHED_NICE & 1u;
	ret_ask->nice = says->at[RH_SCHED_NICE];
	ret_ask->slice_ns = ns_of(says, RH_SCHED_SLICE_US);
	ret_ask->runtime_ns = ns_of(says, RH_SCHED_RUNTIME_US);
	ret_ask->deadline_ns = ns_of(says, RH_SCHED_DEADLINE_US);
	ret_ask->period_ns = ns_of(says, RH_SCHED_PERIOD_US);
}

/* ---- what there is ---------------------------------------------------------- */

static int compare(const void *tid, const void *thread)
{
	pid_t its = ((const struct rh_governed_thread *)thread)->tid;

	return (*(const pid_t *)tid > its) - (*(const pid_t *)tid < its);
}

static void look_for_homes(struct rh_governed_process *process,
                           const struct rh_fiber_block *block)
{
	pid_t tids[RH_FIBER_BLOCK_HOMES];
	char  why[RH_STATS_WHY];
	int   count = rh_fiber_block_hosted(block, why) > 0 ? rh_fiber_block_homes(block, tids)
	                                                    : 0;

	for (int i = 0; i < count; i++) {
		struct rh_governed_thread *thread =
			bsearch(&tids[i], process->threads, process->count,
			        sizeof process->threads[0], compare); /* G1 */

		if (thread)
			thread->is_home = 1;
	}
}

/* Before it makes threads its runtime has no block, and before `rhodes run` becomes the
 * program there is no runtime yet. */
static void look_at(struct rh_governed_process *process)
{
	struct rh_fiber_block block;
	int                   r = rh_fiber_block_open(process->pid, 0, &block);

	process->has_runtime = r != RH_ENOENT || process->count < 2 ||
	                       rh_fiber_block_is_hidden(process->pid);
	for (unsigned i = 0; i < process->count; i++)
		process->threads[i].is_home = 0;
	if (r < 0)
		return;
	look_for_homes(process, &block);
	rh_fiber_block_close(&block);
}

void rh_fibers_look(struct rh_governed *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (set->at[i]->is_fiber)
			look_at(set->at[i]);
	}
}

int rh_fibers_is_left(const struct rh_governed_process *process,
                      const struct rh_governed_thread *thread, enum rh_sched_carrier carrier)
{
	if (!process->is_fiber)
		return 0;
	return carrier == RH_SCHED_FIBER || (process->has_runtime && !thread->is_home);
}

int rh_fibers_is_any(const struct rh_governed *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (set->at[i]->is_fiber && set->at[i]->has_runtime)
			return 1;
	}
	return 0;
}

/* ---- one program ------------------------------------------------------------ */

struct tally {
	enum rh_sched_carrier             carrier; /* of the rule, or `fiber` for none */
	unsigned                          total;
	unsigned                          pending;
	unsigned                          failed;
	const struct rh_governed_process *first; /* that failed */
	int                               r;
	const struct rh_governed_process *obeys;   /* the first that does */
	unsigned                          hosted;  /* threads without the rule */
	const struct rh_governed_process *host_of; /* the first of them */
	char                              why[RH_STATS_WHY];
};

/* Threads that it leaves to the kernel, but for those that have the rule from there. */
static void count_hosted(const struct rh_governed_process *process,
                         const struct rh_fiber_block *block, struct tally *tally)
{
	char why[RH_STATS_WHY];
	int  hosted = rh_fiber_block_hosted(block, why);

	for (unsigned i = 0; i < process->count; i++)
		hosted -= !rh_fibers_is_left(process, &process->threads[i], tally->carrier);
	if (hosted <= 0)
		return;
	tally->hosted += (unsigned)hosted;
	if (tally->host_of)
		return;
	tally->host_of = process;
	memcpy(tally->why, why, sizeof tally->why);
}

static int ask(const struct rh_governed_process *process, const struct rh_stats_ask *what,
               struct tally *tally)
{
	struct rh_fiber_block block;
	int                   r = rh_fiber_block_open(process->pid, 1, &block);

	if (r < 0)
		return r;
	r = rh_fiber_block_ask(&block, what);
	if (r == RH_OK && what->policy[0])
		count_hosted(process, &block, tally);
	rh_fiber_block_close(&block);
	return r;
}

/* How long it has not answered, for RH_EAGAIN: RH_ETIMEDOUT when that is too long. */
static int wait_for(struct rh_governed_process *process, int r, uint64_t now_ms)
{
	if (r != RH_EAGAIN) {
		process->asked_ms = 0;
		return r;
	}
	if (process->asked_ms == 0)
		process->asked_ms = now_ms;
	return now_ms - process->asked_ms < RH_FIBERS_PATIENCE_MS ? r : RH_ETIMEDOUT;
}

static int errno_of(int r)
{
	return r == RH_OK || r == RH_EAGAIN ? 0 : r == RH_ETIMEDOUT ? ETIMEDOUT :
	       r == RH_EACCES ? EACCES : r == RH_ENOSYS ? ENOSYS :
	       r == RH_ENOENT ? ENOENT : EINVAL;
}

/* Each of its threads has the rule, or none. */
static void mark(struct rh_governed *set, struct rh_governed_process *process, int err_no,
                 enum rh_sched_carrier carrier)
{
	for (unsigned i = 0; i < process->count; i++) {
		struct rh_governed_thread *thread = &process->threads[i];

		if (!rh_fibers_is_left(process, thread, carrier))
			continue; /* the kernel said it */
		set->is_changed |= thread->err_no != err_no;
		thread->err_no = err_no;
	}
}

static void put_on(struct rh_governed *set, struct rh_governed_process *process,
                   const struct rh_stats_ask *what, uint64_t now_ms, struct tally *tally)
{
	int r = wait_for(process, ask(process, what, tally), now_ms);

	if (r == RH_OK && !tally->obeys)
		tally->obeys = process;
	if (r == RH_ELOST || (r == RH_ENOENT && (process->count < 2 || !what->policy[0])))
		r = RH_OK; /* it has no threads to order, or not any more */
	tally->total++;
	tally->pending += r == RH_EAGAIN;
	mark(set, process, errno_of(r), tally->carrier);
	if (r == RH_OK || r == RH_EAGAIN || tally->failed++ > 0)
		return;
	tally->first = process;
	tally->r = r;
}

/* ---- all of them ------------------------------------------------------------ */

/* Whether there is a program for it to ask. */
static int is_asked(const struct rh_governed_process *process, enum rh_sched_carrier carrier)
{
	return process->is_fiber && (carrier == RH_SCHED_FIBER || process->has_runtime);
}

static const char *reason_of(const struct tally *tally, char state)
{
	switch (tally->r) {
	case RH_ETIMEDOUT:
		return state == 'T' || state == 't' ? "it is stopped, and obeys when it goes on"
		                                    : "it does not answer";
	case RH_ENOENT:
		return tally->first->has_runtime ? "its runtime is not to be found" :
		       "no runtime is in it, and the kernel orders its threads";
	case RH_EACCES:
		return "it does not let the agent ask";
	case RH_ENOSYS:
		return "its runtime is of another version: start it again";
	default:
		return "its runtime refuses the policy";
	}
}

static void say(const struct tally *tally, struct rh_diag *why)
{
	pid_t                 pid = tally->first->pid;
	struct rh_thread_stat stat = { .name = "?" };

	rh_thread_stat(pid, pid, &stat);
	rh_diag_set(why, tally->r, "%u of %u program%s under fiber not: %.15s (%d): %s",
	            tally->failed, tally->total, rh_plural(tally->total), stat.name, (int)pid,
	            reason_of(tally, stat.state));
}

/* What is in force for others of the program. */
static void say_hosted(const struct tally *tally, struct rh_diag *why)
{
	pid_t                 pid = tally->host_of->pid;
	struct rh_thread_stat stat = { .name = "?" };

	rh_thread_stat(pid, pid, &stat);
	rh_diag_set(why, RH_ENOSYS, "%u thread%s under host: %.15s (%d): %s", tally->hosted,
	            rh_plural(tally->hosted), stat.name, (int)pid, tally->why);
}

/* What of a rule for `host` no runtime does; NULL: nothing.  Who runs beside other programs
 * the kernel decides. */
static const char *lack_of(const struct rh_sched *says)
{
	if (says->use != RH_SCHED_CFS && says->use != RH_SCHED_EEVDF)
		return "no real-time class";
	return says->at[RH_SCHED_NICE] ? "nice not beside others" : NULL;
}

static void say_lack(const struct tally *tally, const struct rh_sched *says,
                     struct rh_diag *why)
{
	const char           *lack = lack_of(says);
	struct rh_thread_stat stat = { .name = "?" };

	if (!lack || !tally->obeys)
		return;
	rh_thread_stat(tally->obeys->pid, tally->obeys->pid, &stat);
	rh_diag_set(why, RH_ENOSYS, "%.15s (%d) under fiber: %s among its own threads only, %s "
	            "(carrier: fiber asks for none)", stat.name, (int)tally->obeys->pid,
	            rh_sched_use_text(says->use), lack);
}

/* The record of a task that rules see has no priority, and all threads have the same one. */
static void say_priority(const struct rh_sched *says, struct rh_diag *why)
{
	if (says->is_set >> RH_SCHED_PRIORITY & 1u)
		rh_diag_set(why, RH_ENOSYS, "priority orders nothing under fiber, where it would "
		            "be the same for all threads");
}

unsigned rh_fibers_put(struct rh_governed *set, const struct rh_schedspec *spec,
                       uint64_t now_ms, struct rh_diag *why)
{
	struct tally tally = { .carrier = spec ? spec->says.carrier : RH_SCHED_FIBER };
	struct rh_stats_ask what;

	*why = (struct rh_diag){ .code = RH_OK };
	ask_of(spec, &what);
	for (unsigned i = 0; i < set->count; i++) {
		if (is_asked(set->at[i], tally.carrier))
			put_on(set, set->at[i], &what, now_ms, &tally);
	}
	if (tally.failed)
		say(&tally, why);
	else if (tally.hosted)
		say_hosted(&tally, why);
	else if (spec && tally.carrier == RH_SCHED_FIBER)
		say_priority(&spec->says, why);
	else if (spec)
		say_lack(&tally, &spec->says, why);
	return tally.pending;
}

void rh_fibers_check_code(const struct rh_governed *set, struct rh_diag *why)
{
	struct rh_thread_stat stat = { .name = "?" };

	*why = (struct rh_diag){ .code = RH_OK };
	for (unsigned i = 0; i < set->count && !why->code; i++) {
		const struct rh_governed_process *process = set->at[i];

		if (process->count < 2 || (process->is_fiber && process->has_runtime))
			continue;
		rh_thread_stat(process->pid, process->pid, &stat);
		rh_diag_set(why, RH_ENOSYS, "%.15s (%d) does not run under fiber: the kernel "
		            "orders it; start it with rhodes run --carrier fiber", stat.name,
		            (int)process->pid);
	}
}

void rh_fibers_trace(const struct rh_governed *set, uint64_t until_ns)
{
	struct rh_fiber_block block;

	for (unsigned i = 0; i < set->count; i++) {
		if (!set->at[i]->is_fiber || rh_fiber_block_open(set->at[i]->pid, 1, &block) < 0)
			continue;
		rh_fiber_block_trace(&block, until_ns);
		rh_fiber_block_close(&block);
	}
}
