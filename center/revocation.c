#include "revocation.h"

#include "audit.h"
#include "center.h"
#include "news.h"
#include "store/store.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../model/error.h"
#include "../model/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

static int is_key(const struct rh_item_key *a, const struct rh_name *caller,
                  const struct rh_name *callee)
{
	return rh_name_equal(&a->caller, caller) && rh_name_equal(&a->callee, callee);
}

static void write_key(const struct rh_item_key *key, char text[RH_STORE_KEY_MAX])
{
	snprintf(text, RH_STORE_KEY_MAX, RH_REVOCATION_PREFIX "%s/%s", key->caller.text,
	         key->callee.text);
}

void rh_revocations_fini(struct rh_revocations *revocations)
{
	free(revocations->at);
	free(revocations->notes);
	*revocations = (struct rh_revocations){ 0 };
}

static size_t place(const struct rh_revocations *revocations,
                    const struct rh_name *caller, const struct rh_name *callee)
{
	size_t i = 0;

	while (i < revocations->count && !is_key(&revocations->at[i].key, caller, callee))
		i++;
	return i;
}

const struct rh_revocation *rh_revocation_find(const struct rh_revocations *revocations,
                                               const struct rh_name *caller,
                                               const struct rh_name *callee)
{
	size_t i = place(revocations, caller, callee);

	return i < revocations->count ? &revocations->at[i] : NULL;
}

/* RH_ENOSPC, RH_ENOMEM. */
static int add(struct rh_revocations *revocations, const struct rh_revocation *one)
{
	if (revocations->count == RH_REVOCATIONS_MAX)
		return RH_ENOSPC;
	if (revocations->count == revocations->cap) {
		size_t cap = revocations->cap ? revocations->cap * 2 : 16;
		struct rh_revocation *more = realloc(revocations->at, cap * sizeof *more);

		if (!more)
			return RH_ENOMEM;
		revocations->at = more;
		revocations->cap = cap;
	}
	revocations->at[revocations->count++] = *one;
	return RH_OK;
}

/* ---- notes ---- */

static int make_note_room(struct rh_revocations *revocations)
{
	size_t cap = revocations->note_cap ? revocations->note_cap * 2 : 16;
	struct rh_revocation_note *more;

	if (revocations->note_count < revocations->note_cap)
		return 1;
	if (revocations->note_count >= RH_REVOCATIONS_MAX)
		return 0;
	more = realloc(revocations->notes, cap * sizeof *more);
	if (!more)
		return 0;
	revocations->notes = more;
	revocations->note_cap = cap;
	return 1;
}

static int matters(int before, int after)
{
	return before != after &&
	       (before == RH_OUTCOME_ALLOWED || after == RH_OUTCOME_ALLOWED ||
	        before == RH_OUTCOME_REFUSED || after == RH_OUTCOME_REFUSED);
}

/* Without room the edge gets no grace, or is refused as if it had none. */
void rh_revocation_note(struct rh_revocations *revocations,
                        const struct rh_item_key *key, int before, int after)
{
	if (!matters(before, after) || revocations->is_at_once)
		return;
	for (size_t i = revocations->note_count; i-- > 0;) {
		struct rh_revocation_note *note = &revocations->notes[i];

		if (is_key(&note->key, &key->caller, &key->callee)) {
			note->after = after;
			return;
		}
	}
	if (make_note_room(revocations))
		revocations->notes[revocations->note_count++] =
			(struct rh_revocation_note){ *key, before, after };
}

static int begins(const struct rh_revocation_note *note)
{
	return note->before == RH_OUTCOME_ALLOWED && note->after == RH_OUTCOME_REFUSED;
}

/* One that runs is over when the edge is anything but refused. */
static int ends(const struct rh_revocations *revocations,
                const struct rh_revocation_note *note)
{
	return note->after != RH_OUTCOME_REFUSED &&
	       rh_revocation_find(revocations, &note->key.caller, &note->key.callee);
}

/* ---- the commit of a turn ---- */

static uint64_t grace_of(const struct rh_center *center)
{
	const struct rh_object *rule = rh_catalog_find(&center->realm.catalog,
		RH_OBJECT_RULE, RH_HIERARCHY_RULE);
	json_t     *stored = rule ? rh_object_parse(rule) : NULL;
	const char *text = json_string_value(json_object_get(json_object_get(
		json_object_get(stored, "spec"), "hierarchy"), "grace"));
	uint64_t    ms = RH_GRACE_DEFAULT_MS;

	if (text)
		(void)rh_when_duration(text, RH_GRACE_MAX_MS, &ms);
	json_decref(stored);
	return ms;
}

