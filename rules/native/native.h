/* native - a rule as plain code of this machine, made from the same source.
 *
 * It can do all that its process can; who calls has verified that a key that the node
 * trusts has signed it.  A fault of it is a fault of the process, and nobody watches
 * over its time.
 *
 * Ownership  The host outlives it.  Its state is in the object: each load is a copy. */
#ifndef RH_RULES_NATIVE_NATIVE_H
#define RH_RULES_NATIVE_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

struct rh_builtin;
struct rh_diag;
struct rh_hook;
struct rh_native;
struct rh_rule_host;

/* fd: a frozen memfd, borrowed.
 * RH_EPROTO not frozen; RH_EINVAL not an object of that hook; RH_EVERSION; RH_ENOMEM. */
int rh_native_load(int fd, const struct rh_hook *hook, const struct rh_rule_host *host,
                   struct rh_native **ret_native, struct rh_diag *diag);

/* Without an object.  RH_EINVAL it is for another hook; RH_ENOMEM. */
int rh_native_make(const struct rh_builtin *builtin, const struct rh_hook *hook,
                   const struct rh_rule_host *host, struct rh_native **ret_native,
                   struct rh_diag *diag);

bool     rh_native_has(const struct rh_native *native, unsigned slot);
uint64_t rh_native_call(const struct rh_native *native, unsigned slot, uint64_t a,
                        uint64_t b);
void    *rh_native_buffer(const struct rh_native *native);

void rh_native_unload(struct rh_native *native);

#endif
