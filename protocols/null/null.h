/* null - the protocol "null": both sides in one process, to show what a protocol
 * must do and to test its users without a second process.
 *
 * Each way is a ring of RH_NULL_SLOTS slots, each with room for the largest body.
 * There is no cleverness: a submit and a release always ring, arm drains the bell
 * and looks.
 *
 * Ownership   The channel is one anonymous mapping, found through a static table by
 *             the index in the offer; the side that closes last frees it.
 * Threads     One for each side; offer, accept and close of one channel must not
 *             run at the same time.
 * Limits      RH_NULL_CHANNELS channels in a process.
 *
 * Ordering, by pairs (R release, A acquire):
 *   P1  submit: slot -> R tail           with  poll:   A tail
 *   P2  release: body read -> R head     with  submit: A head
 *   P6  close: R closed                  with  poll:   A closed, then look again
 * Waking needs no pair: the eventfd is written after the index and read before it
 * is looked at, and the kernel orders the two. */
#ifndef RH_NULL_NULL_H
#define RH_NULL_NULL_H

#include "../protocol.h"

#define RH_NULL_CHANNELS 16u
#define RH_NULL_SLOTS    8u

extern const struct rh_protocol rh_null_protocol;

#endif
