/* sim_rules - what an agent has in force, what became of each item, and its cache.
 *
 * Ownership   The agent's.
 * Threads     One.
 * Invariants  Q1  a key is in known when the agent was told of it, in force when
 *                 something of it is in force; a tombstone takes it out of both.
 *             Q2  what is known and not in force is staged or rejected. */
#ifndef RH_TESTS_SIM_RULES_H
#define RH_TESTS_SIM_RULES_H

#include "net.h"
#include "sim.h"

#include "../../agent/item.h"
#include "../../model/follow.h"
#include "../../wire/frame.h"
#include "../../wire/record.h"

#define CHANGES_MAX 4096u

/* What became of an item that is, or was told to be, not simply active. */
struct sim_fate {
	struct rh_item    *item;
	enum rh_item_state state;
	uint64_t           due;        /* staged: decided then                  */
	int                is_told;
};

struct sim_cache {
	int             is_there;
	int             is_corrupt;
	uint64_t        number;
	uint64_t        revision;
	unsigned char   store[RH_STORE_ID_LEN];
	struct rh_items items;
};

struct sim_agent {
	struct sim      *sim;
	char             name[RH_NAME_MAX + 1];
	/* On disk. */
	struct sim_cache caches[2];
	uint64_t         generation;
	/* Of the process. */
	int              is_up;
	uint64_t         start_at;
	uint64_t         stopped_until;
	int              is_starving;
	unsigned         cannot;       /* a protocol */
	struct rh_follow follow;
	struct rh_items  known;
	struct rh_items  force;
	struct sim_fate  fates[KEYS_MAX];
	unsigned         fate_count;
	int              must_tell;
	/* Of the connection. */
	struct wire     *wire;
	uint64_t         retry_at;
	unsigned         backoff;
	int              is_granted;
	uint64_t         owed;         /* bytes to grant */
	struct rh_items  held;
	struct rh_item  *changes[CHANGES_MAX];
	unsigned         change_count;
};

/* The held set is the whole truth; a change. */
void sim_rules_replace(struct sim_agent *agent);
void sim_rules_apply(struct sim_agent *agent, struct rh_item *item);

/* The center knows nothing of what it was told: another connection, a snapshot. */
void sim_rules_retell(struct sim_agent *agent);

/* Decides what was staged long enough. */
void sim_rules_turn(struct sim_agent *agent);

/* Writes the RESULT_ITEMs that were not told; and they were sent. */
void sim_rules_put_results(struct sim_agent *agent, struct rh_record_writer *writer);
void sim_rules_told(struct sim_agent *agent);

/* What became of the item that it was told of last; active when it says nothing. */
enum rh_item_state sim_rules_state(const struct sim_agent *agent,
                                   const struct rh_item_key *key);

int  sim_rules_are_quiet(const struct sim_agent *agent);
void sim_rules_load(struct sim_agent *agent, const struct sim_cache *cache);
void sim_rules_clear(struct sim_agent *agent);

struct sim_cache *sim_cache_newest(struct sim_agent *agent);
void sim_cache_save(struct sim_agent *agent);
void sim_cache_clear(struct sim_agent *agent);

#endif
