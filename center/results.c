#include "results.h"

#include "../model/check.h"
#include "../wire/frame.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct rh_result) <= 216, "Limits of results.h");

#define CAP_FIRST 4u

void rh_results_fini(struct rh_results *results)
{
	free(results->at);
	*results = (struct rh_results){ 0 };
}

/* The other end of the item, seen from the resource. */
static const char *other_of(const struct rh_name *resource,
                            const struct rh_item_key *key, int *ret_is_in)
{
	*ret_is_in = key->callee.len != 0 && rh_name_equal(resource, &key->callee);
	return *ret_is_in ? key->caller.text : key->callee.text;
}

static struct rh_result *find(const struct rh_results *results,
                              const struct rh_name *resource,
                              const struct rh_item_key *key)
{
	int         is_in;
	const char *other = other_of(resource, key, &is_in);

	for (unsigned i = 0; i < results->count; i++) {
		if (results->at[i].is_in == is_in &&
		    strcmp(results->at[i].other, other) == 0)
			return &results->at[i];
	}
	return NULL;
}

/* A place for one more; NULL when all are taken. */
static struct rh_result *add(struct rh_results *results)
{
	unsigned          cap = results->cap ? results->cap * 2u : CAP_FIRST;
	struct rh_result *more;

	if (results->count == results->cap) {
		if (cap > RH_RESULTS_MAX)
			return NULL;
		more = realloc(results->at, cap * sizeof *more);
		if (!more)
			return NULL;
		results->at = more;
		results->cap = (uint16_t)cap;
	}
	return &results->at[results->count++];
}

void rh_results_put(struct rh_results *results, const struct rh_name *resource,
                    const struct rh_item_key *key, const struct rh_result *result)
{
	struct rh_result *at;
	int               is_in;
	const char       *other = other_of(resource, key, &is_in);

	if (result->state == RH_ITEM_ACTIVE && !result->code) {
		rh_results_forget(results, resource, key);
		return;
	}
	at = find(results, resource, key); /* J1 */
	if (!at)
		at = add(results);
	if (!at) {
		results->more++;
		return;
	}
	*at = *result;
	at->is_in = (uint8_t)is_in;
	memcpy(at->other, other, strlen(other) + 1);
}

void rh_results_forget(struct rh_results *results, const struct rh_name *resource,
                       const struct rh_item_key *key)
{
	struct rh_result *at = find(results, resource, key);

	if (!at)
		return;
	*at = results->at[--results->count];
	if (results->count == 0 && results->more == 0)
		rh_results_fini(results);
}

void rh_results_clear(struct rh_results *results)
{
	rh_results_fini(results);
}

const struct rh_result *rh_results_find(const struct rh_results *results,
                                        const struct rh_name *resource,
                                        const struct rh_item_key *key)
{
	return find(results, resource, key);
}

const char *rh_result_state_text(const struct rh_result *result)
{
	int state = result->state;
	static const char *const texts[RH_ITEM_STATES] = {
		[RH_ITEM_RECEIVED] = "received", [RH_ITEM_VERIFIED] = "verified",
		[RH_ITEM_VALIDATED] = "validated", [RH_ITEM_STAGED] = "staged",
		[RH_ITEM_ACTIVE] = "active", [RH_ITEM_REJECTED] = "rejected",
	};

	if (state == RH_ITEM_ACTIVE && result->code)
		return "partial";
	return state > 0 && state < RH_ITEM_STATES ? texts[state] : "unknown";
}
