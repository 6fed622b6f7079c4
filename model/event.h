/* event - a notification that travels upward.
 *
 * A call goes down: application, service, driver, hardware.  An event goes the
 * other way along the same edge, has no reply and needs no reference of its
 * own: when the driver may call the nic, the nic may notify the driver.
 *
 * Threads  As the registry: nobody may write it meanwhile. */
#ifndef RH_MODEL_EVENT_H
#define RH_MODEL_EVENT_H

#include "registry.h"

/* May sender notify receiver now?  Exactly when receiver may call sender.
 * RH_OK        it may.
 * RH_ENOENT    an id is dead, or the sender is not registered.
 * RH_ENOEDGE   receiver does not reference sender.
 * RH_ELAYER    it does, and the edge is refused. */
int rh_event_judge(const struct rh_registry *registry, struct rh_id sender,
                   struct rh_id receiver, uint64_t now_ms);

/* Explains the same for any pair of names.  The verdict is about the edge the
 * event travels against: its caller is the receiver, its callee the sender.
 * Returns rh_verdict_error of it. */
int rh_event_explain(const struct rh_registry *registry,
                     const struct rh_name *sender, const struct rh_name *receiver,
                     uint64_t now_ms, struct rh_verdict *ret_verdict);

/* Calls visit for every edge against which the resource's events may travel
 * now, that is to each receiver (report->caller); returns how many.  A dead id
 * has none.  visit must not change the registry. */
int rh_event_receivers(const struct rh_registry *registry, struct rh_id sender,
                       uint64_t now_ms, rh_edge_visit *visit, void *user);

#endif
