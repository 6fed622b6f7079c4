/* stubs - calls as an unmodified program makes them, by the shadow of libsoak. */
#include "player.h"
#include "values.h"

#include <string.h>

#define LINKS_MAX 40

static void succeed_or_fail(struct player *player, uint64_t id, uint64_t got)
{
	if (got != 0)
		player_succeed(player, id, got);
	else
		player_fail(player, id);
}

static void once(struct player *player, uint64_t choice)
{
	uint64_t id = player_next(player);

	player_begin(player, HISTORY_ONCE, values_of(id, choice));
	succeed_or_fail(player, id, soak_once(id, choice));
}

static void again(struct player *player, uint64_t choice)
{
	uint64_t id = player_next(player);

	player_begin(player, HISTORY_IDEMPOTENT, values_of(id, choice));
	succeed_or_fail(player, id, soak_again(id, choice));
}

/* Mostly in the slot, at times in the arena, seldom beside the page. */
static size_t length(uint64_t choice)
{
	uint64_t size = choice >> 8;

	if (choice % 1024 == 0)
		return PLAYER_BYTES_MAX - size % 4096;
	if (choice % 32 == 0)
		return size % 100000;
	return choice % 4 == 0 ? size % 4000 : size % 300;
}

static size_t fill(struct player *player, uint64_t choice)
{
	size_t len = length(choice);

	for (size_t i = 0; i < len; i += sizeof choice) {
		choice = choice * 6364136223846793005u + 1442695040888963407u;
		memcpy(player->in + i, &choice, sizeof choice);
	}
	return len;
}

static void add(struct player *player, uint64_t choice)
{
	uint64_t id = player_next(player), sum = 0;
	size_t   len = fill(player, choice);

	player_begin(player, HISTORY_ONCE, values_sum(id, player->in, len));
	if (soak_add(id, player->in, len, &sum) == 0)
		player_succeed(player, id, sum);
	else
		player_fail(player, id);
}

static void echo(struct player *player, uint64_t choice)
{
	uint64_t id = player_next(player);
	size_t   len = fill(player, choice) | 1, got;

	player_begin(player, HISTORY_IDEMPOTENT, values_sum(id, player->in, len));
	got = soak_echo(id, player->in, len, player->out, len);
	if (got != 0)
		player_succeed(player, id, values_sum(id, player->out, got));
	else
		player_fail(player, id);
}

static void open(struct player *player, uint64_t choice)
{
	uint64_t id = player_next(player);

	player_begin(player, HISTORY_REPLAYED, 1);
	player->chain = soak_open(id, choice);
	player->value = values_of(id, choice);
	player->links = (unsigned)(choice >> 32) % LINKS_MAX + 1;
	player->is_unsure = 0;
	succeed_or_fail(player, id, player->chain != NULL);
}

/* What is left of a chain that was lost counts as closed as well. */
static void close(struct player *player)
{
	uint64_t id = player_next(player), value = values_of(id, player->value), got;

	player_begin(player, HISTORY_ONCE, value);
	got = soak_close(player->chain, id);
	if (got != 0)
		player_succeed(player, id, player->is_unsure ? value : got);
	else
		player_tell(player, id, HISTORY_MAYBE, rh_last_code());
	player->chain = NULL;
}

/* Whether a link was put that may have been is not known: such a chain is closed. */
static void put(struct player *player)
{
	uint64_t id = player_next(player);
	uint64_t value = values_link(player->value, id);

	player_begin(player, HISTORY_REPLAYED, value);
	succeed_or_fail(player, id, soak_put(player->chain, id));
	switch (atomic_load(&player->history->call[id].told)) {
	case HISTORY_SUCCESS:
		player->value = value;
		break;
	case HISTORY_MAYBE:
		player->links = 0;
		player->is_unsure = 1;
		break;
	}
}

static void look(struct player *player, enum history_kind kind,
                 uint64_t (*function)(soak_chain *chain, uint64_t id))
{
	uint64_t id = player_next(player);

	player_begin(player, kind, values_of(id, player->value));
	succeed_or_fail(player, id, function(player->chain, id));
}

static void use_chain(struct player *player, uint64_t choice)
{
	if (!player->chain)
		open(player, choice);
	else if (player->links == 0)
		close(player);
	else if (player->links-- % 2 == 0)
		put(player);
	else if (choice & 0x100)
		look(player, HISTORY_IDEMPOTENT, soak_look);
	else
		look(player, HISTORY_ONCE, soak_take);
}

void player_stub(struct player *player, uint64_t choice)
{
	uint64_t what = choice % 8;

	choice = values_mix(choice);
	if (what < 2)
		once(player, choice);
	else if (what < 4)
		again(player, choice);
	else if (what == 4)
		add(player, choice);
	else if (what == 5)
		echo(player, choice);
	else
		use_chain(player, choice);
}
