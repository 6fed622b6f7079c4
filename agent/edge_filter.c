#include "edge_filter.h"

#include "agent.h"
#include "codetell.h"
#include "cpage.h"
#include "edge.h"
#include "process.h"
#include "stats.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../rules/hook.h"

#include <rhodes/hook/filter_layout.h>

/* ---- the rule ------------------------------------------------------------- */

static struct rh_edge *edge_of(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct rh_edge, filter.place);
}

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_edge        *edge = edge_of(place);
	struct rh_edge_filter *filter = &edge->filter;
	struct rh_diag         diag = { .text = "" };
	int                    r = rh_code_load(next, why);

	if (r < 0)
		return r;
	if (place->active && rh_rule_swap(place->active->rule, next->rule, &diag) <= 0)
		rh_info("rule %s begins without the state of the one before it: %s",
		        next->spec->rule, diag.text);
	if (place->active)
		rh_filter_exchange(&filter->filter, next->rule);
	else
		rh_filter_init(&filter->filter, next->rule, next->spec->policy);
	filter->filter.policy = next->spec->policy;
	filter->is_due = 0;
	rh_edge_run(edge);
	return RH_OK;
}

static void stop(struct rh_code_place *place, struct rh_code *code)
{
	(void)code;
	if (!place->active)
		edge_of(place)->filter.filter.rule = NULL;
}

/* What waited for it is answered. */
static void refused(struct rh_code_place *place)
{
	rh_edge_run(edge_of(place));
}

static const struct rh_code_ops ops = {
	.start = start, .stop = stop, .refused = refused,
};

void rh_edge_filter_init(struct rh_edge *edge)
{
	rh_code_place_init(&edge->filter.place, edge->agent, edge->spec.caller,
	                   edge->spec.callee, &ops);
}

void rh_edge_filter_fini(struct rh_edge *edge)
{
	rh_code_place_fini(&edge->filter.place);
}

void rh_edge_filter_apply(struct rh_edge *edge, int is_new)
{
	const struct rh_codespec *wanted = edge->is_declared
		? rh_codespecs_find(&edge->spec.codes, rh_hook_find("filter")) : NULL;

	if (is_new || !wanted)
		edge->filter.is_due = wanted != NULL;
	rh_code_place_set(&edge->filter.place, wanted, edge->spec.item);
	rh_edge_run(edge); /* what waited for a rule that is wanted no more */
}

/* ---- calls ---------------------------------------------------------------- */

static void note_failure(const struct rh_edge *edge, const struct rh_filter_answer *answer)
{
	const struct rh_code *code = edge->filter.place.active;

	if (answer->failed)
		rh_warn_often("rule %s of %s -> %s failed (%s applies): %s", code->spec->rule,
		              edge->spec.caller, edge->spec.callee,
		              rh_rule_policy_name(code->spec->policy),
		              rh_rule_why(code->rule));
}

/* Without a rule that is wanted: what must not pass unseen waits, or is denied. */
static enum rh_edge_filtered without(const struct rh_edge *edge, struct rh_diag *diag)
{
	const struct rh_code_place *place = &edge->filter.place;

	if (!edge->filter.is_due)
		return RH_FILTERED_GOES;
	if (place->next) /* in the place of one that was rejected, too */
		return place->next->spec->policy == RH_POLICY_FAIL_CLOSED ? RH_FILTERED_WAITS
		                                                          : RH_FILTERED_GOES;
	if (!place->rejected || place->rejected->policy != RH_POLICY_FAIL_CLOSED)
		return RH_FILTERED_GOES;
	rh_diag_set(diag, RH_ERULE, "%s -> %s: rule %s (revision %llu) is to see every call, "
	            "and cannot run: see the agent's log", edge->spec.caller,
	            edge->spec.callee, place->rejected->rule,
	            (unsigned long long)place->rejected->revision);
	return RH_FILTERED_ENDS;
}

static int is_delayed(struct rh_edge *edge, const struct rh_cpage *page)
{
	if (page->held_until <= rh_clock_ns())
		return 0;
	rh_alarm_at(&edge->agent->alarm, page->held_until);
	return 1;
}

static enum rh_edge_filtered denied(struct rh_edge *edge, const struct rh_cpage *page,
                                    const struct rh_filter_answer *answer,
                                    struct rh_diag *diag)
{
	const struct rh_codespec *spec = edge->filter.place.active->spec;

