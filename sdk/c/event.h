/* event - events of callees, pulled from a page on which this process serves. */
#ifndef RH_SDK_EVENT_H
#define RH_SDK_EVENT_H

#include "session.h"

#include "../../model/interface.h"

/* Waits for the next event of that function's kind, as long as for a call, and stores
 * its values as if the function had returned them.  RH_EAGAIN when none came. */
int rh_event_pull(struct rh_callee *callee, const struct rh_function *function,
                  void *const *args, void *ret);

#endif
