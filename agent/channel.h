/* channel - one end of a protocol's channel, within the loop.
 *
 * Messages are offered to ops->message while ops->can_take says so; otherwise they
 * stay where they are, and that is the back-pressure.  A submit that finds no room
 * is answered RH_EAGAIN and ops->room is called when trying again makes sense.
 *
 * Ownership   Heap; rh_channel_close releases the protocol's objects later.
 * Threads     The loop's.
 * Invariants  N1  the loop sleeps only after the protocol's arm said RH_OK for what
 *                 is waited for: messages unless it is paused, and room when a
 *                 submit found none.  Paused and not full it waits for nothing.
 *             N2  ops->lost is called at most once, and nothing after close.
 *             N3  ops->room is called after arm, or what it armed, told of room
 *                 since the last submit that found none: a full channel costs
 *                 nothing until it changes. */
#ifndef RH_AGENT_CHANNEL_H
#define RH_AGENT_CHANNEL_H

#include "pollfd.h"
#include "task.h"

#include "../protocols/protocol.h"

struct rh_agent;

struct rh_channel_ops {
	int  (*can_take)(void *user);
	void (*message)(void *user, const struct rh_msg_head *head, const void *body);
	void (*room)(void *user);
	void (*lost)(void *user, int why);
};

struct rh_channel {
	struct rh_agent             *agent;
	struct rh_list               in_agent; /* until its objects are released */
	const struct rh_protocol    *protocol;
	const struct rh_channel_ops *ops;
	void                        *user;
	void                        *state;
	struct rh_watch_set          watched;
	struct rh_pollfd            *polls[RH_WATCH_MAX];
	uint64_t                     submitted;  /* messages, by this end  */
	uint64_t                     taken;      /* ... and from the other */
	uint64_t                     framing_id; /* of the config's; 0: none */
	int                          why;        /* a submit failed: lost soon */
	uint8_t                      wants_room;
	uint8_t                      may_have_room; /* N3 */
	uint8_t                      is_paused;
	uint8_t                      is_lost;
	uint8_t                      is_closed;
	struct rh_task               task;
};

/* Makes the caller's end, and the offer whose descriptors the user sends and then
 * closes.  Errors as of the protocol. */
int rh_channel_offer(struct rh_agent *agent, const struct rh_protocol *protocol,
                     const struct rh_channel_config *config,
                     struct rh_offer *ret_offer, struct rh_channel **ret_channel,
                     struct rh_diag *diag);

/* Joins as the callee's end; takes the descriptors of the offer also on failure. */
int rh_channel_accept(struct rh_agent *agent, const struct rh_protocol *protocol,
                      const struct rh_channel_config *config,
                      struct rh_offer *offer, struct rh_channel **ret_channel,
                      struct rh_diag *diag);

/* Begins to call ops. */
void rh_channel_start(struct rh_channel *channel, const struct rh_channel_ops *ops,
                      void *user);

/* RH_OK, or RH_EAGAIN (ops->room follows), RH_EMSGSIZE; RH_ELOST when the channel
 * is ending (ops->lost follows). */
int rh_channel_submit(struct rh_channel *channel, const struct rh_msg_head *head,
                      const void *body);

/* ops->can_take may answer differently now. */
void rh_channel_resume(struct rh_channel *channel);

/* NULL is fine. */
void rh_channel_close(struct rh_channel *channel);

/* The process ends: releases the protocols' objects now, because what has a name (a
 * message queue) would stay.  No channel may be used after it. */
void rh_channels_end(struct rh_agent *agent);

#endif
