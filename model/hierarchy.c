#include "hierarchy.h"

#include "error.h"

#include <string.h>

/* Every row is a caller, every column a callee; an empty cell is refused. */
static const uint8_t defaults[RH_TYPES][RH_TYPES] = {
	[RH_TYPE_APPLICATION] = {
		[RH_TYPE_SERVICE] = 1, [RH_TYPE_DRIVER] = 1, [RH_TYPE_HARDWARE] = 1,
	},
	[RH_TYPE_SERVICE] = {
		[RH_TYPE_DRIVER] = 1, [RH_TYPE_HARDWARE] = 1,
	},
	[RH_TYPE_DRIVER] = {
		[RH_TYPE_HARDWARE] = 1,
	},
};

_Static_assert(sizeof defaults == 16, "a cell for every pair of types");

static int is_type(int type)
{
	return type >= 0 && type < RH_TYPES;
}

void rh_hierarchy_init(struct rh_hierarchy *hierarchy, uint64_t revision)
{
	rh_hierarchy_clear(hierarchy, revision);
	memcpy(hierarchy->allow, defaults, sizeof defaults);
}

void rh_hierarchy_clear(struct rh_hierarchy *hierarchy, uint64_t revision)
{
	*hierarchy = (struct rh_hierarchy){ .revision = revision };
}

int rh_hierarchy_set(struct rh_hierarchy *hierarchy, int caller_type,
                     int callee_type, int allow)
{
	if (!is_type(caller_type) || !is_type(callee_type))
		return RH_EINVAL;
	if (allow != 0 && allow != 1)
		return RH_EINVAL;
	hierarchy->allow[caller_type][callee_type] = (uint8_t)allow;
	return RH_OK;
}

int rh_hierarchy_allows(const struct rh_hierarchy *hierarchy, int caller_type,
                        int callee_type)
{
	if (!is_type(caller_type) || !is_type(callee_type))
		return 0;
	return hierarchy->allow[caller_type][callee_type];
}

int rh_hierarchy_equal(const struct rh_hierarchy *a, const struct rh_hierarchy *b)
{
	return memcmp(a->allow, b->allow, sizeof a->allow) == 0;
}
