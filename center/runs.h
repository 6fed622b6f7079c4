/* runs - how rules of code do where they run, as their agents count it.
 *
 * A run is one rule at one place (an edge, or a resource) of one agent.  Agents tell
 * numbers since the rule was loaded there; the latest stand here.  Nothing is kept over
 * a restart of the center: agents tell everything again.
 *
 * Ownership   The center's; rh_runs_fini frees.  Zeroes are an empty table.
 * Threads     One.
 * Limits      RH_RUNS_MAX runs; of more, those of agents that are away go first, then
 *             new ones are left out and counted. */
#ifndef RH_CENTER_RUNS_H
#define RH_CENTER_RUNS_H

#include "limits.h"

#include "../rules/rule.h"

#include <stdint.h>

#define RH_RUN_BUCKETS 4096u

/* Where, and of which rule. */
struct rh_run_key {
	char agent[RH_OBJECT_NAME_MAX + 1];
	char caller[RH_OBJECT_NAME_MAX + 1]; /* or the resource  */
	char callee[RH_OBJECT_NAME_MAX + 1]; /* "": of a resource */
	char rule[RH_OBJECT_NAME_MAX + 1];
};

struct rh_run {
	struct rh_run_key key;
	struct rh_run    *next;          /* of the same bucket                    */
	uint64_t          revision;      /* of the rule                           */
	uint64_t          calls;
	uint64_t          ns;            /* in them                               */
	uint64_t          failures[RH_FAILURES];
	uint64_t          instances;     /* made: one more for each that trapped  */
	uint64_t          lines_dropped; /* of its log                            */
	uint64_t          differences;   /* a shadow: other answers than obeyed    */
	uint64_t          told_ms;
	int               is_away;       /* the agent's connection ended          */
};

struct rh_runs {
	struct rh_run *buckets[RH_RUN_BUCKETS];
	unsigned       count;
	uint64_t       left_out;
};

/* The run of that key is as told from now on.  RH_ENOSPC, RH_ENOMEM: it is left out. */
int rh_runs_put(struct rh_runs *runs, const struct rh_run *told);

/* Borrowed until the table changes, or NULL. */
const struct rh_run *rh_runs_find(const struct rh_runs *runs,
                                  const struct rh_run_key *key);

/* It runs there no more. */
void rh_runs_remove(struct rh_runs *runs, const struct rh_run_key *key);

/* The agent's connection ended; or a new one began and it will tell all anew. */
void rh_runs_away(struct rh_runs *runs, const char *agent);
void rh_runs_forget(struct rh_runs *runs, const char *agent);

/* Those of a rule, or of all with NULL, in no order. */
typedef void rh_runs_visit(void *user, const struct rh_run *run);
void rh_runs_each(const struct rh_runs *runs, const char *rule, rh_runs_visit *visit,
                  void *user);

void rh_runs_fini(struct rh_runs *runs);

#endif
