#include "semaphore.h"

#include "../shm/joint.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct semaphore {
	struct rh_joint joint;
	int             is_armed; /* the next poll asks the kernel */
};

static int semaphore_offer(void *state, const struct rh_channel_config *config,
                           struct rh_offer *ret_offer, struct rh_diag *diag)
{
	return rh_joint_offer(state, "semaphore", 1, config, ret_offer, diag);
}

static int semaphore_accept(void *state, const struct rh_channel_config *config,
                            struct rh_offer *offer, struct rh_diag *diag)
{
	(void)config;
	return rh_joint_accept(state, "semaphore", 1, offer, diag);
}

static int semaphore_submit(void *state, const struct rh_msg_head *head,
                            const void *body)
{
	struct rh_joint *joint = state;

	if (joint->side.is_broken)
		return RH_EPROTO;
	if (rh_side_is_alone(&joint->side))
		return RH_ELOST;

	int r = rh_ring_put(&joint->out, head, body);
	if (r == RH_OK)
		rh_doorbell_push(joint->out_semaphore); /* U1 */
	return rh_side_submitted(&joint->side, r, head->len);
}

/* Takes a unit and its message.  Without must_ask the kernel is asked only when the
 * ring shows a message. */
static int receive(struct rh_joint *joint, int must_ask, struct rh_msg_head *ret_head,
                   const void **ret_body)
{
	int r = rh_ring_look(&joint->in);

	if (r < 0 || (r == 0 && !must_ask))
		return r < 0 ? r : RH_EAGAIN;

	uint64_t units = rh_doorbell_take(joint->in_semaphore);
	if (units == 0)
		return RH_EAGAIN; /* in the ring, but its unit is still to come */
	if (units > 1)
		return RH_EPROTO; /* not in semaphore mode */
	r = rh_ring_take(&joint->in, ret_head, ret_body);
	if (r == RH_EAGAIN) /* U1 */
		return rh_side_is_alone(&joint->side) ? RH_ELOST : RH_EPROTO;
	return r;
}

static int semaphore_poll(void *state, struct rh_msg_head *ret_head,
                          const void **ret_body)
{
	struct semaphore *semaphore = state;
	struct rh_joint  *joint = &semaphore->joint;
	int               was_armed = semaphore->is_armed;

	if (joint->side.is_broken)
		return RH_EPROTO;
	rh_side_wake(&joint->side);
	semaphore->is_armed = 0;

	int r = receive(joint, was_armed, ret_head, ret_body);
	if (r == RH_EAGAIN && rh_side_is_alone(&joint->side)) {
		/* P6 */
		r = receive(joint, 1, ret_head, ret_body);
		if (r == RH_EAGAIN)
			r = RH_ELOST;
	}
	return rh_side_polled(&joint->side, r);
}

static void semaphore_release(void *state)
{
	struct rh_joint *joint = state;

	if (!joint->memory)
		return;
	rh_ring_drop(&joint->in);
	rh_doorbell_ring(&joint->side.room);
}

static int semaphore_arm(void *state, int wants)
{
	struct semaphore *semaphore = state;
	struct rh_joint  *joint = &semaphore->joint;

	rh_side_wake(&joint->side);
	if (wants & RH_WANTS_ROOM)
		rh_nap_begin(&joint->side.hungry);
	if (joint->side.is_broken || rh_side_is_alone(&joint->side))
		return RH_EAGAIN;
	/* The semaphore stays readable while a message waits. */
	semaphore->is_armed = 1;
	if ((wants & RH_WANTS_ROOM) &&
	    rh_ring_has_room(&joint->out, joint->side.wanted) != 0)
		return RH_EAGAIN;
	return RH_OK;
}

static void semaphore_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct rh_joint *joint = state;

	*ret_set = (struct rh_watch_set){ .events = { POLLIN, POLLIN } };
	if (wants & RH_WANTS_MESSAGE)
		ret_set->fds[ret_set->count++] = joint->in_semaphore;
	if (wants & RH_WANTS_ROOM)
		ret_set->fds[ret_set->count++] = joint->side.bell;
}

/* What the kernel counts, for people: units in the semaphore, -1 when unknown. */
static long units_of(int fd)
{
	char        path[40], text[512];
	const char *at;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	int     info = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = info < 0 ? -1 : read(info, text, sizeof text - 1);
	if (info >= 0)
		close(info);
	if (n < 0)
		return -1;
	text[n] = 0;
	at = strstr(text, "eventfd-count:");
	return at ? strtol(at + strlen("eventfd-count:"), NULL, 16) : -1;
}

static void semaphore_describe(const void *state, struct rh_description *ret)
{
	const struct rh_joint *joint = state;

	rh_side_describe(&joint->side, ret);
	snprintf(ret->object, sizeof ret->object,
	         "two eventfd semaphores and memfd rhodes-semaphore, %zu KiB",
	         sizeof(struct rh_joint_memory) / 1024);
	snprintf(ret->detail, sizeof ret->detail,
	         "%u slots each way; the kernel counts %ld sent waiting, %ld unread",
	         RH_RING_SLOTS, units_of(joint->out_semaphore),
	         units_of(joint->in_semaphore));
}

static void semaphore_close(void *state)
{
	rh_joint_close(state);
}

const struct rh_protocol rh_semaphore_protocol = {
	.name = "semaphore",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct semaphore),
	.offer = semaphore_offer,
	.accept = semaphore_accept,
	.submit = semaphore_submit,
	.poll = semaphore_poll,
	.release = semaphore_release,
	.arm = semaphore_arm,
	.watch = semaphore_watch,
	.describe = semaphore_describe,
	.close = semaphore_close,
};
