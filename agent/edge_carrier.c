#include "edge_carrier.h"

#include "agent.h"
#include "edge.h"
#include "rules.h"

#include "../base/log.h"
#include "../rules/hook.h"

/* ---- the rule ------------------------------------------------------------- */

static struct rh_edge *edge_of(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct rh_edge, carrier.place);
}

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_edge *edge = edge_of(place);
	int             r = rh_carrier_try(next, why);

	if (r < 0)
		return r;
	edge->carrier.failed = 0;
	if (edge->state != RH_OUTLINK_UP)
		return RH_OK;
	if (edge->version < 2)
		return rh_diag_set(why, RH_EVERSION, "the agent of %s is of a version that "
		                   "cannot change to rule %s while calls pass: start it anew",
		                   edge->spec.callee, next->spec->rule);
	rh_edge_swap_review(edge); /* which may refuse it at once */
	return RH_EAGAIN;
}

static void stop(struct rh_code_place *place, struct rh_code *code)
{
	struct rh_edge *edge = edge_of(place);

	(void)code; /* channels have instances of their own */
	if (!place->active)
		rh_edge_swap_review(edge);
}

static const struct rh_code_ops ops = { .start = start, .stop = stop };

void rh_edge_carrier_init(struct rh_edge *edge)
{
	rh_carrier_init(&edge->carrier, edge->agent, edge->spec.caller, edge->spec.callee,
	                &ops);
}

void rh_edge_carrier_apply(struct rh_edge *edge)
{
	const struct rh_codespec *wanted = edge->is_declared
		? rh_codespecs_find(&edge->spec.codes, rh_hook_find("protocol")) : NULL;

	rh_code_place_set(&edge->carrier.place, wanted, edge->spec.item);
	rh_edge_swap_review(edge);
}

const struct rh_code *rh_edge_carrier_wanted(const struct rh_edge *edge)
{
	return edge->version < 2 ? NULL : rh_carrier_wanted(&edge->carrier);
}

/* ---- what becomes of it --------------------------------------------------- */

static int is_next(const struct rh_edge *edge, uint64_t id)
{
	const struct rh_code *next = edge->carrier.place.next;

	return next && next->rule && rh_carrier_id(next) == id;
}

void rh_edge_carrier_swapped(struct rh_edge *edge)
{
	if (is_next(edge, edge->carried_id))
		rh_code_started(&edge->carrier.place);
}

void rh_edge_carrier_lost(struct rh_edge *edge)
{
	const struct rh_code *next = edge->carrier.place.next;

	if (next && next->rule)
		rh_code_started(&edge->carrier.place);
}

void rh_edge_carrier_refused(struct rh_edge *edge, uint64_t id, const struct rh_diag *why)
{
	struct rh_code_place *place = &edge->carrier.place;

	if (is_next(edge, id)) {
		rh_code_refuse(place, why);
		return;
	}
	edge->carrier.failed = id;
	rh_rules_reject(edge->agent, place->caller, place->callee, place->item, why);
}

void rh_edge_carrier_failed(struct rh_edge *edge)
{
	struct rh_diag why = edge->carrier.why;

	if (rh_carrier_fail(&edge->carrier))
		rh_edge_carrier_refused(edge, edge->carrier.failed, &why);
}
