/* protocol - how messages cross an edge, as a table of functions.
 *
 * A channel joins the agent of a caller and the agent of a callee.  The caller's
 * side makes it (offer), the callee's side joins it (accept) with the bytes and
 * descriptors of the offer, which the agents carry on their socket.  From then
 * on both sides submit and poll messages (wire/msg.h), in order, each exactly
 * once, and nothing is dropped: a full channel says RH_EAGAIN.
 *
 * Sleeping    Before it sleeps a side says with arm what it waits for: a message,
 *             room after a submit that found none, or both.  When arm answers RH_OK
 *             it may wait for the descriptors of watch, asked for the same.  When it
 *             answers RH_EAGAIN what it waits for is there, or the channel is over
 *             (poll and submit tell).  Who waits for room alone leaves messages
 *             where they are, and is not kept awake by them.  Spurious wake-ups are
 *             allowed, lost ones are not; each arm begins a sleep of its own, also
 *             when nothing was polled since the last.
 * Ownership   The user supplies state_bytes of zeroed memory, 64-byte aligned,
 *             for each side; close releases everything inside and may be called
 *             on half-built or already closed state.  A body given to submit is
 *             borrowed until it returns; a polled body until release.
 * Threads     One thread per side.  The two sides are different processes; each
 *             treats every byte the other wrote as hostile.
 * Limits      A body of at most RH_PAYLOAD_ARENA_MAX bytes. */
#ifndef RH_PROTOCOLS_PROTOCOL_H
#define RH_PROTOCOLS_PROTOCOL_H

#include "../model/error.h"
#include "../wire/msg.h"

#include <stddef.h>
#include <stdint.h>

#define RH_PROTOCOL_ABI      2u
#define RH_OFFER_BYTES_MAX   256u
#define RH_OFFER_FDS_MAX     6u
#define RH_WATCH_MAX         4u

struct rh_framing;

/* What the two agents know when they make a channel; borrowed. */
struct rh_channel_config {
	const char *system;   /* instance id of the system, a name        */
	const char *caller;   /* resource                                 */
	const char *callee;
	uint64_t    id;       /* of the channel, unique for this pair     */

	/* For the protocol "module", which takes what is in it also on failure;
	 * NULL for the others. */
	const struct rh_framing *framing;
};

/* What the caller's side hands to the callee's side. */
struct rh_offer {
	uint32_t      len;
	uint32_t      fd_count;
	unsigned char bytes[RH_OFFER_BYTES_MAX];
	int           fds[RH_OFFER_FDS_MAX];
};

/* What a side waits for; or'ed. */
enum rh_wants {
	RH_WANTS_MESSAGE = 1,
	RH_WANTS_ROOM    = 2, /* for the message of the submit refused last */
};

/* Descriptors to wait for; events are those of poll(2). */
struct rh_watch_set {
	uint32_t count;
	int      fds[RH_WATCH_MAX];
	short    events[RH_WATCH_MAX];
};

/* What describe tells, for people and for tests. */
struct rh_description {
	char     object[216];   /* "/rhodes-httpclient-net_driver-queue", "memfd 4 MiB" */
	char     detail[128];
	uint64_t submitted;     /* by this side                        */
	uint64_t polled;
	uint64_t full;          /* submits that found no room          */
};

struct rh_protocol {
	const char *name;
	uint32_t    abi;         /* RH_PROTOCOL_ABI                     */
	uint32_t    state_bytes;

	/* Makes the channel.  The descriptors of the offer are the user's to send
	 * and then to close; they are duplicates.
	 * RH_ENOSPC  kernel objects are used up; diag says which and what to do.
	 * RH_ENOSYS  this system has no such object.  RH_ENOMEM, RH_EIO. */
	int (*offer)(void *state, const struct rh_channel_config *config,
	             struct rh_offer *ret_offer, struct rh_diag *diag);

	/* Joins a channel; takes the descriptors of the offer also on failure.
	 * RH_EPROTO  the offer is malformed or its objects are not what they say. */
	int (*accept)(void *state, const struct rh_channel_config *config,
	              struct rh_offer *offer, struct rh_diag *diag);

	/* RH_EAGAIN    no room now.
	 * RH_EMSGSIZE  head->len is over RH_PAYLOAD_ARENA_MAX.
	 * RH_ELOST     the other side closed its end (one that was killed does not
	 *              get to say so: the agents' socket tells).
	 * RH_EPROTO    the other side corrupted the channel; close it.
	 * RH_ERULE     what makes bytes of messages failed (module/framing.h); as that. */
	int (*submit)(void *state, const struct rh_msg_head *head, const void *body);

	/* 1 with a private copy of the head, its kind, version and len checked, and
	 * *ret_body borrowed until release (it may lie in shared memory: read it
	 * once).  RH_EAGAIN nothing there.  RH_ELOST as above, and everything was
	 * polled.  RH_EPROTO, RH_ERULE as above. */
	int (*poll)(void *state, struct rh_msg_head *ret_head, const void **ret_body);

	/* Ends the borrowing of the last polled body. */
	void (*release)(void *state);

	/* RH_OK to sleep, RH_EAGAIN to go round again; see Sleeping.  wants is of
	 * enum rh_wants and not 0. */
	int (*arm)(void *state, int wants);

	/* Which descriptors wake a side that was armed for that. */
	void (*watch)(const void *state, int wants, struct rh_watch_set *ret_set);

	void (*describe)(const void *state, struct rh_description *ret);

	void (*close)(void *state);
};

/* The protocol of that name, or NULL.  "null", "shm", "msgqueue", "semaphore",
 * "bind", "module"; "lossy" is for tests. */
const struct rh_protocol *rh_protocol_find(const char *name);

#endif
