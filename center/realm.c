#include "realm.h"

#include "codetext.h"
#include "enact.h"
#include "sentence.h"
#include "when.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/judge.h"
#include "../model/view.h"
#include "../rules/hook.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The count of an edge that a change may drop. */
struct saved {
	struct rh_name       callee;
	uint64_t             observed;
	struct rh_edge_count count;
};

/* One change: what stood there, what stands there now; either may be NULL. */
struct rh_realm_undo {
	struct rh_object *old;
	struct rh_object *object;
	struct saved     *saved;
	size_t            saved_count;
	struct rh_rollout *rollout;             /* as it was, or NULL: there was none */
	char              rule[RH_NAME_MAX + 1]; /* that was put, removed, rolled out  */
};

int rh_realm_init(struct rh_realm *realm)
{
	struct rh_limits limits = {
		.resources = RH_CENTER_RESOURCES, .edges = RH_CENTER_EDGES,
		.instances = 1, .exceptions = RH_CENTER_EXCEPTIONS,
	};
	size_t counts = RH_CENTER_EDGES * sizeof *realm->counts;

	*realm = (struct rh_realm){ 0 };
	randombytes_buf(&limits.seed, sizeof limits.seed);
	size_t bytes = rh_registry_bytes(&limits);
	RH_CHECK(bytes > 0 && bytes % 64 == 0);
	realm->references = calloc(RH_REFERENCES_MAX, sizeof *realm->references);
	realm->memory = mmap(NULL, bytes + counts, PROT_READ | PROT_WRITE,
	                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!realm->references || realm->memory == MAP_FAILED) {
		realm->memory = NULL;
		rh_realm_fini(realm);
		return RH_ENOMEM;
	}
	realm->memory_bytes = bytes + counts;
	realm->counts = (struct rh_edge_count *)(void *)((char *)realm->memory + bytes);
	int err = rh_registry_init(&realm->registry, &limits, realm->memory, bytes);
	RH_CHECK(err == RH_OK);
	return RH_OK;
}

static void free_undo(struct rh_realm_undo *undo)
{
	rh_object_destroy(undo->old);
	free(undo->saved);
	free(undo->rollout);
}

void rh_realm_fini(struct rh_realm *realm)
{
	rh_realm_forget(realm);
	free(realm->undo);
	rh_catalog_fini(&realm->catalog);
	rh_protocols_fini(&realm->protocols);
	rh_protocols_fini(&realm->limits);
	rh_protocols_fini(&realm->scheds);
	for (unsigned i = 0; i < RH_REALM_HOOKS; i++) {
		rh_protocols_fini(&realm->hooks[i]);
		rh_protocols_fini(&realm->shadows[i]);
	}
	rh_rollouts_fini(&realm->rollouts);
	if (realm->memory)
		munmap(realm->memory, realm->memory_bytes);
	free(realm->references);
	*realm = (struct rh_realm){ 0 };
}

static int reserve_undo(struct rh_realm *realm)
{
	size_t cap = realm->undo_cap;

	if (realm->undo_count < cap)
		return RH_OK;
	cap = cap ? cap * 2 : 64;
	struct rh_realm_undo *undo = realloc(realm->undo, cap * sizeof *undo);
	if (!undo)
		return RH_ENOMEM;
	realm->undo = undo;
	realm->undo_cap = cap;
	return RH_OK;
}

int rh_realm_find(const struct rh_realm *realm, const char *name,
                  struct rh_id *ret_id)
{
	struct rh_name parsed;

	if (rh_name_init(&parsed, name, strlen(name)) != RH_OK)
		return RH_ENOENT;
	return rh_registry_find(&realm->registry, &parsed, ret_id);
}

/* ---- counts that must survive an undo ---- */

struct saver {
	struct rh_realm      *realm;
	struct rh_realm_undo *undo;
};

