#include "weigh.h"

#include "../base/plural.h"
#include "../base/threads.h"
#include "../model/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What moving all of them came to. */
struct tally {
	unsigned total;
	unsigned refused;
	int      err_no; /* of the first that was refused */
	pid_t    pid;
};

void rh_weigh_init(struct rh_weigh *weigh, const char *run_dir, const char *resource)
{
	struct stat stat_of = { 0 };

	*weigh = (struct rh_weigh){ .former = "" };
	stat(run_dir, &stat_of);
	snprintf(weigh->name, sizeof weigh->name, "rhodes-%llx-%llx-%s",
	         (unsigned long long)stat_of.st_dev, (unsigned long long)stat_of.st_ino,
	         resource);
}

static int open_hierarchy(struct rh_weigh *weigh, struct rh_diag *why)
{
	int r;

	if (weigh->cgroup.version)
		return RH_OK;
	r = rh_cgroup_find("/proc/self", &weigh->cgroup, why);
	if (r == RH_OK && rh_cgroup_of(&weigh->cgroup, 0, weigh->own) < 0) {
		weigh->cgroup.version = 0;
		r = rh_diag_set(why, RH_ENOENT, "the agent's own cgroup cannot be read");
	}
	return r;
}

/* Says whose words they are. */
static int prefix(struct rh_diag *why)
{
	struct rh_diag said = *why;

	return rh_diag_set(why, said.code, "weight: %.220s", said.text);
}

/* ---- who comes in ----------------------------------------------------------- */

static int is_inside(const struct rh_weigh *weigh, const struct rh_governed *set, pid_t pid,
                     char path[RH_CGROUP_PATH])
{
	int r = rh_cgroup_of(&weigh->cgroup, pid, path);

	return r < 0 ? r : strcmp(path, set->group) == 0;
}

int rh_weigh_look(struct rh_weigh *weigh, struct rh_governed *set, struct rh_diag *why)
{
	char path[RH_CGROUP_PATH];

	if (open_hierarchy(weigh, why) < 0 ||
	    rh_cgroup_make(&weigh->cgroup, weigh->own, weigh->name, path, why) < 0)
		return prefix(why);
	if (strcmp(path, set->group) != 0) {
		memcpy(weigh->former, set->group, sizeof weigh->former);
		memcpy(set->group, path, sizeof path);
		set->is_changed = 1;
	}
	for (unsigned i = 0; i < set->count; i++) {
		struct rh_governed_process *process = set->at[i];

		if (process->group || is_inside(weigh, set, process->pid, path) != 0)
			continue;
		process->group = strdup(path);
		set->is_changed = 1;
	}
	return RH_OK;
}

/* ---- words ------------------------------------------------------------------ */

static const char *lack_of(int err_no)
{
	switch (err_no) {
	case EACCES:
	case EPERM:
		return "the agent may not move it";
	case EINVAL:
		return "a real-time thread, and the cgroup has no cpu.rt_runtime_us";
	default:
		return strerror(err_no);
	}
}

static void say(const struct tally *tally, const char *what, struct rh_diag *why)
{
	struct rh_thread_stat stat = { .name = "?" };
	const char           *name = strerrorname_np(tally->err_no);
	int                   is_right = tally->err_no == EACCES || tally->err_no == EPERM;

	rh_thread_stat(tally->pid, tally->pid, &stat);
	rh_diag_set(why, is_right ? RH_EPERM : RH_EINVAL,
	            "weight: %u of %u process%s %s: %.15s (%d): %s, %s", tally->refused,
	            tally->total, tally->total == 1 ? "" : "es", what, stat.name,
	            (int)tally->pid, name ? name : "?", lack_of(tally->err_no));
}

static void count(struct tally *tally, pid_t pid, int r)
{
	tally->total++;
	if (r >= 0 || r == -ESRCH || r == -ENOENT)
		return; /* or it has ended */
	if (tally->refused++ > 0)
		return;
	tally->err_no = -r;
	tally->pid = pid;
}

/* ---- in, and back ----------------------------------------------------------- */

static int move_in(const struct rh_weigh *weigh, const struct rh_governed *set, pid_t pid)
{
	char path[RH_CGROUP_PATH];
	int  r = is_inside(weigh, set, pid, path);

	return r != 0 ? r : rh_cgroup_move(&weigh->cgroup, set->group, pid);
}

void rh_weigh_put(struct rh_weigh *weigh, struct rh_governed *set, int weight,
                  struct rh_diag *why)
{
	struct tally tally = { 0 };
	int          r = rh_cgroup_weigh(&weigh->cgroup, set->group, weight);

	*why = (struct rh_diag){ .code = RH_OK };
	if (r < 0) {
		rh_diag_set(why, RH_EPERM, "weight: %.160s does not take it: %s", set->group,
		            strerror(-r));
		return;
	}
	for (unsigned i = 0; i < set->count; i++)
		count(&tally, set->at[i]->pid, move_in(weigh, set, set->at[i]->pid));
	if (tally.refused)
		say(&tally, "not", why);
	if (weigh->former[0] &&
	    rh_cgroup_remove(&weigh->cgroup, weigh->former, set->group) == 0)
		weigh->former[0] = '\0';
}

/* Where it was may be no more. */
static int move_out(const struct rh_weigh *weigh, const struct rh_governed *set,
                    const struct rh_governed_process *process)
{
	char path[RH_CGROUP_PATH];
	int  r = is_inside(weigh, set, process->pid, path);

	if (r <= 0)
		return r;
	r = process->group ? rh_cgroup_move(&weigh->cgroup, process->group, process->pid)
	                   : -ENOENT;
	return r == 0 ? 0 : rh_cgroup_move(&weigh->cgroup, weigh->own, process->pid);
}

static void give_back(const struct rh_weigh *weigh, struct rh_governed *set,
                      struct rh_governed_process *process, struct tally *tally)
{
	int r = move_out(weigh, set, process);

	count(tally, process->pid, r);
	if (r < 0 || !process->group)
		return;
	free(process->group);
	process->group = NULL;
	set->is_changed = 1;
}

void rh_weigh_release(struct rh_weigh *weigh, struct rh_governed *set, struct rh_diag *why)
{
	struct tally tally = { 0 };
	int          r;

	*why = (struct rh_diag){ .code = RH_OK };
	if (!set->group[0] || open_hierarchy(weigh, why) < 0)
		return;
	for (unsigned i = 0; i < set->count; i++)
		give_back(weigh, set, set->at[i], &tally);
	r = rh_cgroup_remove(&weigh->cgroup, set->group, weigh->own);
	if (tally.refused)
		say(&tally, "stay in the cgroup of the rule", why);
	else if (r < 0 && r != -EBUSY)
		rh_diag_set(why, RH_EPERM, "weight: the cgroup %.160s stays: %s", set->group,
		            strerror(-r));
	if (r == 0)
		set->group[0] = '\0';
	set->is_changed |= r == 0;
}
