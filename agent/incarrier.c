#include "incarrier.h"

#include "agent.h"
#include "edge.h"
#include "rules.h"

#include "../rules/hook.h"

#include <stdlib.h>
#include <string.h>

struct incarrier {
	struct rh_list    in_agent;
	char              caller[RH_NAME_MAX + 1];
	struct rh_carrier carrier;
};

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_carrier *carrier = RH_CONTAINER(place, struct rh_carrier, place);
	int                r = rh_carrier_try(next, why);

	if (r == RH_OK)
		carrier->failed = 0;
	return r;
}

static void stop(struct rh_code_place *place, struct rh_code *code)
{
	(void)place, (void)code; /* channels have instances of their own */
}

static const struct rh_code_ops ops = { .start = start, .stop = stop };

static struct incarrier *find(struct rh_agent *agent, const char *caller)
{
	RH_LIST_EACH(node, &agent->incarriers) {
		struct incarrier *in = RH_CONTAINER(node, struct incarrier, in_agent);

		if (strcmp(in->caller, caller) == 0)
			return in;
	}
	return NULL;
}

static int add(struct rh_agent *agent, const char *caller, struct incarrier **ret_in)
{
	struct incarrier *in;

	if (agent->incarrier_count == RH_EDGES_PER_AGENT)
		return RH_ENOSPC;
	in = calloc(1, sizeof *in);
	if (!in)
		return RH_ENOMEM;
	strcpy(in->caller, caller);
	rh_carrier_init(&in->carrier, agent, in->caller, agent->resource, &ops);
	rh_list_add(&agent->incarriers, &in->in_agent);
	agent->incarrier_count++;
	*ret_in = in;
	return RH_OK;
}

static int apply_one(struct rh_agent *agent, const struct rh_view_edge *edge)
{
	const struct rh_codespec *wanted = rh_codespecs_find(&edge->codes,
	                                                     rh_hook_find("protocol"));
	struct incarrier         *in = find(agent, edge->caller);
	int                       r;

	if (!in && !wanted)
		return RH_OK;
	if (!in && (r = add(agent, edge->caller, &in)) < 0)
		return r;
	rh_code_place_set(&in->carrier.place, wanted, edge->item);
	return RH_OK;
}

int rh_incarriers_apply(struct rh_agent *agent)
{
	int r = RH_OK;

	RH_LIST_EACH(node, &agent->incarriers) {
		struct incarrier *in = RH_CONTAINER(node, struct incarrier, in_agent);

		if (!rh_agent_view_find(agent->view, in->caller, agent->resource))
			rh_code_place_set(&in->carrier.place, NULL, 0);
	}
	for (unsigned i = 0; i < agent->view->edge_count && r == RH_OK; i++) {
		const struct rh_view_edge *edge = &agent->view->edges[i];

		if (strcmp(edge->callee, agent->resource) == 0)
			r = apply_one(agent, edge);
	}
	return r;
}

void rh_incarriers_free(struct rh_agent *agent)
{
	while (!rh_list_empty(&agent->incarriers)) {
		struct incarrier *in = RH_CONTAINER(agent->incarriers.next, struct incarrier,
		                                    in_agent);

		rh_list_remove(&in->in_agent);
		rh_carrier_fini(&in->carrier);
		free(in);
	}
}

/* ---- channels ------------------------------------------------------------- */

static int not_yet(const char *caller, struct rh_diag *diag)
{
	return rh_diag_set(diag, RH_EAGAIN, "the rule that is to carry the calls of %s is not "
	                   "here yet", caller);
}

/* Was it rejected here?  Its spec is all that is left of it. */
static int is_rejected(const struct rh_code_place *place, uint64_t id)
{
	struct rh_code gone = { .spec = place->rejected };

	return place->rejected && rh_carrier_id(&gone) == id;
}

int rh_incarrier_frame(struct rh_agent *agent, const char *caller, uint64_t id,
                       struct rh_framing *ret_framing, struct rh_diag *diag)
{
	struct incarrier           *in = find(agent, caller);
	const struct rh_code_place *place = in ? &in->carrier.place : NULL;

	if (!place)
		return not_yet(caller, diag);
	if (in->carrier.failed == id)
		return rh_diag_set(diag, RH_ERULE, "%s", in->carrier.why.text);
	if (is_rejected(place, id))
		return rh_diag_set(diag, RH_ERULE, "the agent of %s has rejected rule %s",
		                   agent->resource, place->rejected->rule);
	if (!place->active || rh_carrier_id(place->active) != id)
		return not_yet(caller, diag);
	return rh_carrier_frame(&in->carrier, place->active, RH_CODEC_CALLEE, ret_framing,
	                        diag);
}

const struct rh_code *rh_incarrier_wanted(struct rh_agent *agent, const char *caller)
{
	const struct incarrier *in = find(agent, caller);

	return in ? rh_carrier_wanted(&in->carrier) : NULL;
}

int rh_incarrier_is_settled(struct rh_agent *agent, const char *caller)
{
	const struct incarrier *in = find(agent, caller);

	return !in || rh_code_is_settled(&in->carrier.place);
}

void rh_incarrier_failed(struct rh_agent *agent, const char *caller)
{
	struct incarrier *in = find(agent, caller);
	uint64_t          item = in ? rh_carrier_fail(&in->carrier) : 0;

	if (item)
		rh_rules_reject(agent, caller, agent->resource, item, &in->carrier.why);
}