static void save_edge(void *user, const struct rh_edge_report *report)
{
	struct saver         *saver = user;
	struct rh_realm_undo *undo = saver->undo;

	if (report->observed == 0)
		return;
	undo->saved[undo->saved_count++] = (struct saved){
		.callee = rh_registry_get(&saver->realm->registry, report->callee)->name,
		.observed = report->observed,
		.count = saver->realm->counts[report->edge],
	};
}

static int save_counts(struct rh_realm *realm, const struct rh_object *old,
                       struct rh_realm_undo *undo)
{
	struct saver saver = { realm, undo };
	struct rh_id id;

	if (!old || old->kind != RH_OBJECT_RESOURCE)
		return RH_OK;
	RH_CHECK(rh_realm_find(realm, old->name, &id) == RH_OK); /* L1 */
	size_t count = rh_matrix_row_len(&realm->registry.matrix, id.index);
	undo->saved = count ? calloc(count, sizeof *undo->saved) : NULL;
	if (count && !undo->saved)
		return RH_ENOMEM;
	rh_view_row(&realm->registry, id, 0, save_edge, &saver);
	return RH_OK;
}

static void restore_counts(struct rh_realm *realm, const char *name,
                           const struct rh_realm_undo *undo)
{
	struct rh_registry *registry = &realm->registry;
	struct rh_id        id;

	if (undo->saved_count == 0)
		return;
	RH_CHECK(rh_realm_find(realm, name, &id) == RH_OK);
	for (uint32_t edge = rh_matrix_row_first(&registry->matrix, id.index);
	     edge != RH_NO_EDGE; edge = rh_matrix_row_next(&registry->matrix, edge)) {
		const struct rh_edge *at = rh_matrix_edge(&registry->matrix, edge);
		const struct rh_name *callee = &registry->resources[at->callee].name;

		for (size_t i = 0; i < undo->saved_count; i++) {
			if (!rh_name_equal(callee, &undo->saved[i].callee))
				continue;
			rh_matrix_observe(&registry->matrix, edge,
			                  undo->saved[i].observed - at->observed);
			realm->counts[edge] = undo->saved[i].count;
		}
	}
}

/* ---- roll-outs that must survive an undo ---- */

static int save_rollout(const struct rh_realm *realm, enum rh_object_kind kind,
                        const char *name, struct rh_realm_undo *undo)
{
	const struct rh_rollout *was;

	if (kind != RH_OBJECT_RULE)
		return RH_OK;
	snprintf(undo->rule, sizeof undo->rule, "%.63s", name);
	was = rh_rollouts_find(&realm->rollouts, undo->rule);
	undo->rollout = was ? malloc(sizeof *undo->rollout) : NULL;
	if (was && !undo->rollout)
		return RH_ENOMEM;
	if (was)
		*undo->rollout = *was;
	return RH_OK;
}

/* It is in the table, or there is room that it had. */
static void restore_rollout(struct rh_realm *realm, const struct rh_realm_undo *undo)
{
	if (!undo->rollout)
		rh_rollouts_remove(&realm->rollouts, undo->rule);
	else
		RH_CHECK(rh_rollouts_put(&realm->rollouts, undo->rollout) == RH_OK);
}

/* ---- changes ---- */

static int no_memory(struct rh_problem *problem)
{
	return rh_problem_set(problem, RH_ENOMEM, "the center is out of memory");
}

int rh_realm_put(struct rh_realm *realm, struct rh_object *object,
                 struct rh_problem *problem)
{
	struct rh_realm_undo undo = { .object = object };
	struct rh_object    *old = rh_catalog_find(&realm->catalog, object->kind,
	                                           object->name), *ignored;

