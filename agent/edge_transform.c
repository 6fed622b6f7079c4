#include "edge_transform.h"

#include "agent.h"
#include "cpage.h"
#include "edge.h"
#include "process.h"
#include "stats.h"

#include "../base/clock.h"
#include "../rules/hook.h"

/* ---- the rule ------------------------------------------------------------- */

static struct rh_edge *edge_of(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct rh_edge, transform.place);
}

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_edge *edge = edge_of(place);
	int             r = rh_code_follow(next, why);

	if (r < 0)
		return r;
	if (place->active)
		rh_transform_exchange(&edge->transform.transform, next->rule);
	else
		rh_transform_init(&edge->transform.transform, next->rule, next->spec->policy);
	edge->transform.transform.policy = next->spec->policy;
	rh_edge_run(edge);
	return RH_OK;
}

static void stop(struct rh_code_place *place, struct rh_code *code)
{
	(void)code;
	if (!place->active)
		rh_transform_fini(&edge_of(place)->transform.transform);
}

/* What waited for it is answered. */
static void refused(struct rh_code_place *place)
{
	rh_edge_run(edge_of(place));
}

static const struct rh_code_ops ops = {
	.start = start, .stop = stop, .refused = refused,
};

void rh_edge_transform_init(struct rh_edge *edge)
{
	rh_code_place_init(&edge->transform.place, edge->agent, edge->spec.caller,
	                   edge->spec.callee, &ops);
}

void rh_edge_transform_fini(struct rh_edge *edge)
{
	rh_code_place_fini(&edge->transform.place);
	rh_transform_fini(&edge->transform.transform);
}

static const struct rh_codespec *wanted_of(const struct rh_edge *edge)
{
	return edge->is_declared
	     ? rh_codespecs_find(&edge->spec.codes, rh_hook_find("transform")) : NULL;
}

void rh_edge_transform_apply(struct rh_edge *edge)
{
	rh_code_place_set(&edge->transform.place, wanted_of(edge), edge->spec.item);
	rh_edge_run(edge); /* what waited for a rule that is wanted no more */
}

/* ---- messages ------------------------------------------------------------- */

/* Runs the rule, and counts that it ran; as rh_transform_run. */
static int run(struct rh_edge *edge, struct rh_transform_message *message)
{
	struct rh_code *code = edge->transform.place.active;
	uint64_t        began = rh_clock_ns();
	bool            failed;
	int             r = rh_transform_run(&edge->transform.transform, message, &failed);

	rh_code_ran(code, began);
	if (failed)
		rh_code_failed(code);
	return r;
}

static enum rh_edge_filtered refuse(const struct rh_edge *edge, const char *why,
                                    struct rh_diag *diag)
{
	const struct rh_code_place *place = &edge->transform.place;
	const struct rh_codespec   *spec = place->active ? place->active->spec :
	                                                   place->rejected;

	rh_diag_set(diag, RH_ERULE, "%s -> %s: rule %s (revision %llu) must change every call, "
	            "and %s", edge->spec.caller, edge->spec.callee, spec->rule,
	            (unsigned long long)spec->revision, why);
	return RH_FILTERED_ENDS;
}

/* Without a rule that is wanted. */
static enum rh_edge_filtered without(const struct rh_edge *edge, struct rh_diag *diag)
{
	const struct rh_code_place *place = &edge->transform.place;

	if (place->next) /* in the place of one that was rejected, too */
		return place->next->spec->policy == RH_POLICY_FAIL_CLOSED ? RH_FILTERED_WAITS
		                                                          : RH_FILTERED_GOES;
	if (wanted_of(edge) && place->rejected && place->rejected->policy == RH_POLICY_FAIL_CLOSED)
		return refuse(edge, "cannot run: see the agent's log", diag);
	return RH_FILTERED_GOES;
}

/* The call ends here, and is an error in the edge's counts. */
static enum rh_edge_filtered end(struct rh_edge *edge, const struct rh_cpage *page,
                                 const char *why, struct rh_diag *diag)
{
	rh_counters_call(edge->counters, RH_ERULE, page->held.args_len, 0, 0);
	rh_stats_changed(edge->agent);
	return refuse(edge, why, diag);
}

static enum rh_edge_filtered no_memory(struct rh_diag *diag)
{
	rh_diag_set(diag, RH_ENOMEM, "no memory for a call that a rule is to change");
	return RH_FILTERED_ENDS;
}

static int is_closed(const struct rh_edge *edge)
{
	return edge->transform.place.active->spec->policy == RH_POLICY_FAIL_CLOSED;
}

enum rh_edge_filtered rh_edge_transform_call(struct rh_edge *edge, struct rh_cpage *page,
                                             struct rh_diag *diag)
{
	const struct rh_taken      *taken = &page->held;
	struct rh_transform_message message = {
		.function = taken->function, .caller = page->process->attachment,
	};
	int                         r;

	if (page->is_transformed)
		return RH_FILTERED_GOES;
	if (!edge->transform.place.active)
		return without(edge, diag);
	if (taken->flags & RH_SLOT_ARGS_MEMFD)
		return is_closed(edge) ? end(edge, page, "this one is too long", diag)
		                       : RH_FILTERED_GOES;
	if (rh_cpage_copy_args(page) < 0)
		return no_memory(diag);
	message.length = taken->args_len;
	message.bytes = taken->args;
	r = run(edge, &message);
	page->is_transformed = 1;
	if (r < 0)
		return end(edge, page, "failed", diag);
	if (r == 1 && rh_cpage_set_args(page, message.bytes, message.length) < 0)
		return no_memory(diag);
	return RH_FILTERED_GOES;
}

void rh_edge_transform_reply(struct rh_edge *edge, const struct rh_cpage *page,
                             const struct rh_transit *transit, struct rh_reply *reply)
{
	struct rh_transform_message message = {
		.function = transit->taken.function, .caller = page->process->attachment,
		.is_reply = true, .status = -reply->status, .length = reply->len,
		.bytes = reply->bytes,
	};
	int r = 0;

	if (!edge->transform.place.active)
		return;
	if (!(reply->flags & RH_SLOT_REPLY_MEMFD))
		r = run(edge, &message);
	else if (is_closed(edge))
		r = RH_ERULE;
	if (r < 0) {
		*reply = (struct rh_reply){ .status = RH_ERULE };
	} else if (r == 1) {
		reply->bytes = message.bytes;
		reply->len = message.length;
	}
}
