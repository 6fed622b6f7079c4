/* preview1 - the functions of WASI preview 1 as rules have them (wasi.def).
 *
 * There are three descriptors: 0 is at its end, 1 and 2 are the rule's log, line by
 * line.  Nothing else is there.  The parameters of the rule are its environment, and its
 * arguments after a name.  What a rule points at is checked once, and a pointer outside
 * of its memory is told as EFAULT, as by a kernel.
 *
 * Threads    The instance's. */
#ifndef RH_RULES_WASM_PREVIEW1_H
#define RH_RULES_WASM_PREVIEW1_H

#include "../limits.h"

#include <stdint.h>

struct rh_instance;

/* What was written without an end of line, for each descriptor. */
struct rh_preview1 {
	char     line[2][RH_RULE_LOG_MAX];
	uint32_t used[2];
};

enum rh_preview1_errno {
	RH_PREVIEW1_OK = 0,
	RH_PREVIEW1_BADF = 8,
	RH_PREVIEW1_FAULT = 21,
	RH_PREVIEW1_INVAL = 28,
	RH_PREVIEW1_NOSYS = 52,
	RH_PREVIEW1_NOTSUP = 58,
	RH_PREVIEW1_SPIPE = 70
};

/* function: enum rh_wasi, but proc_exit, which does not return.  Returns an errno. */
uint32_t rh_preview1_call(struct rh_instance *instance, uint32_t function,
                          const uint64_t *values);

#endif
