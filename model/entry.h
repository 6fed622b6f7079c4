/* entry - one line of the registry: taken by a name, registered, freed.
 *
 * Used by the other files of the model; the outside uses registry.h.
 *
 * Threads     As the registry: one writer.
 * Invariants  R1, R3, R4 and R6 of the registry are kept here. */
#ifndef RH_MODEL_ENTRY_H
#define RH_MODEL_ENTRY_H

#include "registry.h"

/* The index of the name, registered or named, or RH_NO_RESOURCE. */
uint32_t rh_entry_find(const struct rh_registry *registry,
                       const struct rh_name *name);

/* The index of a live id, registered or named, or RH_NO_RESOURCE. */
uint32_t rh_entry_index(const struct rh_registry *registry, struct rh_id id);

/* The id of an entry that is not free. */
struct rh_id rh_entry_id(const struct rh_registry *registry, uint32_t index);

/* How many names can still be taken. */
uint32_t rh_entry_room(const struct rh_registry *registry);

/* The index of the name, which is taken (NAMED) when it is new; there must be
 * room.  It must then get a column or a pin, or be registered (R3). */
uint32_t rh_entry_take(struct rh_registry *registry, const struct rh_name *name);

/* Frees the entry when it is NAMED and nothing names it any more. */
void rh_entry_drop(struct rh_registry *registry, uint32_t index);

/* Counts one exception more or one less that names the entry; unpinning drops
 * it when it was the last. */
void rh_entry_pin(struct rh_registry *registry, uint32_t index);
void rh_entry_unpin(struct rh_registry *registry, uint32_t index);

/* Makes the entry REGISTERED, last in the set of its type; one that is in that
 * set already keeps its place. */
void rh_entry_register(struct rh_registry *registry, uint32_t index, int type,
                       int privilege);

/* Makes a REGISTERED entry NAMED under a new generation: its ids are dead. */
void rh_entry_unregister(struct rh_registry *registry, uint32_t index);

/* Checks R1, R3 and R6 of every entry, in O(size). */
void rh_entry_verify(const struct rh_registry *registry);

#endif
