/* cpage - a page of an attached process whose server is this agent: it carries
 * the calls of one thread over one edge, or the events that an instance emits.
 *
 * Waiting     While a call cannot go on (no link, no room) the page waits on the
 *             edge's list.  What was not taken stays SUBMITTED, so the caller may
 *             still cancel it for sure; at most one taken call is held.
 * Ownership   Belongs to its process; closed with it, by PAGE_PUT, or when the
 *             companion hangs up.  Freed when no method is on the stack.
 * Threads     The loop's.
 * Invariants  P1  a bit of sent is set exactly while transits[slot] waits for an
 *                 answer; its generation is in the call id that was sent.
 *             P2  when the loop sleeps the page is armed, or waits, or is closed.
 * Limits      RH_PAGES_PER_PEER pages of a process. */
#ifndef RH_AGENT_CPAGE_H
#define RH_AGENT_CPAGE_H

#include "list.h"
#include "parcel.h"
#include "pollfd.h"
#include "task.h"

#include "../protocols/page/page.h"

struct rh_agent;
struct rh_edge;
struct rh_process;
struct rh_use;

/* A call that was sent on, or an event on its way to the listeners. */
struct rh_transit {
	struct rh_taken taken;
	uint64_t        started;
	uint32_t        generation;
	uint16_t        pending;    /* events: links that have not answered */
	uint16_t        placed;     /* events: links that took it           */
	uint8_t         is_spreading; /* events: not sent to all links yet  */
	uint8_t         may_be_lost; /* events: a link broke that had it     */
	uint16_t        traced_by;   /* observers, a bit each                */
};

struct rh_cpage {
	struct rh_list       in_process;
	struct rh_list       in_waiting;   /* alone when it does not wait */
	struct rh_process   *process;
	struct rh_edge      *edge;         /* NULL: a page to emit events  */
	struct rh_use       *use;
	uint64_t             id;
	uint32_t             index;        /* among the edge's pages       */
	uint16_t             lane;
	void                *memory;
	int                  waker;        /* the process polls its far end */
	int                  companion;
	struct rh_pollfd    *hangup;
	struct rh_server_end server;
	struct rh_parcels    parcels;
	uint32_t             context;      /* last one that was seen to be known */
	uint8_t              has_held;
	uint8_t              is_closed;
	uint8_t              is_retired;
	uint8_t              held_fds_sent;
	uint8_t              is_filtered;  /* the held call was seen by its rule */
	uint8_t              is_chosen;    /* ... and its instance is that rule's choice */
	uint8_t              is_transformed; /* ... and by the one that changes it */
	uint16_t             held_traced_by;
	uint64_t             emit_cursor;  /* serial of the last link told */
	uint32_t             generation;   /* of the held call, last given */
	struct rh_taken      held;
	unsigned char       *held_args;    /* of it, as the rule saw or made them */
	uint64_t             held_until;   /* it is not to leave before          */
	struct rh_fds        held_fds;
	uint16_t             sent;
	struct rh_transit     transits[RH_PAGE_SLOTS];
	struct rh_task       task;
};

/* Makes a page and answers PAGE; edge NULL for events that the process emits.
 * On an error nothing was made or sent. */
int rh_cpage_open(struct rh_process *process, struct rh_edge *edge,
                  uint64_t request);

/* Takes calls and sends them on until there is none or one must wait. */
void rh_cpage_serve(struct rh_cpage *page);

/* Ends calls whose deadline has passed; asks the alarm for the next. */
void rh_cpage_expire(struct rh_cpage *page, uint64_t now);

/* The held call's arguments are a copy from now on, which the caller cannot change, or
 * others.  RH_ENOMEM. */
int rh_cpage_copy_args(struct rh_cpage *page);
int rh_cpage_set_args(struct rh_cpage *page, const void *bytes, uint32_t len);

/* Finishes a taken call without a callee; text NULL or a reason for the caller. */
void rh_cpage_refuse(struct rh_cpage *page, const struct rh_taken *taken, int status,
                     int is_sure, const char *text);

/* Finishes a transit with an answer: bytes may lie in shared memory and are copied
 * once; fds are passed on and closed. */
void rh_cpage_answer(struct rh_cpage *page, unsigned slot,
                     const struct rh_reply *reply, struct rh_fds *fds);

/* Asks the thread to come for another page; this one goes on until it is given back,
 * or nothing is in it. */
void rh_cpage_retire(struct rh_cpage *page);

/* Closes it when it is retired and, after a barrier, empty. */
void rh_cpage_take_idle(struct rh_cpage *page);

/* Reads the companion: contexts go to the use, parcels to the page. */
void rh_cpage_drain(struct rh_cpage *page);

void rh_cpage_close(struct rh_cpage *page);

#endif
