#include "exception.h"

#include "check.h"
#include "error.h"

static uint64_t key_of(uint32_t caller, uint32_t callee)
{
	return (uint64_t)caller << 32 | callee;
}

size_t rh_exception_bytes(uint32_t capacity)
{
	return rh_aligned(capacity * sizeof(struct rh_exception)) +
	       rh_map_bytes(capacity);
}

/* Returns the place of the map. */
static void *lay_out(struct rh_exception_table *table, void *memory)
{
	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	table->slots = memory;
	return (char *)memory +
	       rh_aligned(table->capacity * sizeof(struct rh_exception));
}

void rh_exception_init(struct rh_exception_table *table, uint32_t capacity,
                       uint64_t seed, void *memory)
{
	*table = (struct rh_exception_table){ .capacity = capacity };
	rh_map_init(&table->index, capacity, seed, lay_out(table, memory));
}

void rh_exception_rebase(struct rh_exception_table *table, void *memory)
{
	rh_map_rebase(&table->index, lay_out(table, memory));
}

static struct rh_exception *find(const struct rh_exception_table *table,
                                 uint32_t caller, uint32_t callee)
{
	uint32_t slot;

	if (rh_map_find(&table->index, key_of(caller, callee), &slot) != RH_OK)
		return NULL;
	RH_CHECK(slot < table->used); /* E2 */
	return &table->slots[slot];
}

int rh_exception_put(struct rh_exception_table *table,
                     const struct rh_exception *exception)
{
	struct rh_exception *old = find(table, exception->caller, exception->callee);

	if (old) { /* E1 */
		if (!rh_name_equal(&old->rule, &exception->rule))
			return RH_EEXIST;
		*old = *exception;
		return RH_OK;
	}
	if (table->used == table->capacity)
		return RH_ENOSPC;

	int result = rh_map_insert(&table->index,
	                           key_of(exception->caller, exception->callee),
	                           table->used);
	RH_CHECK(result == RH_OK); /* the map is as large as the table */
	table->slots[table->used++] = *exception;
	return RH_OK;
}

int rh_exception_remove(struct rh_exception_table *table, uint32_t caller,
                        uint32_t callee)
{
	struct rh_exception *hole = find(table, caller, callee);

	if (!hole)
		return RH_ENOENT;
	int result = rh_map_remove(&table->index, key_of(caller, callee));
	RH_CHECK(result == RH_OK);

	/* The last one moves into the hole: E2 asks for no order. */
	struct rh_exception *last = &table->slots[--table->used];
	if (last != hole) {
		*hole = *last;
		result = rh_map_set(&table->index, key_of(hole->caller, hole->callee),
		                    (uint32_t)(hole - table->slots));
		RH_CHECK(result == RH_OK);
	}
	return RH_OK;
}

const struct rh_exception *rh_exception_find(
	const struct rh_exception_table *table, uint32_t caller, uint32_t callee)
{
	return find(table, caller, callee);
}

int rh_exception_is_active(const struct rh_exception *exception, uint64_t now_ms)
{
	return exception->expires_ms == 0 || now_ms < exception->expires_ms;
}
