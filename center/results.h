/* results - what one agent says of the items that are not simply in force with it.
 *
 * An agent answers what it is sent: everything up to a revision is settled, but for
 * the items that it names.  Those stand here until it says that they are active (with a
 * code: in force, but for what its text says), or until they are sent to it anew.  An agent with more of them than fit is still known
 * to have more.
 *
 * Ownership   The results own their memory, which is taken when it is needed.
 * Threads     One.
 * Invariants  J1  no two entries have the same item.
 * Limits      RH_RESULTS_MAX entries of at most 216 bytes. */
#ifndef RH_CENTER_RESULTS_H
#define RH_CENTER_RESULTS_H

#include "../model/delta.h"

#include <stdint.h>

#define RH_RESULTS_MAX     64u
#define RH_RESULT_TEXT_MAX 127u

struct rh_result {
	uint64_t revision;
	uint64_t former;                    /* rejected: of the item that is in force
	                                       instead; 0: none, or nobody said */
	int32_t  code;
	uint8_t  state;                     /* enum rh_item_state      */
	uint8_t  is_in;                     /* the other one calls     */
	char     other[RH_NAME_MAX + 1];    /* end; "": the resource   */
	char     text[RH_RESULT_TEXT_MAX + 1];
};

struct rh_results {
	struct rh_result *at;
	uint16_t          count;
	uint16_t          cap;
	uint32_t          more;   /* came when there was no room, since the last
	                             snapshot                          */
};

void rh_results_fini(struct rh_results *results);

/* resource is the agent's; the item concerns it. */
void rh_results_put(struct rh_results *results, const struct rh_name *resource,
                    const struct rh_item_key *key, const struct rh_result *result);

/* The item is sent anew, or all are. */
void rh_results_forget(struct rh_results *results, const struct rh_name *resource,
                       const struct rh_item_key *key);
void rh_results_clear(struct rh_results *results);

/* Borrowed until the results change, or NULL: nothing is known against it. */
const struct rh_result *rh_results_find(const struct rh_results *results,
                                        const struct rh_name *resource,
                                        const struct rh_item_key *key);

/* "active", "rejected", ...; "partial" of what is active but for what it says; "unknown"
 * for other numbers. */
const char *rh_result_state_text(const struct rh_result *result);

#endif
