/* view - what the center said: this resource, and the edges that touch it.
 *
 * A VIEW frame is the whole truth at a revision.  One that does not fit a frame
 * comes in parts of the same revision; the last has LAST 1 or no LAST.  A part is
 * checked completely before it counts; a malformed part spoils its whole view and
 * the former one stays in force.
 *
 * Ownership   A view owns everything in it; rh_agent_view_destroy frees it.
 * Threads     One.
 * Invariants  V1  the view is of the agent's own resource: self.name is it, or
 *                 empty when it is not registered; and it is the caller or the
 *                 callee of every edge.
 *             V2  no two outgoing edges have the same callee, no two incoming ones
 *                 the same caller.
 * Limits      RH_EDGES_PER_AGENT edges, RH_VIEW_ALLOW_MAX uids and executables,
 *             RH_VIEW_ENV_MAX variables. */
#ifndef RH_AGENT_VIEW_H
#define RH_AGENT_VIEW_H

#include "../base/socket.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RH_VIEW_ALLOW_MAX 64u
#define RH_VIEW_ENV_MAX   64u
#define RH_VIEW_FUNCS_MAX 8192u
#define RH_PROTOCOL_MAX   15u /* bytes of a protocol's name */

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
	uint32_t locale_on;                   /* what goes along with a call   */
	size_t   env_bytes;
	void    *env;                         /* records ENV                   */
	char     text[RH_DIAG_MAX];           /* the verdict in words          */
};

struct rh_agent_view {
	uint64_t             revision;
	char                 system[RH_NAME_MAX + 1];
	struct rh_self       self;
	unsigned             edge_count;
	unsigned             edge_room;
	struct rh_view_edge *edges;
};

/* Adds a part to *view, which is made when it is NULL.  Returns 1 when the view
 * is complete, 0 when more parts follow; a part of another revision starts anew.
 * On an error *view is destroyed and NULL.
 * RH_EPROTO  malformed, or of another resource (V1), or V2 is broken.
 * RH_ENOSPC  more of something than the limits allow.
 * RH_ENOMEM */
int rh_agent_view_add(struct rh_agent_view **view, const struct rh_record_reader *records,
                const char *resource, struct rh_diag *diag);

/* NULL is fine. */
void rh_agent_view_destroy(struct rh_agent_view *view);

/* The edge between the two, or NULL. */
const struct rh_view_edge *rh_agent_view_find(const struct rh_agent_view *view,
                                        const char *caller, const char *callee);

#endif
