/* player - one line of a history while its thread makes its calls.
 *
 * Ownership   Borrows the history.
 * Threads     One at a time has it. */
#ifndef RH_TESTS_SOAK_PLAYER_H
#define RH_TESTS_SOAK_PLAYER_H

#include "history.h"
#include "soak.h"

#include "../../sdk/c/rhodes.h"

#define PLAYER_BYTES_MAX (5u << 20) /* over what a page carries: goes by a memfd */

struct player {
	struct history   *history;
	uint32_t          line;
	uint32_t          life;
	uint64_t          seed;
	struct rh_callee *bytes;    /* the callee of bytes.c                 */
	soak_chain       *chain;    /* NULL: none is open                    */
	uint64_t          value;    /* that it must have ...                 */
	int               is_unsure;/* ... unless that is not known          */
	unsigned          links;    /* until it is closed                    */
	unsigned char    *in, *out; /* PLAYER_BYTES_MAX                      */
};

/* Begins the next call of the line and returns its id; ids follow one another. */
uint64_t player_next(const struct player *player);
uint64_t player_begin(struct player *player, enum history_kind kind, uint64_t expected);

/* It is over: with a value, or as the SDK tells of the last failure. */
void player_succeed(struct player *player, uint64_t id, uint64_t got);
void player_fail(struct player *player, uint64_t id);
void player_tell(struct player *player, uint64_t id, enum history_told told, int code);

/* A number that follows from the seed and the id, for what a call is to be. */
uint64_t player_choice(const struct player *player, uint64_t id);

/* Calls through the shadow library (stubs.c): some call of the many. */
void player_stub(struct player *player, uint64_t choice);

/* Calls through the functions of rhodes.h (words.c). */
void player_call(struct player *player, uint64_t choice);
void player_steps(struct player *player, uint64_t choice);
void player_batch(struct player *player, uint64_t choice);

#endif
