#include "catalog.h"

#include "../model/check.h"
#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

void rh_catalog_init(struct rh_catalog *catalog)
{
	*catalog = (struct rh_catalog){ 0 };
}

void rh_catalog_fini(struct rh_catalog *catalog)
{
	for (int kind = 0; kind < RH_OBJECT_KINDS; kind++) {
		for (size_t i = 0; i < catalog->kinds[kind].count; i++)
			rh_object_destroy(catalog->kinds[kind].at[i]);
		free(catalog->kinds[kind].at);
	}
	rh_catalog_init(catalog);
}

/* Where name stands, or would. */
static size_t place(const struct rh_catalog *catalog, enum rh_object_kind kind,
                    const char *name, int *ret_found)
{
	size_t low = 0, high = catalog->kinds[kind].count;

	*ret_found = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int    order = strcmp(catalog->kinds[kind].at[middle]->name, name);

		if (order == 0) {
			*ret_found = 1;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rh_object *rh_catalog_find(const struct rh_catalog *catalog,
                                  enum rh_object_kind kind, const char *name)
{
	int    found;
	size_t at = place(catalog, kind, name, &found);

	return found ? catalog->kinds[kind].at[at] : NULL;
}

static int grow(struct rh_catalog *catalog, enum rh_object_kind kind)
{
	size_t cap = catalog->kinds[kind].cap;

	if (catalog->kinds[kind].count < cap)
		return RH_OK;
	cap = cap ? cap * 2 : 64;
	struct rh_object **at = realloc(catalog->kinds[kind].at, cap * sizeof *at);
	if (!at)
		return RH_ENOMEM;
	catalog->kinds[kind].at = at;
	catalog->kinds[kind].cap = cap;
	return RH_OK;
}

int rh_catalog_swap(struct rh_catalog *catalog, enum rh_object_kind kind,
                    const char *name, struct rh_object *object,
                    struct rh_object **ret_old)
{
	int    found;
	size_t at = place(catalog, kind, name, &found);

	RH_CHECK(!object || strcmp(object->name, name) == 0);
	if (!found && object && grow(catalog, kind) != RH_OK)
		return RH_ENOMEM;

	struct rh_object **slot = &catalog->kinds[kind].at[at];
	size_t            *count = &catalog->kinds[kind].count;

	*ret_old = found ? *slot : NULL;
	if (!found && object) {
		memmove(slot + 1, slot, (*count - at) * sizeof *slot);
		(*count)++;
	}
	if (object) {
		*slot = object;
	} else if (found) {
		(*count)--;
		memmove(slot, slot + 1, (*count - at) * sizeof *slot);
	}
	return RH_OK;
}

struct rh_object *const *rh_catalog_after(const struct rh_catalog *catalog,
                                          enum rh_object_kind kind,
                                          const char *name, size_t *ret_count)
{
	int    found = 0;
	size_t at = name ? place(catalog, kind, name, &found) : 0;

	at += (size_t)found;
	*ret_count = catalog->kinds[kind].count - at;
	return *ret_count ? &catalog->kinds[kind].at[at] : NULL;
}

size_t rh_catalog_count(const struct rh_catalog *catalog, enum rh_object_kind kind)
{
	return catalog->kinds[kind].count;
}
