#include "item.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../model/name.h"
#include "../wire/frame.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST 16u

/* ---- one ---------------------------------------------------------------- */

static int malformed(struct rh_diag *diag, const char *what)
{
	return rh_diag_set(diag, RH_EPROTO, "an item is malformed: %s", what);
}

static int read_name(const struct rh_record_reader *records, uint16_t tag, char *name)
{
	int r = rh_record_text(records, tag, name, RH_NAME_MAX + 1);

	if (r == RH_OK && rh_name_check(name, strlen(name)) < 0)
		r = RH_EPROTO;
	return r;
}

/* I1 */
static int check_concern(const struct rh_item *item, const char *resource,
                         struct rh_diag *diag)
{
	int is_caller = strcmp(item->caller, resource) == 0;
	int is_callee = strcmp(item->callee, resource) == 0;

	if (item->callee[0] ? is_caller != is_callee : is_caller)
		return RH_OK;
	return rh_diag_set(diag, RH_EPROTO, "an item of %s%s%s is none of %s's",
	                   item->caller, item->callee[0] ? " -> " : "", item->callee,
	                   resource);
}

static int read_key(struct rh_item *item, const struct rh_record_reader *records,
                    const char *resource, struct rh_diag *diag)
{
	int r = read_name(records, RH_TAG_CALLER, item->caller);

	if (r < 0)
		return malformed(diag, "whose it is");
	r = read_name(records, RH_TAG_CALLEE, item->callee);
	if (r < 0 && r != RH_ENOENT)
		return malformed(diag, "its callee");
	if (r == RH_ENOENT)
		item->callee[0] = 0;
	if (rh_record_u64(records, RH_TAG_REVISION, &item->revision) < 0)
		return malformed(diag, "its revision");
	return check_concern(item, resource, diag);
}

/* 1 when it says something, 0 for a tombstone. */
static int read_kind(const struct rh_item *item, const struct rh_record_reader *records)
{
	uint16_t         tag = item->callee[0] ? RH_TAG_EDGE_ITEM : RH_TAG_SELF;
	uint16_t         other = item->callee[0] ? RH_TAG_SELF : RH_TAG_EDGE_ITEM;
	struct rh_record record;

	if (rh_record_find(records, other, &record) != RH_ENOENT)
		return RH_EPROTO;
	int r = rh_record_find(records, tag, &record);
	return r == RH_OK ? 1 : r == RH_ENOENT ? 0 : r;
}

int rh_item_read(const struct rh_record *record, const char *resource,
                 struct rh_item **ret_item, struct rh_diag *diag)
{
	struct rh_item         *item = malloc(sizeof *item + record->len);
	struct rh_record_reader records;
	int                     r, kind = 0;

	if (!item)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for an item");
	*item = (struct rh_item){ .refs = 1 };
	rh_record_read(&records, record->bytes, record->len);
	r = read_key(item, &records, resource, diag);
	if (r == RH_OK && (kind = read_kind(item, &records)) < 0)
		r = malformed(diag, "what it says");
	if (r < 0) {
		free(item);
		return r;
	}
	item->len = kind ? record->len : 0; /* I2 */
	memcpy(item->bytes, record->bytes, item->len);
	*ret_item = item;
	return RH_OK;
}

struct rh_item *rh_item_ref(struct rh_item *item)
{
	item->refs++;
	return item;
}

void rh_item_unref(struct rh_item *item)
{
	if (!item || --item->refs > 0)
		return;
	rh_item_unref(item->former);
	rh_item_unref(item->before);
	free(item);
}

const struct rh_item *rh_item_in_force(const struct rh_item *item)
{
	return item->former ? item->former : item;
}

static int compare_key(const struct rh_item *item, const char *caller,
                       const char *callee)
{
	int is_edge = item->callee[0] != 0, other = callee[0] != 0;
	int order = strcmp(item->caller, caller);

	if (is_edge != other)
		return is_edge - other;
	return order ? order : strcmp(item->callee, callee);
}

int rh_item_compare(const struct rh_item *a, const struct rh_item *b)
{
	return compare_key(a, b->caller, b->callee);
}

/* ---- sets --------------------------------------------------------------- */

/* The place of the key, or where it would stand. */
static unsigned place(const struct rh_items *items, const char *caller,
                      const char *callee)
{
	unsigned low = 0, high = items->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (compare_key(items->at[middle], caller, callee) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int is_at(const struct rh_items *items, unsigned i, const char *caller,
                 const char *callee)
{
	return i < items->count && compare_key(items->at[i], caller, callee) == 0;
}

static int make_room(struct rh_items *items)
{
	unsigned         room = items->room ? items->room * 2 : ROOM_AT_FIRST;
	struct rh_item **more;

	if (items->count < items->room)
		return RH_OK;
	more = realloc(items->at, room * sizeof(void *));
	if (!more)
		return RH_ENOMEM;
	items->at = more;
	items->room = room;
	return RH_OK;
}

static void remove_at(struct rh_items *items, unsigned i)
{
	rh_item_unref(items->at[i]);
	items->count--;
	memmove(&items->at[i], &items->at[i + 1],
	        (items->count - i) * sizeof items->at[0]);
}

int rh_items_put(struct rh_items *items, struct rh_item *item)
{
	unsigned i = place(items, item->caller, item->callee);
	int      r;

	if (is_at(items, i, item->caller, item->callee)) {
		if (item->len == 0) {
			remove_at(items, i);
			return RH_OK;
		}
		rh_item_ref(item);
		rh_item_unref(items->at[i]);
		items->at[i] = item;
		return RH_OK;
	}
	if (item->len == 0)
		return RH_OK;
	if (items->count > RH_EDGES_PER_AGENT)
		return RH_ENOSPC;
	if ((r = make_room(items)) < 0)
		return r;
	memmove(&items->at[i + 1], &items->at[i],
	        (items->count - i) * sizeof items->at[0]);
	items->at[i] = rh_item_ref(item);
	items->count++;
	return RH_OK;
}

void rh_items_remove(struct rh_items *items, const struct rh_item *item)
{
	unsigned i = place(items, item->caller, item->callee);

	if (is_at(items, i, item->caller, item->callee))
		remove_at(items, i);
}

int rh_items_copy(const struct rh_items *items, struct rh_items *ret_copy)
{
	*ret_copy = (struct rh_items){ 0 };
	if (items->count == 0)
		return RH_OK;
	ret_copy->at = malloc(items->count * sizeof(void *));
	if (!ret_copy->at)
		return RH_ENOMEM;
	ret_copy->room = ret_copy->count = items->count;
	for (unsigned i = 0; i < items->count; i++)
		ret_copy->at[i] = rh_item_ref(items->at[i]);
	return RH_OK;
}

struct rh_item *rh_items_find(const struct rh_items *items, const char *caller,
                              const char *callee)
{
	unsigned i = place(items, caller, callee);

	return is_at(items, i, caller, callee) ? items->at[i] : NULL;
}

void rh_items_fini(struct rh_items *items)
{
	for (unsigned i = 0; i < items->count; i++)
		rh_item_unref(items->at[i]);
	free(items->at);
	*items = (struct rh_items){ 0 };
}
