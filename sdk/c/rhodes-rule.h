/* rhodes-rule - places in this program where rules of its users decide.
 *
 * A program asks at a place that it names by a key (hook `user`), or lets a rule say
 * what its cache throws out (hook `cache`).  Which rule runs is said in the center, for
 * the resource that this process runs as, and may change at any moment: the new one is
 * loaded beside the old one, takes over its state, and no call is lost.  Without a rule,
 * without an agent, or when the rule fails, the program does what it always did.
 *
 *     struct rh_adapter *place;
 *     size_t             length = sizeof tasks;
 *
 *     rh_rule_open("next-task", 0, &place);
 *     if (rh_rule_run(place, tasks, length, sizeof tasks, &length) != 1)
 *             pick_the_first(tasks);
 *
 * Ownership   Whoever opens closes.
 * Threads     Any; calls of one place run one after the other, so a thread that must not
 *             wait has a place of its own.  The first open starts a thread that speaks
 *             with the agent; it takes no signals but those of a fault.
 * Fork        The child goes on with the rules it has, as a process of its own.
 * Errors      0 or more, or a negative code; the reason from rh_last_error.
 * Limits      256 places and caches a process; 64 KiB a question or an answer; 65536
 *             slots a cache. */
#ifndef RHODES_RULE_PLACE_H
#define RHODES_RULE_PLACE_H

#include "../../model/code.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RH_RULE_BYTES_MAX 65536u
#define RH_SLOTS_MAX      65536u

struct rh_adapter;
struct rh_slots;

/* Opens the place of that key ([a-z][a-z0-9_.-]*, at most 63 bytes), and waits until the
 * agent has said which rule there is, or timeout_ns passed (0: as rh_attach).  That
 * there is none, or no agent, is no error.  RH_EINVAL, RH_ENOSPC, RH_ENOMEM. */
int  rh_rule_open(const char *key, uint64_t timeout_ns, struct rh_adapter **ret_place);
void rh_rule_close(struct rh_adapter *place);

/* Asks the rule: the question is length bytes, the answer comes into the same room.
 * 1: *ret_length bytes are the answer; 0: there is none, so decide without a rule.
 * RH_ERULE    the rule failed and is to be failed closed
 * RH_EMSGSIZE the question or the answer is too long
 * After 0 and an error the bytes are as they were. */
int rh_rule_run(struct rh_adapter *place, void *bytes, size_t length, size_t room,
                size_t *ret_length);

/* The name of the rule that is in force there: 1, or 0 and "" when there is none. */
int rh_rule_name(struct rh_adapter *place, char *name, size_t cap);

/* Opens the slots of a cache; where what is kept lies is the program's to know.  key:
 * which of its caches it is, as above.  Without a rule what came first goes first. */
int  rh_slots_open(const char *key, uint32_t capacity, uint64_t timeout_ns,
                   struct rh_slots **ret_slots);
void rh_slots_close(struct rh_slots *slots);

/* What is in the slot was used.  RH_EINVAL: nothing is in that slot. */
int rh_slots_hit(struct rh_slots *slots, uint32_t slot);

/* A miss: 1 when what was missed is to be kept. */
int rh_slots_admit(struct rh_slots *slots, uint64_t key);

/* The slot for it.  *ret_was_full: what was in it is out now. */
uint32_t rh_slots_place(struct rh_slots *slots, uint64_t key, int *ret_was_full);

/* The program has emptied the slot.  RH_EINVAL as above. */
int rh_slots_remove(struct rh_slots *slots, uint32_t slot);

int rh_slots_name(struct rh_slots *slots, char *name, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
