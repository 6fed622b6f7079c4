/* ends - the kernel objects of one side of a msgqueue channel: its end of each
 * queue, the memory and the doorbells; made by the caller's side, taken out of an
 * offer by the callee's.
 *
 * Each end of a queue is an open file of its own and the offer carries the
 * callee's, so neither side holds what the other one sends or receives with.
 *
 * Ownership   The user's from success on; nothing is left after a failure. */
#ifndef RH_MSGQUEUE_ENDS_H
#define RH_MSGQUEUE_ENDS_H

#include "msgqueue.h"
#include "queue.h"

struct rh_queue_ends {
	struct rh_msgqueue_memory *memory;
	int                        bells[2]; /* the caller's, the callee's */
	int                        send_fd;
	int                        receive_fd;
};

/* Makes everything, and an offer for the other side.  Errors as
 * rh_protocol.offer and rh_queue_create. */
int rh_queue_ends_offer(struct rh_queue_ends *ends, const struct rh_queue_names *names,
                        struct rh_offer *ret_offer, struct rh_diag *diag);

/* Checks and takes the descriptors of an offer; drop the offer afterwards.
 * RH_EPROTO  they are not what they should be.  RH_ENOMEM. */
int rh_queue_ends_accept(struct rh_queue_ends *ends, struct rh_offer *offer,
                         struct rh_diag *diag);

#endif
