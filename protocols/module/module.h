/* module - the protocol "module": a user's own framing (framing.h) over a stream of bytes
 * in shared memory, one each way.
 *
 * The framing is not trusted with messages: pieces are numbered and summed (piece.h), and
 * the memory says how many were sent.  What does not come out as it went in ends the
 * channel with RH_ERULE and is told to the framing; so does a framing that fails.
 * A channel that failed stays so.
 *
 * Ownership   Both sides own duplicates of a memfd and two eventfds; nothing has a name.
 * Invariants  M1  what the framing was shown of the stream, and is not done with, is at
 *                 shown_at..shown_end in its bytes; a send undoes that.
 *             M2  a message is taken out only whole: body holds it until it is.
 * Errors      Besides those of protocol.h: RH_ERULE from submit and poll. */
#ifndef RH_MODULE_MODULE_H
#define RH_MODULE_MODULE_H

#include "framing.h"
#include "stream.h"

#include "../side.h"

#define RH_MODULE_VERSION 1u

struct rh_module_memory {
	struct rh_side_line  lines[2];
	char                 reserved[3968];
	struct rh_stream_way ways[2];
	char                 reserved2[3840];
};

_Static_assert(offsetof(struct rh_module_memory, ways) == 4096, "wire");
_Static_assert(sizeof(struct rh_module_memory) % 4096 == 0, "whole pages");

extern const struct rh_protocol rh_module_protocol;

/* Which framing an offer is by.  RH_EPROTO: it is no offer of ours. */
int rh_module_offered(const struct rh_offer *offer, uint64_t *ret_id);

#endif
