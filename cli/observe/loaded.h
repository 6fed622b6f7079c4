/* loaded - the rules of eBPF that `rhodes observe` holds.
 *
 * Ownership   The client is the caller's.
 * Threads     One. */
#ifndef RH_CLI_OBSERVE_LOADED_H
#define RH_CLI_OBSERVE_LOADED_H

#include "../cli.h"

#include "../../rules/ebpf/client.h"

/* Loads rules/library/ebpf/observe, and connect into a cgroup for the resource that its
 * processes belong to.  Each returns an enum rh_exit and tells on err. */
int rh_observe_load(struct rh_cli *cli, struct rh_bpf_client *client,
                    uint64_t *ret_handle);
int rh_enforce_load(struct rh_cli *cli, struct rh_bpf_client *client,
                    const char *resource, const char *cgroup, bool is_strict,
                    uint64_t *ret_handle);

#endif
