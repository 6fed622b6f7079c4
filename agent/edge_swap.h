/* edge_swap - leads the change of an edge's channel; see swap.h.
 *
 * Threads     The loop's.
 * Invariants  W1  next is there exactly while PREPARING, old exactly while COMMITTED.
 *             W2  while old is there, the channel is written but not read.
 * Limits      The callee's agent answers within RH_SWAP_PATIENCE_MS; one that has not got
 *             the rule yet is asked again, for RH_SWAP_WAIT_MS. */
#ifndef RH_AGENT_EDGE_SWAP_H
#define RH_AGENT_EDGE_SWAP_H

#include "swap.h"

#include "../base/socket.h"

#include <stdint.h>

#define RH_SWAP_PATIENCE_MS 2000u
#define RH_SWAP_AGAIN_MS    5u      /* at first; then twice as long, each time, ... */
#define RH_SWAP_AGAIN_MAX_MS 500u   /* ... up to this */
#define RH_SWAP_WAIT_MS     30000u

struct rh_channel;
struct rh_edge;

struct rh_edge_swap {
	enum rh_swap_state  state;
	struct rh_channel  *next;
	struct rh_channel  *old;
	uint64_t            id;
	uint64_t            revision;   /* of the rule that PREPARE was said for  */
	uint64_t            unable;     /* of the rule that both reject; 0: none  */
	uint64_t            deadline;   /* of the answer; 0: none is awaited      */
	uint64_t            limit;      /* messages that old brings               */
	uint8_t             is_limited; /* limit is known                         */
	uint8_t             is_over;    /* old said that it brings no more        */
	char                by[16];     /* the protocol of next                   */
	uint64_t            by_id;      /* ... and the rule that is it, or 0      */
	uint64_t            again_at;   /* when it is tried again; 0: not         */
	uint64_t            again_ms;   /* ... how long that was put off last     */
	uint64_t            waits_since; /* first told to try later; 0: not       */
};

/* The rules may name another protocol now; the link is up. */
void rh_edge_swap_review(struct rh_edge *edge);

/* The link is up: what was rejected here is rejected there, also when the former link
 * broke, or the callee's agent ended, before it could know. */
void rh_edge_swap_linked(struct rh_edge *edge);

/* Everything up to another revision is here: the callee's agent may have under a revision
 * of its own what was rejected here. */
void rh_edge_swap_recall(struct rh_edge *edge);

/* READY, DRAINED, ABORT, or ERROR that answers a PREPARE.  RH_EPROTO ends the
 * link; RH_ENOENT: the frame is of no swap. */
int rh_edge_swap_frame(struct rh_edge *edge, struct rh_frame *frame);

/* The link is gone. */
void rh_edge_swap_lost(struct rh_edge *edge);

void rh_edge_swap_expire(struct rh_edge *edge, uint64_t now);

#endif
