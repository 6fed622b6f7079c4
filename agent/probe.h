/* probe - a rule of eBPF that this agent holds: rhodes-bpf attached it for us, and keeps
 * it as long as our connection to it, and a grace.
 *
 *   place  WAITING --LOAD--> (rhodes-bpf loads and attaches) --LOADED--> IN FORCE
 *                                                            \-REFUSED-> REJECTED
 *
 * The name of the rule there is "resource/rule", so a new generation swaps and a restarted
 * agent gets back what runs.  When rhodes-bpf ends, all rules leave; they are loaded again
 * when it is back.
 *
 * Ownership   Probes and the connection are the agent's.
 * Threads     The loop's.
 * Invariants  B1  what was asked for and not answered stands in probe->request; requests
 *                 of nobody are of rules that went meanwhile.
 * Limits      RH_CODESPECS_MAX a resource. */
#ifndef RH_AGENT_PROBE_H
#define RH_AGENT_PROBE_H

struct rh_agent;

/* NULL of agent->probes: out of memory. */
int rh_probes_init(struct rh_agent *agent);

/* After a change of the resource's item. */
void rh_probes_apply(struct rh_agent *agent);

/* 1 when every one is in force, or was rejected. */
int rh_probes_are_settled(const struct rh_agent *agent);

/* leave.h */
void rh_probes_leave(struct rh_agent *agent);
void rh_probes_free(struct rh_agent *agent);

#endif
