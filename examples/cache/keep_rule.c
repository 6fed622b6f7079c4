#include "keep.h"

#include "../../sdk/c/rhodes-rule.h"

/* struct keep is a struct rh_slots. */
static struct rh_slots *slots_of(struct keep *keep)
{
	return (struct rh_slots *)keep;
}

struct keep *keep_create(uint32_t slots)
{
	struct rh_slots *made;

	return rh_slots_open("blocks", slots, 0, &made) < 0 ? NULL : (struct keep *)made;
}

void keep_destroy(struct keep *keep)
{
	rh_slots_close(slots_of(keep));
}

int keep_admits(struct keep *keep, uint64_t block)
{
	return rh_slots_admit(slots_of(keep), block);
}

uint32_t keep_place(struct keep *keep, uint64_t block, int *ret_was_full)
{
	return rh_slots_place(slots_of(keep), block, ret_was_full);
}

void keep_hit(struct keep *keep, uint32_t slot)
{
	rh_slots_hit(slots_of(keep), slot);
}

void keep_remove(struct keep *keep, uint32_t slot)
{
	rh_slots_remove(slots_of(keep), slot);
}

void keep_name(struct keep *keep, char *name, size_t cap)
{
	rh_slots_name(slots_of(keep), name, cap);
}
