#include "edge_filter.h"

#include "agent.h"
#include "cpage.h"
#include "edge.h"
#include "process.h"
#include "stats.h"

#include "../base/clock.h"
#include "../rules/hook.h"

#include <rhodes/hook/filter_layout.h>
#include <string.h>

/* ---- the rule ------------------------------------------------------------- */

static struct rh_edge *edge_of(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct rh_edge, filter.place);
}

static int start(struct rh_code_place *place, struct rh_code *next, struct rh_diag *why)
{
	struct rh_edge        *edge = edge_of(place);
	struct rh_edge_filter *filter = &edge->filter;
	int                    r = rh_code_follow(next, why);

	if (r < 0)
		return r;
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

static struct rh_edge *edge_of_shadow(struct rh_code_place *place)
{
	return RH_CONTAINER(place, struct rh_edge, filter.shadow);
}

static int start_shadow(struct rh_code_place *place, struct rh_code *next,
                        struct rh_diag *why)
{
	int r = rh_code_load(next, why);

	if (r == RH_OK)
		rh_filter_init(&edge_of_shadow(place)->filter.shadow_filter, next->rule,
		               next->spec->policy);
	return r;
}

static const struct rh_code_ops shadow_ops = { .start = start_shadow };

void rh_edge_filter_init(struct rh_edge *edge)
{
	rh_code_place_init(&edge->filter.place, edge->agent, edge->spec.caller,
	                   edge->spec.callee, &ops);
	rh_code_place_init(&edge->filter.shadow, edge->agent, edge->spec.caller,
	                   edge->spec.callee, &shadow_ops);
}

void rh_edge_filter_fini(struct rh_edge *edge)
{
	rh_code_place_fini(&edge->filter.place);
	rh_code_place_fini(&edge->filter.shadow);
}

void rh_edge_filter_apply(struct rh_edge *edge, int is_new)
{
	const struct rh_codespec *wanted = edge->is_declared
		? rh_codespecs_find(&edge->spec.codes, rh_hook_find("filter")) : NULL;

	if (is_new || !wanted)
		edge->filter.is_due = wanted != NULL;
	rh_code_place_set(&edge->filter.place, wanted, edge->spec.item);
	rh_code_place_set(&edge->filter.shadow, edge->is_declared ? rh_codespecs_shadow(
		&edge->spec.codes, rh_hook_find("filter")) : NULL, edge->spec.item);
	rh_edge_run(edge); /* what waited for a rule that is wanted no more */
}

/* ---- calls ---------------------------------------------------------------- */

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

/* A call that the rule has seen.  While it was held back its caller may have given it up,
 * and was told that it may run: it need not. */
static enum rh_edge_filtered seen(struct rh_edge *edge, const struct rh_cpage *page,
                                  struct rh_diag *diag)
{
	if (is_delayed(edge, page))
		return RH_FILTERED_WAITS;
	if (page->held_until == 0 || !rh_server_is_unwanted(&page->server, &page->held))
		return RH_FILTERED_GOES;
	rh_diag_set(diag, RH_ECANCELED, "%s -> %s: the call was given up while a rule held it "
	            "back", edge->spec.caller, edge->spec.callee);
	return RH_FILTERED_ENDS;
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

/* A call, or its reply, and what the rule is asked about it. */
struct question {
	struct rh_filter_call call;
	int                   is_after;
	int                   status; /* of the reply */
};

/* Runs a rule, and counts that it ran. */
static void run(struct rh_code *code, struct rh_filter *filter,
                const struct question *question, uint64_t began,
                struct rh_filter_answer *answer)
{
	if (question->is_after)
		rh_filter_after(filter, &question->call, question->status, answer);
	else
		rh_filter_before(filter, &question->call, answer);
	rh_code_ran(code, began);
	if (answer->failed)
		rh_code_failed(code);
}

static int differs(const struct rh_filter_answer *a, const struct rh_filter_answer *b)
{
	return a->verdict != b->verdict || a->error != b->error || a->chosen != b->chosen ||
	       a->delay_us != b->delay_us || a->length != b->length || a->failed != b->failed ||
	       (a->length > 0 && memcmp(a->bytes, b->bytes, a->length) != 0);
}

/* The rule's answer is obeyed; its shadow is only compared with it. */
static void ask(struct rh_edge *edge, const struct question *question,
                struct rh_filter_answer *answer)
{
	struct rh_edge_filter  *filter = &edge->filter;
	struct rh_code         *shadow = filter->shadow.active;
	struct rh_filter_answer other;

	*answer = (struct rh_filter_answer){ .verdict = RH_FILTER_ALLOW,
		                             .chosen = RH_FILTER_ANY };
	if (filter->place.active)
		run(filter->place.active, &filter->filter, question, question->call.now_ns,
		    answer);
	if (!shadow)
		return;
	run(shadow, &filter->shadow_filter, question, rh_clock_ns(), &other);
	shadow->differences += differs(answer, &other) != 0;
}

static int sees_replies(const struct rh_edge_filter *filter)
{
	return (filter->place.active && rh_filter_has_after(&filter->filter)) ||
	       (filter->shadow.active && rh_filter_has_after(&filter->shadow_filter));
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
		return seen(edge, page, diag);
	if (!edge->filter.place.active) {
		enum rh_edge_filtered filtered = without(edge, diag);

		if (filtered != RH_FILTERED_GOES || !edge->filter.shadow.active)
			return filtered;
	}
	if (!has_memfd && rh_cpage_copy_args(page) < 0)
		return no_memory(diag);
	ask(edge, &(struct question){ .call = {
		.now_ns = rh_clock_ns(),
		.function = taken->function, .caller = page->process->attachment,
		.length = taken->args_len, .visible = has_memfd ? 0 : taken->args_len,
		.bytes = taken->args,
		.instances = taken->instance == 0 ? edge->choices.count : 0,
	} }, &answer);
	choose(edge, page, &answer);
	page->is_filtered = 1;
	return obey(edge, page, &answer, diag);
}

void rh_edge_filter_after(struct rh_edge *edge, const struct rh_cpage *page,
                          const struct rh_transit *transit, struct rh_reply *reply)
{
	struct rh_filter_answer answer;
	int has_memfd = (reply->flags & RH_SLOT_REPLY_MEMFD) != 0;

	if (!sees_replies(&edge->filter))
		return;
	ask(edge, &(struct question){ .call = {
		.now_ns = rh_clock_ns(),
		.function = transit->taken.function, .caller = page->process->attachment,
		.length = reply->len, .visible = has_memfd ? 0 : reply->len,
		.bytes = reply->bytes,
	}, .is_after = 1, .status = -reply->status }, &answer);
	if (answer.verdict == RH_FILTER_DENY) {
		*reply = (struct rh_reply){ .status = answer.error };
	} else if (answer.verdict == RH_FILTER_REWRITE) {
		reply->bytes = answer.bytes;
		reply->len = answer.length;
	}
}