/* The store keeps when it is over, as a number of ms since 1970. */
struct staging {
	struct rh_store_op *ops;
	char              (*keys)[RH_STORE_KEY_MAX];
	size_t              count;
	char                value[24];
};

static void stage_one(struct staging *staging, const struct rh_item_key *key,
                      enum rh_store_op_kind kind)
{
	write_key(key, staging->keys[staging->count]);
	staging->ops[staging->count] = (struct rh_store_op){
		.kind = kind, .key = staging->keys[staging->count],
		.expected = RH_STORE_ANY, .generation = 1,
		.value = kind == RH_STORE_PUT ? staging->value : NULL,
		.value_bytes = kind == RH_STORE_PUT ? strlen(staging->value) : 0,
	};
	staging->count++;
}

int rh_revocations_stage(struct rh_center *center, struct rh_diag *diag)
{
	struct rh_revocations *revocations = &center->revocations;
	uint64_t               grace = grace_of(center), revision;
	struct staging         staging = { .count = 0 };
	int                    err = RH_OK;

	if (revocations->note_count == 0)
		return RH_OK;
	staging.ops = calloc(revocations->note_count, sizeof *staging.ops);
	staging.keys = calloc(revocations->note_count, sizeof *staging.keys);
	if (!staging.ops || !staging.keys)
		err = RH_ENOMEM;
	revocations->staged_ms = rh_when_now() + grace;
	snprintf(staging.value, sizeof staging.value, "%llu",
	         (unsigned long long)revocations->staged_ms);
	for (size_t i = 0; !err && i < revocations->note_count; i++) {
		const struct rh_revocation_note *note = &revocations->notes[i];

		if (begins(note) && grace > 0)
			stage_one(&staging, &note->key, RH_STORE_PUT);
		else if (ends(revocations, note))
			stage_one(&staging, &note->key, RH_STORE_DELETE);
	}
	if (!err && staging.count > 0)
		err = rh_store_write(center->store, &(struct rh_store_change){
			.ops = staging.ops, .op_count = staging.count }, &revision, diag);
	free(staging.ops);
	free(staging.keys);
	return err;
}

static void tell(struct rh_center *center, const struct rh_item_key *key,
                 const char *type, uint64_t deadline_ms)
{
	struct rh_verdict verdict;
	char              time[RH_WHEN_TEXT_MAX];

	rh_judge_pair(&center->realm.registry, &key->caller, &key->callee, 0, &verdict);
	json_t *event = json_pack("{s:s, s:s, s:[s, s]}", "type", type, "name",
	                          verdict.rule.text, "edge", key->caller.text,
	                          key->callee.text);
	if (deadline_ms) {
		rh_when_text(deadline_ms, time);
		json_object_set_new(event, "deadline", json_string(time));
	}
	rh_info("edge %s -> %s: %s", key->caller.text, key->callee.text, type);
	rh_news_add(center, RH_OBJECT_RULE, event);
}

static void begin(struct rh_center *center, const struct rh_item_key *key,
                  uint64_t grace)
{
	struct rh_revocation one = {
		.key = *key, .deadline_ms = center->revocations.staged_ms,
		.deadline_ns = rh_clock_ns() + grace * RH_NS_PER_MS,
	};

	if (grace == 0)
		tell(center, key, "revoked", 0);
	else if (rh_revocation_find(&center->revocations, &key->caller, &key->callee))
		return; /* K1: it goes on */
	else if (add(&center->revocations, &one) == RH_OK)
		tell(center, key, "revoking", one.deadline_ms);
}

static void end(struct rh_center *center, const struct rh_item_key *key,
                const char *type)
{
	struct rh_revocations *revocations = &center->revocations;
	size_t                 i = place(revocations, &key->caller, &key->callee);

	tell(center, key, type, 0);
	revocations->at[i] = revocations->at[--revocations->count];
}

void rh_revocations_settle(struct rh_center *center, int is_done)
{
	struct rh_revocations *revocations = &center->revocations;
	uint64_t               grace = revocations->note_count ? grace_of(center) : 0;

	for (size_t i = 0; is_done && i < revocations->note_count; i++) {
		struct rh_revocation_note note = revocations->notes[i];

		if (begins(&note))
			begin(center, &note.key, grace);
		else if (ends(revocations, &note))
			end(center, &note.key, "restored");
	}
	revocations->note_count = 0;
	revocations->is_at_once = 0;
}

