#include "protocols.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/rollout.h"

#include <stdlib.h>
#include <string.h>

void rh_protocols_init(struct rh_protocols *protocols)
{
	*protocols = (struct rh_protocols){ 0 };
}

void rh_protocols_fini(struct rh_protocols *protocols)
{
	for (size_t i = 0; i < protocols->count; i++)
		free(protocols->at[i]);
	free(protocols->at);
	rh_protocols_init(protocols);
}

/* By edge, then the one in force, then former ones by rule (T1). */
static int compare(const struct rh_protocol_rule *a, const struct rh_protocol_rule *b)
{
	int order = strcmp(a->caller, b->caller);

	if (order == 0)
		order = strcmp(a->callee, b->callee);
	if (order == 0)
		order = (a->is_former > b->is_former) - (a->is_former < b->is_former);
	if (order == 0 && a->is_former)
		order = strcmp(a->rule, b->rule);
	return order;
}

/* Where it stands, or would. */
static size_t place(const struct rh_protocols *protocols,
                    const struct rh_protocol_rule *wanted, int *ret_found)
{
	size_t low = 0, high = protocols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(protocols->at[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = low < protocols->count &&
	             compare(protocols->at[low], wanted) == 0;
	return low;
}

static void set_text(char *text, size_t cap, const char *value)
{
	size_t len = strlen(value);

	RH_CHECK(len < cap);
	memcpy(text, value, len + 1);
}

/* The first entry of an edge, or where it would stand. */
static size_t first_of(const struct rh_protocols *protocols, const char *caller,
                       const char *callee)
{
	struct rh_protocol_rule wanted = { .is_former = 0 };
	int                     found;

	set_text(wanted.caller, sizeof wanted.caller, caller);
	set_text(wanted.callee, sizeof wanted.callee, callee);
	return place(protocols, &wanted, &found);
}

static int is_of(const struct rh_protocols *protocols, size_t i, const char *caller,
                 const char *callee)
{
	return i < protocols->count && strcmp(protocols->at[i]->caller, caller) == 0 &&
	       strcmp(protocols->at[i]->callee, callee) == 0;
}

static size_t is_pattern(const struct rh_protocol_rule *entry)
{
	return strcmp(entry->caller, RH_PROTOCOL_ANY) == 0 ||
	       strcmp(entry->callee, RH_PROTOCOL_ANY) == 0;
}

static int grow(struct rh_protocols *protocols)
{
	size_t cap = protocols->cap;

	if (protocols->count < cap)
		return RH_OK;
	cap = cap ? cap * 2 : 16;
	struct rh_protocol_rule **at = realloc(protocols->at, cap * sizeof *at);
	if (!at)
		return RH_ENOMEM;
	protocols->at = at;
	protocols->cap = cap;
	return RH_OK;
}

int rh_protocols_put(struct rh_protocols *protocols,
                     const struct rh_protocol_rule *rule)
{
	int    found;
	size_t at = place(protocols, rule, &found);

	if (found) {
		if (strcmp(protocols->at[at]->rule, rule->rule) != 0)
			return RH_EEXIST;
		*protocols->at[at] = *rule;
		return RH_OK;
	}
	if (grow(protocols) != RH_OK)
		return RH_ENOMEM;
	struct rh_protocol_rule *copy = malloc(sizeof *copy);
	if (!copy)
		return RH_ENOMEM;
	*copy = *rule;
	memmove(&protocols->at[at + 1], &protocols->at[at],
	        (protocols->count - at) * sizeof protocols->at[0]);
	protocols->at[at] = copy;
	protocols->count++;
	protocols->patterns += is_pattern(copy);
	return RH_OK;
}

static void drop(struct rh_protocols *protocols, size_t at)
{
	protocols->patterns -= is_pattern(protocols->at[at]);
	free(protocols->at[at]);
	protocols->count--;
	memmove(&protocols->at[at], &protocols->at[at + 1],
	        (protocols->count - at) * sizeof protocols->at[0]);
}

int rh_protocols_remove(struct rh_protocols *protocols, const char *caller,
                        const char *callee, const char *rule)
{
	size_t i = first_of(protocols, caller, callee);
	int    err = RH_ENOENT;

	while (is_of(protocols, i, caller, callee)) {
		if (strcmp(protocols->at[i]->rule, rule) == 0) {
			drop(protocols, i);
			err = RH_OK;
		} else {
			i++;
		}
	}
	return err;
}

void rh_protocols_reach(struct rh_protocols *protocols, const char *caller,
                        const char *callee, const char *rule, uint64_t reach)
{
	for (size_t i = first_of(protocols, caller, callee);
	     is_of(protocols, i, caller, callee); i++) {
		if (strcmp(protocols->at[i]->rule, rule) == 0)
			protocols->at[i]->reach = reach;
	}
}

/* ---- finding ---- */

struct question {
	const char *caller;
	const char *callee;
	const char *rule;   /* of which we suppose that it reached so far, or NULL */
	uint64_t    reach;
};

/* Most entries reach everything, or nothing, and need no hash. */
static int is_reached(const struct rh_protocol_rule *entry,
                      const struct question *question)
{
	uint64_t reach = question->rule && strcmp(entry->rule, question->rule) == 0
	               ? question->reach : entry->reach;
	struct rh_name rule, caller, callee;

	if (reach == 0 || reach == RH_ROLLOUT_ALL)
		return reach != 0;
	RH_CHECK(rh_name_init_rule(&rule, entry->rule, strlen(entry->rule)) == RH_OK);
	callee = (struct rh_name){ .len = 0 }; /* of its own */
	if (rh_name_init(&caller, question->caller, strlen(question->caller)) != RH_OK)
		return 0;
	if (!rh_protocols_is_own(question->callee) &&
	    rh_name_init(&callee, question->callee, strlen(question->callee)) != RH_OK)
		return 0;
	return rh_rollout_place(&rule, &caller, &callee) <= reach;
}

static const struct rh_protocol_rule *find_at(const struct rh_protocols *protocols,
                                              const char *caller, const char *callee,
                                              const struct question *question)
{
	for (size_t i = first_of(protocols, caller, callee);
	     is_of(protocols, i, caller, callee); i++) {
		const struct rh_protocol_rule *entry = protocols->at[i];

		if (is_reached(entry, question) != entry->is_former)
			return entry;
	}
	return NULL;
}

static const struct rh_protocol_rule *find(const struct rh_protocols *protocols,
                                           const struct question *question)
{
	static const char any[] = RH_PROTOCOL_ANY;
	const char       *pairs[4][2] = {
		{ question->caller, question->callee }, { question->caller, any },
		{ any, question->callee }, { any, any },
	};
	const struct rh_protocol_rule *found = NULL;
	int probes = protocols->patterns > 0 ? 4 : protocols->count > 0;

	for (int i = 0; i < probes && !found; i++)
		found = find_at(protocols, pairs[i][0], pairs[i][1], question);
	return found;
}

const struct rh_protocol_rule *rh_protocols_find(
	const struct rh_protocols *protocols, const char *caller, const char *callee)
{
	return find(protocols, &(struct question){ caller, callee, NULL, 0 });
}

const struct rh_protocol_rule *rh_protocols_find_if(
	const struct rh_protocols *protocols, const char *caller, const char *callee,
	const char *rule, uint64_t reach)
{
	return find(protocols, &(struct question){ caller, callee, rule, reach });
}

int rh_protocols_is_own(const char *callee)
{
	return callee[0] == '/';
}

void rh_protocols_own(const struct rh_protocols *protocols, const char *resource,
                      rh_protocols_visit *visit, void *user)
{
	for (size_t i = first_of(protocols, resource, "");
	     i < protocols->count && strcmp(protocols->at[i]->caller, resource) == 0; i++) {
		const struct rh_protocol_rule *entry = protocols->at[i];
		struct question question = { resource, entry->callee, NULL, 0 };

		if (rh_protocols_is_own(entry->callee) &&
		    is_reached(entry, &question) != entry->is_former)
			visit(user, entry);
	}
}

const struct rh_protocol_rule *rh_protocols_holder(
	const struct rh_protocols *protocols, const char *caller, const char *callee)
{
	size_t i = first_of(protocols, caller, callee);

	if (!is_of(protocols, i, caller, callee) || protocols->at[i]->is_former)
		return NULL;
	return protocols->at[i];
}

const char *rh_protocol_use(const struct rh_protocol_rule *protocol,
                            const struct rh_protocol_rule *limit, int has_code)
{
	const char *use = protocol ? protocol->use : RH_PROTOCOL_DEFAULT;

	return (limit || has_code) && strcmp(use, "bind") == 0 ? "shm" : use;
}

static int matches(const char *pattern, const char *name)
{
	return strcmp(pattern, RH_PROTOCOL_ANY) == 0 || strcmp(pattern, name) == 0;
}

int rh_protocols_match(const char *caller_pattern, const char *callee_pattern,
                       const char *caller, const char *callee)
{
	return matches(caller_pattern, caller) && matches(callee_pattern, callee);
}
