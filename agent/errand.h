/* errand - a call from a caller's agent on its way to an instance.
 *
 * It is placed at once when it can be; otherwise it waits, copied, in the link's
 * backlog, behind those of its lane that came before.
 *
 * Ownership   A waiting errand belongs to its link.
 * Threads     The loop's.
 * Invariants  R1  while a lane has waiting errands, later ones of the lane wait
 *                 too: a lane's calls run in order. */
#ifndef RH_AGENT_ERRAND_H
#define RH_AGENT_ERRAND_H

#include "list.h"
#include "parcel.h"

#include "../wire/msg.h"

struct rh_attachment;
struct rh_inlink;
struct rh_lane;

struct rh_errand {
	struct rh_list      in_backlog;
	struct rh_inlink   *link;
	struct rh_lane     *lane;
	struct rh_msg_head  head;
	uint32_t            args_len;  /* also of arguments in a memfd */
	struct rh_fds       fds;
	const void         *body;      /* borrowed, or own             */
	unsigned char       own[];
};

/* Takes a CALL message: places it, keeps it, or answers it with an error. */
void rh_errand_take(struct rh_inlink *link, const struct rh_msg_head *head,
                    const void *body);

/* Puts a call that was not run back, before all others: it came first.  body is
 * copied.  The answer is sent when there is no memory for it. */
void rh_errand_return(struct rh_inlink *link, struct rh_lane *lane,
                      const struct rh_msg_head *head, const void *body);

/* Places what can be placed. */
void rh_errands_place(struct rh_inlink *link);

/* Answers those whose deadline has passed; asks the alarm for the next. */
void rh_errands_expire(struct rh_inlink *link, uint64_t now);

/* Forgets those of an attachment, or all of a link. */
void rh_errands_drop(struct rh_attachment *attachment);
void rh_errands_drop_all(struct rh_inlink *link);

#endif
