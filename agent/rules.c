#include "rules.h"

#include "agent.h"
#include "chronicle.h"
#include "edge.h"
#include "happening.h"
#include "inlink_swap.h"
#include "result.h"
#include "rulewatch.h"
#include "settle.h"
#include "successor.h"
#include "trial.h"
#include "verdict.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- a view of a set ---------------------------------------------------- */

/* Of what is in force while that is the newest; 0: nothing is. */
static uint64_t settled_revision(const struct rh_item *item)
{
	return item->former ? item->former->revision : item->has_none ? 0 : item->revision;
}

/* In place of an item that cannot be used: its former, or nothing. */
static void reject_in(struct rh_agent *agent, struct rh_items *next, unsigned i,
                      const struct rh_diag *why)
{
	struct rh_item *item = next->at[i];
	struct rh_item *former = rh_items_find(&agent->items, item->caller, item->callee);

	rh_error("item %s%s%s at revision %llu is rejected: %s", item->caller,
	         item->callee[0] ? " -> " : "", item->callee,
	         (unsigned long long)item->revision, why->text);
	rh_result_reject(agent, item->caller, item->callee, item->revision,
	                 former && former != item ? settled_revision(former) : 0, why);
	if (former && former != item)
		rh_items_put(next, former); /* the same key: there is room */
	else
		rh_items_remove(next, item);
}

/* Takes out of the set what cannot be used. */
static struct rh_agent_view *make_view(struct rh_agent *agent, struct rh_items *next,
                                       uint64_t revision, const char *system)
{
	struct rh_agent_view *view = rh_agent_view_create(revision, system);
	unsigned              i = 0;

	while (view && i < next->count) {
		const struct rh_item *item = next->at[i];
		struct rh_diag        why;
		int r = rh_agent_view_put(view, item, agent->resource, &why);

		if (r == RH_ENOMEM) {
			rh_agent_view_destroy(view);
			return NULL;
		}
		if (r < 0)
			reject_in(agent, next, i, &why); /* and looks there again */
		else
			i++;
	}
	return view;
}

/* ---- what has changed --------------------------------------------------- */

static int is_same(const struct rh_item *a, const struct rh_item *b)
{
	return a == b || (a->revision == b->revision && a->len == b->len &&
	                  memcmp(a->bytes, b->bytes, a->len) == 0);
}

static int is_rejected(const struct rh_agent *agent, const struct rh_item *item)
{
	struct rh_diag why;

	return rh_result_rejected(agent, item->caller, item->callee, &why) == item->revision;
}

/* A newer item counts when it is settled; until then its former goes with it.  One that
 * was rejected, or whose rule has not come yet, and stayed as there was none before it, is
 * nothing to go back to. */
static void keep_former(struct rh_agent *agent, struct rh_item *item,
                        struct rh_item *former)
{
	if (item->former || item == former || item == former->former ||
	    item == former->before)
		return; /* also when it is the former one that is put back */
	if (former->former)
		item->former = rh_item_ref(former->former);
	else if (!is_rejected(agent, former) &&
	         !rh_settle_waits_for_code(agent, former->caller, former->callee))
		item->former = rh_item_ref(former);
	else
		item->has_none = 1;
}

static void note_change(struct rh_agent *agent, struct rh_item *now,
                        struct rh_item *next)
{
	rh_rulewatch_note(agent, next);
	keep_former(agent, next, now);
	/* What was said of the former one; whoever needs time says so anew. */
	rh_result_set(agent, next->caller, next->callee, next->revision,
	              RH_ITEM_ACTIVE, NULL);
}

/* Both are sorted: one walk finds what came, changed and went. */
static void compare(struct rh_agent *agent, const struct rh_items *next)
{
	const struct rh_items *now = &agent->items;
	unsigned               i = 0, j = 0;

	while (i < now->count || j < next->count) {
		int order = i == now->count ? 1 : j == next->count ? -1
		          : rh_item_compare(now->at[i], next->at[j]);

		if (order < 0) {
			rh_chronicle_gone(agent, now->at[i]);
			rh_result_forget(agent, now->at[i]->caller, now->at[i]->callee);
			rh_rulewatch_note(agent, now->at[i++]);
		} else if (order > 0) {
			rh_rulewatch_note(agent, next->at[j++]);
		} else {
			if (!is_same(now->at[i], next->at[j]))
				note_change(agent, now->at[i], next->at[j]);
			i++;
			j++;
		}
	}
}

