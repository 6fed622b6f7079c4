#include "shm.h"

#include "joint.h"

#include <poll.h>
#include <stdio.h>

static int shm_offer(void *state, const struct rh_channel_config *config,
                     struct rh_offer *ret_offer, struct rh_diag *diag)
{
	return rh_joint_offer(state, "shm", 0, config, ret_offer, diag);
}

static int shm_accept(void *state, const struct rh_channel_config *config,
                      struct rh_offer *offer, struct rh_diag *diag)
{
	(void)config; /* nothing here has a name */
	return rh_joint_accept(state, "shm", 0, offer, diag);
}

static int shm_submit(void *state, const struct rh_msg_head *head, const void *body)
{
	struct rh_joint *shm = state;

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
	struct rh_joint *shm = state;

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
	struct rh_joint *shm = state;

	if (!shm->memory)
		return;
	rh_ring_drop(&shm->in);
	rh_doorbell_ring(&shm->side.room);
}

static int shm_arm(void *state, int wants)
{
	struct rh_joint *shm = state;

	rh_side_wake(&shm->side);
	if (wants & RH_WANTS_MESSAGE)
		rh_nap_begin(&shm->side.asleep);
	if (wants & RH_WANTS_ROOM)
		rh_nap_begin(&shm->side.hungry);
	if (shm->side.is_broken || rh_side_is_alone(&shm->side))
		return RH_EAGAIN;
	if ((wants & RH_WANTS_MESSAGE) && rh_ring_look(&shm->in) != 0)
		return RH_EAGAIN;
	if ((wants & RH_WANTS_ROOM) &&
	    rh_ring_has_room(&shm->out, shm->side.wanted) != 0)
		return RH_EAGAIN;
	return RH_OK;
}

static void shm_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct rh_joint *shm = state;

	(void)wants; /* one bell for both */
	*ret_set = (struct rh_watch_set){
		.count = 1, .fds = { shm->side.bell }, .events = { POLLIN },
	};
}

static void shm_describe(const void *state, struct rh_description *ret)
{
	const struct rh_joint *shm = state;

	rh_side_describe(&shm->side, ret);
	snprintf(ret->object, sizeof ret->object, "memfd rhodes-shm, %zu KiB",
	         sizeof(struct rh_joint_memory) / 1024);
	snprintf(ret->detail, sizeof ret->detail,
	         "a ring of %u slots each way; last sent %u, last received %u",
	         RH_RING_SLOTS, shm->out.tail, shm->in.head);
}

static void shm_close(void *state)
{
	rh_joint_close(state);
}

const struct rh_protocol rh_shm_protocol = {
	.name = "shm",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct rh_joint),
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
