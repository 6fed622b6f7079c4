#include "parcel.h"

#include "../base/discard.h"

#include <stdlib.h>
#include <unistd.h>

#define FRAMES_PER_DRAIN 512 /* more than a companion holds */

struct parcel {
	struct rh_list link;
	uint64_t       call;
	struct rh_fds  fds;
};

void rh_fds_close(struct rh_fds *fds)
{
	for (unsigned i = 0; i < fds->count; i++)
		rh_discard(fds->at[i]);
	fds->count = 0;
}

static void drop(struct rh_parcels *parcels, struct parcel *parcel)
{
	rh_list_remove(&parcel->link);
	rh_fds_close(&parcel->fds);
	free(parcel);
	parcels->count--;
}

void rh_parcels_init(struct rh_parcels *parcels, unsigned max)
{
	rh_list_init(&parcels->list);
	parcels->count = 0;
	parcels->max = max;
}

int rh_parcels_put(struct rh_parcels *parcels, struct rh_frame *frame)
{
	struct parcel *parcel;
	uint64_t       call;

	if (rh_record_u64(&frame->records, RH_TAG_CALL, &call) < 0 ||
	    frame->fd_count > RH_CALL_FDS_MAX)
		return RH_EPROTO;
	parcel = malloc(sizeof *parcel);
	if (!parcel)
		return RH_ENOMEM;
	if (parcels->count == parcels->max)
		drop(parcels, RH_CONTAINER(parcels->list.next, struct parcel, link));
	parcel->call = call;
	parcel->fds.count = frame->fd_count;
	for (unsigned i = 0; i < frame->fd_count; i++)
		parcel->fds.at[i] = rh_frame_take_fd(frame, i);
	rh_list_add(&parcels->list, &parcel->link);
	parcels->count++;
	return RH_OK;
}

int rh_parcels_take(struct rh_parcels *parcels, uint64_t call, unsigned expected,
                    struct rh_fds *ret_fds)
{
	RH_LIST_EACH(node, &parcels->list) {
		struct parcel *parcel = RH_CONTAINER(node, struct parcel, link);

		if (parcel->call != call)
			continue;
		if (parcel->fds.count != expected) {
			drop(parcels, parcel);
			return RH_EPROTO;
		}
		*ret_fds = parcel->fds;
		parcel->fds.count = 0;
		drop(parcels, parcel);
		return RH_OK;
	}
	return RH_ENOENT;
}

void rh_parcels_fini(struct rh_parcels *parcels)
{
	RH_LIST_EACH(node, &parcels->list)
		drop(parcels, RH_CONTAINER(node, struct parcel, link));
}

int rh_parcels_drain(struct rh_parcels *parcels, int companion, void *buffer,
                     rh_parcel_other *other, void *user)
{
	struct rh_frame frame;
	int             r = RH_OK;

	for (int i = 0; i < FRAMES_PER_DRAIN; i++) {
		r = rh_socket_receive(companion, buffer, &frame);
		if (r == RH_EPROTO || r == RH_EVERSION)
			continue; /* its own calls will miss what it meant */
		if (r < 0)
			break;
		if (frame.type == RH_FRAME_FDS)
			rh_parcels_put(parcels, &frame);
		else if (other)
			other(user, &frame);
		rh_frame_drop(&frame);
	}
	return r == RH_EAGAIN ? RH_OK : r;
}

int rh_parcel_send(int companion, uint64_t call, const struct rh_fds *fds)
{
	unsigned char           bytes[32];
	struct rh_record_writer writer;

	rh_record_begin(&writer, bytes, sizeof bytes);
	rh_record_put_u64(&writer, RH_TAG_CALL, call);
	return rh_socket_send(companion, RH_FRAME_FDS, 0, &writer, fds->at, fds->count);
}