/* It is in force.  What was before stays while a rule of it is on trial: what was itself
 * on trial is not what to go back to. */
static void end_former(const struct rh_agent *agent, struct rh_item *item)
{
	struct rh_item *former = item->former;

	item->former = NULL;
	item->has_none = 0;
	if (former && !item->callee[0] && rh_trial_is_on(agent, item->revision)) {
		rh_item_unref(item->before);
		item->before = rh_item_ref(former->before ? former->before : former);
	}
	rh_item_unref(former);
}

/* Who does not obey yet, takes time: the former one goes with it until then. */
static void settle(struct rh_agent *agent)
{
	for (unsigned i = 0; i < agent->items.count; i++) {
		struct rh_item *item = agent->items.at[i];

		if (rh_settle_is(agent, item->caller, item->callee)) {
			end_former(agent, item);
			rh_settle_show(agent, item->caller, item->callee);
		} else if (item->former || item->has_none ||
		           rh_settle_waits_for_code(agent, item->caller, item->callee)) {
			rh_result_note(agent, item->caller, item->callee, item->revision,
			               rh_settle_waits_for_code(agent, item->caller,
			                                        item->callee)
			               ? RH_ITEM_RECEIVED : RH_ITEM_STAGED);
		}
		if (!item->former && !item->has_none)
			rh_chronicle_put(agent, item);
	}
	rh_inlinks_swap_recall(agent);
}

static void enforce(struct rh_agent *agent, struct rh_items *next,
                    struct rh_agent_view *view)
{
	struct rh_agent_view *former = agent->view;
	struct rh_items       old = agent->items;

	compare(agent, next);
	agent->items = *next;
	*next = (struct rh_items){ 0 };
	agent->view = view;
	agent->views++;
	atomic_store_explicit(&agent->counters.head->revision, view->revision,
	                      memory_order_relaxed);
	rh_info("revision %llu is in force: %u edges",
	        (unsigned long long)view->revision, view->edge_count);
	rh_verdicts_tell(agent, former);
	rh_rulewatch_refresh(agent, former == NULL);
	rh_agent_view_destroy(former);
	rh_items_fini(&old);
	settle(agent);
	rh_successors_note(agent);
	rh_verdicts_watch(agent);
}

void rh_rules_reached(struct rh_agent *agent, uint64_t revision)
{
	rh_results_settle(agent, revision);
	rh_inlinks_swap_recall(agent);
	for (unsigned i = 0; i < agent->edge_count; i++)
		rh_edge_swap_recall(agent->edges[i]);
}

int rh_rules_put(struct rh_agent *agent, struct rh_items *next, uint64_t revision,
                 const char *system)
{
	struct rh_agent_view *view = make_view(agent, next, revision, system);

	if (!view) {
		rh_items_fini(next);
		return RH_ENOMEM;
	}
	enforce(agent, next, view);
	rh_rules_reached(agent, revision);
	rh_cache_save(agent);
	return RH_OK;
}

/* Deadlines count the time of one boot; those of another have passed. */
static void end_deadlines(struct rh_agent_view *view)
{
	for (unsigned i = 0; i < view->edge_count; i++) {
		if (view->edges[i].deadline)
			view->edges[i].deadline = 1;
	}
}

int rh_rules_start(struct rh_agent *agent, struct rh_cached *cached)
{
	struct rh_agent_view *view = make_view(agent, &cached->items, cached->revision,
	                                       cached->system);
	uint64_t              age = cached->age_ms * RH_NS_PER_MS, now = rh_clock_ns();

	if (!view) {
		rh_items_fini(&cached->items);
		return RH_ENOMEM;
	}
	if (cached->is_other_boot)
		end_deadlines(view);
	agent->heard_ns = age < now ? now - age : 1;
	rh_info("starting source=cache revision=%llu, %llu s old",
	        (unsigned long long)cached->revision,
	        (unsigned long long)(cached->age_ms / 1000));
	enforce(agent, &cached->items, view);
	return RH_OK;
}

