/* inlink_swap - follows the change of a link's channel; see swap.h.
 *
 * Threads     The loop's.
 * Invariants  W3  link->next is there exactly while PREPARED or DRAINING, and is
 *                 neither read nor written. */
#ifndef RH_AGENT_INLINK_SWAP_H
#define RH_AGENT_INLINK_SWAP_H

struct rh_agent;
struct rh_frame;
struct rh_inlink;

/* PREPARE, COMMIT, ABORT.  RH_EPROTO ends the link. */
int rh_inlink_swap_frame(struct rh_inlink *link, struct rh_frame *frame);

/* 0 when everything was taken that the old channel brings. */
int rh_inlink_swap_takes(const struct rh_inlink *link);

/* Other items are in force now: rejects those that a caller's agent said before that it
 * cannot obey. */
void rh_inlinks_swap_recall(struct rh_agent *agent);

/* A message of the channel was taken; the channel may be another afterwards. */
void rh_inlink_swap_took(struct rh_inlink *link);

/* The link is gone. */
void rh_inlink_swap_lost(struct rh_inlink *link);

#endif
