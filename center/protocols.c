#include "protocols.h"

#include "../model/error.h"

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

static size_t place(const struct rh_protocols *protocols, const char *caller,
                    const char *callee, int *ret_found)
{
	size_t low = 0, high = protocols->count;

	*ret_found = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int    order = strcmp(protocols->at[middle]->caller, caller);

		if (order == 0)
			order = strcmp(protocols->at[middle]->callee, callee);
		if (order == 0) {
			*ret_found = 1;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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
	size_t at = place(protocols, rule->caller, rule->callee, &found);

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
	return RH_OK;
}

int rh_protocols_remove(struct rh_protocols *protocols, const char *caller,
                        const char *callee)
{
	int    found;
	size_t at = place(protocols, caller, callee, &found);

	if (!found)
		return RH_ENOENT;
	free(protocols->at[at]);
	protocols->count--;
	memmove(&protocols->at[at], &protocols->at[at + 1],
	        (protocols->count - at) * sizeof protocols->at[0]);
	return RH_OK;
}

const struct rh_protocol_rule *rh_protocols_find(
	const struct rh_protocols *protocols, const char *caller, const char *callee)
{
	int    found;
	size_t at = place(protocols, caller, callee, &found);

	return found ? protocols->at[at] : NULL;
}
