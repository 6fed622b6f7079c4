/* successor - may the rule of code that is wanted follow what was in force here?
 *
 * A module that has a version runs only by an order that a trusted key signed for this
 * place (base/order.h), and not below the version that was in force last unless the order
 * lets it (floor.h).  A module without a version was published before there were any: it
 * needs no order, and is older than all that have one.
 *
 * Ownership   Everything is borrowed.
 * Threads     The loop's. */
#ifndef RH_AGENT_SUCCESSOR_H
#define RH_AGENT_SUCCESSOR_H

#include "../base/diag.h"

struct rh_agent;
struct rh_code;
struct rh_module_found;

/* Its module is here.
 * RH_EIDENT  nobody who is trusted ordered it.  RH_EPERM  it is older. */
int rh_successor_check(struct rh_code *code, const struct rh_module_found *found,
                       struct rh_diag *why);

/* What is in force since the last time, and not only on trial, is remembered from now on;
 * the caller saves the cache. */
void rh_successors_note(struct rh_agent *agent);

#endif
