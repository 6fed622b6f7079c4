#include "ends.h"

#include "../offer.h"

#include "../../base/diag.h"
#include "../../base/memory.h"

#include <fcntl.h>
#include <unistd.h>

enum { FD_MEMORY, FD_BELLS, FD_REQUESTS = 3, FD_REPLIES, FDS }; /* of an offer */

static const struct rh_offer_head offer_head = {
	.protocol = "msgqueue",
	.version = RH_MSGQUEUE_VERSION,
	.memory_bytes = sizeof(struct rh_msgqueue_memory),
};

/* Both queues, each open to write and to read. */
struct queues {
	int requests[2];
	int replies[2];
};

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* Also removes the names; for a channel that did not come about. */
static void queues_fini(const struct queues *queues, const struct rh_queue_names *names)
{
	if (queues->requests[0] >= 0)
		rh_queue_unlink(names->request, queues->requests[0]);
	if (queues->replies[0] >= 0)
		rh_queue_unlink(names->reply, queues->replies[0]);
	close_all(queues->requests, 2);
	close_all(queues->replies, 2);
}

static int make_queues(struct queues *queues, const struct rh_queue_names *names,
                       struct rh_diag *diag)
{
	int r;

	rh_queue_raise_limit();
	r = rh_queue_create(names->request, queues->requests, diag);
	if (r == RH_OK)
		r = rh_queue_create(names->reply, queues->replies, diag);
	return r;
}

/* Memory, doorbells, and an offer of duplicates of what the callee needs. */
static int make_rest(int fds[FD_REQUESTS], const struct queues *queues,
                     void **ret_memory, struct rh_offer *offer)
{
	int r = rh_memory_create("rhodes-msgqueue", sizeof(struct rh_msgqueue_memory),
	                         &fds[FD_MEMORY], ret_memory);

	for (int i = FD_BELLS; i < FD_REQUESTS && r >= 0; i++)
		r = fds[i] = rh_doorbell_create(0);
	for (int i = 0; i < FD_REQUESTS && r >= 0; i++)
		r = rh_offer_add(offer, fds[i]);
	if (r >= 0)
		r = rh_offer_add(offer, queues->requests[1]); /* FD_REQUESTS */
	if (r >= 0)
		r = rh_offer_add(offer, queues->replies[0]);  /* FD_REPLIES */
	return r < 0 ? r : RH_OK;
}

int rh_queue_ends_offer(struct rh_queue_ends *ends, const struct rh_queue_names *names,
                        struct rh_offer *ret_offer, struct rh_diag *diag)
{
	struct queues   queues = { { -1, -1 }, { -1, -1 } };
	int             fds[FD_REQUESTS] = { -1, -1, -1 };
	void           *memory = NULL;
	struct rh_offer offer;
	int             r = make_queues(&queues, names, diag);

	rh_offer_begin(&offer, &offer_head);
	if (r == RH_OK) {
		r = make_rest(fds, &queues, &memory, &offer);
		if (r < 0)
			rh_diag_set(diag, r, "msgqueue: no memory or descriptors for a "
			            "channel");
	}
	if (r < 0) {
		rh_offer_drop(&offer);
		close_all(fds, FD_REQUESTS);
		queues_fini(&queues, names);
		rh_memory_unmap(memory, sizeof *ends->memory);
		return r;
	}
	*ends = (struct rh_queue_ends){
		.memory = memory,
		.bells = { fds[FD_BELLS], fds[FD_BELLS + 1] },
		.send_fd = queues.requests[0],
		.receive_fd = queues.replies[1],
	};
	close(queues.requests[1]);
	close(queues.replies[0]);
	close(fds[FD_MEMORY]);
	*ret_offer = offer;
	return RH_OK;
}

static int check(const int fds[FDS], void **ret_memory, struct rh_diag *diag)
{
	int r;

	if (rh_doorbell_check(fds[FD_BELLS]) < 0 ||
	    rh_doorbell_check(fds[FD_BELLS + 1]) < 0)
		return rh_diag_set(diag, RH_EPROTO, "msgqueue: a doorbell offered is not an "
		                   "eventfd");
	if (rh_queue_check(fds[FD_REQUESTS], O_RDONLY) < 0 ||
	    rh_queue_check(fds[FD_REPLIES], O_WRONLY) < 0)
		return rh_diag_set(diag, RH_EPROTO, "msgqueue: what was offered is not a "
		                   "queue of %u-byte messages", RH_QUEUE_MESSAGE_MAX);
	r = rh_memory_map(fds[FD_MEMORY], sizeof(struct rh_msgqueue_memory), ret_memory);
	if (r < 0)
		return rh_diag_set(diag, r, "msgqueue: the memory offered is not a sealed "
		                   "memfd of %zu bytes", sizeof(struct rh_msgqueue_memory));
	return RH_OK;
}

int rh_queue_ends_accept(struct rh_queue_ends *ends, struct rh_offer *offer,
                         struct rh_diag *diag)
{
	int   fds[FDS];
	void *memory = NULL;
	int   r = rh_offer_check(offer, &offer_head, FDS, NULL, diag);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < FDS; i++)
		fds[i] = rh_offer_take(offer, i);
	r = check(fds, &memory, diag);
	if (r < 0) {
		close_all(fds, FDS);
		return r;
	}
	*ends = (struct rh_queue_ends){
		.memory = memory,
		.bells = { fds[FD_BELLS], fds[FD_BELLS + 1] },
		.send_fd = fds[FD_REPLIES],
		.receive_fd = fds[FD_REQUESTS],
	};
	close(fds[FD_MEMORY]);
	return RH_OK;
}
