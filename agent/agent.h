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
 *   loan          a rule of code that runs in our processes
 *   wpage         a page to an instance for an attachment; we are its caller
 *   bound         a binding as the callee's agent sees it
 *
 * Ownership   As listed: each object is freed by what stands before it in its own
 *             header.  A process that has one agent frees it by ending; one that goes
 *             on lets it leave (leave.h).
 * Threads     One. */
#ifndef RH_AGENT_AGENT_H
#define RH_AGENT_AGENT_H

#include "alarm.h"
#include "counters.h"
#include "floor.h"
#include "item.h"
#include "leave.h"
#include "list.h"
#include "misfit.h"
#include "settle.h"
#include "retire.h"
#include "task.h"
#include "view.h"

#include "../base/dirs.h"
#include "../model/follow.h"

#include <limits.h>
#include <sys/types.h>
#include <uv.h>

struct rh_cache;
struct rh_center;
struct rh_edge;
struct rh_governor;
struct rh_listener;
struct rh_codetell;
struct rh_modules;
struct rh_offer;
struct rh_results;
struct rh_rulewatch;
struct rh_stats;

/* What the agent knows of itself; borrowed by admit. */
struct rh_home {
	uid_t uid;
	char  exe[PATH_MAX];
	char  workers[3][PATH_MAX]; /* where our rhodes-worker may be */
};

struct rh_agent {
	uv_loop_t             *loop;       /* may be shared: pool.h        */
	char                   name[RH_NAME_MAX + 16]; /* "agent file", in the log */
	struct rh_tasks        tasks;
	struct rh_alarm        alarm;
	const char            *run_dir;
	char                   resource[RH_NAME_MAX + 1];
	const struct rh_home  *home;
	int                    lock_fd;
	struct rh_agent_view  *view;       /* NULL before the first         */
	uint64_t               views;      /* how many there were           */
	struct rh_items        items;      /* what the view is made of      */
	struct rh_floors       floors;     /* below which it does not go    */
	struct rh_follow       follow;     /* ... and of which revision     */
	uint64_t               heard_ns;   /* when the center said the last */
	uint64_t               verdicts_at; /* verdict.c: when it looks again */
	int                    stale_classes; /* ... and what is too old    */
	struct rh_results     *results;
	struct rh_cache       *cache;
	struct rh_modules     *modules;
	struct rh_happenings  *happenings;
	struct rh_list         incarriers;
	unsigned               incarrier_count;
	struct rh_rulewatch   *rulewatch;
	struct rh_counters     counters;
	struct rh_stats       *stats;
	struct rh_codetell    *codetell;
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
	struct rh_list         channels;   /* all of them, also those closed */
	struct rh_list         unbound;    /* bounds that wait              */
	struct rh_list         emitting;   /* pages whose event found no room */
	struct rh_task         emit_task;  /* lets them go on               */
	struct rh_settling     settling;
	struct rh_retirement   retirement;
	struct rh_list         observers;
	struct rh_list         loans;      /* rules that run in processes   */
	struct rh_probes      *probes;     /* rules that run in the kernel  */
	struct rh_governor    *governor;   /* how our threads are scheduled */
	struct rh_list         reports;    /* kept for the center           */
	unsigned               report_count;
	struct rh_leave        leave;
	struct rh_misfits      misfits;    /* what programs said            */
	uint64_t               last_id;    /* of pages, links, channels     */
	uint64_t               last_identity; /* see identity.h             */
};

/* Where an agent lives; borrowed. */
struct rh_place {
	uv_loop_t  *loop;      /* others may run in it too                      */
	const char *run_dir;
	const char *state_dir; /* NULL: it remembers nothing                    */
};

/* Sets everything up but the listener; nothing runs yet.  When it fails, and when open
 * does, the agent may still leave. */
int rh_agent_init(struct rh_agent *agent, const struct rh_place *place,
                  const char *resource, struct rh_diag *diag);

/* The same, and begins: with what the cache holds in force it listens, then it looks
 * for the center. */
int rh_agent_open(struct rh_agent *agent, const struct rh_place *place,
                  const char *resource, struct rh_diag *diag);

/* At the end of the process: takes the socket away, waits for a save. */
void rh_agent_close(struct rh_agent *agent);

/* Nobody looks at the counters any more, and the file is gone. */
void rh_agent_forget_counters(struct rh_agent *agent);

/* RH_FRAME_MAX bytes each, of the process, made when first needed.  One receives
 * frames of the connections, one those of companions, one is written to; none of
 * them lives longer than the handling of one frame. */
unsigned char *rh_agent_buffer(void);
unsigned char *rh_agent_side_buffer(void);
unsigned char *rh_agent_out_buffer(void);

/* A number never used before, also not by a former agent of the resource. */
uint64_t rh_agent_next_id(struct rh_agent *agent);

/* "<run>/agent/<resource>.<suffix>" */
int rh_agent_path(const struct rh_agent *agent, const char *resource,
                  const char *suffix, char *path, size_t cap);

void rh_agent_close_offer(struct rh_offer *offer);

/* What a peer wrote is wrong: counted. */
void rh_agent_malformed(struct rh_agent *agent);

#endif
