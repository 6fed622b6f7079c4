/* misfit - functions that programs were made for and callees have no more, as said once.
 *
 * A program tells its agent when a call failed because the callee's function has become
 * another one; many short ones tell the same.
 *
 * Ownership   Part of an agent.
 * Threads     One.
 * Limits      RH_MISFITS_MAX are remembered: older ones may be said again. */
#ifndef RH_AGENT_MISFIT_H
#define RH_AGENT_MISFIT_H

#include <stdint.h>

#define RH_MISFITS_MAX 64u

/* All zeroes: none was said. */
struct rh_misfits {
	uint64_t said[RH_MISFITS_MAX]; /* FNV of the texts, in turn */
	unsigned next;
};

/* 1 when that text was not said before; it is from now on. */
int rh_misfits_add(struct rh_misfits *misfits, const char *text);

#endif