	if (reserve_undo(realm) || save_counts(realm, old, &undo) ||
	    save_rollout(realm, object->kind, object->name, &undo) ||
	    rh_catalog_swap(&realm->catalog, object->kind, object->name, object,
	                    &undo.old)) {
		rh_object_destroy(object);
		undo.old = NULL;
		free_undo(&undo);
		return no_memory(problem);
	}
	int err = rh_enact(realm, object, old, problem);
	if (err) {
		rh_problem_object(problem, rh_object_kind_text(object->kind),
		                  object->name);
		rh_catalog_swap(&realm->catalog, object->kind, object->name, old,
		                &ignored);
		rh_object_destroy(object);
		undo.old = NULL;
		free_undo(&undo);
		return err;
	}
	realm->undo[realm->undo_count++] = undo;
	rh_enact_touch(realm, old, object, undo.rollout);
	return RH_OK;
}

int rh_realm_put_rollout(struct rh_realm *realm, const struct rh_rollout *rollout,
                         struct rh_problem *problem)
{
	struct rh_realm_undo undo = { .object = NULL };

	if (reserve_undo(realm) ||
	    save_rollout(realm, RH_OBJECT_RULE, rollout->rule, &undo) ||
	    rh_rollouts_put(&realm->rollouts, rollout) != RH_OK) {
		free_undo(&undo);
		return no_memory(problem);
	}
	realm->undo[realm->undo_count++] = undo;
	rh_enact_reach(realm, rollout);
	rh_enact_touch_rollout(realm, rollout,
	                       undo.rollout ? undo.rollout->reach : RH_ROLLOUT_ALL);
	return RH_OK;
}

const struct rh_protocols *rh_realm_table(const struct rh_realm *realm,
                                          const struct rh_rollout_side *side)
{
	if (side->table == RH_TABLE_PROTOCOLS)
		return &realm->protocols;
	if (side->table == RH_TABLE_LIMITS)
		return &realm->limits;
	if (side->table == RH_TABLE_SCHEDS)
		return &realm->scheds;
	unsigned hook = side->table - RH_TABLE_HOOKS;
	RH_CHECK(hook < 2 * RH_REALM_HOOKS);
	return hook < RH_REALM_HOOKS ? &realm->hooks[hook]
	                             : &realm->shadows[hook - RH_REALM_HOOKS];
}

int rh_realm_has_code(const struct rh_realm *realm, const char *caller,
                      const char *callee)
{
	for (unsigned i = 0; i < rh_hook_count; i++) {
		if (rh_hook_at(&rh_hooks[i]) == RH_AT_CALL &&
		    (rh_protocols_find(&realm->hooks[i], caller, callee) ||
		     rh_protocols_find(&realm->shadows[i], caller, callee)))
			return 1;
	}
	return 0;
}

const char *rh_realm_use(const struct rh_realm *realm, const char *caller,
                         const char *callee)
{
	return rh_protocol_use(rh_protocols_find(&realm->protocols, caller, callee),
	                       rh_protocols_find(&realm->limits, caller, callee),
	                       rh_realm_has_code(realm, caller, callee));
}

int rh_realm_changed_rules(const struct rh_realm *realm, size_t mark,
                           rh_realm_visit *visit, void *user)
{
	int err = RH_OK;

	for (size_t i = mark; i < realm->undo_count && !err; i++) {
		const struct rh_realm_undo *undo = &realm->undo[i];

		if (undo->rule[0])
			err = visit(user, undo->rule, undo->old, undo->object);
	}
	return err;
}