/* ---- later -------------------------------------------------------------- */

void rh_rules_settled(struct rh_agent *agent, const char *caller, const char *callee)
{
	struct rh_item *item = rh_items_find(&agent->items, caller, callee);

	if (!item)
		return;
	end_former(agent, item);
	rh_chronicle_put(agent, item);
	rh_result_note(agent, caller, callee, item->revision, RH_ITEM_ACTIVE);
	rh_happening_tell(agent, "rule.active", agent->resource, "%s %s %llu", caller, callee,
	                  (unsigned long long)item->revision);
	rh_settle_show(agent, caller, callee);
	rh_successors_note(agent);
	rh_cache_save(agent);
}

/* A rejection that waits for the end of the turn: whoever finds out stands in the
 * middle of the rules. */
struct rejection {
	struct rh_task   task;
	struct rh_agent *agent;
	struct rh_diag   why;
	uint64_t         revision;
	char             caller[RH_NAME_MAX + 1];
	char             callee[RH_NAME_MAX + 1];
};

/* Puts the former of an item in its place and all in force again. */
static int put_back(struct rh_agent *agent, struct rh_item *former)
{
	struct rh_agent_view *view;
	struct rh_items       next;

	if (!former)
		return RH_OK;
	if (rh_items_copy(&agent->items, &next) < 0)
		return RH_ENOMEM;
	rh_items_put(&next, former); /* the same key: there is room */
	view = make_view(agent, &next, agent->view->revision, agent->view->system);
	if (!view) {
		rh_items_fini(&next);
		return RH_ENOMEM;
	}
	enforce(agent, &next, view);
	return RH_OK;
}

static void reject(struct rh_task *task)
{
	struct rejection *rejection = RH_CONTAINER(task, struct rejection, task);
	struct rh_agent  *agent = rejection->agent;
	struct rh_item   *item = rh_items_find(&agent->items, rejection->caller,
	                                       rejection->callee);

	if (item && item->revision == rejection->revision) {
		struct rh_item *back = item->former ? item->former : item->before;
		uint64_t        former = back ? back->revision : 0;

		rh_error("%s -> %s cannot obey revision %llu%s: %s", rejection->caller,
		         rejection->callee, (unsigned long long)rejection->revision,
		         item->former ? ", the former stays in force" :
		         back ? ", the former is in force again" : "",
		         rejection->why.text);
		if (put_back(agent, back) < 0) {
			rh_error("no memory to put the former rule back");
			former = 0;
		}
		rh_result_reject(agent, rejection->caller, rejection->callee,
		                 rejection->revision, former, &rejection->why);
		rh_happening_tell(agent, "rule.rejected", agent->resource, "%s",
		                  rejection->why.text);
		rh_cache_save(agent);
	}
	free(rejection);
}

void rh_rules_proven(struct rh_agent *agent, const char *caller, const char *callee,
                     uint64_t revision)
{
	struct rh_item *item = rh_items_find(&agent->items, caller, callee);

	if (!item || item->revision != revision)
		return;
	rh_item_unref(item->before);
	item->before = NULL;
	rh_successors_note(agent);
	rh_cache_save(agent);
}

void rh_rules_reject(struct rh_agent *agent, const char *caller, const char *callee,
                     uint64_t revision, const struct rh_diag *why)
{
	struct rejection *rejection = calloc(1, sizeof *rejection);

	if (!rejection) {
		rh_error("no memory to reject a rule of %s -> %s", caller, callee);
		return;
	}
	rejection->agent = agent;
	rejection->why = *why;
	rejection->revision = revision;
	strcpy(rejection->caller, caller);
	strcpy(rejection->callee, callee);
	rh_task_init(&rejection->task);
	rh_task_retire(&agent->tasks, &rejection->task, reject);
}
