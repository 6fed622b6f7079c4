/* connect_decide - may a process connect there by TCP?  The one source of that decision.
 *
 * connect.bpf.c asks it in the kernel, in the connect hook of a cgroup; ../connect.c asks
 * it for a program, as WebAssembly or native code.  Who includes this says first where
 * verdicts stand:
 *
 *   static uint32_t stands(const struct endpoint *to);   UNKNOWN when nowhere
 *
 * Fixed memory, no loops, no calls but that one. */
#ifndef RHODES_CONNECT_DECIDE_H
#define RHODES_CONNECT_DECIDE_H

#include "endpoint.h"

enum { UNKNOWN, ALLOWED, REFUSED };

/* What became of it; what is not TCP is nobody's affair here, and is not counted. */
enum { CONNECT_REFUSED, CONNECT_ALLOWED, CONNECT_OTHER };

/* As the kernel has it: words and port in the order of the network. */
struct attempt {
	uint32_t is_six, protocol;
	uint32_t address[4]; /* the first one of IPv4 */
	uint32_t port;
};

struct connect_terms {
	uint32_t is_ready;  /* 0: the verdicts are not there yet, nothing passes */
	uint32_t is_strict; /* 1: what stands nowhere is refused                 */
};

static uint32_t stands(const struct endpoint *to);

/* Of the endpoint, or of that port at every address. */
static inline __attribute__((always_inline)) uint32_t verdict_on(const struct endpoint *to)
{
	struct endpoint any = { .port = to->port };
	uint32_t        verdict = stands(to);

	return verdict == UNKNOWN ? stands(&any) : verdict;
}

/* *ret_to: where it goes, zeros when it is not TCP. */
static inline __attribute__((always_inline)) uint32_t
connect_decide(const struct attempt *attempt, const struct connect_terms *terms,
               struct endpoint *ret_to)
{
	uint32_t verdict;

	*ret_to = (struct endpoint){ .port = 0 };
	if (attempt->protocol != IS_TCP)
		return CONNECT_OTHER;
	endpoint_read(ret_to, attempt->is_six, attempt->address, attempt->port);
	verdict = verdict_on(ret_to);
	if (!terms->is_ready)
		return CONNECT_REFUSED;
	return verdict == ALLOWED || (verdict == UNKNOWN && !terms->is_strict)
	       ? CONNECT_ALLOWED : CONNECT_REFUSED;
}

#endif
