/* msg - one message between two agents, over whatever protocol the edge uses.
 *
 * A message is a 64-byte head and len bytes of body.  The body follows the head
 * in the protocol's own channel; a protocol whose messages are short keeps it
 * in an arena and that is its own affair.  A body over RH_PAYLOAD_ARENA_MAX, and
 * descriptors, travel beside the channel on the agents' socket in an
 * RH_FRAME_CALL_FDS frame sent before the message, matched by call.
 *
 * call is chosen by the sender of a CALL or EVENT, unique on the channel while
 * the call is open, and comes back in the answer.  Agents check every field. */
#ifndef RH_WIRE_MSG_H
#define RH_WIRE_MSG_H

#include "limits.h"

#include <stddef.h>
#include <stdint.h>

enum rh_msg_kind {
	RH_MSG_CALL = 1,   /* caller's agent -> callee's agent              */
	RH_MSG_REPLY,      /* back                                          */
	RH_MSG_EVENT,      /* callee's agent -> caller's agent, upward      */
	RH_MSG_EVENT_DONE, /* back: consumed, or why not                    */
	RH_MSG_KINDS
};

struct rh_msg_head {
	uint8_t  kind;       /* enum rh_msg_kind                            */
	uint8_t  version;    /* RH_WIRE_VERSION                             */
	uint16_t flags;      /* RH_SLOT_* of wire/page.h                    */
	uint32_t len;        /* bytes of body                               */
	uint64_t call;
	uint64_t function;   /* hash                                        */
	uint64_t attachment; /* of the caller, unique within its agent      */
	uint64_t deadline;   /* monotonic ns; 0 none                        */
	int32_t  status;     /* answer: 0 or a negative code                */
	int32_t  err_no;
	uint32_t context;
	uint32_t instance;   /* wanted; in an answer: who served            */
	uint16_t fds;
	uint16_t lane;       /* calls of one lane run in order; the threads
	                        of a caller have lanes of their own         */
	uint32_t reply_cap;
};

_Static_assert(sizeof(struct rh_msg_head) == 64, "wire");
_Static_assert(offsetof(struct rh_msg_head, call) == 8, "wire");
_Static_assert(offsetof(struct rh_msg_head, status) == 40, "wire");
_Static_assert(offsetof(struct rh_msg_head, fds) == 56, "wire");

#endif
