/* sim_peer - the peers of the simulated center; for sim_center.c and sim_verify.c. */
#ifndef RH_TESTS_SIM_PEER_H
#define RH_TESTS_SIM_PEER_H

#include "sim.h"

#include "../../center/push.h"

#define PEERS_MAX 64u

enum stage { STAGE_HELLO, STAGE_JOINED, STAGE_SUBSCRIBED };

struct peer {
	struct sim_center   *center;
	struct wire         *wire;
	struct rh_subscriber subscriber;
	enum stage           stage;
	int                  is_ready;    /* something may be sent           */
	int                  is_full;     /* ... when the socket has room    */
	uint64_t             told_at;     /* last frame sent                 */
	uint64_t             heard_at;    /* last sign that it reads         */
};

struct sim_center {
	struct sim    *sim;
	int            is_up;
	struct rh_push push;
	struct peer   *peers[PEERS_MAX];
	unsigned       turns;
};

/* What must hold after each turn of the center. */
void sim_center_verify(struct sim_center *center);

#endif
