/* bind - the protocol "bind": a call page that both sides share, behind the same
 * functions as the other protocols.
 *
 * Under a binding the agents leave the data path, so an agent never uses this: the
 * caller's thread and the callee's worker use protocols/page directly.  It is here
 * so that the conformance suite runs over call pages too.
 *
 * A page carries calls and their answers, not messages: the caller's side submits
 * RH_MSG_CALL and polls RH_MSG_REPLY, the callee's side the other way round; any
 * other kind is RH_EINVAL.  The callee's side sees the sequence of the call in its
 * page as head.call, the caller's side gets back the call it gave.  attachment is
 * a property of the page and does not travel.
 *
 * Limits      RH_PAGE_SLOTS calls in flight; an answer of reply_cap bytes, at least
 *             RH_SLOT_INLINE_MAX; a longer one is RH_EMSGSIZE.
 * Invariants  B1  a caller that closes adds BELL_CLOSED to the callee's eventfd,
 *                 because its line of the page has no word for it.
 *             B2  a caller gets room by polling answers, so one that waits for room
 *                 alone is told of answers; a callee always has room to answer. */
#ifndef RH_BIND_BIND_H
#define RH_BIND_BIND_H

#include "../protocol.h"

extern const struct rh_protocol rh_bind_protocol;

#endif
