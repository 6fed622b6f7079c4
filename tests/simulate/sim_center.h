/* sim_center - the loop of a center: peers, frames, timers, and what agents told it.
 *
 * Ownership   The sim's.
 * Threads     One. */
#ifndef RH_TESTS_SIM_CENTER_H
#define RH_TESTS_SIM_CENTER_H

#include "sim.h"

#define BOOKMARK_MS  5000u
#define STALL_MS     10000u   /* a half-sent snapshot is given up   */
#define AWAY_MS      60000u   /* a peer that reads nothing is sent away */

struct sim_center *sim_center_create(struct sim *sim);
void               sim_center_destroy(struct sim_center *center);

/* The process begins, or ends as by kill -9. */
void sim_center_start(struct sim_center *center);
void sim_center_kill(struct sim_center *center);
int  sim_center_is_up(const struct sim_center *center);

/* An agent dials: a wire, or NULL. */
struct wire *sim_center_dial(struct sim_center *center);

/* Reads, decides and sends what it can. */
void sim_center_turn(struct sim_center *center);

/* The store changes, when the center is up. */
void sim_center_change(struct sim_center *center);

/* Cuts the connection of some peer. */
void sim_center_cut(struct sim_center *center);

/* Every peer is told all that there is, and settled it. */
int  sim_center_is_quiet(const struct sim_center *center);

#endif
