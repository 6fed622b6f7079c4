/* serve_offer - the functions that are served: found by hash, run. */
#include "exception.h"
#include "rhodes-language.h"
#include "serve.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Of the call that this thread runs. */
static _Thread_local struct rh_lending *lent;

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
                 void *ret, struct rh_lending *lending)
{
	int r;

	if (!table->invoke) {
		table->trampolines[index](args, ret);
		return RH_OK;
	}
	rh_exception_clear();
	if (lending) {
		lending->function = &table->interface->functions[index];
		memset(lending->mirrors, 0, sizeof lending->mirrors);
	}
	lent = lending;
	r = table->invoke(table->user, index, args, ret);
	lent = NULL;
	return r;
}

EXPORT void *rh_language_memory(size_t bytes)
{
	return lent ? rh_scratch_take(lent->scratch, bytes) : NULL;
}

EXPORT int rh_language_mirror(unsigned parameter, const void *bytes, size_t length)
{
	unsigned               place = parameter == RH_LANGUAGE_RESULT ? RH_PARAMS_MAX : parameter;
	const struct rh_param *param = NULL;
	void                  *copy;

	if (lent && place == RH_PARAMS_MAX)
		param = &lent->function->ret;
	else if (lent && place < lent->function->param_count)
		param = &lent->function->params[place];
	if (!param || param->kind != RH_KIND_HANDLE || param->mirror_len == 0 ||
	    length != param->mirror_len)
		return rh_fail(RH_EINVAL, param && param->mirror_len > 0
		               ? "%zu bytes where callers see another number of the object"
		               : "callers see no %zu bytes of that", length);
	if (!(copy = rh_scratch_take(lent->scratch, length)))
		return rh_fail(RH_ENOMEM, "no memory for what callers see of an object");
	lent->mirrors[place] = memcpy(copy, bytes, length);
	return RH_OK;
}
