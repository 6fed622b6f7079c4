/* revive - makes the object behind a handle anew in the instance that serves now, by
 * sending the calls again that made it and set its state.
 *
 * Nothing tells the SDK that an instance is gone; it is seen when an object is to be
 * used and the page at hand, or the agent, speaks for another instance.
 *
 * Threads     One thread at a time revives the handles of a callee: they may depend on
 *             each other, also in a circle. */
#include "context.h"
#include "flight.h"
#include "handle.h"
#include "rhodes.h"

#include "../../base/clock.h"

#include <string.h>

#define REVIVE_DEPTH 8

struct revival {
	struct rh_handle *handle;
	uint64_t          deadline;
	int               depth;
	int              *ret_is_broken;
};

static int revive(const struct revival *revival);

static int broken(const struct revival *revival)
{
	*revival->ret_is_broken = 1;
	return rh_fail(RH_ELOST, "the object was lost with its instance of %s and cannot"
	               " be made again", revival->handle->callee->name);
}

/* The handles that the call needs besides the one that it makes. */
static int revive_others(const struct revival *revival, const struct rh_replay *replay)
{
	struct revival next = *revival;

	next.depth++;
	for (unsigned i = 0; i < replay->function->param_count; i++) {
		int r;

		if (!replay->pointers[i])
			continue;
		next.handle = rh_handle_find(replay->pointers[i]);
		if (!next.handle)
			return broken(revival); /* freed by now */
		if (next.handle->is_reviving)
			continue;
		if ((r = revive(&next)) < 0)
			return r;
	}
	return RH_OK;
}

/* Writes today's ids over those of the time when the call was made. */
static int renew_ids(const struct rh_replay *replay, struct rh_thread_page *page,
                     unsigned char *at, uint32_t *ret_instance)
{
	for (unsigned i = 0; i < replay->function->param_count; i++) {
		struct rh_handle_place place;
		struct rh_handle      *handle;

		if (!replay->pointers[i])
			continue;
		if (!(handle = rh_handle_find(replay->pointers[i])))
			return RH_EGONE;
		place = rh_handle_place(handle);
		if (rh_handle_misplaced(handle->callee, &place, page))
			return RH_EGONE;
		memcpy(at + rh_marshal_cell(replay->function, i), &place.id,
		       sizeof place.id);
		*ret_instance = place.instance;
	}
	return RH_OK;
}

/* The call made the object: where it stands now. */
static int settle(struct rh_handle *handle, const struct rh_replay *replay,
                  const struct rh_flight *flight, uint32_t cell)
{
	uint64_t id = 0;

	if (flight->reply.len >= cell + sizeof id)
		memcpy(&id, flight->reply.bytes + cell, sizeof id);
	if (id == 0)
		return rh_fail(RH_EIO, "the callee made no new object by %s",
		               replay->function->name);
	rh_handle_settle(handle, id, rh_flight_instance(flight));
	return RH_OK;
}

static int replay_one(const struct revival *revival, const struct rh_replay *replay)
{
	struct rh_flight  flight;
	struct rh_request request = {
		.function = replay->function->hash, .args_len = replay->len,
	};
	uint32_t       created = rh_marshal_created_cell(replay->function);
	unsigned char *at;
	int            r = revive_others(revival, replay);

	if (r < 0 || (r = rh_flight_begin(&flight, revival->handle->callee, replay->len, 0,
	                                  revival->deadline, &at)) < 0)
		return r;
	memcpy(at, replay->bytes, replay->len);
	r = renew_ids(replay, flight.page, at, &request.instance);
	if (r == RH_OK)
		r = rh_context_send(flight.page, replay->function, &request.context);
	if (r == RH_OK && (r = rh_flight_go(&flight, &request, NULL)) == RH_OK &&
	    (r = rh_flight_finish(&flight)) == RH_OK && created > 0)
		r = settle(revival->handle, replay, &flight, created);
	if (r == RH_EGONE || r == RH_ELOST)
		rh_handles_gone(revival->handle->callee, &flight, request.instance);
	rh_flight_end(&flight);
	return r;
}

static int replay_all(const struct revival *revival)
{
	const struct rh_replay *replay = NULL;
	int                     r = RH_OK;

	while (r == RH_OK && (replay = rh_handle_revival_next(revival->handle, replay)))
		r = replay_one(revival, replay);
	return r;
}

/* An instance lost in the middle means beginning again. */
static int revive(const struct revival *revival)
{
	struct rh_handle *handle = revival->handle;
	int               r = RH_OK;

	if (revival->depth > REVIVE_DEPTH)
		return broken(revival);
	while (r == RH_OK && !rh_handle_place(handle).is_live) {
		if (!rh_handle_revival_begin(handle))
			return broken(revival);
		r = replay_all(revival);
		rh_handle_revival_end(handle);
		if (r == RH_OK)
			rh_handle_set_live(handle);
		else if ((r == RH_ELOST || r == RH_EGONE) && !*revival->ret_is_broken &&
		         rh_clock_ns() < revival->deadline)
			r = RH_OK;
	}
	return r;
}

int rh_handle_revive(struct rh_handle *handle, uint64_t deadline, int *ret_is_broken)
{
	const struct revival revival = {
		.handle = handle, .deadline = deadline ? deadline : rh_deadline(0),
		.ret_is_broken = ret_is_broken,
	};
	int r;

	pthread_mutex_lock(&handle->callee->revival);
	r = revive(&revival);
	pthread_mutex_unlock(&handle->callee->revival);
	return r;
}
