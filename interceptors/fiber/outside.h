/* outside - what other processes ask of the kernel for threads of this program: renice, chrt,
 * taskset.  They know a thread by the number of its home thread, which the kernel changes, and
 * tell nobody.
 *
 * While tasks wait the monitor looks at a few home threads each RH_OUTSIDE_NS, one after the
 * other.  A nice that is another one by now is the fiber's, as from inside; a class of the
 * kernel, or processors of its own, evict it.
 *
 * Threads     The monitor's; begin is the home thread's own. */
#ifndef RH_FIBER_OUTSIDE_H
#define RH_FIBER_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#define RH_OUTSIDE_NS  10000000u
#define RH_OUTSIDE_FEW 4u

struct rh_fiber;

/* What the kernel had for a home thread when it was looked at last. */
struct rh_outside {
	int32_t nice;
	uint32_t class;
	uint64_t processors; /* when it began; a sum of them */
	bool is_bound;       /* to others, at the last look */
};

/* Of a home thread, before its number is known. */
void rh_outside_begin(struct rh_fiber *fiber);

/* Of the monitor, while tasks wait. */
void rh_outside_look(uint64_t now);

#endif
