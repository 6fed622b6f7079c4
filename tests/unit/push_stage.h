/* The center's push with agents that the test plays, without sockets: they follow as
 * real ones do, and stop at anything that they would have to refuse. */
#ifndef RH_TESTS_PUSH_STAGE_H
#define RH_TESTS_PUSH_STAGE_H

#include "center_fixture.h"

#include "../../center/push.h"
#include "../../model/follow.h"

#define ITEMS_MAX 1200

struct item {
	struct rh_item_key key;
	uint64_t           revision;
	size_t             len;     /* of the body; 0: a tombstone */
	unsigned char     *bytes;
};

/* An agent: what it has, what it holds aside, and the connection. */
struct agent {
	struct rh_subscriber sub;
	struct rh_follow     follow;
	struct rh_name       name;
	struct item          items[ITEMS_MAX];
	size_t               item_count;
	struct item          held[ITEMS_MAX];
	size_t               held_count;
	unsigned             frames[256];   /* by type                    */
	unsigned             parts;         /* DELTAs without LAST        */
	unsigned             items_heard;
	int                  is_connected;
	int                  is_woken;
};

struct stage {
	struct fixture  *fixture;
	struct rh_push   push;
	struct agent    *agents[32];
	size_t           agent_count;
};

/* Random numbers, the same for the same seed. */
extern uint64_t seed;
unsigned any(unsigned below);

struct stage *open_stage(void **state, struct rh_push_sizes sizes);
void close_stage(struct stage *stage);

/* Commits and publishes. */
int publish(struct stage *stage);

#define IN(stage, objects) \
	do { \
		assert_int_equal(apply(&(stage)->fixture->center, "[" objects "]"), RH_OK); \
		assert_int_equal(publish(stage), RH_OK); \
	} while (0)

/* A connected agent that subscribed to all of its own. */
struct agent *new_agent(struct stage *stage, const char *name, uint64_t window);
void connect_agent(struct stage *stage, struct agent *agent);
void disconnect_agent(struct stage *stage, struct agent *agent);
int subscribe(struct stage *stage, struct agent *agent, uint64_t credit,
              const char *const *prefixes, struct rh_diag *diag);
void subscribe_all(struct stage *stage, struct agent *agent, uint64_t credit);

/* Lets up to so many frames through; returns how many there were. */
unsigned pump(struct stage *stage, struct agent *agent, unsigned frames, int is_due);
void pump_all(struct stage *stage);

struct item *find_item(struct agent *agent, const struct rh_item_key *key);
void free_items(struct item *items, size_t *count);

/* What the agent has of the item is what the realm says of it; counts those that
 * are. */
void assert_item(struct stage *stage, struct agent *agent,
                 const struct rh_item_key *key, size_t *count);

#endif
