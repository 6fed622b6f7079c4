/* observer - who looks on while agents subscribe and changes are published: told each
 * step that the center does, with the numbers of the papers (wire/push_step.h).
 *
 * An observer says TRACE on link.sock as its first frame, perhaps with the name of the
 * one subscriber that it wants to hear of.  Only who may be an agent may be one: root
 * and the center's user.  It has no queue: what its socket does not take is counted and
 * left out, and the next step that it takes says how many.  Without observers each place
 * that has something to tell costs one test (rh_is_observed).
 *
 * Ownership   An observer is a connection of the link.
 * Threads     One.
 * Limits      RH_LINK_OBSERVERS_MAX. */
#ifndef RH_CENTER_OBSERVER_H
#define RH_CENTER_OBSERVER_H

#include "link_peer.h"

#define rh_is_observed(link) ((link)->observer_count > 0)

/* TRACE.  RH_ENOSPC, RH_EPROTO. */
rh_peer_handler rh_peer_observe;

/* The connection is dropped. */
void rh_observer_leave(struct rh_link_conn *conn);

/* ---- subscribing, 3 and 4 ---- */

/* Its watches are kept; began_ns is when they came. */
void rh_observe_subscribed(struct rh_link_conn *conn, const struct rh_frame *frame,
                           uint64_t began_ns);

/* ---- publishing, 1 to 4 ---- */

/* What was committed since push.head is about to be published. */
void rh_observe_committed(struct rh_link *link);

/* A frame was sent: subscribing 4, or publishing 3.  prev is what was sent before. */
void rh_observe_sent(struct rh_link_conn *conn, const struct rh_push_frame *frame,
                     uint64_t prev, uint64_t began_ns);

/* Its agent said what is settled. */
void rh_observe_settled(struct rh_link_conn *conn);

#endif
