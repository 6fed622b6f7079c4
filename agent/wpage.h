/* wpage - a page to an instance of ours for one lane of an attachment.  The
 * instance is its server; this agent is its caller.
 *
 *   ADDING --PAGE_ADDED--> ADDED --closed--> (freed)
 *
 * Ownership   The lane's.
 * Threads     The loop's.
 * Invariants  W1  calls[slot] counts exactly while the slot is in flight at the
 *                 caller's end.
 *             W2  when the loop sleeps an added page is armed, or hungry: it has a
 *                 reply for which the channel has no room. */
#ifndef RH_AGENT_WPAGE_H
#define RH_AGENT_WPAGE_H

#include "context.h"
#include "list.h"
#include "parcel.h"
#include "pollfd.h"
#include "task.h"

#include "../protocols/page/page.h"
#include "../wire/msg.h"

struct rh_attachment;
struct rh_errand;
struct rh_instance;
struct rh_lane;

struct rh_wcall {
	struct rh_msg_head   head;      /* of the call                       */
	const unsigned char *args;      /* in the page; NULL: in a memfd     */
	uint32_t             sequence;
	uint8_t              has_fds;   /* of the reply, taken already       */
	uint8_t              fds_sent;
	uint16_t             traced_by; /* observers, a bit each         */
	struct rh_fds        fds;
};

struct rh_wpage {
	struct rh_list          in_lane;
	struct rh_list          in_instance;
	struct rh_list          in_hungry;  /* alone when it is not          */
	struct rh_lane         *lane;
	struct rh_instance     *instance;
	uint64_t                id;
	void                   *memory;
	int                     event;      /* the instance wakes us by it   */
	int                     companion;
	struct rh_pollfd       *woken;
	struct rh_pollfd       *hangup;
	struct rh_caller_end    end;
	struct rh_parcels       parcels;
	struct rh_contexts_sent sent;
	uint8_t                 is_added;
	uint8_t                 is_closed;
	struct rh_wcall         calls[RH_PAGE_SLOTS];
	struct rh_task          task;
};

/* The lane's page to that instance, or NULL. */
struct rh_wpage *rh_wpage_find(struct rh_lane *lane, struct rh_instance *instance);

/* Any added page of the attachment to that instance, or NULL. */
struct rh_wpage *rh_wpage_any(struct rh_attachment *attachment,
                              struct rh_instance *instance);

/* Makes one and offers it to the instance.  Returns RH_EAGAIN: it is being added;
 * or RH_ENOMEM. */
int rh_wpage_open(struct rh_lane *lane, struct rh_instance *instance);

/* The instance mapped it, or answered with that code. */
void rh_wpage_added(struct rh_wpage *page, int code);

/* Hands the errand to the instance; descriptors stay the errand's.
 * RH_EAGAIN  the page is full, or the instance does not read its companion.
 * RH_EPROTO  the call names a context that never came.
 * RH_EMSGSIZE */
int rh_wpage_call(struct rh_wpage *page, struct rh_errand *errand);

/* Sends the replies that are there; the channel has room again, or may have. */
void rh_wpage_collect(struct rh_wpage *page);

/* The instance, or the thread that served the page, is gone. */
void rh_wpage_lost(struct rh_wpage *page);

/* The attachment is gone: nobody waits for the replies. */
void rh_wpage_close(struct rh_wpage *page);

#endif
