/* rule - a dynamic rule that is loaded: one front for WebAssembly and native code.
 *
 * A call that fails (a trap, its time or fuel used up) is an error of the rule, never
 * of who calls: it is counted, and the next call gets a fresh instance.  A rule that
 * fails RH_RULE_FAILURES_MAX times running rests for RH_RULE_REST_MS: until then its
 * calls fail at once.  What becomes of the traffic is for the hook's own front to say
 * (filter_call.h, keeper.h).
 *
 * Ownership  The rule copies what it is given, but for the hook and the log's user.
 * Threads    One at a time, whichever.
 * Limits     rules/limits.h. */
#ifndef RH_RULES_RULE_H
#define RH_RULES_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_builtin;
struct rh_diag;
struct rh_hook;
struct rh_rule;
struct rh_rule_host;

enum rh_rule_mode { RH_RULE_NATIVE, RH_RULE_WASM, RH_RULE_MODES };

/* What becomes of the traffic when the rule fails. */
enum rh_rule_policy {
	RH_POLICY_KEEP_LAST, /* what it said last; none yet: allow */
	RH_POLICY_FAIL_OPEN, /* allow */
	RH_POLICY_FAIL_CLOSED, /* deny, with RH_ERULE */
	RH_POLICIES
};

/* Why a call failed. */
enum rh_rule_failure {
	RH_FAILED_TRAP,    /* a trap of WebAssembly */
	RH_FAILED_TIMEOUT, /* longer than its time */
	RH_FAILED_FUEL,
	RH_FAILED_MEMORY,  /* no new instance could be made */
	RH_FAILED_VALUE,   /* it returned nonsense */
	RH_FAILED_RESTING, /* not called: it failed too often */
	RH_FAILED_MISSED,  /* of eBPF: not run, as it ran on that processor already */
	RH_FAILURES
};

struct rh_rule_limits { /* 0: the default */
	uint32_t memory_bytes;
	uint32_t time_us;
	uint64_t fuel;
};

struct rh_rule_param {
	const char *name, *value;
};

typedef void rh_rule_log(void *user, const char *text);

struct rh_rule_source {
	const struct rh_hook *hook;
	enum rh_rule_mode     mode;
	int                   object_fd; /* a frozen memfd, borrowed */
	/* One that needs no object (native/builtin.h), in mode native; NULL: of the object. */
	const struct rh_builtin *builtin;
	struct rh_rule_limits limits;

	const struct rh_rule_param *params;
	unsigned                    param_count;

	rh_rule_log *log; /* a line of the rule's, printable; NULL: dropped */
	void        *log_user;
	/* Clock and random numbers of a test; NULL: real ones. */
	const struct rh_rule_host *host;
};

struct rh_rule_counters {
	uint64_t calls;
	uint64_t failures[RH_FAILURES];
	uint64_t ns;            /* in them, by a sample; 0 where its front does not measure */
	uint64_t instances;     /* how many were made */
	uint64_t lines_dropped; /* of its log, more than RH_RULE_LOG_SECOND in a second */
};

/* Loads the object, makes an instance and runs rh_init.
 * RH_EINVAL, RH_EVERSION, RH_EPROTO, RH_ENOMEM, RH_ENOSYS: diag says what and why. */
int rh_rule_load(const struct rh_rule_source *source, struct rh_rule **ret_rule,
                 struct rh_diag *diag);

void rh_rule_destroy(struct rh_rule *rule);

/* Before a call: the buffer to fill, at this moment.  NULL: the rule rests, or no
 * instance can be made; that is counted as a failed call. */
void *rh_rule_buffer(struct rh_rule *rule);

/* Does the rule have this function?  By slot of its hook. */
bool rh_rule_has(const struct rh_rule *rule, unsigned slot);

/* Calls one that it has, after rh_rule_buffer.
 * RH_ERULE  it failed; *ret_value is untouched, and the buffer is gone. */
int rh_rule_call(struct rh_rule *rule, unsigned slot, uint64_t a, uint64_t b,
                 uint64_t *ret_value);

/* The front of a hook found that what the rule said makes no sense. */
void rh_rule_blame(struct rh_rule *rule, const char *why);

/* The last failure, as a sentence without end: "the rule was stopped in ...". */
const char *rh_rule_why(const struct rh_rule *rule);

/* So long took calls that its front measured, and those that they stand for. */
void rh_rule_took(struct rh_rule *rule, uint64_t ns);

const struct rh_rule_counters *rh_rule_counters(const struct rh_rule *rule);

/* Hands the state of the old one to the new one, if both can (rh_save, rh_restore).
 * Returns 1, or 0 when there was none to hand over and the new one begins without;
 * diag then says why.  RH_ERULE: the new one failed over it, and is as if new. */
int rh_rule_swap(struct rh_rule *from, struct rh_rule *to, struct rh_diag *diag);

/* Names as they are written in manifests.  -1: not one of them. */
int         rh_rule_policy_find(const char *name);
const char *rh_rule_policy_name(enum rh_rule_policy policy);
const char *rh_rule_failure_name(enum rh_rule_failure failure);

#endif
