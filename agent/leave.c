#include "leave.h"

#include "agent.h"
#include "bound.h"
#include "cache.h"
#include "center.h"
#include "codetell.h"
#include "edge.h"
#include "governor.h"
#include "happening.h"
#include "incarrier.h"
#include "inlink.h"
#include "listener.h"
#include "loan.h"
#include "module.h"
#include "probe.h"
#include "process.h"
#include "report.h"
#include "result.h"
#include "rulewatch.h"
#include "stats.h"
#include "trace.h"

#include "../base/log.h"

#include <stdlib.h>
#include <unistd.h>

/* ---- the end -------------------------------------------------------------- */

static void free_parts(struct rh_agent *agent)
{
	rh_center_free(agent);
	rh_listener_free(agent);
	rh_edges_free(agent);
	rh_items_fini(&agent->items);
	rh_agent_view_destroy(agent->view);
	rh_results_free(agent);
	rh_reports_free(agent);
	rh_rulewatch_free(agent);
	rh_stats_free(agent);
	rh_codetell_free(agent);
	rh_cache_free(agent);
	rh_floors_fini(&agent->floors);
	rh_incarriers_free(agent);
	rh_happenings_free(agent);
	rh_loans_free(agent);
	rh_probes_free(agent);
	rh_governor_free(agent);
	rh_modules_free(agent);
	rh_agent_forget_counters(agent);
	if (agent->lock_fd >= 0)
		close(agent->lock_fd);
}

static void finish(struct rh_agent *agent)
{
	rh_leave_done *done = agent->leave.done;
	void          *user = agent->leave.user;

	rh_info("it has left");
	free_parts(agent);
	done(user, agent);
}

static void on_closed(uv_handle_t *handle)
{
	struct rh_agent *agent = handle->data;

	rh_log_as(agent->name);
	if (--agent->leave.handles == 0 && agent->leave.is_last)
		finish(agent);
}

void rh_leave_close(struct rh_agent *agent, uv_handle_t *handle)
{
	if (handle->type == UV_UNKNOWN_HANDLE || uv_is_closing(handle))
		return;
	handle->data = agent;
	agent->leave.handles++;
	uv_close(handle, on_closed);
}

/* ---- what others hold ------------------------------------------------------- */

static void close_links(struct rh_agent *agent)
{
	while (!rh_list_empty(&agent->processes))
		rh_process_close(RH_CONTAINER(agent->processes.next, struct rh_process,
		                              in_agent));
	while (!rh_list_empty(&agent->links))
		rh_inlink_close(RH_CONTAINER(agent->links.next, struct rh_inlink,
		                             in_agent));
	rh_bounds_close(agent);
	rh_traces_close(agent);
}

/* ---- turn by turn ----------------------------------------------------------- */

static void close_rest(struct rh_task *task)
{
	struct rh_agent *agent = RH_CONTAINER(task, struct rh_agent, leave.task);

	if (!rh_list_empty(&agent->tasks.retired)) {
		rh_task_retire(&agent->tasks, task, close_rest);
		return;
	}
	if ((agent->cache && rh_cache_is_saving(agent)) || rh_modules_are_busy(agent))
		return; /* it goes on when that is over */
	agent->leave.is_last = 1;
	rh_tasks_close(&agent->tasks, agent);
}

void rh_leave_go_on(struct rh_agent *agent)
{
	if (agent->leave.done && !agent->leave.is_last &&
	    rh_list_empty(&agent->leave.task.link))
		rh_task_retire(&agent->tasks, &agent->leave.task, close_rest);
}

void rh_leave_begin(struct rh_agent *agent, rh_leave_done *done, void *user)
{
	rh_task_init(&agent->leave.task);
	agent->leave.done = done;
	agent->leave.user = user;
	rh_listener_leave(agent);
	close_links(agent);
	rh_edges_leave(agent);
	rh_center_leave(agent);
	rh_stats_leave(agent);
	rh_codetell_leave(agent);
	rh_probes_leave(agent);
	rh_governor_leave(agent);
	rh_leave_close(agent, (uv_handle_t *)&agent->alarm.timer);
	if (agent->tasks.prepare.type != UV_UNKNOWN_HANDLE)
		rh_leave_go_on(agent);
	else if (agent->leave.handles == 0) /* it had not come so far */
		finish(agent);
	else
		agent->leave.is_last = 1;
}
