/* words - calls as a program makes them that knows the SDK. */
#include "player.h"
#include "values.h"

#include "../../model/error.h"

#include <string.h>

#define MANY 16

struct words {
	uint64_t id;
	uint64_t number;
};

static uint64_t function(void)
{
	return rh_function_id("soak_bytes(u64,u64)u64");
}

static struct words begin(struct player *player, uint64_t number)
{
	struct words words = { .id = player_next(player), .number = number };

	player_begin(player, HISTORY_ONCE, values_of(words.id, number));
	return words;
}

/* An answer to another call is a wrong one: 0 is no value. */
static void take(struct player *player, uint64_t id, const void *reply, size_t len)
{
	struct words words = { 0 };

	if (len == sizeof words)
		memcpy(&words, reply, sizeof words);
	player_succeed(player, id, words.id == id ? words.number : 0);
}

static unsigned left(const struct player *player)
{
	return player->history->per_line -
	       atomic_load(&player->history->line[player->line].next);
}

void player_call(struct player *player, uint64_t choice)
{
	struct words words = begin(player, choice), reply;
	size_t       len = 0;

	if (rh_call(player->bytes, function(), &words, sizeof words, &reply, sizeof reply,
	            &len, 0) == 0)
		take(player, words.id, &reply, len);
	else
		player_fail(player, words.id);
}

/* Several in flight.  Each is collected, or dropped without a look. */
static void collect(struct player *player, uint64_t id, uint64_t ticket, int is_dropped)
{
	const void *reply;
	size_t      len;
	int         r = rh_poll(ticket, &reply, &len);

	if (r < 0 && is_dropped)
		player_tell(player, id, HISTORY_DROPPED, r);
	else if (r == 0 || rh_wait(ticket, &reply, &len) == 0)
		take(player, id, reply, len);
	else
		player_fail(player, id);
	rh_release(ticket);
}

void player_steps(struct player *player, uint64_t choice)
{
	uint64_t ids[MANY], tickets[MANY];
	unsigned count = (unsigned)(choice >> 8) % (MANY / 2) + 1, used = 0;

	if (count > left(player))
		count = left(player);
	for (unsigned i = 0; i < count; i++) {
		struct words words = begin(player, choice + i);
		void        *args;
		uint64_t     ticket;

		if (rh_reserve(player->bytes, sizeof words, sizeof words, 0, &args,
		               &ticket) < 0) {
			player_fail(player, words.id);
			continue;
		}
		memcpy(args, &words, sizeof words);
		if (rh_submit(ticket, function(), sizeof words) < 0) {
			player_fail(player, words.id);
			rh_release(ticket);
			continue;
		}
		ids[used] = words.id;
		tickets[used++] = ticket;
	}
	for (unsigned i = 0; i < used; i++)
		collect(player, ids[i], tickets[i], (choice >> (16 + i) & 15) == 0);
}

void player_batch(struct player *player, uint64_t choice)
{
	struct words         words[2 * MANY], replies[2 * MANY];
	struct rh_batch_item items[2 * MANY];
	unsigned             count = (unsigned)(choice >> 8) % (2 * MANY) + 1;

	if (count > left(player))
		count = left(player);
	for (unsigned i = 0; i < count; i++) {
		words[i] = begin(player, choice + i);
		items[i] = (struct rh_batch_item){
			.function = function(), .args = &words[i],
			.args_len = sizeof words[i], .reply = &replies[i],
			.reply_cap = sizeof replies[i],
		};
	}
	rh_batch(player->bytes, items, count, 0);
	for (unsigned i = 0; i < count; i++) {
		if (items[i].status == 0)
			take(player, words[i].id, &replies[i], items[i].reply_len);
		else
			player_tell(player, words[i].id, items[i].status == RH_EGONE
			            ? HISTORY_SURELY_NOT : HISTORY_MAYBE,
			            items[i].status);
	}
}
