/* rule_kernel - a rule as a program of eBPF, called as a test says.
 *
 * The same source as the other modes, compiled for the kernel's machine: the header of its
 * hook makes a program of each function that the hook needs, and puts buffer and host into
 * maps, which this process shares (rhodes/rule.h).  BPF_PROG_TEST_RUN runs them: nothing is
 * attached, and nothing but this process is concerned.
 *
 * Ownership   The object is borrowed.
 * Threads     One.
 * Limits      No rh_init, and so no parameters; no functions that a hook does not need. */
#ifndef RH_CLI_RULE_KERNEL_H
#define RH_CLI_RULE_KERNEL_H

#include "../rules/hook.h"

#include <stdbool.h>
#include <stdint.h>

struct rh_diag;
struct rh_kernel_rule;

/* RH_EPERM   this process may not load eBPF.
 * RH_ENOSYS  this program was built without libbpf.
 * RH_EINVAL  it is no such object, or the verifier refused it: diag says why.
 * RH_ENOMEM. */
int rh_kernel_load(const struct rh_hook *hook, int object_fd,
                   struct rh_kernel_rule **ret_rule, struct rh_diag *diag);

void rh_kernel_destroy(struct rh_kernel_rule *rule);

void    *rh_kernel_buffer(const struct rh_kernel_rule *rule);
bool     rh_kernel_has(const struct rh_kernel_rule *rule, unsigned slot);
uint64_t rh_kernel_lines(const struct rh_kernel_rule *rule); /* that it wrote */

/* The clock says now_ns; random numbers go on from *random.  RH_ERULE the kernel did not
 * run it. */
int rh_kernel_call(const struct rh_kernel_rule *rule, unsigned slot, uint64_t a,
                   uint64_t b, uint64_t now_ns, uint64_t *random, uint64_t *ret_value);

#endif
