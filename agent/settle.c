#include "settle.h"

#include "agent.h"
#include "binding.h"
#include "bound.h"
#include "edge.h"
#include "governor.h"
#include "happening.h"
#include "incarrier.h"
#include "inlink.h"
#include "loan.h"
#include "probe.h"
#include "result.h"
#include "rules.h"
#include "verdict.h"

#include <stdio.h>
#include <string.h>

/* ---- an edge of ours ---------------------------------------------------- */

static int has_bindings(const struct rh_edge *edge)
{
	RH_LIST_EACH(node, &edge->bindings) {
		if (RH_CONTAINER(node, struct rh_binding, in_edge)->state ==
		    RH_BINDING_BOUND)
			return 1;
	}
	return 0;
}

static int is_code_settled(const struct rh_edge *edge)
{
	return rh_code_is_settled(&edge->filter.place) &&
	       rh_code_is_settled(&edge->filter.shadow) &&
	       rh_code_is_settled(&edge->transform.place) &&
	       rh_code_is_settled(&edge->carrier.place);
}

static int is_out_settled(struct rh_agent *agent, const char *callee)
{
	struct rh_edge *edge = rh_edge_known(agent, callee);
	struct rh_diag  diag;

	if (!edge)
		return 1;
	if (!is_code_settled(edge))
		return 0;
	if (rh_edge_judge(edge, &diag) < 0)
		return !has_bindings(edge);
	if (edge->channel && (edge->swap.state != RH_SWAP_IDLE || edge->is_draining ||
	                      !rh_edge_is_as_wanted(edge)))
		return 0;
	return rh_edge_binds(edge) ? edge->page_count == 0 : !has_bindings(edge);
}

/* ---- an edge to us ------------------------------------------------------ */

/* Is the channel by the rule that carries these calls, or without one by the protocol? */
static int is_as_wanted(struct rh_agent *agent, const struct rh_channel *channel,
                        const struct rh_view_edge *edge)
{
	const struct rh_code *carrier = rh_incarrier_wanted(agent, edge->caller);

	if (carrier)
		return channel->framing_id == rh_carrier_id(carrier);
	return strcmp(channel->protocol->name, rh_channel_protocol(edge->protocol)) == 0;
}

static int is_in_settled(struct rh_agent *agent, const char *caller)
{
	const struct rh_view_edge *edge = rh_agent_view_find(agent->view, caller,
	                                                     agent->resource);
	int is_allowed = edge && rh_verdict_now(agent, edge, NULL) == RH_OK;
	int binds = is_allowed && strcmp(edge->protocol, "bind") == 0;

	if (!rh_incarrier_is_settled(agent, caller) ||
	    (!binds && rh_bounds_have(agent, caller)))
		return 0;
	if (!is_allowed)
		return 1;
	RH_LIST_EACH(node, &agent->links) {
		const struct rh_inlink *link = RH_CONTAINER(node, struct rh_inlink,
		                                            in_agent);

		if (strcmp(link->caller, caller) != 0)
			continue;
		if (link->swap != RH_SWAPPED_IDLE ||
		    (link->channel && !is_as_wanted(agent, link->channel, edge)))
			return 0;
	}
	return 1;
}

/* What runs in our processes, and for events of ours. */
static int is_self_settled(const struct rh_agent *agent)
{
	return rh_loans_are_settled(agent) && rh_probes_are_settled(agent) &&
	       rh_governor_is_settled(agent) &&
	       rh_happenings_are_settled(agent);
}

int rh_settle_is(struct rh_agent *agent, const char *caller, const char *callee)
{
	if (callee[0] == 0)
		return is_self_settled(agent);
	return strcmp(caller, agent->resource) == 0 ? is_out_settled(agent, callee)
	                                            : is_in_settled(agent, caller);
}

int rh_settle_waits_for_code(struct rh_agent *agent, const char *caller,
                             const char *callee)
{
	struct rh_edge *edge = callee[0] && strcmp(caller, agent->resource) == 0
	                     ? rh_edge_known(agent, callee) : NULL;

	if (!callee[0])
		return !is_self_settled(agent);
	if (strcmp(callee, agent->resource) == 0 &&
	    !rh_incarrier_is_settled(agent, caller))
		return 1;
	return edge && !is_code_settled(edge);
}

void rh_settle_show(struct rh_agent *agent, const char *caller, const char *callee)
{
	struct rh_edge *edge = strcmp(caller, agent->resource) == 0
	                     ? rh_edge_known(agent, callee) : NULL;

	if (edge)
		snprintf(edge->counters->protocol, sizeof edge->counters->protocol, "%s",
		         rh_edge_carrier_wanted(edge) ? RH_CARRIER_PROTOCOL :
		                                        edge->spec.protocol);
}

/* ---- looking again ------------------------------------------------------ */

static void look(void *user, const char *caller, const char *callee)
{
	struct rh_agent *agent = user;

	if (rh_settle_is(agent, caller, callee))
		rh_rules_settled(agent, caller, callee);
}

static void run(struct rh_task *task)
{
	struct rh_agent *agent = RH_CONTAINER(task, struct rh_agent, settling.task);

	rh_results_staged(agent, look, agent);
}

void rh_settling_init(struct rh_settling *settling)
{
	rh_task_init(&settling->task);
}

void rh_settle_soon(struct rh_agent *agent)
{
	if (rh_results_have(agent, RH_ITEM_STAGED))
		rh_task_post(&agent->tasks, &agent->settling.task, run);
}
