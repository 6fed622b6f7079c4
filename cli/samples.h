/* samples - what the agents of a system counted, read from their shared files.
 *
 * Ownership   rh_samples_free frees the list.
 * Threads     One; the agents go on writing meanwhile, each number is whole.
 * Limits      Files that are not of this version, or of an agent that is gone, are
 *             left out. */
#ifndef RH_CLI_SAMPLES_H
#define RH_CLI_SAMPLES_H

#include "../agent/counters.h"

#include <stddef.h>
#include <stdint.h>

struct rh_edge_sample {
	char     caller[64];
	char     callee[64];
	char     protocol[16];
	uint64_t started;      /* of the agent: another one counts from 0 */
	uint64_t calls, errors, lost, bytes_in, bytes_out, events, refused;
	uint64_t latency[RH_LATENCY_BUCKETS];
};

struct rh_samples {
	struct rh_edge_sample *edges;   /* sorted by caller, callee */
	size_t                 count;
	size_t                 agents;  /* files that were read     */
	uint64_t               time_ns;
};

/* Reads every agent's file in <run>/agent.  RH_EDOWN there is none.  RH_ENOMEM. */
int rh_samples_read(const char *run_dir, struct rh_samples *ret_samples);
void rh_samples_free(struct rh_samples *samples);

/* What was counted between the two, edge by edge, as a new list; an agent that was
 * started in between counts from its start.  RH_ENOMEM. */
int rh_samples_between(const struct rh_samples *before, const struct rh_samples *now,
                       struct rh_samples *ret_samples);

/* The latency in ns below which that share of the calls stayed; 0 without calls. */
double rh_sample_latency(const struct rh_edge_sample *edge, double share);

#endif