/* ---- time ---- */

uint64_t rh_revocations_next(const struct rh_revocations *revocations)
{
	uint64_t next = NEVER;

	for (size_t i = 0; i < revocations->count; i++) {
		if (revocations->at[i].deadline_ns < next)
			next = revocations->at[i].deadline_ns;
	}
	return next;
}

static char *audit(const struct rh_item_key *key)
{
	struct rh_client  client = { .channel = "center", .is_writer = 1 };
	struct rh_problem problem;

	rh_problem_set(&problem, RH_EREVOKED, "the deadline of %s -> %s has come",
	               key->caller.text, key->callee.text);
	snprintf(problem.caller, sizeof problem.caller, "%s", key->caller.text);
	snprintf(problem.callee, sizeof problem.callee, "%s", key->callee.text);
	return rh_audit_text(&(struct rh_audit){
		.client = &client, .verb = "revoke", .result = "revoked",
		.kind = "Resource", .name = key->caller.text, .problem = &problem,
	});
}

static int expire_one(struct rh_center *center, const struct rh_item_key *key)
{
	struct rh_item_key gone = *key;
	struct rh_diag     diag = { 0 };
	char               text[RH_STORE_KEY_MAX];
	char              *said = audit(key);
	uint64_t           revision;

	write_key(key, text);
	int err = rh_store_write(center->store, &(struct rh_store_change){
		.ops = &(struct rh_store_op){ .kind = RH_STORE_DELETE, .key = text,
		                              .expected = RH_STORE_ANY },
		.op_count = 1, .audits = (const char *const *)&said,
		.audit_count = said != NULL }, &revision, &diag);
	free(said);
	if (err && err != RH_ENOENT)
		return err;
	if (center->realm.touch)
		center->realm.touch(center->realm.touch_user, &gone);
	center->staged = center->is_changed = 1;
	end(center, &gone, "revoked");
	return RH_OK;
}

int rh_revocations_expire(struct rh_center *center)
{
	struct rh_revocations *revocations = &center->revocations;
	struct rh_problem      problem;
	uint64_t               now = rh_clock_ns();
	int                    err = RH_OK;

	for (size_t i = revocations->count; i-- > 0 && !err;) {
		if (revocations->at[i].deadline_ns <= now)
			err = expire_one(center, &revocations->at[i].key);
	}
	int committed = rh_center_commit(center, &problem);
	return err ? err : committed;
}

/* ---- starting ---- */

/* "caller/callee" after the prefix. */
static int read_key(const char *text, struct rh_item_key *ret_key)
{
	const char *names = text + sizeof RH_REVOCATION_PREFIX - 1;
	const char *slash = strchr(names, '/');

	if (!slash || rh_name_init(&ret_key->caller, names, (size_t)(slash - names)) < 0)
		return RH_EINVAL;
	return rh_name_init(&ret_key->callee, slash + 1, strlen(slash + 1));
}

int rh_revocation_load(struct rh_center *center, const struct rh_store_record *record)
{
	struct rh_revocation one = { .deadline_ns = 0 };
	uint64_t             now = rh_when_now(), left;
	char                 value[24] = "";

	if (!record->value || record->value_bytes >= sizeof value ||
	    read_key(record->key, &one.key) < 0)
		return RH_EINVAL;
	memcpy(value, record->value, record->value_bytes);
	one.deadline_ms = strtoull(value, NULL, 10);
	left = one.deadline_ms > now ? one.deadline_ms - now : 0;
	if (left > RH_GRACE_MAX_MS) /* the clock was set back */
		left = RH_GRACE_DEFAULT_MS;
	one.deadline_ns = rh_clock_ns() + left * RH_NS_PER_MS;
	return add(&center->revocations, &one);
}

void rh_revocations_loaded(struct rh_center *center)
{
	struct rh_revocations *revocations = &center->revocations;
	struct rh_verdict      verdict;

	revocations->note_count = 0;
	for (size_t i = revocations->count; i-- > 0;) {
		rh_judge_pair(&center->realm.registry, &revocations->at[i].key.caller,
		              &revocations->at[i].key.callee, 1, &verdict);
		if (verdict.outcome != RH_OUTCOME_REFUSED || !verdict.is_declared)
			revocations->at[i] = revocations->at[--revocations->count];
	}
}
