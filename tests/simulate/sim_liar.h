/* sim_liar - a peer that says it is the agent of some resource, and lies about all else.
 * It may cost only itself. */
#ifndef RH_TESTS_SIM_LIAR_H
#define RH_TESTS_SIM_LIAR_H

struct sim;

/* Dials, or says something. */
void sim_liar_turn(struct sim *sim);
void sim_liar_leave(struct sim *sim);

#endif
