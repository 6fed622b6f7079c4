#include "agent.h"

#include "binding.h"
#include "bound.h"
#include "cache.h"
#include "center.h"
#include "channel.h"
#include "chronicle.h"
#include "codetell.h"
#include "cpage.h"
#include "edge.h"
#include "governor.h"
#include "happening.h"
#include "inlink.h"
#include "listener.h"
#include "module.h"
#include "process.h"
#include "result.h"
#include "probe.h"
#include "rules.h"
#include "rulewatch.h"
#include "stats.h"
#include "verdict.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"
#include "../model/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- buffers, names, numbers -------------------------------------------- */

static unsigned char *buffer_at(unsigned char **at)
{
	if (!*at)
		*at = malloc(RH_FRAME_MAX);
	if (!*at) { /* nothing can be said any more: whoever started us sees it */
		rh_error("no memory for a frame");
		abort();
	}
	return *at;
}

unsigned char *rh_agent_buffer(void)
{
	static unsigned char *buffer;

	return buffer_at(&buffer);
}

unsigned char *rh_agent_side_buffer(void)
{
	static unsigned char *buffer;

	return buffer_at(&buffer);
}

unsigned char *rh_agent_out_buffer(void)
{
	static unsigned char *buffer;

	return buffer_at(&buffer);
}

uint64_t rh_agent_next_id(struct rh_agent *agent)
{
	return ++agent->last_id;
}

int rh_agent_path(const struct rh_agent *agent, const char *resource,
                  const char *suffix, char *path, size_t cap)
{
	int n = snprintf(path, cap, "%s/agent/%s.%s", agent->run_dir, resource, suffix);

	return n < 0 || (size_t)n >= cap ? RH_EMSGSIZE : n;
}

void rh_agent_close_offer(struct rh_offer *offer)
{
	for (uint32_t i = 0; i < offer->fd_count; i++) {
		if (offer->fds[i] >= 0)
			close(offer->fds[i]);
	}
	offer->fd_count = 0;
}

void rh_agent_malformed(struct rh_agent *agent)
{
	rh_counter_add(&agent->counters.head->malformed, 1);
}

/* ---- deadlines ---------------------------------------------------------- */

static void on_alarm(void *user, uint64_t now)
{
	struct rh_agent *agent = user;

	RH_LIST_EACH(node, &agent->processes) {
		struct rh_process *process = RH_CONTAINER(node, struct rh_process,
		                                          in_agent);

		RH_LIST_EACH(at, &process->pages)
			rh_cpage_expire(RH_CONTAINER(at, struct rh_cpage, in_process),
			                now);
	}
	for (unsigned i = 0; i < agent->edge_count; i++) {
		rh_bindings_expire(agent->edges[i], now);
		rh_edge_swap_expire(agent->edges[i], now);
		rh_edge_run(agent->edges[i]); /* delayed calls may be due */
	}
	rh_inlinks_expire(agent, now);
	rh_bounds_expire(agent, now);
	rh_listener_expire(agent, now);
	rh_verdicts_expire(agent, now);
}

/* ---- setting up --------------------------------------------------------- */

/* The same for all agents of the process. */
static int find_home(struct rh_agent *agent, struct rh_diag *diag)
{
	static struct rh_home home;
	ssize_t               len;
	char                 *slash;

	agent->home = &home;
	if (home.exe[0])
		return RH_OK;
	home.uid = geteuid();
	len = readlink("/proc/self/exe", home.exe, sizeof home.exe - 1);
	if (len <= 0)
		return rh_diag_set(diag, RH_EIO, "cannot read /proc/self/exe: %s",
		                   strerror(errno));
	slash = strrchr(home.exe, '/');
	int dir = slash ? (int)(slash - home.exe) : 0;
	/* Installed side by side; installed apart; in the build tree. */
	snprintf(home.workers[0], PATH_MAX, "%.*s/rhodes-worker", dir, home.exe);
	snprintf(home.workers[1], PATH_MAX, "%.*s/../libexec/rhodes/rhodes-worker",
	         dir, home.exe);
	snprintf(home.workers[2], PATH_MAX, "%.*s/../worker/rhodes-worker", dir,
	         home.exe);
	return RH_OK;
}

static int make_directory(struct rh_agent *agent, struct rh_diag *diag)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/agent", agent->run_dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return rh_diag_set(diag, RH_EIO, "cannot make the directory %s: %s", path,
		                   strerror(errno));
	return RH_OK;
}

