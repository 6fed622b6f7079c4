#include "ends.h"

#include "../offer.h"

#include "../../base/diag.h"
#include "../../base/memory.h"

#include <string.h>
#include <unistd.h>

enum { FD_MEMORY, FD_BELLS, FDS = 3 }; /* of an offer */

static const struct rh_offer_head offer_head = {
	.protocol = "module",
	.version = RH_MODULE_VERSION,
	.memory_bytes = sizeof(struct rh_module_memory),
};

static void drop(const int fds[FDS], void *memory)
{
	for (int i = 0; i < FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	rh_memory_unmap(memory, sizeof(struct rh_module_memory));
}

static void assemble(struct rh_module_ends *ends, const int fds[FDS], void *memory)
{
	*ends = (struct rh_module_ends){
		.memory = memory, .bells = { fds[FD_BELLS], fds[FD_BELLS + 1] },
	};
	close(fds[FD_MEMORY]);
}

int rh_module_ends_offer(struct rh_module_ends *ends, uint64_t id,
                         struct rh_offer *ret_offer, struct rh_diag *diag)
{
	struct rh_offer_head head = offer_head;
	struct rh_offer      offer;
	int                  fds[FDS] = { -1, -1, -1 };
	void                *memory = NULL;
	int r = rh_memory_create("rhodes-module", sizeof *ends->memory, &fds[FD_MEMORY],
	                         &memory);

	memcpy(head.extra, &id, sizeof id);
	rh_offer_begin(&offer, &head);
	for (int i = FD_BELLS; i < FDS && r >= 0; i++)
		r = fds[i] = rh_doorbell_create(0);
	for (int i = 0; i < FDS && r >= 0; i++)
		r = rh_offer_add(&offer, fds[i]);
	if (r < 0) {
		rh_offer_drop(&offer);
		drop(fds, memory);
		return rh_diag_set(diag, r, "module: no memory or descriptors for a channel");
	}
	assemble(ends, fds, memory);
	*ret_offer = offer;
	return RH_OK;
}

int rh_module_offered(const struct rh_offer *offer, uint64_t *ret_id)
{
	struct rh_offer_head head;

	if (offer->len != sizeof head)
		return RH_EPROTO;
	memcpy(&head, offer->bytes, sizeof head);
	memcpy(ret_id, head.extra, sizeof *ret_id);
	return RH_OK;
}

static int check(const struct rh_offer *offer, uint64_t id, struct rh_diag *diag)
{
	uint64_t said;
	uint32_t extra[2];
	int      r = rh_offer_check(offer, &offer_head, FDS, extra, diag);

	if (r < 0)
		return r;
	memcpy(&said, extra, sizeof said);
	if (said != id)
		return rh_diag_set(diag, RH_EPROTO, "module: the other side has another rule "
		                   "for this edge (%016llx, here %016llx)",
		                   (unsigned long long)said, (unsigned long long)id);
	return RH_OK;
}

int rh_module_ends_accept(struct rh_module_ends *ends, uint64_t id,
                          struct rh_offer *offer, struct rh_diag *diag)
{
	int   fds[FDS] = { -1, -1, -1 };
	void *memory = NULL;
	int   r = check(offer, id, diag);

	for (uint32_t i = 0; r == RH_OK && i < FDS; i++)
		fds[i] = rh_offer_take(offer, i);
	rh_offer_drop(offer);
	for (int i = FD_BELLS; r == RH_OK && i < FDS; i++)
		if (rh_doorbell_check(fds[i]) < 0)
			r = rh_diag_set(diag, RH_EPROTO, "module: descriptor %d of the offer is "
			                "not an eventfd", i);
	if (r == RH_OK && (r = rh_memory_map(fds[FD_MEMORY], sizeof *ends->memory,
	                                     &memory)) < 0)
		rh_diag_set(diag, r, "module: the memory offered is not a sealed memfd of %zu "
		            "bytes", sizeof *ends->memory);
	if (r < 0) {
		drop(fds, memory);
		return r;
	}
	assemble(ends, fds, memory);
	return RH_OK;
}
