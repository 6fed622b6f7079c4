/* view - what the center said: this resource, and the edges that touch it.
 *
 * It is made of items (item.h), each decoded and checked completely before it
 * counts: one that cannot be used spoils nothing but itself.
 *
 * Ownership   A view owns everything in it; rh_agent_view_destroy frees it.
 * Threads     One.
 * Invariants  V1  the view is of the agent's own resource: self.name is it, or
 *                 empty when it is not registered; and it is the caller or the
 *                 callee of every edge.
 *             V2  edges are sorted by caller, then callee; no two are the same.
 * Limits      RH_EDGES_PER_AGENT edges, RH_VIEW_ALLOW_MAX uids and executables,
 *             RH_VIEW_ENV_MAX variables. */
#ifndef RH_AGENT_VIEW_H
#define RH_AGENT_VIEW_H

#include "codespec.h"
#include "item.h"
#include "schedspec.h"

#include "../base/socket.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RH_VIEW_ALLOW_MAX 64u
#define RH_VIEW_ENV_MAX   64u
#define RH_VIEW_FUNCS_MAX 8192u
#define RH_PROTOCOL_MAX   15u /* bytes of a protocol's name */

/* What a rule is about, when the center is away for long; rule `stale`. */
enum rh_stale_class { RH_STALE_LAYERING, RH_STALE_REVOCATION, RH_STALE_PROTOCOL,
                      RH_STALE_CLASSES };

#define RH_STALE_NEVER UINT64_MAX /* it may be as old as it likes */

/* The resource itself, as far as its agent needs to know it. */
struct rh_self {
	char      name[RH_NAME_MAX + 1];      /* "": it is not registered      */
	char      type[16];
	char      interface[RH_NAME_MAX + 1]; /* "": it offers none            */
	uint64_t  hash;                       /* of the interface; 0 not known */
	char     *program;                    /* serve.program, or NULL        */
	unsigned  uid_count;
	unsigned  exe_count;
	unsigned  env_count;
	unsigned  function_count;
	uid_t     uids[RH_VIEW_ALLOW_MAX];
	char     *exes[RH_VIEW_ALLOW_MAX];
	char     *envs[RH_VIEW_ENV_MAX];
	uint64_t *functions;                  /* hashes                        */
	uint32_t  locale_on;
	uint64_t  stale_ms[RH_STALE_CLASSES]; /* how old a cache may be        */
	struct rh_codespecs codes;            /* that run in its processes     */
	struct rh_schedspec sched;            /* how their threads are ordered */
};

struct rh_view_edge {
	char     caller[RH_NAME_MAX + 1];
	char     callee[RH_NAME_MAX + 1];
	char     type[16];                    /* of the other resource         */
	char     interface[RH_NAME_MAX + 1];  /* of the callee                 */
	char     protocol[RH_PROTOCOL_MAX + 1];
	char     rule[RH_NAME_MAX + 1];       /* which decided                 */
	uint64_t revision;                    /* of that rule                  */
	int32_t  verdict;                     /* RH_OK or a negative code      */
	int32_t  after;                       /* the verdict from deadline on  */
	uint64_t deadline;                    /* revoking: monotonic ns; 0 not */
	uint64_t item;                        /* the revision of the item      */
	uint32_t calls_max;                   /* under way; 0: no limit        */
	uint64_t limit_revision;
	char     limit_rule[RH_NAME_MAX + 1]; /* that says so                  */
	uint32_t locale_on;                   /* what goes along with a call   */
	size_t   env_bytes;
	void    *env;                         /* records ENV                   */
	char     text[RH_DIAG_MAX];           /* the verdict in words          */
	struct rh_codespecs codes;            /* that run for its calls        */
};

struct rh_agent_view {
	uint64_t             revision;
	char                 system[RH_NAME_MAX + 1];
	struct rh_self       self;
	unsigned             edge_count;
	unsigned             edge_room;
	struct rh_view_edge *edges;
};

/* An empty one.  NULL: no memory. */
struct rh_agent_view *rh_agent_view_create(uint64_t revision, const char *system);

/* Adds what an item says; items come in the order of their keys.  On an error the
 * view is as before.
 * RH_EPROTO  malformed, or V1 or V2 would be broken.
 * RH_ENOSPC  more of something than the limits allow.
 * RH_ENOMEM */
int rh_agent_view_put(struct rh_agent_view *view, const struct rh_item *item,
                      const char *resource, struct rh_diag *diag);

/* NULL is fine. */
void rh_agent_view_destroy(struct rh_agent_view *view);

/* The edge between the two, or NULL. */
const struct rh_view_edge *rh_agent_view_find(const struct rh_agent_view *view,
                                        const char *caller, const char *callee);

#endif
