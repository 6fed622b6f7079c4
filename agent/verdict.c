#include "verdict.h"

#include "agent.h"
#include "bound.h"
#include "center.h"
#include "edge.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../base/log.h"
#include "../model/error.h"
#include "../wire/limits.h"

#include <string.h>

#define NEVER UINT64_MAX

static const char *const class_names[RH_STALE_CLASSES] = {
	"layering", "revocation", "protocol",
};

static int is_of(const struct rh_view_edge *edge, enum rh_stale_class class)
{
	switch (class) {
	case RH_STALE_REVOCATION:
		return edge->deadline != 0;
	case RH_STALE_PROTOCOL:
		return strcmp(edge->protocol, "bind") != 0;
	default:
		return 1;
	}
}

/* When the word of the center on that class ends to count; NEVER.  Of one that is here
 * the next word may take a while; one that is stopped is here and says nothing. */
static uint64_t stale_at(const struct rh_agent *agent, enum rh_stale_class class)
{
	uint64_t limit = agent->view->self.name[0] ? agent->view->self.stale_ms[class]
	                                           : RH_STALE_NEVER;

	if (limit >= NEVER / RH_NS_PER_MS || agent->heard_ns == 0)
		return NEVER;
	if (rh_center_is_live(agent) && limit < RH_PUSH_SILENT_MS)
		limit = RH_PUSH_SILENT_MS;
	return agent->heard_ns + limit * RH_NS_PER_MS;
}

static int judge_age(const struct rh_agent *agent, const struct rh_view_edge *edge,
                     uint64_t now, struct rh_diag *diag)
{
	for (unsigned i = 0; i < RH_STALE_CLASSES; i++) {
		if (!is_of(edge, i) || stale_at(agent, i) > now)
			continue;
		return rh_diag_set(diag, RH_EOUTDATED, "%s may not call %s: the center has "
		                   "been away for %llu s, and rule stale lets no %s rule "
		                   "count for so long", edge->caller, edge->callee,
		                   (unsigned long long)((now - agent->heard_ns) /
		                                        RH_NS_PER_S),
		                   class_names[i]);
	}
	return RH_OK;
}

static int tell(const struct rh_view_edge *edge, int code, struct rh_diag *diag)
{
	if (edge->text[0])
		return rh_diag_set(diag, code, "%s", edge->text);
	if (code == RH_EPENDING)
		return rh_diag_set(diag, RH_EPENDING, "the reference of %s to %s is "
		                   "pending: %s is not registered", edge->caller,
		                   edge->callee, edge->callee);
	return rh_diag_set(diag, code, "%s may not call %s: rule %s, revision %llu",
	                   edge->caller, edge->callee,
	                   edge->rule[0] ? edge->rule : "hierarchy",
	                   (unsigned long long)edge->revision);
}

int rh_verdict_now(const struct rh_agent *agent, const struct rh_view_edge *edge,
                   struct rh_diag *diag)
{
	struct rh_diag unused;
	uint64_t       now;

	if (!diag)
		diag = &unused;
	if (edge->verdict < 0)
		return tell(edge, edge->verdict, diag);
	now = rh_clock_ns();
	if (edge->deadline && edge->deadline <= now && edge->after < 0)
		return tell(edge, edge->after, diag);
	return judge_age(agent, edge, now, diag);
}

int rh_verdict_is_revoking(const struct rh_view_edge *edge)
{
	return edge->verdict == RH_OK && edge->deadline && edge->after < 0 &&
	       edge->deadline > rh_clock_ns();
}

static void tell_revoking(const struct rh_view_edge *edge)
{
	uint64_t now = rh_clock_ns();
	uint64_t left = edge->deadline > now ? edge->deadline - now : 0;

	rh_warn("%s -> %s is revoking: calls pass for %llu s more; %s",
	        edge->caller, edge->callee, (unsigned long long)(left / RH_NS_PER_S),
	        edge->text[0] ? edge->text : rh_error_text(edge->after));
}

void rh_verdicts_tell(const struct rh_agent *agent, const struct rh_agent_view *former)
{
	for (unsigned i = 0; i < agent->view->edge_count; i++) {
		const struct rh_view_edge *edge = &agent->view->edges[i], *was;

		if (!rh_verdict_is_revoking(edge))
			continue;
		was = former ? rh_agent_view_find(former, edge->caller, edge->callee) : NULL;
		if (!was || was->deadline != edge->deadline)
			tell_revoking(edge);
	}
}

/* ---- looking again ------------------------------------------------------ */

/* The next moment after `since` at which a verdict changes by itself. */
static uint64_t next_change(const struct rh_agent *agent, uint64_t since)
{
	uint64_t next = NEVER;

	for (unsigned i = 0; i < RH_STALE_CLASSES; i++) {
		uint64_t at = stale_at(agent, i);

		if (at > since && at < next)
			next = at;
	}
	for (unsigned i = 0; i < agent->view->edge_count; i++) {
		const struct rh_view_edge *edge = &agent->view->edges[i];

		if (edge->verdict == RH_OK && edge->deadline > since &&
		    edge->deadline < next)
			next = edge->deadline;
	}
	return next;
}

static void review_all(struct rh_agent *agent)
{
	agent->views++; /* links judge their callers anew */
	rh_edges_review(agent);
	rh_bounds_review(agent);
}

void rh_verdicts_watch(struct rh_agent *agent)
{
	uint64_t now = rh_clock_ns();

	if (!agent->view)
		return;
	/* It was stale and is not any more, or the other way round. */
	int is_stale = 0;
	for (unsigned i = 0; i < RH_STALE_CLASSES; i++)
		is_stale |= (stale_at(agent, i) <= now) << i;
	if (is_stale != agent->stale_classes) {
		agent->stale_classes = is_stale;
		review_all(agent);
	}
	agent->verdicts_at = next_change(agent, now);
	if (agent->verdicts_at != NEVER)
		rh_alarm_at(&agent->alarm, agent->verdicts_at);
}

void rh_verdicts_expire(struct rh_agent *agent, uint64_t now)
{
	if (!agent->view || agent->verdicts_at == NEVER || agent->verdicts_at == 0)
		return;
	/* The center may have been heard since it was set. */
	agent->verdicts_at = next_change(agent, agent->verdicts_at - 1);
	if (agent->verdicts_at > now) {
		rh_alarm_at(&agent->alarm, agent->verdicts_at);
		return;
	}
	rh_info("a deadline of the rules has passed");
	review_all(agent);
	rh_verdicts_watch(agent);
}
