#include "missed.h"

#include "../model/error.h"

#include <sodium.h>

#include <stdlib.h>

int rh_missed_init(struct rh_missed *missed, uint64_t revision)
{
	*missed = (struct rh_missed){ .all = revision };
	missed->slots = calloc(RH_MISSED_SLOTS, sizeof *missed->slots);
	if (!missed->slots)
		return RH_ENOMEM;
	randombytes_buf(&missed->seed, sizeof missed->seed);
	return RH_OK;
}

void rh_missed_fini(struct rh_missed *missed)
{
	free(missed->slots);
	*missed = (struct rh_missed){ 0 };
}

static uint64_t *slot(const struct rh_missed *missed, const struct rh_name *resource)
{
	uint64_t hash = (resource->hash ^ missed->seed) * 0x9e3779b97f4a7c15u;

	return &missed->slots[(hash >> 32) % RH_MISSED_SLOTS];
}

static void raise(uint64_t *at, uint64_t revision)
{
	if (*at < revision) /* I1 */
		*at = revision;
}

void rh_missed_note(struct rh_missed *missed, const struct rh_name *resource,
                    uint64_t revision)
{
	raise(slot(missed, resource), revision);
}

void rh_missed_note_all(struct rh_missed *missed, uint64_t revision)
{
	raise(&missed->all, revision);
}

uint64_t rh_missed_revision(const struct rh_missed *missed,
                            const struct rh_name *resource)
{
	uint64_t own = *slot(missed, resource);

	return own > missed->all ? own : missed->all;
}