/* One agent for a resource on a node.  The lock ends with the agent. */
static int lock(struct rh_agent *agent, struct rh_diag *diag)
{
	char path[PATH_MAX];
	int  fd;

	rh_agent_path(agent, agent->resource, "lock", path, sizeof path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return rh_diag_set(diag, RH_EIO, "cannot open %s: %s", path,
		                   strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return rh_diag_set(diag, RH_EBUSY, "another agent of %s is running in %s",
		                   agent->resource, agent->run_dir);
	}
	agent->lock_fd = fd;
	return RH_OK;
}

static int open_counters(struct rh_agent *agent, struct rh_diag *diag)
{
	char path[PATH_MAX];
	int  r;

	rh_agent_path(agent, agent->resource, "counters", path, sizeof path);
	r = rh_counters_open(&agent->counters, path, agent->resource);
	return r < 0 ? rh_diag_set(diag, r, "no memory for counters") : r;
}

void rh_agent_forget_counters(struct rh_agent *agent)
{
	char path[PATH_MAX];

	if (!agent->counters.head)
		return;
	rh_agent_path(agent, agent->resource, "counters", path, sizeof path);
	unlink(path);
	rh_counters_close(&agent->counters);
}

static void init_lists(struct rh_agent *agent)
{
	rh_list_init(&agent->processes);
	rh_list_init(&agent->instances);
	rh_list_init(&agent->links);
	rh_list_init(&agent->channels);
	rh_list_init(&agent->incarriers);
	rh_list_init(&agent->unbound);
	rh_list_init(&agent->emitting);
	rh_list_init(&agent->observers);
	rh_list_init(&agent->reports);
	rh_list_init(&agent->loans);
	rh_task_init(&agent->emit_task);
	rh_settling_init(&agent->settling);
	rh_retirement_init(&agent->retirement);
	agent->last_id = rh_clock_ns();
}

int rh_agent_init(struct rh_agent *agent, const struct rh_place *place,
                  const char *resource, struct rh_diag *diag)
{
	int r;

	memset(agent, 0, sizeof *agent);
	agent->lock_fd = -1;
	agent->loop = place->loop;
	agent->run_dir = place->run_dir;
	init_lists(agent);
	if (rh_name_check(resource, strlen(resource)) < 0)
		return rh_diag_set(diag, RH_EINVAL, "\"%.80s\" is no name for a resource",
		                   resource);
	strcpy(agent->resource, resource);
	snprintf(agent->name, sizeof agent->name, "agent %s", resource);
	rh_log_as(agent->name);
	if (rh_tasks_init(&agent->tasks, agent->loop) < 0 ||
	    rh_alarm_init(&agent->alarm, agent->loop, on_alarm, agent) < 0 ||
	    rh_stats_init(agent) < 0 || rh_codetell_init(agent) < 0 || rh_probes_init(agent) < 0 ||
	    rh_governor_init(agent) < 0 ||
	    rh_results_init(agent) < 0 || rh_rulewatch_init(agent) < 0)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for an agent");
	if ((r = rh_happenings_init(agent)) < 0)
		return rh_diag_set(diag, r, "no memory for an agent");
	if ((r = rh_modules_open(agent, place->state_dir, diag)) < 0 ||
	    (r = rh_cache_open(agent, place->state_dir, diag)) < 0)
		return r;
	if ((r = find_home(agent, diag)) < 0 || (r = make_directory(agent, diag)) < 0 ||
	    (r = lock(agent, diag)) < 0)
		return r;
	return open_counters(agent, diag);
}

/* What the cache holds is in force before anybody can ask for it. */
static int begin(struct rh_agent *agent)
{
	struct rh_cached cached;

	rh_governor_start(agent);
	if (rh_cache_load(agent, &cached) < 0) {
		rh_follow_init(&agent->follow, NULL, 0, RH_CREDIT_BYTES);
		rh_chronicle_start(agent);
		return RH_OK;
	}
	agent->floors = cached.floors;
	rh_follow_init(&agent->follow, cached.store, cached.revision, RH_CREDIT_BYTES);
	rh_chronicle_start(agent);
	return rh_rules_start(agent, &cached);
}

int rh_agent_open(struct rh_agent *agent, const struct rh_place *place,
                  const char *resource, struct rh_diag *diag)
{
	int r;

	if ((r = rh_agent_init(agent, place, resource, diag)) < 0 ||
	    (r = rh_listener_open(agent, diag)) < 0)
		return r;
	if ((r = begin(agent)) < 0)
		return rh_diag_set(diag, r, "no memory for the rules of %s", resource);
	return rh_center_open(agent, diag);
}

void rh_agent_close(struct rh_agent *agent)
{
	rh_listener_close(agent);
	rh_governor_close(agent);
	rh_channels_end(agent);
	if (agent->cache)
		rh_cache_close(agent);
	rh_chronicle_end(agent);
}