int rh_realm_remove(struct rh_realm *realm, enum rh_object_kind kind,
                    const char *name, struct rh_problem *problem)
{
	struct rh_realm_undo undo = { .object = NULL };
	struct rh_object    *old = rh_catalog_find(&realm->catalog, kind, name);
	int                  err = RH_OK;

	if (!old)
		err = rh_problem_set(problem, RH_ENOENT, "there is no %s named %s",
		                     rh_object_kind_text(kind), name);
	else if (kind == RH_OBJECT_RULE && strcmp(name, RH_HIERARCHY_RULE) == 0)
		err = rh_problem_set(problem, RH_EPERM, "rule %s cannot be deleted, only "
		                     "changed: put another table", name);
	if (err) {
		rh_problem_object(problem, rh_object_kind_text(kind), name);
		return err;
	}
	if (reserve_undo(realm) || save_counts(realm, old, &undo) ||
	    save_rollout(realm, kind, name, &undo)) {
		free_undo(&undo);
		return no_memory(problem);
	}
	rh_enact_touch(realm, old, NULL, undo.rollout);
	rh_enact_retract(realm, old);
	if (kind == RH_OBJECT_RULE)
		rh_rollouts_remove(&realm->rollouts, name);
	rh_catalog_swap(&realm->catalog, kind, name, NULL, &undo.old);
	realm->undo[realm->undo_count++] = undo;
	return RH_OK;
}

size_t rh_realm_mark(const struct rh_realm *realm)
{
	return realm->undo_count;
}

static void enact_again(struct rh_realm *realm, const struct rh_object *old,
                        const struct rh_object *now)
{
	struct rh_problem problem;
	int               before = realm->is_settled;

	realm->is_settled = 1;
	RH_CHECK(rh_enact(realm, old, now, &problem) == RH_OK);
	realm->is_settled = before;
}

/* Its roll-out is as it was before the rule is. */
static void undo_rule(struct rh_realm *realm, const struct rh_realm_undo *undo)
{
	if (undo->object)
		rh_enact_retract(realm, undo->object);
	restore_rollout(realm, undo);
	if (undo->old)
		enact_again(realm, undo->old, NULL);
	else if (!undo->object && undo->rollout)
		rh_enact_reach(realm, undo->rollout);
}

static void undo_one(struct rh_realm *realm, struct rh_realm_undo *undo)
{
	struct rh_object *now = undo->object, *old = undo->old, *ignored;
	const struct rh_object *either = now ? now : old;

	if (undo->rule[0])
		undo_rule(realm, undo);
	else if (old)
		enact_again(realm, old, now);
	else
		rh_enact_retract(realm, now);
	if (!either) {
		free(undo->rollout);
		return;
	}
	int err = rh_catalog_swap(&realm->catalog, either->kind, either->name, old,
	                          &ignored);
	RH_CHECK(err == RH_OK); /* the place it had is still reserved */
	if (old)
		restore_counts(realm, old->name, undo);
	rh_object_destroy(now);
	free(undo->saved);
	free(undo->rollout);
}

void rh_realm_undo(struct rh_realm *realm, size_t mark)
{
	RH_CHECK(mark <= realm->undo_count);
	while (realm->undo_count > mark)
		undo_one(realm, &realm->undo[--realm->undo_count]);
	if (mark == 0 && realm->untouch)
		realm->untouch(realm->touch_user);
}

static void name_texts(const struct rh_protocols *protocols)
{
	for (size_t i = 0; i < protocols->count; i++)
		rh_code_text_name(protocols->at[i]->code);
}

/* Nothing that can be undone names one besides these. */
static void sweep_texts(const struct rh_realm *realm)
{
	for (unsigned i = 0; i < RH_REALM_HOOKS; i++) {
		name_texts(&realm->hooks[i]);
		name_texts(&realm->shadows[i]);
	}
	name_texts(&realm->scheds);
	for (size_t i = 0; i < realm->rollouts.count; i++) {
		rh_code_text_name(realm->rollouts.at[i]->now.code);
		rh_code_text_name(realm->rollouts.at[i]->before.code);
	}
	rh_code_texts_sweep();
}

void rh_realm_forget(struct rh_realm *realm)
{
	while (realm->undo_count > 0)
		free_undo(&realm->undo[--realm->undo_count]);
	if (rh_code_texts_are_many())
		sweep_texts(realm);
}

/* ---- judging and counting ---- */

