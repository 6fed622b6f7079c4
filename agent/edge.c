#include "edge.h"

#include "agent.h"
#include "binding.h"
#include "cpage.h"
#include "use.h"
#include "verdict.h"

#include "../base/diag.h"
#include "../base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGES_AT_FIRST 8u
#define NAMES_SHOWN    120 /* bytes of a list of names in an error */

static struct rh_edge *create(struct rh_agent *agent)
{
	struct rh_edge *edge = calloc(1, sizeof *edge);

	if (!edge)
		return NULL;
	edge->agent = agent;
	edge->index = agent->edge_count;
	edge->serial = rh_agent_next_id(agent);
	rh_parcels_init(&edge->parcels, RH_PARCELS_PER_LINK);
	rh_list_init(&edge->waiting);
	rh_list_init(&edge->uses);
	rh_list_init(&edge->bindings);
	rh_list_init(&edge->inboxes);
	rh_list_init(&edge->events);
	rh_task_init(&edge->task);
	rh_edge_link_init(edge);
	rh_edge_filter_init(edge);
	rh_edge_transform_init(edge);
	rh_edge_carrier_init(edge);
	return edge;
}

static int add(struct rh_agent *agent, struct rh_edge **ret_edge)
{
	if (agent->edge_count == RH_EDGES_PER_AGENT)
		return RH_ENOSPC;
	if (agent->edge_count == agent->edge_room) {
		unsigned         room = agent->edge_room ? agent->edge_room * 2
		                                         : EDGES_AT_FIRST;
		struct rh_edge **more = realloc(agent->edges, room * sizeof(void *));

		if (!more)
			return RH_ENOMEM;
		agent->edges = more;
		agent->edge_room = room;
	}
	if (!(*ret_edge = create(agent)))
		return RH_ENOMEM;
	agent->edges[agent->edge_count++] = *ret_edge;
	return RH_OK;
}

/* Also finds an edge that was removed: when it comes back it is the same. */
struct rh_edge *rh_edge_known(struct rh_agent *agent, const char *callee)
{
	for (unsigned i = 0; i < agent->edge_count; i++) {
		if (strcmp(agent->edges[i]->spec.callee, callee) == 0)
			return agent->edges[i];
	}
	return NULL;
}

/* What the rules now say holds for what is asked for from now on; whoever has a
 * page of the former kind is told to come again. */
static void review(struct rh_edge *edge)
{
	struct rh_diag diag;
	int            verdict = rh_edge_judge(edge, &diag);

	if (verdict < 0)
		rh_info("calls to %s are answered: %s", edge->spec.callee, diag.text);
	rh_bindings_review(edge, verdict);
	for (unsigned i = 0; i < edge->page_room; i++) {
		if (edge->pages[i] && rh_edge_binds(edge))
			rh_cpage_retire(edge->pages[i]);
	}
	rh_edge_link_review(edge);
	rh_edge_run(edge);
}

static int is_same(const struct rh_view_edge *a, const struct rh_view_edge *b)
{
	return a->verdict == b->verdict && a->deadline == b->deadline &&
	       strcmp(a->protocol, b->protocol) == 0;
}

static int apply_one(struct rh_agent *agent, const struct rh_view_edge *spec)
{
	struct rh_edge *edge = rh_edge_known(agent, spec->callee);
	int             is_new = 0, is_other, r;

	if (!edge) {
		if ((r = add(agent, &edge)) < 0)
			return r;
		edge->counters = rh_counters_edge_add(&agent->counters, spec->caller,
		                                      spec->callee);
		is_new = 1;
	}
	is_new = is_new || !edge->is_declared;
	is_other = is_new || !is_same(&edge->spec, spec);
	edge->spec = *spec; /* also when only words have changed */
	edge->is_declared = 1;
	rh_edge_filter_apply(edge, is_new);
	rh_edge_transform_apply(edge);
	rh_edge_carrier_apply(edge);
	if (is_other)
		review(edge);
	return RH_OK;
}

static void remove_missing(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->edge_count; i++) {
		struct rh_edge *edge = agent->edges[i];

		if (!edge->is_declared || rh_agent_view_find(agent->view, agent->resource,
		                                             edge->spec.callee))
			continue;
		edge->is_declared = 0;
		edge->spec.env = NULL; /* it was the former view's */
		edge->spec.env_bytes = 0;
		edge->spec.codes.count = 0;
		rh_edge_filter_apply(edge, 0);
		rh_edge_transform_apply(edge);
		rh_edge_carrier_apply(edge);
		review(edge);
	}
}

