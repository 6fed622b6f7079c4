/* suggest - lines of a side file that a person then judges.
 *
 * What names tell with fair certainty (who makes a handle, who ends it) becomes
 * a line; what cannot be carried becomes a comment with the reason and, where
 * one is likely, a line to take the # away from. */
#ifndef RH_INTERFACE_SUGGEST_H
#define RH_INTERFACE_SUGGEST_H

#include "plan.h"

#include <stdio.h>

/* Whether the function makes the handle that it returns, by its name. */
bool rh_suggest_makes(const struct rh_function *row);

/* Whether it ends the handle that is its first parameter; the others tell whether
 * closing frees. */
bool rh_suggest_ends(const struct rh_interface *interface,
                     const struct rh_function *row);

/* plan was made from a side file that has only a head. */
void rh_suggest_write(FILE *out, const struct rh_plan *plan);

#endif
