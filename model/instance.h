/* instance - the running processes of all resources, as leases.
 *
 * An instance begins when its agent reports it and ends when its connection
 * does: whoever holds the connection removes it.  A resource has any number.
 * The agent bound to a resource on a node is held in the same table.
 *
 * Ownership   The caller owns the table and its memory; nothing to undo.
 * Threads     One writer; nobody may read meanwhile.
 * Invariants  I1  used <= capacity.
 *             I2  a live instance is in the map and in its resource's list. */
#ifndef RH_MODEL_INSTANCE_H
#define RH_MODEL_INSTANCE_H

#include "map.h"

#include <stddef.h>
#include <stdint.h>

#define RH_NO_INSTANCE UINT32_MAX
#define RH_ANY_NODE    UINT32_MAX

enum rh_lease {
	RH_LEASE_CALLER,  /* a process that calls                     */
	RH_LEASE_CALLEE,  /* a replica that serves                    */
	RH_LEASE_AGENT,   /* the agent of the resource on that node   */
	RH_LEASES
};

struct rh_instance {
	uint64_t id;        /* unique among live instances; not RH_MAP_NONE   */
	uint32_t resource;  /* index in the registry                          */
	uint32_t pid;       /* on its node                                    */
	uint32_t node;      /* index of the node's name, kept by the caller   */
	uint32_t role;      /* enum rh_lease                                  */
	uint32_t next;      /* of the same resource; instance.c's             */
	uint32_t prev;
};

struct rh_instance_list {
	uint32_t first;
	uint32_t last;
	uint32_t count[RH_LEASES];
};

/* Open layout; the fields are for instance.c only. */
struct rh_instance_table {
	struct rh_map            index;
	struct rh_instance      *slots;
	struct rh_instance_list *lists;
	uint32_t                 list_count;
	uint32_t                 capacity;
	uint32_t                 used;
	uint32_t                 high;
	uint32_t                 free_first;
};

typedef void rh_instance_visit(void *user, const struct rh_instance *instance);

/* Bytes for so many resources and instances, a multiple of RH_ALIGN. */
size_t rh_instance_bytes(uint32_t resources, uint32_t capacity);

/* Makes an empty table.  memory is aligned to RH_ALIGN; seed as in rh_map_init. */
void rh_instance_init(struct rh_instance_table *table, uint32_t resources,
                      uint32_t capacity, uint64_t seed, void *memory);

/* The table's memory was copied to another place: use the copy. */
void rh_instance_rebase(struct rh_instance_table *table, void *memory);

/* Adds an instance; next and prev of *instance are not read.
 * RH_EINVAL  the id, the resource or the role is out of range.
 * RH_EEXIST  an instance with that id is live.
 * RH_ENOSPC  the table is full. */
int rh_instance_add(struct rh_instance_table *table,
                    const struct rh_instance *instance);

/* RH_ENOENT  no instance has that id. */
int rh_instance_remove(struct rh_instance_table *table, uint64_t id);

/* Removes those of a resource on a node (RH_ANY_NODE: on all), calling visit,
 * which may be NULL, for each while it still stands; returns how many.  For a
 * lost link and for a deleted resource. */
int rh_instance_remove_all(struct rh_instance_table *table, uint32_t resource,
                           uint32_t node, rh_instance_visit *visit, void *user);

/* The instance with that id, borrowed until it is removed, or NULL. */
const struct rh_instance *rh_instance_find(const struct rh_instance_table *table,
                                           uint64_t id);

/* Calls visit for every instance of a resource, oldest first; returns how many.
 * visit must not change the table. */
int rh_instance_walk(const struct rh_instance_table *table, uint32_t resource,
                     rh_instance_visit *visit, void *user);

/* How many instances of that role the resource has; 0 when out of range. */
uint32_t rh_instance_count(const struct rh_instance_table *table,
                           uint32_t resource, int role);

#endif
