/* flight - one call on the thread's page, from reserving room to its reply.
 *
 *   begin -> write arguments -> go -> finish -> read reply -> end
 *
 * Waiting     First a bounded spin when the server runs on another core, then a
 *             short sleep on the page's futex, which is the fast way; a call that
 *             takes longer is awaited with poll(2) on the page's waker and its
 *             companion, so that the death of the server is an event and not
 *             something to look for.  A thread that a runtime of threads runs does not
 *             spin while others wait for its processor, and sleeps by that runtime in
 *             both stages (base/await.h).
 * Ownership   The flight is the caller's memory.  Every begun flight must be
 *             ended, in any state. */
#ifndef RH_SDK_FLIGHT_H
#define RH_SDK_FLIGHT_H

#include "marshal.h"
#include "thread.h"

struct rh_flight {
	struct rh_thread_page *page;
	int                    slot;
	uint32_t               sequence;
	uint32_t               args_len;
	unsigned char         *large;      /* arguments for a memfd, or NULL  */
	const void            *mapped;     /* the reply's memfd               */
	uint64_t               deadline;   /* 0: the default, not yet read     */
	uint64_t               started;    /* sampled, else 0                 */
	uint32_t               looks;      /* in vain                         */
	uint8_t                is_gone;    /* submitted                       */
	uint8_t                is_done;
	struct rh_reply        reply;
	struct rh_fd_list      reply_fds;  /* closed at the end if not taken  */
};

/* RH_EAGAIN   all slots of the page are in use.
 * Others as in rhodes.h. */
int rh_flight_begin(struct rh_flight *flight, struct rh_callee *callee,
                    uint32_t args_len, uint32_t reply_cap, uint64_t deadline,
                    unsigned char **ret_args);

/* Submits; fds are borrowed.  request->args_len may be less than reserved. */
int rh_flight_go(struct rh_flight *flight, struct rh_request *request,
                 const struct rh_fd_list *fds);

/* RH_EAGAIN, or what the call returned with flight->reply filled; is_done tells a
 * call that returned RH_EAGAIN from one that still runs. */
int rh_flight_poll(struct rh_flight *flight);

/* The same for a caller that does nothing but poll: now and then looks whether the
 * deadline has passed or the server is gone. */
int rh_flight_look(struct rh_flight *flight);

/* Waits until done or the deadline; sets rh_last_ran on failure. */
int rh_flight_finish(struct rh_flight *flight);

/* Who served the call. */
uint32_t rh_flight_instance(const struct rh_flight *flight);

void rh_flight_end(struct rh_flight *flight);

#endif
