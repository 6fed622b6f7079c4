/* sim - live change in one thread: a center, agents, a network and a clock that are
 * simulated around the real code that decides.
 *
 *   real        center/push*.c, parcel*.c, published.c, missed.c, results.c;
 *               agent/item.c; model/watch, delta, feed, follow; wire/record
 *   simulated   the store (truth.c), the network (net.c), the loops of the center
 *               (sim_center.c) and of the agents (sim_agent.c), and the clock
 *
 * Whatever happens comes from one generator of random numbers, so that a seed is a
 * run.  What the run must hold is checked as it goes (violation) and, from the
 * history that it writes down, at its end (history.h).
 *
 * Ownership   sim owns everything.
 * Threads     One. */
#ifndef RH_TESTS_SIM_H
#define RH_TESTS_SIM_H

#include "history.h"
#include "net.h"

#include "../../model/delta.h"
#include "../../model/name.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NAMES_MAX   7u
#define KEYS_MAX    (NAMES_MAX * NAMES_MAX)
#define BODY_MAX    40000u

/* What a run is like; drawn from the seed. */
struct shape {
	unsigned names;
	unsigned body_max;       /* bytes of an item                       */
	uint64_t window;         /* of each agent                          */
	unsigned deltas;         /* in the ring                            */
	unsigned ring_bytes;
	unsigned snapshots;      /* at once                                */
	size_t   pipe_bytes;     /* what a socket holds                    */
	unsigned delay_ms;       /* of the network, at most                */
	unsigned faults;         /* of 1000 steps                          */
	unsigned changes;        /* of 100 steps                           */
	unsigned variants;       /* of the bytes of an item                */
	unsigned pauses;         /* of 100 steps: seconds pass             */
	unsigned impossible;     /* of 100 items: nobody can obey them     */
	unsigned kinds;          /* of faults that there are: bits         */
};

struct sim {
	uint64_t          seed;
	uint64_t          random;
	uint64_t          now;     /* ms                                    */
	uint64_t          step;
	FILE             *verbose; /* or NULL                               */
	struct shape      shape;
	int               is_lossy; /* frames may get lost: gaps are no bug    */
	struct history   *history;
	struct truth     *truth;
	struct sim_center *center;
	struct sim_agent *agents[NAMES_MAX];
	struct wire      *liar;    /* or NULL                               */
	int               is_calm; /* no faults any more                    */
	int               violations;
	char              said[256]; /* the first                           */
};

/* ---- randomness ---- */

uint32_t sim_below(struct sim *sim, uint32_t limit);
uint64_t sim_between(struct sim *sim, uint64_t low, uint64_t high);
int      sim_chance(struct sim *sim, unsigned percent);

/* ---- telling ---- */

/* Something that must not be. */
void sim_violation(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* An event of the history, also shown with --verbose. */
void sim_history(struct sim *sim, const char *who, const char *event,
                 const char *subject, uint64_t revision, const char *detail);
void sim_note(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- counting: what no run ever does is not tested ---- */

enum sim_count {
	DID_CHANGE, DID_REFUSE, DID_RETELL, DID_SAME, DID_RAISE, DID_RESTORE, DID_RESTART,
	SENT_SNAPSHOT, SENT_SNAPSHOT_ITEM, SENT_SNAPSHOT_END, SENT_DELTA, SENT_PART,
	SENT_BOOKMARK, GAVE_UP_SNAPSHOT, SENT_AWAY, WAITED_FOR_SNAPSHOT, FULL_SOCKET,
	NO_CREDIT, CUT_FRAME, AGENT_CONTINUED, AGENT_FOREIGN_STORE, AGENT_FORGOT,
	AGENT_FROM_CACHE, AGENT_FROM_PART_OF_CACHE, AGENT_CORRUPT_CACHE, AGENT_STAGED,
	AGENT_REJECTED, AGENT_KEPT_FATE, AGENT_RESYNCED,
	LIAR_SPOKE, LOST_FRAME, SIM_COUNTS
};

extern uint64_t          sim_counts[SIM_COUNTS]; /* of all runs */
extern const char *const sim_count_names[SIM_COUNTS];

/* ---- keys ---- */

/* "resource/a" or "edge/a/b". */
void sim_key_text(const struct rh_item_key *key, char text[RH_NAME_MAX * 2 + 8]);

/* "gone", or the hash of what stands in the body (a record SELF or EDGE_ITEM). */
void sim_what(const void *body, size_t len, char text[17]);

/* What the resource of that number is called; some begin like another. */
extern const char *const sim_names[NAMES_MAX];
unsigned sim_number(const struct rh_name *name);

/* ---- runs ---- */

/* One seed; 0, or how many violations.  steps 0: as many as the seed says. */
int sim_run(uint64_t seed, uint64_t steps, FILE *verbose);

#endif
