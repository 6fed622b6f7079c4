#include "follow.h"

#include "check.h"
#include "error.h"

#include <string.h>

enum event {
	KNOWN,       /* WELCOME of the store that it has something of            */
	FOREIGN,     /* WELCOME of another, or it has nothing                    */
	LOST, FORGOTTEN,
	BEGIN,       /* a snapshot                                               */
	ITEM, END,   /* ... of the same revision as it began with                */
	OLD,         /* a delta or bookmark up to what it has: sent once more    */
	PART,        /* of a delta that fits, not the last                       */
	DELTA,       /* ... the last                                             */
	MARK,        /* a bookmark that fits and moves on                        */
	STILL,       /* a bookmark that fits and moves nothing                   */
	GAP,         /* anything that does not fit what came before              */
	EVENTS
};

struct cell {
	uint8_t next;   /* enum rh_follow_state                    */
	int16_t answer; /* enum rh_follow_action or an error's code */
};

enum { AWAY = RH_FOLLOW_AWAY, JOINED = RH_FOLLOW_JOINED, ASKED = RH_FOLLOW_ASKED,
       FILLING = RH_FOLLOW_FILLING, LIVE = RH_FOLLOW_LIVE };

/* What ends the connection leaves the state as it is: rh_follow_lost comes next. */
#define REFUSE(state) { state, RH_EPROTO }
#define STAY(state)   { state, RH_FOLLOW_IGNORE }
#define FILL          { FILLING, RH_FOLLOW_HOLD }
#define RESYNC        { ASKED, RH_FOLLOW_RESYNC }

static const struct cell table[RH_FOLLOW_STATES][EVENTS] = {
	[AWAY] = {
		[KNOWN] = { JOINED, 1 },   [FOREIGN] = { ASKED, 0 },
		[LOST] = STAY(AWAY),       [FORGOTTEN] = STAY(AWAY),
		[BEGIN] = REFUSE(AWAY),
		[ITEM] = REFUSE(AWAY),     [END] = REFUSE(AWAY),
		[OLD] = REFUSE(AWAY),      [PART] = REFUSE(AWAY),
		[DELTA] = REFUSE(AWAY),    [MARK] = REFUSE(AWAY),
		[STILL] = REFUSE(AWAY),    [GAP] = REFUSE(AWAY),
	},
	[JOINED] = {
		[KNOWN] = REFUSE(JOINED),  [FOREIGN] = REFUSE(JOINED),
		[LOST] = STAY(AWAY),       [FORGOTTEN] = STAY(ASKED),
		[BEGIN] = FILL,
		[ITEM] = REFUSE(JOINED),   [END] = REFUSE(JOINED),
		[OLD] = REFUSE(JOINED),    [PART] = { LIVE, RH_FOLLOW_HOLD },
		[DELTA] = { LIVE, RH_FOLLOW_APPLY },
		[MARK] = { LIVE, RH_FOLLOW_NOTE },
		[STILL] = { LIVE, RH_FOLLOW_NOTE },
		[GAP] = RESYNC,
	},
	[ASKED] = {
		[KNOWN] = REFUSE(ASKED),   [FOREIGN] = REFUSE(ASKED),
		[LOST] = STAY(AWAY),       [FORGOTTEN] = STAY(ASKED),
		[BEGIN] = FILL,
		[ITEM] = STAY(ASKED),      [END] = STAY(ASKED),
		[OLD] = STAY(ASKED),       [PART] = STAY(ASKED),
		[DELTA] = STAY(ASKED),     [MARK] = STAY(ASKED),
		[STILL] = STAY(ASKED),     [GAP] = STAY(ASKED),
	},
	[FILLING] = {
		[KNOWN] = REFUSE(FILLING), [FOREIGN] = REFUSE(FILLING),
		[LOST] = STAY(AWAY),       [FORGOTTEN] = STAY(ASKED),
		[BEGIN] = FILL,
		[ITEM] = FILL,             [END] = { LIVE, RH_FOLLOW_REPLACE },
		[OLD] = RESYNC,            [PART] = RESYNC,
		[DELTA] = RESYNC,          [MARK] = RESYNC,
		[STILL] = RESYNC,          [GAP] = RESYNC,
	},
	[LIVE] = {
		[KNOWN] = REFUSE(LIVE),    [FOREIGN] = REFUSE(LIVE),
		[LOST] = STAY(AWAY),       [FORGOTTEN] = STAY(ASKED),
		[BEGIN] = FILL,
		[ITEM] = REFUSE(LIVE),     [END] = REFUSE(LIVE),
		[OLD] = REFUSE(LIVE),      [PART] = { LIVE, RH_FOLLOW_HOLD },
		[DELTA] = { LIVE, RH_FOLLOW_APPLY },
		[MARK] = { LIVE, RH_FOLLOW_NOTE },
		[STILL] = STAY(LIVE),      [GAP] = RESYNC,
	},
};

static int step(struct rh_follow *follow, enum event event)
{
	RH_CHECK(follow->state < RH_FOLLOW_STATES);

	const struct cell *cell = &table[follow->state][event];
	follow->state = cell->next;
	if (follow->state != RH_FOLLOW_LIVE || cell->answer == RH_FOLLOW_APPLY)
		follow->holding = 0;
	if (follow->state != RH_FOLLOW_FILLING)
		follow->filling = 0;
	return cell->answer;
}

