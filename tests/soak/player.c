#include "player.h"

#include "values.h"

#include "../../base/clock.h"

uint64_t player_next(const struct player *player)
{
	const struct history_line *line = &player->history->line[player->line];

	return (uint64_t)player->line * player->history->per_line +
	       atomic_load(&line->next);
}

uint64_t player_begin(struct player *player, enum history_kind kind, uint64_t expected)
{
	uint64_t             id = player_next(player);
	struct history_call *call = &player->history->call[id];

	call->kind = kind;
	call->expected = expected;
	call->began = rh_clock_ns();
	/* Before the entry: a life that ends in between leaves a gap, not two calls. */
	atomic_fetch_add(&player->history->line[player->line].next, 1);
	atomic_store(&call->life, player->life);
	return id;
}

void player_tell(struct player *player, uint64_t id, enum history_told told, int code)
{
	struct history_call *call = &player->history->call[id];

	call->code = code;
	call->ended = rh_clock_ns();
	atomic_store(&call->told, told);
}

void player_succeed(struct player *player, uint64_t id, uint64_t got)
{
	player->history->call[id].got = got;
	player_tell(player, id, HISTORY_SUCCESS, 0);
}

void player_fail(struct player *player, uint64_t id)
{
	player_tell(player, id, rh_last_ran() ? HISTORY_MAYBE : HISTORY_SURELY_NOT,
	            rh_last_code());
}

uint64_t player_choice(const struct player *player, uint64_t id)
{
	return values_mix(player->seed + values_mix(id));
}
