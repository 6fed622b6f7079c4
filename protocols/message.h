/* message - reads a message head out of memory that somebody else may write. */
#ifndef RH_PROTOCOLS_MESSAGE_H
#define RH_PROTOCOLS_MESSAGE_H

#include "../model/error.h"
#include "../wire/msg.h"

#include <string.h>

/* Copies once: without the barrier a compiler may read the shared bytes again
 * instead of the copy that was checked. */
static inline void rh_message_copy(struct rh_msg_head *copy, const void *shared)
{
	memcpy(copy, shared, sizeof *copy);
	__asm__ volatile("" ::: "memory");
}

/* Every poll checks this much of a private copy; agents check the rest. */
static inline int rh_message_check(const struct rh_msg_head *head)
{
	if (head->kind == 0 || head->kind >= RH_MSG_KINDS ||
	    head->version != RH_WIRE_VERSION || head->len > RH_PAYLOAD_ARENA_MAX)
		return RH_EPROTO;
	return RH_OK;
}

#endif
