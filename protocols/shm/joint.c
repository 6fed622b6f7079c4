#include "joint.h"

#include "../../base/diag.h"
#include "../../base/memory.h"

#include <stdio.h>
#include <unistd.h>

enum { CALLER, CALLEE };                                      /* which side  */
enum { FD_MEMORY, FD_BELLS, FD_SEMAPHORES = 3, FDS_MAX = 5 }; /* of an offer */

/* Descriptors of a joint being made or taken; -1 where there is none. */
struct parts {
	int   fds[FDS_MAX];
	int   count;
	void *memory;
};

static struct parts parts_none(int has_semaphores)
{
	return (struct parts){
		.fds = { -1, -1, -1, -1, -1 },
		.count = has_semaphores ? FDS_MAX : FD_SEMAPHORES,
	};
}

static void parts_fini(struct parts *parts)
{
	for (int i = 0; i < FDS_MAX; i++) {
		if (parts->fds[i] >= 0)
			close(parts->fds[i]);
	}
	rh_memory_unmap(parts->memory, sizeof(struct rh_joint_memory));
}

static struct rh_offer_head head_of(const char *name)
{
	struct rh_offer_head head = {
		.version = RH_JOINT_VERSION,
		.memory_bytes = sizeof(struct rh_joint_memory),
	};

	snprintf(head.protocol, sizeof head.protocol, "%s", name);
	return head;
}

/* Moves the parts into the joint. */
static void assemble(struct rh_joint *joint, struct parts *parts, int which)
{
	struct rh_joint_memory *memory = parts->memory;
	int out = which == CALLER ? 0 : 1;

	joint->memory = memory;
	joint->has_semaphores = parts->count > FD_SEMAPHORES;
	joint->out_semaphore = parts->fds[FD_SEMAPHORES + out];
	joint->in_semaphore = parts->fds[FD_SEMAPHORES + !out];
	rh_side_init(&joint->side, memory->lines, which, &parts->fds[FD_BELLS]);
	rh_ring_out_init(&joint->out, &memory->rings[out]);
	rh_ring_in_init(&joint->in, &memory->rings[!out]);
	close(parts->fds[FD_MEMORY]);
}

/* Makes the objects, and an offer of duplicates of them. */
static int make(struct parts *parts, const char *name, struct rh_offer *offer)
{
	struct rh_offer_head head = head_of(name);
	char                 label[32];

	snprintf(label, sizeof label, "rhodes-%s", name);
	int r = rh_memory_create(label, sizeof(struct rh_joint_memory),
	                         &parts->fds[FD_MEMORY], &parts->memory);
	for (int i = FD_BELLS; i < parts->count && r >= 0; i++)
		r = parts->fds[i] = rh_doorbell_create(i >= FD_SEMAPHORES);
	rh_offer_begin(offer, &head);
	for (int i = 0; i < parts->count && r >= 0; i++)
		r = rh_offer_add(offer, parts->fds[i]);
	return r < 0 ? r : RH_OK;
}

int rh_joint_offer(struct rh_joint *joint, const char *name, int has_semaphores,
                   const struct rh_channel_config *config, struct rh_offer *ret_offer,
                   struct rh_diag *diag)
{
	struct parts    parts = parts_none(has_semaphores);
	struct rh_offer offer;
	int             r = make(&parts, name, &offer);

	if (r < 0) {
		rh_offer_drop(&offer);
		parts_fini(&parts);
		return rh_diag_set(diag, r, "%s: no memory or descriptors for a channel "
		                   "from %s to %s", name, config->caller, config->callee);
	}
	assemble(joint, &parts, CALLER);
	*ret_offer = offer;
	return RH_OK;
}

/* Checks what came with the offer; takes the descriptors. */
static int take(struct parts *parts, const char *name, struct rh_offer *offer,
                struct rh_diag *diag)
{
	struct rh_offer_head head = head_of(name);
	int r = rh_offer_check(offer, &head, (uint32_t)parts->count, NULL, diag);

	if (r < 0)
		return r;
	for (int i = 0; i < parts->count; i++)
		parts->fds[i] = rh_offer_take(offer, (uint32_t)i);
	for (int i = FD_BELLS; i < parts->count; i++) {
		if (rh_doorbell_check(parts->fds[i]) < 0)
			return rh_diag_set(diag, RH_EPROTO, "%s: descriptor %d of the offer "
			                   "is not an eventfd", name, i);
	}
	r = rh_memory_map(parts->fds[FD_MEMORY], sizeof(struct rh_joint_memory),
	                  &parts->memory);
	if (r < 0)
		return rh_diag_set(diag, r, "%s: the memory offered is not a sealed memfd "
		                   "of %zu bytes", name, sizeof(struct rh_joint_memory));
	return RH_OK;
}

int rh_joint_accept(struct rh_joint *joint, const char *name, int has_semaphores,
                    struct rh_offer *offer, struct rh_diag *diag)
{
	struct parts parts = parts_none(has_semaphores);
	int          r = take(&parts, name, offer, diag);

	rh_offer_drop(offer);
	if (r < 0) {
		parts_fini(&parts);
		return r;
	}
	assemble(joint, &parts, CALLEE);
	return RH_OK;
}

void rh_joint_close(struct rh_joint *joint)
{
	if (!joint->memory)
		return;
	rh_side_close(&joint->side);
	if (joint->has_semaphores) {
		/* The other side waits for a unit, not for its bell. */
		rh_doorbell_push(joint->out_semaphore);
		close(joint->out_semaphore);
		close(joint->in_semaphore);
	}
	rh_memory_unmap(joint->memory, sizeof *joint->memory);
	joint->memory = NULL;
}
