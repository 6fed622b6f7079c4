/* catalog - every object of a system by kind and name, in order of names.
 *
 * Ownership   The catalog owns nothing: whoever takes an object out of it (swap)
 *             destroys it.  rh_catalog_fini destroys what is left.
 * Threads     One.
 * Invariants  C1  each kind is sorted by name, without duplicates. */
#ifndef RH_CENTER_CATALOG_H
#define RH_CENTER_CATALOG_H

#include "object.h"

struct rh_catalog {
	struct {
		struct rh_object **at;
		size_t             count;
		size_t             cap;
	} kinds[RH_OBJECT_KINDS];
};

void rh_catalog_init(struct rh_catalog *catalog);
void rh_catalog_fini(struct rh_catalog *catalog);

/* Borrowed until it is swapped out, or NULL. */
struct rh_object *rh_catalog_find(const struct rh_catalog *catalog,
                                  enum rh_object_kind kind, const char *name);

/* Puts object (NULL: nothing) where name stands, and gives what stood there.
 * RH_ENOMEM  nothing changed; cannot happen when object is NULL or replaces. */
int rh_catalog_swap(struct rh_catalog *catalog, enum rh_object_kind kind,
                    const char *name, struct rh_object *object,
                    struct rh_object **ret_old);

/* The objects of a kind that sort after name (NULL: all): at[0, *ret_count). */
struct rh_object *const *rh_catalog_after(const struct rh_catalog *catalog,
                                          enum rh_object_kind kind,
                                          const char *name, size_t *ret_count);

size_t rh_catalog_count(const struct rh_catalog *catalog, enum rh_object_kind kind);

#endif
