/* sim_agent - the loop of an agent: its connection, what is in force, what it tells,
 * and its cache on disk.
 *
 * An agent obeys every item but those of a protocol that it cannot do, which it
 * rejects.  An edge that changes its protocol is staged for a while, and then active
 * or rejected.  What is not active keeps its former in force.
 *
 * Ownership   The sim's; the cache outlives the process.
 * Threads     One. */
#ifndef RH_TESTS_SIM_AGENT_H
#define RH_TESTS_SIM_AGENT_H

#include "sim.h"

struct sim_agent *sim_agent_create(struct sim *sim, unsigned number);
void              sim_agent_destroy(struct sim_agent *agent);

/* kill -9; starts again, from its cache, after a while. */
void sim_agent_kill(struct sim_agent *agent);
/* A bit of the newest generation on disk is another one now. */
void sim_agent_corrupt(struct sim_agent *agent);
/* Does nothing for so long (SIGSTOP). */
void sim_agent_stop(struct sim_agent *agent, uint64_t ms);
void sim_agent_wake(struct sim_agent *agent);
/* What comes next cannot be put in force: no memory. */
void sim_agent_starve(struct sim_agent *agent);
void sim_agent_cut(struct sim_agent *agent);
/* A frame on its way to it gets lost. */
void sim_agent_lose(struct sim_agent *agent);

/* Reads, decides, tells, saves. */
void sim_agent_turn(struct sim_agent *agent);

/* It has all, has told all, and nothing is staged. */
int sim_agent_is_quiet(const struct sim_agent *agent);

#endif
