/* instance - a process of ours that serves the resource.
 *
 *   ADDING a page:  PAGE_ADD --> (PAGE_ADDED | ERROR) to whoever asked for it
 *
 * Ownership   Belongs to its process.  It lists the pages it serves, which belong
 *             to attachments (wpage) or to itself (bound).
 * Threads     The loop's.
 * Invariants  I1  id is not 0 and no other live instance has it.
 *             I2  load counts the attachments that stick to it. */
#ifndef RH_AGENT_INSTANCE_H
#define RH_AGENT_INSTANCE_H

#include "list.h"

#include "../base/socket.h"

struct rh_agent;
struct rh_process;

struct rh_instance {
	struct rh_list     in_agent;
	struct rh_process *process;
	uint32_t           id;
	uint32_t           threads;
	unsigned           load;
	uint32_t           pages_max; /* that it serves; 0: it did not say    */
	uint64_t           dropped;  /* pages it was told to drop             */
	struct rh_list     wpages;
	struct rh_list     bounds;
	unsigned           held;     /* bounds that it told us of             */
};

/* What goes to a callee with PAGE_ADD. */
struct rh_page_add {
	uint64_t     page;
	uint64_t     origin;  /* of a bound page, else 0             */
	uint64_t     attachment;
	const char  *caller;
	uint32_t     uid;
	unsigned     gid_count;
	const gid_t *gids;
	uint32_t     flags;
	int          fds[4]; /* memfd, caller's eventfd, companion, pidfd */
};

/* A SERVE frame: answers SERVING, or ERROR naming what differs from the registered
 * interface. */
int rh_instance_serve(struct rh_process *process, struct rh_frame *frame);

/* Its process is gone: calls that ran are lost, the others are placed again. */
void rh_instance_lost(struct rh_instance *instance);

/* 1 when it serves a page of that number for us. */
int rh_instance_has_page(struct rh_instance *instance, uint64_t page);

/* A PAGE_PUT frame: it let go of a page. */
void rh_instance_put_page(struct rh_instance *instance, struct rh_frame *frame);

/* PAGE_ADDED, or ERROR as the answer to PAGE_ADD. */
void rh_instance_answer(struct rh_instance *instance, struct rh_frame *frame);

int  rh_instance_add_page(struct rh_instance *instance,
                          const struct rh_page_add *add);
void rh_instance_drop_page(struct rh_instance *instance, uint64_t page);

/* The attachment has ended: what it owned may go. */
void rh_instance_peer_gone(struct rh_instance *instance, uint64_t attachment);

/* 1 when the processes of that caller may have one more page of it: where several
 * resources may call, none of them gets more than half. */
int rh_instance_has_room(const struct rh_instance *instance, const char *caller);

/* The one with the fewest attachments, or NULL. */
struct rh_instance *rh_instance_pick(struct rh_agent *agent);

/* The one with that id, or NULL. */
struct rh_instance *rh_instance_by_id(struct rh_agent *agent, uint32_t id);

#endif
