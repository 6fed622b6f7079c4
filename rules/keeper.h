/* keeper - the slots of a cache, and the rule of hook `cache` that says which is emptied.
 *
 * Who has a cache asks it where to put what was missed, and tells it what was used; which
 * key is in which slot is the asker's table, what is in the slots his memory.  When the
 * rule fails, or names a slot that is empty, the keeper goes on by itself, round and
 * round, and tells a fresh instance all that it knows, once in as many uses as there are
 * slots.  An exchange of the rule tells the new one: what is in the cache stays there.
 *
 * Without a rule (NULL) it goes on by itself, too: slots are emptied in the order in which
 * they were filled.
 *
 * Ownership  The rule is borrowed, and the keeper's alone to call.
 * Threads    One at a time.  Nothing is allocated after create.
 * Limits     65536 slots (RH_CACHE_SLOTS_MAX). */
#ifndef RH_RULES_KEEPER_H
#define RH_RULES_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

struct rh_diag;
struct rh_keeper;
struct rh_rule;

/* RH_EINVAL  the capacity is 0 or beyond the limit, or the rule refuses it.
 * RH_ERULE   the rule failed.  RH_ENOMEM. */
int rh_keeper_create(struct rh_rule *rule, uint32_t capacity,
                     struct rh_keeper **ret_keeper, struct rh_diag *diag);
void rh_keeper_destroy(struct rh_keeper *keeper);

/* A miss: is what was missed to be kept? */
bool rh_keeper_admits(struct rh_keeper *keeper, uint64_t key);

/* The slot for it.  *ret_was_full: something else was in it, which is out now. */
uint32_t rh_keeper_place(struct rh_keeper *keeper, uint64_t key, bool *ret_was_full);

/* Is there something in that slot? */
bool rh_keeper_has(const struct rh_keeper *keeper, uint32_t slot);

/* What is in the slot was used. */
void rh_keeper_hit(struct rh_keeper *keeper, uint32_t slot);

/* The slot was emptied by its owner. */
void rh_keeper_remove(struct rh_keeper *keeper, uint32_t slot);

/* Goes on with another rule, or none; it is told what is there, the least lately used first.
 * RH_EINVAL, RH_ERULE: it refuses or fails; the former one stays. */
int rh_keeper_exchange(struct rh_keeper *keeper, struct rh_rule *rule,
                       struct rh_diag *diag);

#endif
