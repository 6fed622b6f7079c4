#include "keeper.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../model/check.h"
#include "rule.h"

#include <rhodes/hook/cache_layout.h>
#include <stdlib.h>

struct slot {
	uint64_t key;
	uint64_t used; /* when, by the keeper's clock; 0: the slot is empty */
};

struct rh_keeper {
	struct rh_rule *rule;
	struct slot    *slots;
	uint32_t       *order; /* room for telling a rule what is there */
	uint32_t        capacity, filled, hand;
	uint64_t        clock;
	bool            is_lost; /* the rule does not know what is there */
	uint64_t        tell_at; /* then, by our clock, it is told */
};

/* ---- the rule ---- */

static int call(struct rh_keeper *keeper, struct rh_rule *rule, unsigned slot, uint64_t a,
                uint64_t b, uint32_t *ret_value)
{
	struct rh_cache_buffer *buffer = rh_rule_buffer(rule);
	uint64_t                value;

	if (!buffer)
		return RH_ERULE;
	buffer->now_ns = rh_clock_ns();
	buffer->capacity = keeper->capacity;
	buffer->used = keeper->filled;
	if (rh_rule_call(rule, slot, a, b, &value) < 0)
		return RH_ERULE;
	*ret_value = (uint32_t)value;
	return RH_OK;
}

static int compare(const void *a, const void *b, void *user)
{
	const struct slot *slots = user;
	uint64_t           first = slots[*(const uint32_t *)a].used;
	uint64_t           second = slots[*(const uint32_t *)b].used;

	return first < second ? -1 : first > second;
}

static uint32_t sort(struct rh_keeper *keeper)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < keeper->capacity; i++)
		if (keeper->slots[i].used)
			keeper->order[count++] = i;
	qsort_r(keeper->order, count, sizeof *keeper->order, compare, keeper->slots);
	return count;
}

/* An empty cache for it, then all that is there. */
static int tell(struct rh_keeper *keeper, struct rh_rule *rule, struct rh_diag *diag)
{
	uint32_t count = sort(keeper), value = 0;
	int err = call(keeper, rule, RH_SLOT_CACHE_BEGIN, keeper->capacity, 0, &value);

	if (err == RH_OK && value)
		return rh_diag_set(diag, RH_EINVAL, "the rule refuses a cache of %u slots "
		                   "(rh_cache_begin said %d)", keeper->capacity, (int32_t)value);
	for (uint32_t i = 0; err == RH_OK && i < count; i++)
		err = call(keeper, rule, RH_SLOT_CACHE_INSERT, keeper->order[i],
		           keeper->slots[keeper->order[i]].key, &value);
	return err < 0 ? rh_diag_set(diag, err, "%.200s", rh_rule_why(rule)) : RH_OK;
}

/* Telling all costs as many calls as there are slots: so often at most is it done. */
static void lose(struct rh_keeper *keeper)
{
	keeper->is_lost = true;
	keeper->tell_at = keeper->clock + keeper->capacity;
}

static bool is_told(struct rh_keeper *keeper)
{
	if (!keeper->rule)
		return false;
	if (!keeper->is_lost)
		return true;
	if (keeper->clock < keeper->tell_at)
		return false;
	if (tell(keeper, keeper->rule, NULL) < 0)
		lose(keeper);
	else
		keeper->is_lost = false;
	return !keeper->is_lost;
}

/* Asks the rule, which is told first when it is lost; false: it does not answer. */
static bool ask(struct rh_keeper *keeper, unsigned slot, uint64_t a, uint64_t b,
                uint32_t *ret_value)
{
	if (!is_told(keeper))
		return false;
	if (call(keeper, keeper->rule, slot, a, b, ret_value) < 0)
		lose(keeper);
	return !keeper->is_lost;
}

/* ---- slots ---- */

static uint32_t next_slot(struct rh_keeper *keeper, bool is_full)
{
	do
		keeper->hand = (keeper->hand + 1) % keeper->capacity;
	while ((keeper->slots[keeper->hand].used != 0) != is_full);
	return keeper->hand;
}

