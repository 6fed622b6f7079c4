/* flow - many calls and their answers over a pair, each side in its own thread or
 * process, sleeping as an agent does: poll until dry, arm, wait. */
#ifndef RH_TESTS_FLOW_H
#define RH_TESTS_FLOW_H

#include "pair.h"

enum { FLOW_WINDOW = 256 };

struct flow {
	struct pair *pair;
	uint64_t     calls;
	uint64_t     seed;      /* of sizes and pauses                     */
	uint32_t     len_max;   /* 0: sizes as size_random; else up to this */
	int          pauses;    /* now and then spin or yield before arming */
	int          is_slow;   /* the callee's side takes its time over a call,
	                           so that the channel is full and it never naps */
	int          is_stubborn; /* the callee's side takes no call while it has an
	                           answer that found no room          */
	_Atomic int *busy;      /* lossy: sides not ready; see linger in flow.c     */
	int          closes;    /* the callee's side closes after its last answer,
	                           the caller's polls until it hears of it  */
};

/* Both return NULL when all went well, else what went wrong.  The caller's side
 * submits flow->calls CALLs and checks that each is answered once; the callee's
 * side checks that each arrives once and in order. */
const char *flow_caller(const struct flow *flow);
const char *flow_callee(const struct flow *flow);

/* Runs both as threads; fails the test on any error. */
void flow_run(const struct flow *flow);

/* The calls alone, without answers: the only thing that goes back is room. */
void flow_flood(const struct flow *flow);

#endif