int rh_edges_apply(struct rh_agent *agent)
{
	int r = RH_OK;

	remove_missing(agent);
	for (unsigned i = 0; i < agent->view->edge_count; i++) {
		const struct rh_view_edge *spec = &agent->view->edges[i];

		if (strcmp(spec->caller, agent->resource) == 0 &&
		    (r = apply_one(agent, spec)) < 0)
			break;
	}
	return r;
}

int rh_edge_binds(const struct rh_edge *edge)
{
	return strcmp(edge->spec.protocol, "bind") == 0;
}

int rh_edge_judge(const struct rh_edge *edge, struct rh_diag *diag)
{
	if (!edge->is_declared)
		return rh_diag_set(diag, RH_EREVOKED, "the reference of %s to %s was "
		                   "revoked", edge->agent->resource, edge->spec.callee);
	return rh_verdict_now(edge->agent, &edge->spec, diag);
}

void rh_edges_review(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->edge_count; i++)
		review(agent->edges[i]);
}

/* "magic, nic" */
static void list_declared(const struct rh_agent *agent, char *text)
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned i = 0; i < agent->edge_count; i++) {
		const struct rh_edge *edge = agent->edges[i];

		if (!edge->is_declared)
			continue;
		int n = snprintf(text + used, NAMES_SHOWN - used, "%s%s",
		                 used ? ", " : "", edge->spec.callee);
		if (n < 0 || used + (size_t)n >= NAMES_SHOWN)
			return;
		used += (size_t)n;
	}
	if (used == 0)
		snprintf(text, NAMES_SHOWN, "none");
}

static int not_declared(const struct rh_agent *agent, const char *what,
                        const char *name, struct rh_diag *diag)
{
	char names[NAMES_SHOWN];

	list_declared(agent, names);
	return rh_diag_set(diag, RH_ENOEDGE, "%s declares no reference to %s%s; it "
	                   "declares: %s", agent->resource, what, name, names);
}

/* An allowed edge that offers the interface; failing that, one that would. */
static int find_interface(struct rh_agent *agent, const char *interface,
                          struct rh_edge **ret_edge, struct rh_diag *diag)
{
	struct rh_edge *allowed = NULL, *refused = NULL;

	for (unsigned i = 0; i < agent->edge_count; i++) {
		struct rh_edge *edge = agent->edges[i];

		if (!edge->is_declared || strcmp(edge->spec.interface, interface) != 0)
			continue;
		if (edge->spec.verdict != RH_OK) {
			refused = edge;
			continue;
		}
		if (allowed)
			return rh_diag_set(diag, RH_EINVAL, "%s references both %s "
			                   "and %s, which offer %s: open one by name",
			                   agent->resource, allowed->spec.callee,
			                   edge->spec.callee, interface);
		allowed = edge;
	}
	if (!allowed && !refused)
		return not_declared(agent, "a resource with interface ", interface, diag);
	*ret_edge = allowed ? allowed : refused;
	return RH_OK;
}

int rh_edge_find(struct rh_agent *agent, const char *callee, const char *interface,
                 struct rh_edge **ret_edge, struct rh_diag *diag)
{
	struct rh_edge *edge = NULL;
	int             r = RH_OK;

	if (callee)
		edge = rh_edge_known(agent, callee);
	else
		r = find_interface(agent, interface, &edge, diag);
	if (r < 0)
		return r;
	if (!edge)
		return not_declared(agent, "", callee, diag);
	if ((r = rh_edge_judge(edge, diag)) < 0) {
		rh_counter_add(&edge->counters->refused, 1);
		return r;
	}
	*ret_edge = edge;
	return RH_OK;
}

void rh_edges_leave(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->edge_count; i++)
		rh_edge_link_leave(agent->edges[i]);
}

void rh_edges_free(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->edge_count; i++) {
		rh_edge_filter_fini(agent->edges[i]);
		rh_edge_transform_fini(agent->edges[i]);
		rh_carrier_fini(&agent->edges[i]->carrier);
		free(agent->edges[i]->pages);
		free(agent->edges[i]);
	}
	free(agent->edges);
	agent->edges = NULL;
	agent->edge_count = agent->edge_room = 0;
}