static int refuse(struct rh_realm *realm, const struct rh_object *resource,
                  const struct rh_verdict *verdict, struct rh_problem *problem)
{
	char text[RH_SENTENCE_MAX];

	rh_sentence_verdict(verdict, &realm->registry.hierarchy, text, sizeof text);
	int err = rh_problem_set(problem, rh_verdict_error(verdict), "%s", text);
	rh_problem_object(problem, rh_object_kind_text(resource->kind), resource->name);
	snprintf(problem->rule, sizeof problem->rule, "%s", verdict->rule.text);
	snprintf(problem->caller, sizeof problem->caller, "%s", verdict->caller.text);
	snprintf(problem->callee, sizeof problem->callee, "%s", verdict->callee.text);
	problem->revision = verdict->revision;
	return err;
}

int rh_realm_judge(struct rh_realm *realm, const struct rh_object *resource,
                   struct rh_problem *problem)
{
	struct rh_spec    spec;
	struct rh_verdict verdict;
	uint64_t          now = rh_when_now();
	json_t           *stored = rh_object_parse(resource);
	int               err = RH_OK;

	rh_enact_spec(realm, resource->name, json_object_get(stored, "spec"), &spec);
	json_decref(stored);
	for (uint32_t i = 0; i < spec.reference_count && !err; i++) {
		int answer = rh_judge_reference(&realm->registry, &spec, i, now, &verdict);

		if (answer != RH_OK && answer != RH_EPENDING)
			err = refuse(realm, resource, &verdict, problem);
	}
	return err;
}

/* A count that is smaller than before began anew with its agent. */
static uint64_t grown(uint64_t *seen, uint64_t reported)
{
	uint64_t more = reported >= *seen ? reported - *seen : reported;

	*seen = reported;
	return more;
}

struct more {
	uint64_t calls;
	uint64_t errors;
	int      is_first; /* since the center was started */
};

/* After a restart of the center the first word of an agent is of all that it counted
 * since it was started itself: none of it is of this step for certain. */
static void count_rollout(struct rh_realm *realm, const struct rh_protocol_rule *rule,
                          const struct more *more)
{
	struct rh_rollout *rollout = rule && !rule->is_former
		? rh_rollouts_find(&realm->rollouts, rule->rule) : NULL;

	if (!rollout || rollout->state != RH_ROLLOUT_RUNNING ||
	    (more->is_first && rollout->is_resumed))
		return;
	rollout->calls += more->calls;
	rollout->errors += more->errors;
}

int rh_realm_observe(struct rh_realm *realm, const char *caller, const char *callee,
                     uint64_t calls, uint64_t errors, uint64_t bytes)
{
	struct rh_registry *registry = &realm->registry;
	struct rh_id        from, to;

	if (rh_realm_find(realm, caller, &from) != RH_OK ||
	    rh_realm_find(realm, callee, &to) != RH_OK)
		return RH_ENOENT;
	uint32_t edge = rh_matrix_find(&registry->matrix, from.index, to.index);
	if (edge == RH_NO_EDGE)
		return RH_ENOENT;
	struct rh_edge_count *count = &realm->counts[edge];
	int      is_first = count->seen_calls == 0;
	uint64_t more_calls = grown(&count->seen_calls, calls);
	uint64_t more_errors = grown(&count->seen_errors, errors);

	rh_matrix_observe(&registry->matrix, edge, more_calls);
	count->errors += more_errors;
	if (realm->rollouts.running > 0) {
		struct more more = { more_calls, more_errors, is_first };

		count_rollout(realm, rh_protocols_find(&realm->protocols, caller, callee),
		              &more);
		count_rollout(realm, rh_protocols_find(&realm->limits, caller, callee),
		              &more);
		for (unsigned i = 0; i < rh_hook_count; i++)
			count_rollout(realm, rh_protocols_find(&realm->hooks[i], caller,
			                                       callee), &more);
	}
	count->bytes += grown(&count->seen_bytes, bytes);
	return RH_OK;
}
