#include "floor.h"

#include "../base/log.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST 16u

void rh_floors_fini(struct rh_floors *floors)
{
	free(floors->at);
	*floors = (struct rh_floors){ 0 };
}

/* ---- the table ------------------------------------------------------------ */

/* FNV-1a, with the end of each text. */
static uint64_t add_text(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	while (*text++);
	return hash;
}

static uint64_t hash_of(const struct rh_floor *floor)
{
	uint64_t hash = add_text(0xcbf29ce484222325u, floor->caller);

	hash = add_text(hash, floor->callee);
	return add_text(add_text(hash, floor->rule), floor->name);
}

static struct rh_floor *find(const struct rh_floors *floors, const struct rh_floor *key)
{
	uint64_t hash = hash_of(key);

	for (unsigned i = 0; i < floors->count; i++) {
		struct rh_floor *floor = &floors->at[i];

		if (floor->hash == hash && strcmp(floor->caller, key->caller) == 0 &&
		    strcmp(floor->callee, key->callee) == 0 &&
		    strcmp(floor->rule, key->rule) == 0 && strcmp(floor->name, key->name) == 0)
			return floor;
	}
	return NULL;
}

static int make_room(struct rh_floors *floors)
{
	unsigned         room = floors->room ? floors->room * 2 : ROOM_AT_FIRST;
	struct rh_floor *more;

	if (floors->count == RH_FLOORS_MAX) {
		rh_warn("which module rule %s had for %s is forgotten: %u are remembered",
		        floors->at[0].rule, floors->at[0].caller, RH_FLOORS_MAX);
		memmove(floors->at, floors->at + 1, --floors->count * sizeof *floors->at);
	}
	if (floors->count < floors->room)
		return RH_OK;
	more = realloc(floors->at, room * sizeof *more);
	if (!more)
		return RH_ENOMEM;
	floors->at = more;
	floors->room = room;
	return RH_OK;
}

int rh_floors_put(struct rh_floors *floors, const struct rh_floor *floor)
{
	struct rh_floor *known = find(floors, floor);
	int              is_other = !known || known->version != floor->version ||
	                            known->revision != floor->revision;

	if (!known && make_room(floors) < 0)
		return RH_ENOMEM;
	if (!known)
		known = &floors->at[floors->count++];
	*known = *floor;
	known->hash = hash_of(floor);
	return is_other;
}

/* ---- judging -------------------------------------------------------------- */

/* What an order must reach to leave it: a former order does not. */
static uint64_t height(const struct rh_floor *floor)
{
	return floor->revision > floor->version ? floor->revision : floor->version;
}

int rh_floors_judge(const struct rh_floors *floors, const struct rh_floor *wanted,
                    uint64_t leaves, struct rh_diag *why)
{
	const struct rh_floor *floor = find(floors, wanted);

	if (!floor || wanted->version >= floor->version || leaves >= height(floor))
		return RH_OK;
	/* What to do comes first: who shows it may cut it off. */
	return rh_diag_set(why, RH_EPERM, "version %llu is older than %llu, which was in force "
		"here (to go back, write rollback: %llu): rule %s, module%s%s",
		(unsigned long long)wanted->version, (unsigned long long)floor->version,
		(unsigned long long)height(floor), wanted->rule, wanted->name[0] ? " " : "",
		wanted->name);
}

/* ---- on the disk ---------------------------------------------------------- */

size_t rh_floors_bytes(const struct rh_floors *floors)
{
	return floors->count * (7 * RH_RECORD_HEAD + 4 * RH_NAME_MAX + 2 * sizeof(uint64_t));
}

void rh_floors_write(const struct rh_floors *floors, struct rh_record_writer *writer)
{
	for (unsigned i = 0; i < floors->count; i++) {
		const struct rh_floor *floor = &floors->at[i];
		size_t                 place = rh_record_open(writer, RH_TAG_FLOOR_ITEM);

		rh_record_put_text(writer, RH_TAG_CALLER, floor->caller);
		if (floor->callee[0])
			rh_record_put_text(writer, RH_TAG_CALLEE, floor->callee);
		rh_record_put_text(writer, RH_TAG_RULE, floor->rule);
		rh_record_put_text(writer, RH_TAG_TEXT, floor->name);
		rh_record_put_u64(writer, RH_TAG_PUBLISHED, floor->version);
		rh_record_put_u64(writer, RH_TAG_REVISION, floor->revision);
		rh_record_close(writer, place);
	}
	RH_CHECK(!writer->failed);
}

int rh_floors_read(struct rh_floors *floors, const struct rh_record *item)
{
	struct rh_record_reader records;
	struct rh_floor         floor = { .hash = 0 };
	int                     r;

	rh_record_read(&records, item->bytes, item->len);
	r = rh_record_text(&records, RH_TAG_CALLEE, floor.callee, sizeof floor.callee);
	if ((r < 0 && r != RH_ENOENT) ||
	    rh_record_text(&records, RH_TAG_CALLER, floor.caller, sizeof floor.caller) < 0 ||
	    rh_record_text(&records, RH_TAG_RULE, floor.rule, sizeof floor.rule) < 0 ||
	    rh_record_text(&records, RH_TAG_TEXT, floor.name, sizeof floor.name) < 0 ||
	    rh_record_u64(&records, RH_TAG_PUBLISHED, &floor.version) < 0 ||
	    rh_record_u64(&records, RH_TAG_REVISION, &floor.revision) < 0)
		return RH_EPROTO;
	r = rh_floors_put(floors, &floor);
	return r < 0 ? r : RH_OK;
}