static uint32_t victim(struct rh_keeper *keeper, uint64_t key)
{
	uint32_t slot = 0;

	if (!ask(keeper, RH_SLOT_CACHE_VICTIM, key, 0, &slot))
		return next_slot(keeper, true);
	if (slot < keeper->capacity && keeper->slots[slot].used)
		return slot;
	rh_rule_blame(keeper->rule, "the rule's victim makes no sense: nothing is in that slot");
	lose(keeper);
	return next_slot(keeper, true);
}

bool rh_keeper_admits(struct rh_keeper *keeper, uint64_t key)
{
	uint32_t value = RH_CACHE_ADMIT;

	if (!keeper->rule || !rh_rule_has(keeper->rule, RH_SLOT_CACHE_ADMIT) ||
	    !ask(keeper, RH_SLOT_CACHE_ADMIT, key, 0, &value))
		return true;
	if (value == RH_CACHE_ADMIT || value == RH_CACHE_PASS)
		return value == RH_CACHE_ADMIT;
	rh_rule_blame(keeper->rule, "rh_cache_admit said neither ADMIT nor PASS");
	return true;
}

uint32_t rh_keeper_place(struct rh_keeper *keeper, uint64_t key, bool *ret_was_full)
{
	bool     is_full = keeper->filled == keeper->capacity;
	uint32_t slot = is_full ? victim(keeper, key) : next_slot(keeper, false);
	uint32_t value;

	/* Empty until the rule knows it: should it have to be told all, not twice. */
	if (is_full)
		keeper->slots[slot].used = 0;
	ask(keeper, RH_SLOT_CACHE_INSERT, slot, key, &value);
	keeper->slots[slot] = (struct slot){ key, ++keeper->clock };
	keeper->filled += !is_full;
	*ret_was_full = is_full;
	return slot;
}

bool rh_keeper_has(const struct rh_keeper *keeper, uint32_t slot)
{
	return slot < keeper->capacity && keeper->slots[slot].used != 0;
}

void rh_keeper_hit(struct rh_keeper *keeper, uint32_t slot)
{
	uint32_t value;

	RH_CHECK(rh_keeper_has(keeper, slot));
	ask(keeper, RH_SLOT_CACHE_HIT, slot, 0, &value);
	keeper->slots[slot].used = ++keeper->clock;
}

void rh_keeper_remove(struct rh_keeper *keeper, uint32_t slot)
{
	uint32_t value;

	RH_CHECK(rh_keeper_has(keeper, slot));
	ask(keeper, RH_SLOT_CACHE_REMOVE, slot, 0, &value);
	keeper->slots[slot].used = 0;
	keeper->filled--;
}

int rh_keeper_exchange(struct rh_keeper *keeper, struct rh_rule *rule,
                       struct rh_diag *diag)
{
	int err = rule ? tell(keeper, rule, diag) : RH_OK;

	if (err < 0)
		return err;
	keeper->rule = rule;
	keeper->is_lost = false;
	return RH_OK;
}

/* ---- making one ---- */

int rh_keeper_create(struct rh_rule *rule, uint32_t capacity,
                     struct rh_keeper **ret_keeper, struct rh_diag *diag)
{
	struct rh_keeper *keeper;
	int               err;

	if (!capacity || capacity > RH_CACHE_SLOTS_MAX)
		return rh_diag_set(diag, RH_EINVAL, "a cache of %u slots: a rule can have 1 to %u",
		                   capacity, RH_CACHE_SLOTS_MAX);
	keeper = calloc(1, sizeof *keeper);
	if (keeper) {
		keeper->slots = calloc(capacity, sizeof *keeper->slots);
		keeper->order = calloc(capacity, sizeof *keeper->order);
		keeper->capacity = capacity;
		keeper->hand = capacity - 1;
		keeper->rule = rule;
	}
	if (!keeper || !keeper->slots || !keeper->order) {
		rh_keeper_destroy(keeper);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a cache of %u slots", capacity);
	}
	err = rule ? tell(keeper, rule, diag) : RH_OK;
	if (err < 0) {
		rh_keeper_destroy(keeper);
		return err;
	}
	*ret_keeper = keeper;
	return RH_OK;
}

void rh_keeper_destroy(struct rh_keeper *keeper)
{
	if (!keeper)
		return;
	free(keeper->slots);
	free(keeper->order);
	free(keeper);
}
