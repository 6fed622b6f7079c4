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

struct rh_enforced {
	char     resource[RH_NAME_MAX + 1];
	char     cgroup[RH_BPF_POINT_MAX + 1];
	bool     is_strict;
	bool     is_fresh;  /* it was not in place before: no former command left it */
	uint64_t handle;
};

/* resource, cgroup and is_strict say what is wanted; the rest is what came of it. */
int rh_enforce_load(struct rh_cli *cli, struct rh_bpf_client *client,
                    struct rh_enforced *enforced);

#endif
