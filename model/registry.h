/* registry - every resource of a system, and which calls which.
 *
 * The registry ties the parts of the model together: names, the sets A, S, D
 * and H, the hierarchy with its exceptions, the matrix and the instances.  The
 * center keeps one; a test, a simulator or a kernel may keep others.  judge.h
 * asks it for verdicts, rule.h changes its rules, view.h reads its edges.
 *
 * An entry is *registered*, or *named* only: somebody references it or an
 * exception names it, and it is not registered yet (or no longer).  So a
 * pending reference is an ordinary edge to a named entry, start order does
 * not matter, and a reference survives the deletion of its callee.
 *
 *   FREE --referenced--> NAMED --register--> REGISTERED
 *     ^                   | ^                    |
 *     +--last one gone----+ +-----delete---------+
 *
 * Registration compares the types over every reference the resource declares
 * and is refused as a whole when one is forbidden.  References *to* it never
 * refuse it: a forbidden one stays declared and is itself Refused.
 *
 * Verdicts are derived when asked.  A change (registration, deletion, another
 * hierarchy, an exception that comes, goes or expires) reports every edge whose
 * outcome it changed, through struct rh_moment.
 *
 * Ownership   The caller owns the registry and its one block of memory, which
 *             lives as long as the registry; everything passed in is copied.
 * Threads     One writer; nobody may read meanwhile.  Nothing blocks.
 * Invariants  R1  an entry is REGISTERED exactly when it is in the set of its type.
 *             R2  only a REGISTERED entry has a row (declares references).
 *             R3  a NAMED entry has a column or is named by an exception.
 *             R4  an id is never given to another resource later.
 *             R5  no edge leads from an entry to itself.
 *             R6  stamps[i] repeats generation and type of resources[i].
 * Limits      struct rh_limits, RH_REFERENCES_MAX. */
#ifndef RH_MODEL_REGISTRY_H
#define RH_MODEL_REGISTRY_H

#include "exception.h"
#include "hierarchy.h"
#include "instance.h"
#include "map.h"
#include "matrix.h"
#include "name.h"
#include "type.h"
#include "verdict.h"

#include <stddef.h>
#include <stdint.h>

#define RH_NO_RESOURCE UINT32_MAX

/* What one registry can hold.  Named entries count as resources. */
struct rh_limits {
	uint32_t resources;  /* 1 to RH_RESOURCES_MAX                         */
	uint32_t edges;      /* 1 to RH_EDGES_MAX                             */
	uint32_t instances;  /* 1 to RH_INSTANCES_MAX                         */
	uint32_t exceptions; /* 1 to RH_EXCEPTIONS_MAX                        */
	uint64_t seed;       /* of the hash tables; any number, best a random */
};

/* A resource for ever: the index is below limits.resources and is reused, the
 * generation tells one use from the next and is never 0.  Arrays of the
 * caller's may lie beside the registry by index. */
struct rh_id {
	uint32_t index;
	uint32_t generation;
};

enum rh_entry_state { RH_ENTRY_FREE, RH_ENTRY_NAMED, RH_ENTRY_REGISTERED };

/* Others read name, state, type and privilege; the rest is registry.c's. */
struct rh_resource {
	struct rh_name name;
	uint32_t       generation;
	uint8_t        state;      /* enum rh_entry_state                       */
	uint8_t        type;       /* enum rh_type; RH_TYPES unless registered  */
	uint8_t        privilege;  /* enum rh_privilege                         */
	uint8_t        reserved;
	uint32_t       alike;      /* next with the same hash of the name       */
	uint32_t       set_next;   /* of the same type; the free list too       */
	uint32_t       set_prev;
	uint32_t       pins;       /* exceptions that name it                   */
};

/* What the check of a call needs of a resource, packed to stay in the cache. */
struct rh_stamp {
	uint32_t generation;
	uint32_t type;
};

struct rh_set {
	uint32_t first;
	uint32_t last;
	uint32_t count;
};

/* Open layout; the fields are for registry.c only. */
struct rh_registry {
	struct rh_limits          limits;
	struct rh_hierarchy       hierarchy;
	struct rh_resource       *resources;
	struct rh_stamp          *stamps;
	uint32_t                  high;      /* entries [high, ...) never used */
	uint32_t                  free_first;
	uint32_t                  used;      /* NAMED and REGISTERED          */
	struct rh_set             sets[RH_TYPES];
	struct rh_map             names;
	struct rh_matrix          matrix;
	struct rh_instance_table  instances;
	struct rh_exception_table exceptions;
};

/* What a resource asks for when it registers. */
struct rh_spec {
	struct rh_name        name;
	uint8_t               type;       /* enum rh_type                     */
	uint8_t               privilege;  /* enum rh_privilege                */
	uint32_t              reference_count;
	const struct rh_name *references;
};

/* One edge, as walks and changes show it. */
struct rh_edge_report {
	struct rh_id caller;
	struct rh_id callee;    /* may be a named entry: rh_registry_get       */
	uint32_t     edge;      /* its number in the matrix                   */
	uint8_t      before;    /* enum rh_outcome; a walk: same as after     */
	uint8_t      after;     /* enum rh_outcome                            */
	uint16_t     reserved;
	uint64_t     observed;
};

/* In a change, the visitor may read names and types (rh_registry_get) and nothing
 * else of the registry, which is half changed. */
