/* leftover - modules that were put and that nobody names: parts of a rule that was not
 * published then, because its author's connection was cut, or of an interface that is
 * gone.
 *
 * They go when nobody named them for RH_LEFTOVER_NS while this center ran.  What was
 * published stays until somebody deletes it.
 *
 * Threads  One. */
#ifndef RH_CENTER_LEFTOVER_H
#define RH_CENTER_LEFTOVER_H

#include "center.h"

#define RH_LEFTOVER_NS (24u * 3600u * 1000000000ull)

/* Looks at all modules, at that time of rh_clock_ns, and commits.  Returns how many went.
 * RH_ENOMEM, RH_ENOSPC, RH_ESTORE: none did. */
int rh_leftovers_sweep(struct rh_center *center, uint64_t now_ns);

#endif
