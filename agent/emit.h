/* emit - events of our instances on their way up, to the agents of all callers.
 *
 * An instance emits on a page of its own (cpage without an edge).  An event is sent
 * to every linked agent whose channel is open, along the reverse of an allowed
 * edge; it is finished, and its slot free, when all of them have placed it with
 * their listening processes.  A listener that is full holds the event, and so the
 * emitter: that is the back-pressure.
 *
 * Threads     The loop's.
 * Limits      RH_EVENTS_PER_LINK events await an answer on a link. */
#ifndef RH_AGENT_EMIT_H
#define RH_AGENT_EMIT_H

#include "../wire/msg.h"

struct rh_agent;
struct rh_cpage;
struct rh_inlink;

/* Spreads the page's held event.  RH_OK it is with all links, or was finished;
 * RH_EAGAIN some link has no room. */
int rh_emit_forward(struct rh_cpage *page);

/* EVENT_DONE. */
void rh_emit_done(struct rh_inlink *link, const struct rh_msg_head *head);

/* A link may have room: lets emitting pages go on. */
void rh_emit_run(struct rh_agent *agent);

/* The link's channel is gone: it answers nothing any more. */
void rh_emit_link_lost(struct rh_inlink *link);

/* The page is gone. */
void rh_emit_forget(struct rh_cpage *page);

#endif
