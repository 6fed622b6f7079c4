/* msgqueue - the protocol "msgqueue" of the papers: two POSIX message queues, one
 * each way, watched by epoll.
 *
 * A message is a head and up to RH_MSGQUEUE_INLINE_MAX bytes of body; a longer body
 * lies in an arena of a memfd and the message carries its offset.  The queue itself
 * tells of messages and of room in the queue; room in the arena is told by a
 * doorbell.
 *
 * Each side counts in shared memory what it sent, so that the other need not ask
 * the kernel for the message that is not there: a hint only.  The first poll after
 * arm always asks.
 *
 * Ownership   The names are removed by whichever side closes first.  After kill -9
 *             of both, the next channel of the pair replaces them.
 * Invariants  M1  arena blocks are taken and given back in the order of messages.
 * Errors      Besides those of protocol.h: RH_ELOST as in shm.h; RH_EACCES, a
 *             queue of that name is another user's. */
#ifndef RH_MSGQUEUE_MSGQUEUE_H
#define RH_MSGQUEUE_MSGQUEUE_H

#include "../side.h"

#define RH_MSGQUEUE_VERSION    1u
#define RH_MSGQUEUE_INLINE_MAX (RH_QUEUE_MESSAGE_MAX - 64u)

/* One direction. */
struct rh_msgqueue_way {
	_Atomic uint32_t sent;     /* sender: a hint                       */
	char             reserved1[60];
	_Atomic uint32_t released; /* receiver: arena blocks done with, P3 */
	char             reserved2[60];
	unsigned char    arena[RH_ARENA_BYTES];
};

struct rh_msgqueue_memory {
	struct rh_side_line    lines[2];
	char                   reserved[3968];
	struct rh_msgqueue_way ways[2];
	char                   reserved2[3840];
};

_Static_assert(offsetof(struct rh_msgqueue_memory, ways) == 4096, "wire");
_Static_assert(offsetof(struct rh_msgqueue_way, arena) == 128, "wire");
_Static_assert(sizeof(struct rh_msgqueue_memory) % 4096 == 0, "whole pages");

extern const struct rh_protocol rh_msgqueue_protocol;

#endif
