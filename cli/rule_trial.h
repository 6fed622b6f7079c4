/* rule_trial - a rule run on inputs in one mode, in a process of its own.
 *
 * Native code can do everything that its process can: a fault ends that process, is the
 * outcome of that input, and the next input begins with a fresh one, as WebAssembly gets
 * a fresh instance after a trap.  The rule is told the clock of the inputs and random
 * numbers that are the same every time, so modes can be compared.  Then the inputs are
 * run again, as often as there is time, for what a call costs: with the real clock, and
 * without those that failed.
 *
 * Ownership   rh_trial_fini frees; inputs are borrowed.
 * Threads     One; blocks until all inputs were run.
 * Limits      a call that takes more than RH_TRIAL_CALL_MS of processor time is a
 *             timeout; RH_TRIAL_CRASHES_MAX faults of native code, then it is given up. */
#ifndef RH_CLI_RULE_TRIAL_H
#define RH_CLI_RULE_TRIAL_H

#include "rule_inputs.h"

#include "../model/error.h"

#define RH_TRIAL_OUT_MAX     8u
#define RH_TRIAL_CALL_MS     1000u
#define RH_TRIAL_CRASHES_MAX 100u
#define RH_TRIAL_LINES_MAX   20u
#define RH_TRIAL_LINE_MAX    201u

enum rh_trial_state { RH_TRIAL_NOT_RUN, RH_TRIAL_ANSWERED, RH_TRIAL_FAILED };

/* What the rule wrote for the one that it was asked about. */
enum rh_trial_record {
	RH_TRIAL_RECORD_FINE, RH_TRIAL_RECORD_QUEUE, RH_TRIAL_RECORD_NO_TIME,
	RH_TRIAL_RECORD_TOO_LONG
};

/* What came of one input. */
struct rh_trial_answer {
	uint8_t  state;   /* an enum rh_trial_state                        */
	uint8_t  failure; /* an enum rh_rule_failure                       */
	uint16_t signal;  /* that ended native code, or 0                  */
	uint8_t  record;  /* an enum rh_trial_record                       */
	uint32_t misplaced; /* places that are not as they were expected  */
	uint32_t len;     /* of the bytes that count                       */
	uint64_t value;
	uint64_t fields[RH_TRIAL_OUT_MAX]; /* those that the rule writes, in order */
	uint64_t bytes;   /* a hash of them                                */
};

/* Shared with the process that runs the rule. */
struct rh_trial_page {
	_Atomic uint64_t progress;   /* grows with each call                */
	_Atomic uint64_t at;         /* the input that is run               */
	_Atomic bool     is_loaded;
	_Atomic bool     is_timing;
	_Atomic bool     is_done;    /* else the process ended in between    */
	int              err;        /* it could not be loaded: why         */
	char             why[RH_DIAG_MAX];
	uint64_t         failures[RH_FAILURES];
	uint64_t         lines;      /* of its log                          */
	char             log[RH_TRIAL_LINES_MAX][RH_TRIAL_LINE_MAX];
	uint64_t         timed;      /* calls                               */
	double           median_ns;  /* of a call, without filling; 0: none */
	double           fill_ns;    /* filling the buffer                  */
	struct rh_trial_answer answers[];
};

struct rh_trial {
	const struct rh_rule_inputs *inputs;
	enum rh_rule_mode            mode;
	bool                         is_kernel; /* mode ebpf, instead (rule_kernel.h) */
	int                          object_fd; /* frozen, borrowed */
	struct rh_rule_limits        limits;
	struct rh_trial_page        *page;
	size_t                       page_bytes;
	unsigned                     crashes;
	bool                         is_given_up;
};

/* Runs everything.  RH_OK also when the rule failed: page says how.
 * RH_EINVAL and others: it could not be loaded; diag says why.  RH_ENOMEM. */
int rh_trial_run(struct rh_trial *trial, struct rh_diag *diag);

void rh_trial_fini(struct rh_trial *trial);

/* Do the two say the same?  Not to end in time and to use up the fuel are one. */
bool rh_trial_is_same(const struct rh_trial_answer *a, const struct rh_trial_answer *b);

#endif
