/* adapter - a place in this program where a rule decides (the papers' adapter), and the
 * rule that is there now.
 *
 *   adapter.c           the list of them; counters and lines of the rules
 *   adapter_line.c      the thread that speaks with the agent
 *   adapter_exchange.c  a rule comes, changes or goes
 *   adapter_front.c     what asks it, by hook
 *   adapter_run.c       hook user
 *   slots.c             hook cache
 *   softirq.c           hook softirq
 *
 * Ownership   The list's, from open to close; the rule is the adapter's.  While the line
 *             is up it frees what was closed, once the agent knows.
 * Threads     lock guards what stands below it, log_lock the lines.  What takes long
 *             (loading a rule, freeing one) happens outside: a call waits at most for
 *             the hand-over.
 * Invariants  D1  locks are taken in this order: loading, the list's, an adapter's, its
 *                 lines', those of the runtime.
 *             D2  while the line is up nobody else takes an adapter from the list. */
#ifndef RH_SDK_ADAPTER_H
#define RH_SDK_ADAPTER_H

#include "../../rules/rule.h"
#include "../../wire/limits.h"

#include <pthread.h>
#include <stdatomic.h>

#define RH_ADAPTERS_MAX  256u
#define RH_ADAPTER_LINES 16u  /* of a rule, kept until they are told */
#define RH_ADAPTER_LINE  201u
#define RH_TIMED_EVERY   64u  /* calls: so often one is timed */

struct rh_adapter_front;
struct rh_hook;

struct rh_adapter_counts {
	uint64_t calls, took_ns, failures[RH_FAILURES];
	uint64_t instances; /* made until now: not since anything */
	char     why[RH_ADAPTER_LINE]; /* it failed last; "": it did not */
};

struct rh_adapter {
	struct rh_adapter    *next;
	uint64_t              number;      /* of its RULE_GET                 */
	const struct rh_hook *hook;
	const struct rh_adapter_front *kind;
	char                  key[RH_NAME_MAX + 1];
	int                   is_closed;   /* under the list's lock           */
	int                   is_answered; /* under the list's lock: it is known whether
	                                      there is a rule                 */
	/* The line's alone. */
	int                   is_asked;    /* the agent knows of it           */
	uint64_t              revision;    /* of the RULE that is in force    */
	void                 *item;        /* its CODE_ITEM                   */
	size_t                item_bytes;
	struct rh_adapter_counts left;     /* what the former rule still owes */

	pthread_mutex_t         lock;
	struct rh_rule         *rule;      /* NULL: none                      */
	char                    name[RH_NAME_MAX + 1]; /* its                 */
	void                   *front;     /* what asks it                    */
	struct rh_rule_counters told;      /* of rule, what the agent knows   */
	uint64_t                timed_ns;  /* of one call in RH_TIMED_EVERY   */
	uint32_t                calls;     /* to know which                   */

	pthread_mutex_t log_lock;
	uint32_t        line_count;
	char            lines[RH_ADAPTER_LINES][RH_ADAPTER_LINE];
};

/* Puts a new one on the list and has the agent asked.  capacity: of hook cache, else 0.
 * RH_EINVAL, RH_ENOSPC, RH_ENOMEM. */
int  rh_adapter_open(const struct rh_adapter_front *kind, const char *key, uint32_t capacity,
                     struct rh_adapter **ret_adapter);
void rh_adapter_close(struct rh_adapter *adapter);

/* Waits until it is known which rule there is, or until the deadline. */
void rh_adapter_await(struct rh_adapter *adapter, uint64_t deadline);

/* Around every question, lock included.  begin returns the time, or 0: not this one. */
uint64_t rh_adapter_begin(struct rh_adapter *adapter);
void     rh_adapter_end(struct rh_adapter *adapter, uint64_t began_ns);

int rh_adapter_name(struct rh_adapter *adapter, char *name, size_t cap);

/* The log of its rule (rh_rule_log). */
void rh_adapter_say(void *adapter, const char *text);

/* What its rule did so far. */
void rh_adapter_count(const struct rh_adapter *adapter, struct rh_rule_counters *ret);

/* What its rule did since the last time; counts as told then. */
void rh_adapter_take_counts(struct rh_adapter *adapter, struct rh_adapter_counts *ret);

/* Takes the lines that were said since; returns how many. */
uint32_t rh_adapter_take_lines(struct rh_adapter *adapter,
                               char lines[RH_ADAPTER_LINES][RH_ADAPTER_LINE]);

void rh_adapter_free(struct rh_adapter *adapter); /* off the list */

/* adapter_exchange.c, the line's: what a RULE frame says is done, or refused with the
 * former rule kept; diag says why.  item: the records of CODE_ITEM, or NULL: there is no
 * rule.  What the former one still owes is in left, also when it stays. */
int rh_adapter_exchange(struct rh_adapter *adapter, const void *item, size_t bytes,
                        int object_fd, struct rh_diag *diag);

/* adapter_line.c, with the list's lock held: something is to be told to the agent; the
 * thread is started when there is none.  RH_ENOENT there is no agent; RH_ENOMEM. */
int rh_adapter_line_wake(void);
/* In the child of a fork. */
void rh_adapter_line_forget(void);
/* Before a question: the child of a fork has no thread yet. */
void rh_adapter_line_look(void);

/* The list, for the line. */
extern struct rh_adapter_list {
	pthread_mutex_t    loading;    /* of the line: no fork in the middle of it */
	pthread_mutex_t    lock;
	pthread_cond_t     changed;    /* monotonic */
	struct rh_adapter *first;
	unsigned           count;
	uint64_t           last_number;
	int                is_up;      /* D2: the line is connected           */
} rh_adapters;

#endif
