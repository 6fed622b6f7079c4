/* trace - tells observers each step of calls that pass, with the numbers of the
 * papers' Figure 11.
 *
 *   agent of the caller    3 read from the page   4 queued
 *   agent of the callee    4 read                 5 written to the instance's page
 *   agent of the callee    9 reply read           10 reply queued
 *   agent of the caller    10 reply read          11 written to the page
 *
 * An observer names a count and perhaps a callee; with FLAGS RH_PAGE_FLAG_TRACE it
 * gets, at the agent of a callee, only calls that the agent of the caller marked
 * because it has observers too, so that both tell of the same calls.
 *
 * A STEP has, beside what frame.h names, CALL (the same number at both agents),
 * CALLER and CALLEE.  BODY holds the arguments or the reply, at most
 * RH_TRACE_BODY_MAX bytes.  Without observers a call costs one look at a list.
 *
 * One with FLAGS RH_TRACE_PUSH hears of no calls, but of how rules reach the agent: the
 * steps of wire/push_step.h that the agent does.
 *
 * One with FLAGS RH_TRACE_WHOLE gets calls of this agent's edges as RECORDED, with the
 * bytes that a rule of hook `filter` would be shown: to test rules with.  While its
 * socket takes no more, calls are left out and counted.
 *
 * One with FLAGS RH_TRACE_SCHED gets nothing: programs under the carrier `fiber` write what
 * happens to their threads into their blocks (governor.h) for as long as it is there.
 *
 * Ownership   Observers are freed when they hang up.
 * Threads     The loop's.
 * Limits      RH_OBSERVERS_MAX observers. */
#ifndef RH_AGENT_TRACE_H
#define RH_AGENT_TRACE_H

#include "../base/socket.h"

#define RH_OBSERVERS_MAX  16u
#define RH_TRACE_BODY_MAX 4096u
#define RH_TRACE_WHOLE_MAX 65536u /* bytes of a call that are recorded */

struct rh_agent;
struct rh_conn;
struct rh_cpage;
struct rh_edge;
struct rh_msg_head;
struct rh_push_step;
struct rh_reply;
struct rh_transit;
struct rh_wcall;
struct rh_wpage;

/* A TRACE frame of an admitted observer: takes over the connection.
 * RH_EPROTO, RH_ENOSPC, RH_ENOMEM. */
int rh_trace_open(struct rh_agent *agent, struct rh_conn *conn,
                  struct rh_frame *frame, struct rh_diag *diag);

/* Sends all observers away. */
void rh_traces_close(struct rh_agent *agent);

/* The observers that want the call that is about to leave, a bit each. */
uint16_t rh_trace_pick(struct rh_edge *edge);

void rh_trace_call(struct rh_edge *edge, const struct rh_cpage *page);
void rh_trace_reply(struct rh_edge *edge, const struct rh_cpage *page,
                    const struct rh_transit *transit, const struct rh_reply *reply);

/* Does anybody want to hear of rules? */
int rh_trace_has_push(const struct rh_agent *agent);

/* Does anybody want to read of threads? */
int rh_trace_has_sched(const struct rh_agent *agent);

/* Tells them; time_ns, took_ns (since began_ns, unless that is 0) and the resource are
 * filled in. */
void rh_trace_push(struct rh_agent *agent, struct rh_push_step *step, uint64_t began_ns);

/* The same at the callee's agent. */
uint16_t rh_trace_pick_placed(struct rh_wpage *page, const struct rh_wcall *call);
void rh_trace_placed(struct rh_wpage *page, const struct rh_wcall *call,
                     const void *args, uint32_t len);
void rh_trace_collected(struct rh_wpage *page, const struct rh_wcall *call,
                        const struct rh_msg_head *reply, const void *body);

#endif
