/* sched - what a rule of scheduling may say: policies, and the numbers that each has.
 *
 * A rule names a policy for the threads of a resource and a carrier that makes it true.
 * Which numbers a policy takes stands in one table, for the center that checks rules, for
 * agents that obey them, and for whoever shows them.
 *
 * Threads     Any; there is no state.
 * Invariants  S1  of a rule that was completed runtime <= deadline <= period, and what its
 *                 policy does not take is 0. */
#ifndef RH_MODEL_SCHED_H
#define RH_MODEL_SCHED_H

#include <stddef.h>
#include <stdint.h>

enum rh_sched_use {
	RH_SCHED_CFS, RH_SCHED_EEVDF, RH_SCHED_DEADLINE, RH_SCHED_FIFO, RH_SCHED_RR,
	RH_SCHED_USES
};

/* EXT keeps its place: agents refuse it. */
enum rh_sched_carrier {
	RH_SCHED_HOST, RH_SCHED_FIBER, RH_SCHED_EXT, RH_SCHED_CARRIERS
};

enum rh_sched_number {
	RH_SCHED_NICE, RH_SCHED_PRIORITY, RH_SCHED_SLICE_US, RH_SCHED_RUNTIME_US,
	RH_SCHED_DEADLINE_US, RH_SCHED_PERIOD_US, RH_SCHED_WEIGHT, RH_SCHED_NUMBERS
};

/* The agent of the resource stands above it. */
#define RH_SCHED_PRIORITY_MAX 50

/* Of a deadline rule that names none of them. */
#define RH_SCHED_RUNTIME_DEFAULT_US 2000
#define RH_SCHED_PERIOD_DEFAULT_US  20000

struct rh_sched_range {
	const char *name;         /* as in a rule                        */
	int32_t     least;
	int32_t     most;
	uint32_t    uses;         /* 1 << enum rh_sched_use, that take it */
};

extern const struct rh_sched_range rh_sched_ranges[RH_SCHED_NUMBERS];

/* is_set says which numbers the rule names, 1 << enum rh_sched_number. */
struct rh_sched {
	enum rh_sched_use     use;
	enum rh_sched_carrier carrier;
	uint32_t              is_set;
	int32_t               at[RH_SCHED_NUMBERS];
};

/* "cfs", ...; "host", "fiber", "sched_ext". */
const char *rh_sched_use_text(enum rh_sched_use use);
const char *rh_sched_carrier_text(enum rh_sched_carrier carrier);

/* RH_EINVAL: it is none of them.  The text need not end by a NUL. */
int rh_sched_use_parse(const char *text, size_t len, enum rh_sched_use *ret_use);
int rh_sched_carrier_parse(const char *text, size_t len,
                           enum rh_sched_carrier *ret_carrier);

/* Sets what the rule leaves open, and checks what it says as a whole.
 * RH_EINVAL: *ret_number is the one that is wrong, *ret_why says why (S1). */
int rh_sched_complete(struct rh_sched *sched, enum rh_sched_number *ret_number,
                      const char **ret_why);

#endif
