/* code - what a rule of code means beside the modules and rules that are there.
 *
 * Ownership   Everything is borrowed.
 * Threads     One. */
#ifndef RH_CENTER_CODE_H
#define RH_CENTER_CODE_H

#include "realm.h"
#include "shape.h"

/* May the rule be put as it is wanted?
 * RH_EPENDING  its module is not there, or is bytes that no manifest describes.
 * RH_EINVAL    the module is of another hook or mode, or needs more memory.
 * RH_EEXIST    another rule has this hook there already. */
int rh_code_check(const struct rh_realm *realm, const struct rh_wanted *wanted,
                  struct rh_problem *problem);

#endif
