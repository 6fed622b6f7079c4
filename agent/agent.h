/* agent - the one object that everything in the process hangs from.
 *
 * One loop, one thread, nothing that blocks.  Who is who:
 *
 *   process       attached to us: calls, serves, or both
 *   page          (cpage) a call page of a process; we are its server
 *   edge          what our resource may call: the link to that agent, the channel
 *   use           a process on an edge, as the callee's agent knows it
 *   binding       a page that a process shares with the callee itself
 *   inbox         a page through which a process gets the callee's events
 *   inlink        a link from the agent of a caller
 *   attachment    a remote process behind an inlink
 *   instance      a process of ours that serves
 *   wpage         a page to an instance for an attachment; we are its caller
 *   bound         a binding as the callee's agent sees it
 *
 * Ownership   As listed: each object is freed by what stands before it in its own
 *             header; the agent frees nothing before the process ends.
 * Threads     One. */
#ifndef RH_AGENT_AGENT_H
#define RH_AGENT_AGENT_H

#include "alarm.h"
#include "counters.h"
#include "list.h"
#include "retire.h"
#include "task.h"
#include "view.h"

#include "../base/dirs.h"

#include <limits.h>
#include <sys/types.h>
#include <uv.h>

struct rh_center;
struct rh_edge;
struct rh_listener;
struct rh_offer;
struct rh_stats;

/* What the agent knows of itself; borrowed by admit. */
struct rh_home {
	uid_t uid;
	char  exe[PATH_MAX];
	char  workers[3][PATH_MAX]; /* where our rhodes-worker may be */
};

struct rh_agent {
	uv_loop_t              loop;
	struct rh_tasks        tasks;
	struct rh_alarm        alarm;
	const char            *run_dir;
	char                   resource[RH_NAME_MAX + 1];
	struct rh_home        *home;
	struct rh_agent_view  *view;       /* NULL before the first         */
	uint64_t               views;      /* how many there were           */
	struct rh_counters     counters;
	struct rh_stats       *stats;
	struct rh_center      *center;
	struct rh_listener    *listener;
	struct rh_edge       **edges;      /* by index; never freed         */
	unsigned               edge_count;
	unsigned               edge_room;
	unsigned               process_count;
	unsigned               link_count;
	struct rh_list         processes;
	struct rh_list         instances;
	struct rh_list         links;      /* inlinks, oldest first         */
	struct rh_list         unbound;    /* bounds that wait              */
	struct rh_list         emitting;   /* pages whose event found no room */
	struct rh_task         emit_task;  /* lets them go on               */
	struct rh_retirement   retirement;
	struct rh_list         observers;
	uint64_t               last_id;    /* of pages, links, channels     */
	uint64_t               last_identity; /* see identity.h             */
	unsigned char         *buffer;     /* a received frame              */
	unsigned char         *side_buffer; /* one from a companion         */
	unsigned char         *out_buffer; /* a frame being written         */
};

/* Sets everything up but the listener; nothing runs yet. */
int rh_agent_init(struct rh_agent *agent, const char *run_dir, const char *resource,
                  struct rh_diag *diag);

/* A new view, which it takes: judges edges, lets in who waited, tells all. */
void rh_agent_apply(struct rh_agent *agent, struct rh_agent_view *view);

/* RH_FRAME_MAX bytes each, made when first needed.  One receives frames of the
 * connections, one those of companions, one is written to; none of them lives
 * longer than the handling of one frame. */
unsigned char *rh_agent_buffer(struct rh_agent *agent);
unsigned char *rh_agent_side_buffer(struct rh_agent *agent);
unsigned char *rh_agent_out_buffer(struct rh_agent *agent);

/* A number never used before, also not by a former agent of the resource. */
uint64_t rh_agent_next_id(struct rh_agent *agent);

/* "<run>/agent/<resource>.<suffix>" */
int rh_agent_path(const struct rh_agent *agent, const char *resource,
                  const char *suffix, char *path, size_t cap);

void rh_agent_close_offer(struct rh_offer *offer);

/* What a peer wrote is wrong: counted. */
void rh_agent_malformed(struct rh_agent *agent);

#endif
