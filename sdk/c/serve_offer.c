/* serve_offer - the functions that are served: found by hash, run. */
#include "exception.h"
#include "serve.h"

#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

/* Where rh_language_memory takes from: the scratch of the call that this thread runs. */
static _Thread_local struct rh_scratch *lender;

/* A table of twice the functions keeps probes short. */
int rh_offer_init(struct rh_offer_table *table)
{
	uint32_t size = 4;

	while (size < 2 * table->count)
		size *= 2;
	table->mask = size - 1;
	if (!(table->slots = calloc(size, sizeof *table->slots)))
		return RH_ENOMEM;
	for (uint32_t i = 0; i < table->count; i++) {
		uint32_t at = (uint32_t)table->hashes[i] & table->mask;

		while (table->slots[at])
			at = (at + 1) & table->mask;
		table->slots[at] = i + 1;
	}
	return RH_OK;
}

int rh_offer_find(const struct rh_offer_table *table, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & table->mask;

	while (table->slots[at]) {
		uint32_t index = table->slots[at] - 1;

		if (table->hashes[index] == hash)
			return (int)index;
		at = (at + 1) & table->mask;
	}
	return RH_EFUNC;
}

int rh_offer_runs(const struct rh_offer_table *table, uint32_t index)
{
	uint16_t flags = table->interface->functions[index].flags;

	if (flags & RH_FUNCTION_EVENT)
		return 0; /* told, not asked for */
	if (table->invoke)
		return !(flags & (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY));
	return table->trampolines[index] != NULL;
}

int rh_offer_run(const struct rh_offer_table *table, uint32_t index, void *const *args,
                 void *ret, struct rh_scratch *scratch)
{
	int r;

	if (!table->invoke) {
		table->trampolines[index](args, ret);
		return RH_OK;
	}
	rh_exception_clear();
	lender = scratch;
	r = table->invoke(table->user, index, args, ret);
	lender = NULL;
	return r;
}

EXPORT void *rh_language_memory(size_t bytes)
{
	return lender ? rh_scratch_take(lender, bytes) : NULL;
}