	rh_counters_call(edge->counters, answer->error, page->held.args_len, 0, 0);
	rh_stats_changed(edge->agent);
	rh_diag_set(diag, answer->error, "%s -> %s: rule %s (revision %llu) denies the call%s",
	            edge->spec.caller, edge->spec.callee, spec->rule,
	            (unsigned long long)spec->revision, answer->failed ? ", as it failed" : "");
	return RH_FILTERED_ENDS;
}

static enum rh_edge_filtered no_memory(struct rh_diag *diag)
{
	rh_diag_set(diag, RH_ENOMEM, "no memory for a call that a rule is to see");
	return RH_FILTERED_ENDS;
}

static enum rh_edge_filtered obey(struct rh_edge *edge, struct rh_cpage *page,
                                  const struct rh_filter_answer *answer,
                                  struct rh_diag *diag)
{
	switch (answer->verdict) {
	case RH_FILTER_DENY:
		return denied(edge, page, answer, diag);
	case RH_FILTER_DELAY:
		page->held_until = rh_clock_ns() + (uint64_t)answer->delay_us * 1000;
		return is_delayed(edge, page) ? RH_FILTERED_WAITS : RH_FILTERED_GOES;
	case RH_FILTER_REWRITE:
		return rh_cpage_set_args(page, answer->bytes, answer->length) < 0
		       ? no_memory(diag) : RH_FILTERED_GOES;
	default:
		return RH_FILTERED_GOES;
	}
}

/* Runs the rule, and counts that it ran.  The rule's clock is where it began. */
static void ask(struct rh_edge *edge, const struct rh_filter_call *call, int is_after,
                int status, struct rh_filter_answer *answer)
{
	struct rh_code *code = edge->filter.place.active;

	if (is_after)
		rh_filter_after(&edge->filter.filter, call, status, answer);
	else
		rh_filter_before(&edge->filter.filter, call, answer);
	code->ns += rh_clock_ns() - call->now_ns;
	code->calls++;
	rh_codetell_changed(edge->agent);
	note_failure(edge, answer);
}

/* The callee's agent takes another when that one is gone, or full.  What an object is
 * bound to is not the rule's to choose. */
static void choose(const struct rh_edge *edge, struct rh_cpage *page,
                   const struct rh_filter_answer *answer)
{
	if (page->held.instance != 0)
		return;
	page->held.instance = rh_choices_at(&edge->choices, answer->chosen);
	page->is_chosen = page->held.instance != 0;
}

enum rh_edge_filtered rh_edge_filter_before(struct rh_edge *edge, struct rh_cpage *page,
                                            struct rh_diag *diag)
{
	const struct rh_taken  *taken = &page->held;
	struct rh_filter_answer answer;
	int                     has_memfd = (taken->flags & RH_SLOT_ARGS_MEMFD) != 0;

	if (page->is_filtered)
		return is_delayed(edge, page) ? RH_FILTERED_WAITS : RH_FILTERED_GOES;
	if (!edge->filter.place.active)
		return without(edge, diag);
	if (!has_memfd && rh_cpage_copy_args(page) < 0)
		return no_memory(diag);
	ask(edge, &(struct rh_filter_call){
		.now_ns = rh_clock_ns(),
		.function = taken->function, .caller = page->process->attachment,
		.length = taken->args_len, .visible = has_memfd ? 0 : taken->args_len,
		.bytes = taken->args,
		.instances = taken->instance == 0 ? edge->choices.count : 0,
	}, 0, 0, &answer);
	choose(edge, page, &answer);
	page->is_filtered = 1;
	return obey(edge, page, &answer, diag);
}

void rh_edge_filter_after(struct rh_edge *edge, const struct rh_cpage *page,
                          const struct rh_transit *transit, struct rh_reply *reply)
{
	struct rh_filter_answer answer;
	int has_memfd = (reply->flags & RH_SLOT_REPLY_MEMFD) != 0;

	if (!edge->filter.place.active || !rh_filter_has_after(&edge->filter.filter))
		return;
	ask(edge, &(struct rh_filter_call){
		.now_ns = rh_clock_ns(),
		.function = transit->taken.function, .caller = page->process->attachment,
		.length = reply->len, .visible = has_memfd ? 0 : reply->len,
		.bytes = reply->bytes,
	}, 1, -reply->status, &answer);
	if (answer.verdict == RH_FILTER_DENY) {
		*reply = (struct rh_reply){ .status = answer.error };
	} else if (answer.verdict == RH_FILTER_REWRITE) {
		reply->bytes = answer.bytes;
		reply->len = answer.length;
	}
}
