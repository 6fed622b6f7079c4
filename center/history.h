/* history - what a rule said in its former generations.
 *
 * The store keeps the last RH_HISTORY_MAX of each rule, written with the change that
 * replaced them; they go with the rule.  Their keys are /history/<rule>/<generation mod
 * RH_HISTORY_MAX>: a new one takes the place of the oldest, and leaves no tombstone,
 * of which the store remembers so many only.
 *
 * Ownership   Values that are returned are the caller's.
 * Threads     One. */
#ifndef RH_CENTER_HISTORY_H
#define RH_CENTER_HISTORY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define RH_HISTORY_MAX    10u
#define RH_HISTORY_PREFIX "/history/"

struct rh_center;
struct rh_store_op;

/* What is to be written along with a change; the ops borrow from each other's memory. */
struct rh_history_ops {
	struct rh_store_op *at;
	size_t              count;
	size_t              cap;
};

/* Adds what the rules that changed since the mark of the realm were before, and how far
 * their roll-outs are now.  RH_ENOMEM. */
int  rh_history_collect(const struct rh_center *center, size_t mark,
                        struct rh_history_ops *ops);
void rh_history_ops_fini(struct rh_history_ops *ops);

/* A former generation as it was stored, with "generation" and "revision"; NULL: it is
 * not kept. */
json_t *rh_history_get(const struct rh_center *center, const char *rule,
                       uint64_t generation);

/* The number of the latest one, 0: there is none. */
uint64_t rh_history_latest(const struct rh_center *center, const char *rule);

/* All of them, the latest first. */
json_t *rh_history_list(const struct rh_center *center, const char *rule);

#endif
