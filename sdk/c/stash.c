#include "stash.h"

#include "../../base/discard.h"

#include <stdlib.h>
#include <unistd.h>

#define FRAMES_PER_DRAIN 512 /* more than a companion holds */

struct kept {
	uint64_t call;
	unsigned count;
	int      fds[RH_CALL_FDS_MAX];
};

struct rh_fd_stash {
	unsigned      used;
	struct kept   kept[RH_STASH_MAX];
	unsigned char buffer[RH_FRAME_MAX];
};

static void close_all(struct kept *kept)
{
	for (unsigned i = 0; i < kept->count; i++)
		rh_discard(kept->fds[i]);
	kept->count = 0;
}

static void remove_at(struct rh_fd_stash *stash, unsigned at)
{
	for (unsigned i = at + 1; i < stash->used; i++)
		stash->kept[i - 1] = stash->kept[i];
	stash->used--;
}

static void keep(struct rh_fd_stash *stash, struct rh_frame *frame)
{
	struct kept *kept;
	uint64_t     call;

	if (rh_record_u64(&frame->records, RH_TAG_CALL, &call) < 0 ||
	    frame->fd_count > RH_CALL_FDS_MAX)
		return;
	if (stash->used == RH_STASH_MAX) {
		close_all(&stash->kept[0]);
		remove_at(stash, 0);
	}
	kept = &stash->kept[stash->used++];
	*kept = (struct kept){ .call = call, .count = frame->fd_count };
	for (unsigned i = 0; i < frame->fd_count; i++)
		kept->fds[i] = rh_frame_take_fd(frame, i);
}

int rh_stash_drain(struct rh_fd_stash **stash, int companion, rh_stash_other *other,
                   void *user)
{
	struct rh_frame frame;
	int             r = RH_OK;

	if (!*stash && !(*stash = calloc(1, sizeof **stash)))
		return RH_ENOMEM;
	/* A peer that sends without end gets no more turns than others. */
	for (int i = 0; i < FRAMES_PER_DRAIN && r == RH_OK; i++) {
		r = rh_socket_receive(companion, (*stash)->buffer, &frame);
		if (r < 0)
			break;
		if (frame.type == RH_FRAME_FDS)
			keep(*stash, &frame);
		else if (other)
			other(user, &frame);
		rh_frame_drop(&frame);
	}
	return r == RH_EAGAIN ? RH_OK : r;
}

int rh_stash_take(struct rh_fd_stash **stash, int companion, uint64_t call,
                  unsigned expected, rh_stash_other *other, void *user,
                  struct rh_fd_list *ret_fds)
{
	int r = rh_stash_drain(stash, companion, other, user);

	if (r == RH_ENOMEM)
		return r;
	for (unsigned i = 0; i < (*stash)->used; i++) {
		struct kept *kept = &(*stash)->kept[i];

		if (kept->call != call)
			continue;
		if (kept->count != expected)
			return RH_EPROTO;
		ret_fds->count = kept->count;
		for (unsigned k = 0; k < kept->count; k++)
			ret_fds->fds[k] = kept->fds[k];
		remove_at(*stash, i);
		return RH_OK;
	}
	return RH_EPROTO;
}

void rh_stash_destroy(struct rh_fd_stash *stash)
{
	if (!stash)
		return;
	for (unsigned i = 0; i < stash->used; i++)
		close_all(&stash->kept[i]);
	free(stash);
}

int rh_stash_send(int companion, uint64_t call, const int *fds, unsigned count)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, call);
	return rh_socket_send(companion, RH_FRAME_FDS, 0, &writer, fds, count);
}
