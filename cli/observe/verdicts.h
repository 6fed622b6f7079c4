/* verdicts - the map of a connect rule, kept as the matrix says.
 *
 * Ownership   rh_verdicts_fini frees what is remembered; the map goes with its rule.
 * Threads     One. */
#ifndef RH_CLI_OBSERVE_VERDICTS_H
#define RH_CLI_OBSERVE_VERDICTS_H

#include "names.h"

#include "../../rules/ebpf/client.h"

struct rh_verdict_entry {
	struct rh_endpoint at;
	uint32_t           verdict;
};

/* The processes of a cgroup, which are those of a resource. */
struct rh_verdicts {
	const char              *resource;
	uint64_t                 handle;
	struct rh_verdict_entry *list;     /* as they stand in the map */
	size_t                   count;
	int                      is_ready;
};

/* Writes what changed.  edges is the matrix's list.
 * Returns what rh_bpf_write does, or RH_ENOMEM. */
int rh_verdicts_follow(struct rh_verdicts *verdicts, struct rh_bpf_client *client,
                       const struct rh_names *names, const json_t *edges,
                       struct rh_diag *diag);

void rh_verdicts_fini(struct rh_verdicts *verdicts);

#endif
