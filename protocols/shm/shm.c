#include "shm.h"

#include "../offer.h"

#include "../../base/diag.h"
#include "../../base/memory.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CALLER, CALLEE };               /* which line and bell is whose       */
enum { FD_MEMORY, FD_BELLS, FDS = 3 }; /* of an offer                        */

struct shm {
	struct rh_side        side;
	struct rh_ring_out    out;
	struct rh_ring_in     in;
	struct rh_shm_memory *memory; /* NULL: closed */
};

static const struct rh_offer_head offer_head = {
	.protocol = "shm",
	.version = RH_SHM_VERSION,
	.memory_bytes = sizeof(struct rh_shm_memory),
};

static void join(struct shm *shm, struct rh_shm_memory *memory, int which,
                 int bells[2])
{
	shm->memory = memory;
	rh_side_init(&shm->side, memory->lines, which, bells);
	rh_ring_out_init(&shm->out, &memory->rings[which == CALLER ? 0 : 1]);
	rh_ring_in_init(&shm->in, &memory->rings[which == CALLER ? 1 : 0]);
}

static void close_all(int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* Makes the objects and an offer of duplicates of them. */
static int make(int fds[FDS], void **ret_memory, struct rh_offer *offer)
{
	int r = rh_memory_create("rhodes-shm", sizeof(struct rh_shm_memory),
	                         &fds[FD_MEMORY], ret_memory);

	for (int i = FD_BELLS; i < FDS && r >= 0; i++)
		r = fds[i] = rh_doorbell_create(0);
	rh_offer_begin(offer, &offer_head);
	for (int i = 0; i < FDS && r >= 0; i++)
		r = rh_offer_add(offer, fds[i]);
	return r < 0 ? r : RH_OK;
}

static int shm_offer(void *state, const struct rh_channel_config *config,
                     struct rh_offer *ret_offer, struct rh_diag *diag)
{
	int             fds[FDS] = { -1, -1, -1 };
	void           *memory = NULL;
	struct rh_offer offer;
	int             r = make(fds, &memory, &offer);

	if (r < 0) {
		rh_offer_drop(&offer);
		close_all(fds, FDS);
		rh_memory_unmap(memory, sizeof(struct rh_shm_memory));
		return rh_diag_set(diag, r, "no memory or descriptors for a channel "
		                   "from %s to %s", config->caller, config->callee);
	}
	join(state, memory, CALLER, &fds[FD_BELLS]);
	close(fds[FD_MEMORY]);
	*ret_offer = offer;
	return RH_OK;
}

/* Checks what came with the offer; takes the descriptors. */
static int take(struct rh_offer *offer, int fds[FDS], void **ret_memory,
                struct rh_diag *diag)
{
	int r = rh_offer_check(offer, &offer_head, FDS, NULL, diag);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < FDS; i++)
		fds[i] = rh_offer_take(offer, i);
	for (int i = FD_BELLS; i < FDS; i++) {
		if (rh_doorbell_check(fds[i]) < 0)
			return rh_diag_set(diag, RH_EPROTO, "shm: the doorbell offered "
			                   "is not an eventfd");
	}
	r = rh_memory_map(fds[FD_MEMORY], sizeof(struct rh_shm_memory), ret_memory);
	if (r < 0)
		return rh_diag_set(diag, r, "shm: the memory offered is not a sealed "
		                   "memfd of %zu bytes", sizeof(struct rh_shm_memory));
	return RH_OK;
}

static int shm_accept(void *state, const struct rh_channel_config *config,
                      struct rh_offer *offer, struct rh_diag *diag)
{
	int   fds[FDS] = { -1, -1, -1 };
	void *memory = NULL;
	int   r = take(offer, fds, &memory, diag);

	(void)config;
	rh_offer_drop(offer);
	if (r < 0) {
		close_all(fds, FDS);
		return r;
	}
	join(state, memory, CALLEE, &fds[FD_BELLS]);
	close(fds[FD_MEMORY]);
	return RH_OK;
}

static int shm_submit(void *state, const struct rh_msg_head *head, const void *body)
{
	struct shm *shm = state;

	if (shm->side.is_broken)
		return RH_EPROTO;
	if (rh_side_is_alone(&shm->side))
		return RH_ELOST;

	int r = rh_ring_put(&shm->out, head, body);
	if (r == RH_OK)
		rh_doorbell_ring(&shm->side.data);
	return rh_side_submitted(&shm->side, r, head->len);
}

static int shm_poll(void *state, struct rh_msg_head *ret_head, const void **ret_body)
{
	struct shm *shm = state;

	if (shm->side.is_broken)
		return RH_EPROTO;
	rh_side_wake(&shm->side);

	int r = rh_ring_take(&shm->in, ret_head, ret_body);
	if (r == RH_EAGAIN && rh_side_is_alone(&shm->side)) {
		/* What was put before the close must not be lost.  P6 */
		r = rh_ring_take(&shm->in, ret_head, ret_body);
		if (r == RH_EAGAIN)
			r = RH_ELOST;
	}
	return rh_side_polled(&shm->side, r);
}

static void shm_release(void *state)
{
	struct shm *shm = state;

	if (!shm->memory)
		return;
	rh_ring_drop(&shm->in);
	rh_doorbell_ring(&shm->side.room);
}

static int shm_arm(void *state, int wants_room)
{
	struct shm *shm = state;

	rh_nap_begin(&shm->side.asleep);
	if (wants_room)
		rh_nap_begin(&shm->side.hungry);
	if (shm->side.is_broken || rh_side_is_alone(&shm->side) ||
	    rh_ring_look(&shm->in) != 0)
		return RH_EAGAIN;
	if (wants_room && rh_ring_has_room(&shm->out, shm->side.wanted) != 0)
		return RH_EAGAIN;
	return RH_OK;
}

static void shm_watch(const void *state, int wants_room, struct rh_watch_set *ret_set)
{
	const struct shm *shm = state;

	(void)wants_room; /* one bell for both */
	*ret_set = (struct rh_watch_set){
		.count = 1, .fds = { shm->side.bell }, .events = { POLLIN },
	};
}

static void shm_describe(const void *state, struct rh_description *ret)
{
	const struct shm *shm = state;

	rh_side_describe(&shm->side, ret);
	snprintf(ret->object, sizeof ret->object, "memfd rhodes-shm, %zu KiB",
	         sizeof(struct rh_shm_memory) / 1024);
	snprintf(ret->detail, sizeof ret->detail,
	         "ring of %u slots each way, last sent %u, last received %u",
	         RH_RING_SLOTS, shm->out.tail, shm->in.head);
}

static void shm_close(void *state)
{
	struct shm *shm = state;

	if (!shm->memory)
		return;
	rh_side_close(&shm->side);
	rh_memory_unmap(shm->memory, sizeof *shm->memory);
	shm->memory = NULL;
}

const struct rh_protocol rh_shm_protocol = {
	.name = "shm",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct shm),
	.offer = shm_offer,
	.accept = shm_accept,
	.submit = shm_submit,
	.poll = shm_poll,
	.release = shm_release,
	.arm = shm_arm,
	.watch = shm_watch,
	.describe = shm_describe,
	.close = shm_close,
};