static int is_same_store(const struct rh_follow *follow)
{
	return memcmp(follow->store, follow->incoming, RH_STORE_ID_LEN) == 0;
}

void rh_follow_init(struct rh_follow *follow, const unsigned char *store,
                    uint64_t revision, uint64_t window)
{
	RH_CHECK(window > 0);
	RH_CHECK(store != NULL || revision == 0);
	*follow = (struct rh_follow){ .revision = revision, .window = window };
	if (store)
		memcpy(follow->store, store, RH_STORE_ID_LEN);
}

int rh_follow_joined(struct rh_follow *follow, const unsigned char *store)
{
	int is_known = memcmp(follow->store, store, RH_STORE_ID_LEN) == 0;
	int answer = step(follow, is_known && follow->revision > 0 ? KNOWN : FOREIGN);

	if (answer < 0)
		return answer;
	memcpy(follow->incoming, store, RH_STORE_ID_LEN);
	follow->used = 0;
	return is_known;
}

void rh_follow_lost(struct rh_follow *follow)
{
	(void)step(follow, LOST);
}

void rh_follow_forget(struct rh_follow *follow)
{
	(void)step(follow, FORGOTTEN);
	follow->revision = 0; /* L1 */
}

uint64_t rh_follow_have(const struct rh_follow *follow)
{
	return follow->state == RH_FOLLOW_JOINED || follow->state == RH_FOLLOW_LIVE ?
	       follow->revision : 0;
}

int rh_follow_begin(struct rh_follow *follow, uint64_t revision)
{
	if (follow->state != RH_FOLLOW_AWAY && is_same_store(follow) &&
	    revision < follow->revision)
		return RH_EPROTO; /* L1 */

	int answer = step(follow, BEGIN);
	if (answer == RH_FOLLOW_HOLD)
		follow->filling = revision;
	return answer;
}

/* A part of a snapshot fits when its revision is the one that it began with. */
static enum event part_of_snapshot(const struct rh_follow *follow, uint64_t revision,
                                   enum event event)
{
	if (follow->state == RH_FOLLOW_FILLING && revision != follow->filling)
		return GAP;
	return event;
}

int rh_follow_item(struct rh_follow *follow, uint64_t revision)
{
	return step(follow, part_of_snapshot(follow, revision, ITEM));
}

int rh_follow_end(struct rh_follow *follow, uint64_t revision)
{
	int answer = step(follow, part_of_snapshot(follow, revision, END));

	if (answer == RH_FOLLOW_REPLACE) {
		RH_CHECK(!is_same_store(follow) || revision >= follow->revision); /* L1 */
		memcpy(follow->store, follow->incoming, RH_STORE_ID_LEN);
		follow->revision = revision;
	}
	return answer;
}

static enum event kind_of_delta(const struct rh_follow *follow, uint64_t prev,
                                uint64_t revision, int is_last)
{
	if (follow->holding != 0 && revision != follow->holding)
		return GAP;
	if (revision <= follow->revision)
		return OLD;
	if (prev != follow->revision)
		return GAP;
	return is_last ? DELTA : PART;
}

int rh_follow_delta(struct rh_follow *follow, uint64_t prev, uint64_t revision,
                    int is_last)
{
	if (prev > revision)
		return RH_EPROTO;

	int answer = step(follow, kind_of_delta(follow, prev, revision, is_last));
	if (answer == RH_FOLLOW_HOLD)
		follow->holding = revision;
	if (answer == RH_FOLLOW_APPLY)
		follow->revision = revision; /* L2 */
	return answer;
}

static enum event kind_of_bookmark(const struct rh_follow *follow, uint64_t prev,
                                   uint64_t revision)
{
	if (follow->holding != 0)
		return GAP;
	if (revision < follow->revision)
		return OLD;
	if (revision == follow->revision)
		return STILL;
	return prev == follow->revision ? MARK : GAP;
}

int rh_follow_bookmark(struct rh_follow *follow, uint64_t prev, uint64_t revision)
{
	if (prev > revision)
		return RH_EPROTO;

	int answer = step(follow, kind_of_bookmark(follow, prev, revision));
	if (answer == RH_FOLLOW_NOTE)
		follow->revision = revision;
	return answer;
}

uint64_t rh_follow_received(struct rh_follow *follow, uint32_t bytes)
{
	uint64_t grant;

	follow->used += bytes;
	if (follow->used < (follow->window + 1) / 2)
		return 0;
	grant = follow->used;
	follow->used = 0;
	return grant;
}

void rh_follow_verify(const struct rh_follow *follow)
{
	RH_CHECK(follow->state < RH_FOLLOW_STATES);
	RH_CHECK(follow->used < (follow->window + 1) / 2);
	RH_CHECK(follow->filling == 0 || follow->state == RH_FOLLOW_FILLING);
	RH_CHECK(follow->holding == 0 || follow->state == RH_FOLLOW_LIVE);
	RH_CHECK(follow->holding == 0 || follow->holding > follow->revision);
	if (follow->state == RH_FOLLOW_JOINED || follow->state == RH_FOLLOW_LIVE)
		RH_CHECK(is_same_store(follow)); /* L1 */
}
