/* counts - what the rule observe counted since it was read last, as pairs of resources.
 *
 * Ownership   rh_counts_fini frees all.
 * Threads     One.
 * Limits      As many entries as the maps of the rule have. */
#ifndef RH_CLI_OBSERVE_COUNTS_H
#define RH_CLI_OBSERVE_COUNTS_H

#include "names.h"

#include "../../rules/ebpf/client.h"

#define RH_COUNT_KEY 64u

struct rh_count {
	uint8_t  key[RH_COUNT_KEY]; /* of the map, then zeros */
	uint64_t value;
};

/* A map as it was read, sorted by key. */
struct rh_count_list {
	struct rh_count *list;
	size_t           count, room;
	int              is_broken; /* out of memory */
};

struct rh_counts {
	struct rh_count_list connects, execs;
};

/* Adds {"caller", "callee", "calls"} of what came since the last time to pairs.
 * Returns what rh_bpf_read does, or RH_ENOMEM. */
int rh_counts_read(struct rh_counts *counts, struct rh_bpf_client *client,
                   uint64_t handle, const struct rh_names *names, json_t *pairs,
                   struct rh_diag *diag);

void rh_counts_fini(struct rh_counts *counts);

#endif
