/* tryout - loads an object that was built once, as agents will: does its start function
 * end, is its ABI the hook's, does its buffer lie in its memory?
 *
 * It runs in a process of its own, with limits of time; rh_init, which may refuse its
 * parameters, is not asked.  Blocks until that process ended. */
#ifndef RH_RULES_WASM_TRYOUT_H
#define RH_RULES_WASM_TRYOUT_H

#include <stdint.h>

struct rh_diag;
struct rh_hook;

/* fd: what rh_build_run gave, borrowed.
 * RH_EINVAL  it cannot be loaded: diag says why.
 * RH_ENOMEM  it could not be tried. */
int rh_tryout(int fd, const struct rh_hook *hook, uint32_t memory_bytes,
              struct rh_diag *diag);

#endif