typedef void rh_edge_visit(void *user, const struct rh_edge_report *report);

/* When a change happens, and who hears which edges changed their outcome. */
struct rh_moment {
	uint64_t       now_ms;  /* the caller's clock                         */
	rh_edge_visit *visit;   /* may be NULL                                */
	void          *user;
};

/* ---- making one ---- */

/* Bytes of memory for those limits, or 0 when one is out of range. */
size_t rh_registry_bytes(const struct rh_limits *limits);

/* Makes an empty registry with the default hierarchy at revision 0.  memory is
 * aligned to RH_ALIGN and lives as long as the registry; most of it is touched only
 * as it is needed, so fresh zero pages cost nothing until used.
 * RH_EINVAL  a limit is out of range.
 * RH_ENOSPC  bytes is less than rh_registry_bytes. */
int rh_registry_init(struct rh_registry *registry, const struct rh_limits *limits,
                     void *memory, size_t bytes);

/* Makes *copy, over its own memory, the same as the other, ids too: for trying
 * out a batch of changes.  Takes time in proportion to the limits.
 * RH_ENOSPC  bytes is less than rh_registry_bytes of the other's limits. */
int rh_registry_copy(struct rh_registry *copy, const struct rh_registry *other,
                     void *memory, size_t bytes);

/* ---- resources ---- */

/* What rh_registry_register would answer, and nothing else: explain, dry runs.
 * ret_verdict may be NULL; it is filled on RH_OK, RH_ELAYER and, for a self or
 * duplicate reference, on RH_EINVAL, and concerns
 *   refused   the first reference that is;
 *   RH_OK     the first one that needs an exception, else the first pending
 *             one, else no edge at all: callee empty, outcome ALLOWED.
 * RH_EINVAL  the name is empty, the type or privilege is no such thing, there
 *            are too many references, or one is to itself or named twice.
 * RH_ELAYER  the hierarchy forbids a reference.
 * RH_ENOSPC  resources (new names too) or edges would not fit. */
int rh_registry_check(const struct rh_registry *registry,
                      const struct rh_spec *spec, uint64_t now_ms,
                      struct rh_verdict *ret_verdict);

/* Registers a resource or, when the name is registered, replaces its type,
 * privilege and references in one step; edges that stay keep their number and
 * their count.  ret_id and ret_verdict may be NULL.  at->visit hears new and
 * dropped edges, and those to and from it whose outcome changed.
 * Errors as rh_registry_check; then nothing changed. */
int rh_registry_register(struct rh_registry *registry, const struct rh_spec *spec,
                         const struct rh_moment *at, struct rh_id *ret_id,
                         struct rh_verdict *ret_verdict);

/* The same, but a reference that the hierarchy forbids is declared and Refused
 * instead of refusing the resource: for what was accepted before (reading the
 * store back, undoing) and for a batch that is judged when it is complete.
 * Errors as rh_registry_check without RH_ELAYER; then nothing changed. */
int rh_registry_load(struct rh_registry *registry, const struct rh_spec *spec,
                     const struct rh_moment *at, struct rh_id *ret_id);

/* Deletes a resource with its references and instances; references to it stay
 * and are pending.  Its id is dead from now on; where the name stays because of
 * them, it has another.
 * RH_ENOENT  no registered resource has that id. */
int rh_registry_delete(struct rh_registry *registry, struct rh_id id,
                       const struct rh_moment *at);

/* RH_ENOENT  the name is not registered; *ret_id is untouched. */
int rh_registry_find(const struct rh_registry *registry,
                     const struct rh_name *name, struct rh_id *ret_id);

/* The same for a name that is registered or only named: its column is that of who
 * waits for it.
 * RH_ENOENT  nobody registered or named it; *ret_id is untouched. */
int rh_registry_find_named(const struct rh_registry *registry,
                           const struct rh_name *name, struct rh_id *ret_id);

/* The resource, registered or only named (see state), borrowed until the
 * registry changes, or NULL when the id is dead. */
const struct rh_resource *rh_registry_get(const struct rh_registry *registry,
                                          struct rh_id id);

/* How many resources of that type are registered; RH_TYPES: of all types. */
uint32_t rh_registry_count(const struct rh_registry *registry, int type);

/* The hierarchy in force, borrowed; rule.h changes it. */
const struct rh_hierarchy *rh_registry_hierarchy(const struct rh_registry *registry);

/* Counts calls on an edge, which stops at UINT64_MAX.
 * RH_ENOENT   an id is dead.
 * RH_ENOEDGE  the edge is not declared. */
int rh_registry_observe(struct rh_registry *registry, struct rh_id caller,
                        struct rh_id callee, uint64_t calls);

/* ---- instances ---- */

/* Adds a lease for a registered resource; instance->resource is set from id,
 * whatever it holds.
 * RH_ENOENT  no registered resource has that id.
 * RH_EINVAL, RH_EEXIST, RH_ENOSPC  as rh_instance_add. */
int rh_registry_lease(struct rh_registry *registry, struct rh_id id,
                      const struct rh_instance *instance);

/* The table of instances, for finding, walking and counting (by id.index), and
 * for removing what ended. */
struct rh_instance_table *rh_registry_instances(struct rh_registry *registry);

/* ---- for tests ---- */

/* Checks R1 to R5, and X1 to X4 of the matrix, in O(size). */
void rh_registry_verify(const struct rh_registry *registry);

#endif
