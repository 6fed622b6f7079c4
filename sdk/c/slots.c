#include "adapter.h"
#include "adapter_front.h"

#include "rhodes-rule.h"
#include "session.h"

#include "../../rules/keeper.h"

#define EXPORT __attribute__((visibility("default")))

/* struct rh_slots is a struct rh_adapter of hook cache. */
static struct rh_adapter *adapter_of(struct rh_slots *slots)
{
	return (struct rh_adapter *)slots;
}

EXPORT int rh_slots_open(const char *key, uint32_t capacity, uint64_t timeout_ns,
                         struct rh_slots **ret_slots)
{
	uint64_t           deadline = rh_deadline(timeout_ns);
	struct rh_adapter *adapter;
	int                r;

	if (capacity == 0 || capacity > RH_SLOTS_MAX)
		return rh_fail(RH_EINVAL, "a cache of %u slots: it can have 1 to %u", capacity,
		               RH_SLOTS_MAX);
	r = rh_adapter_open(&rh_front_cache, key, capacity, &adapter);
	if (r < 0)
		return r;
	rh_adapter_await(adapter, deadline);
	*ret_slots = (struct rh_slots *)adapter;
	return RH_OK;
}

EXPORT void rh_slots_close(struct rh_slots *slots)
{
	rh_adapter_close(adapter_of(slots));
}

typedef void keeper_verb(struct rh_keeper *keeper, uint32_t slot);

static int tell(struct rh_slots *slots, uint32_t slot, keeper_verb *verb)
{
	struct rh_adapter *adapter = adapter_of(slots);
	uint64_t           began = rh_adapter_begin(adapter);
	bool               has = rh_keeper_has(adapter->front, slot);

	if (has)
		verb(adapter->front, slot);
	rh_adapter_end(adapter, began);
	return has ? RH_OK : rh_fail(RH_EINVAL, "nothing is in slot %u of the cache %s",
	                             slot, adapter->key);
}

EXPORT int rh_slots_hit(struct rh_slots *slots, uint32_t slot)
{
	return tell(slots, slot, rh_keeper_hit);
}

EXPORT int rh_slots_admit(struct rh_slots *slots, uint64_t key)
{
	struct rh_adapter *adapter = adapter_of(slots);
	uint64_t           began = rh_adapter_begin(adapter);
	int                is = rh_keeper_admits(adapter->front, key);

	rh_adapter_end(adapter, began);
	return is;
}

EXPORT uint32_t rh_slots_place(struct rh_slots *slots, uint64_t key, int *ret_was_full)
{
	struct rh_adapter *adapter = adapter_of(slots);
	uint64_t           began = rh_adapter_begin(adapter);
	bool               was_full;
	uint32_t           slot = rh_keeper_place(adapter->front, key, &was_full);

	rh_adapter_end(adapter, began);
	*ret_was_full = was_full;
	return slot;
}

EXPORT int rh_slots_remove(struct rh_slots *slots, uint32_t slot)
{
	return tell(slots, slot, rh_keeper_remove);
}

EXPORT int rh_slots_name(struct rh_slots *slots, char *name, size_t cap)
{
	return rh_adapter_name(adapter_of(slots), name, cap);
}
