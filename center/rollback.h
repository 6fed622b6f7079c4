/* rollback - which module of a rule may follow which, and what agents are to leave for it.
 *
 * The version of a module is the revision of the store at which it was published, and
 * stands in its signed manifest; modules of before have none, which is 0.  Versions are
 * compared among modules of one name.  A rule that names an older module than it did must
 * say `rollback`.  Where going back is meant - that, an undo, a rule that is new or had
 * a module of another name - the rule is stored with
 *
 *     "leaves": the revision up to which what was in force may be left
 *
 * beside its spec, and agents are told (ROLLBACK in its CODE_ITEM).  It stays until a
 * module is named that was published later, for agents that are away meanwhile.
 *
 * Ownership   Everything is borrowed.
 * Threads     One. */
#ifndef RH_CENTER_ROLLBACK_H
#define RH_CENTER_ROLLBACK_H

#include "realm.h"
#include "shape.h"

#define RH_ROLLBACK_LEAVES "leaves" /* also in the text of a rule's code: codetext.h */

/* What the rule that is wanted may leave when it is put at that revision; 0: nothing.
 * is_restore: a former generation of it comes back.
 * RH_EPERM  it is older than what the rule names, and does not say rollback. */
int rh_rollback_judge(const struct rh_realm *realm, const struct rh_wanted *wanted,
                      uint64_t revision, int is_restore, uint64_t *ret_leaves,
                      struct rh_problem *problem);

/* The version in a manifest. */
uint64_t rh_rollback_version(const json_t *manifest);

/* `rollback` in the spec of code: true, or a revision. */
int rh_rollback_shape(struct rh_decode *decode, const json_t *value);

#endif
