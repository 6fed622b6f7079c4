#include "bind.h"

#include "../doorbell.h"
#include "../offer.h"
#include "../page/page.h"

#include "../../base/diag.h"
#include "../../base/memory.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BELL_CLOSED (1ull << 32) /* B1 */

enum { FD_MEMORY, FD_BELLS, FDS = 3 };

struct bind {
	void    *memory; /* NULL: closed */
	int      is_callee;
	int      bell;
	int      their_bell;
	int      is_armed;
	int      is_alone;
	int      is_broken;
	int      lent;       /* caller: the slot lent, or -1              */
	uint16_t full_with;  /* caller: in flight at the last full submit */
	uint32_t taken_mask; /* callee: bit per slot not yet answered     */
	uint64_t submitted;
	uint64_t polled;
	uint64_t full;
	union {
		struct rh_caller_end caller;
		struct rh_server_end server;
	};
	union {
		uint64_t        calls[RH_PAGE_SLOTS]; /* caller: as given */
		struct rh_taken taken[RH_PAGE_SLOTS]; /* callee           */
	};
};

static const struct rh_offer_head offer_head = {
	.protocol = "bind", .version = RH_WIRE_VERSION, .memory_bytes = RH_PAGE_BYTES,
};

static void close_all(int *fds)
{
	for (int i = 0; i < FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

static void join(struct bind *bind, void *memory, int *bells, int is_callee)
{
	*bind = (struct bind){
		.memory = memory, .is_callee = is_callee, .lent = -1,
		.bell = bells[is_callee], .their_bell = bells[!is_callee],
	};
	if (is_callee)
		rh_server_init(&bind->server, memory, bind->their_bell);
	else
		rh_caller_init(&bind->caller, memory, bind->their_bell);
}

static int bind_offer(void *state, const struct rh_channel_config *config,
                      struct rh_offer *ret_offer, struct rh_diag *diag)
{
	int             fds[FDS] = { -1, -1, -1 };
	void           *memory = NULL;
	struct rh_offer offer;
	int             r = rh_memory_create("rhodes-page", RH_PAGE_BYTES, &fds[0],
	                                     &memory);

	rh_offer_begin(&offer, &offer_head);
	for (int i = FD_BELLS; i < FDS && r >= 0; i++)
		r = fds[i] = rh_doorbell_create(0);
	for (int i = 0; i < FDS && r >= 0; i++)
		r = rh_offer_add(&offer, fds[i]);
	if (r < 0) {
		rh_offer_drop(&offer);
		close_all(fds);
		rh_memory_unmap(memory, RH_PAGE_BYTES);
		return rh_diag_set(diag, r, "bind: no memory or descriptors for a page "
		                   "from %s to %s", config->caller, config->callee);
	}
	rh_page_format(memory, config->id, 0, 1, RH_PAGE_FLAG_BIND);
	join(state, memory, &fds[FD_BELLS], 0);
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
			return rh_diag_set(diag, RH_EPROTO, "bind: descriptor %d of the "
			                   "offer is not an eventfd", i);
	}
	r = rh_memory_map(fds[FD_MEMORY], RH_PAGE_BYTES, ret_memory);
	if (r == RH_OK)
		r = rh_page_check(*ret_memory);
	return r < 0 ? rh_diag_set(diag, r, "bind: the memory offered is not a call page")
	             : RH_OK;
}

static int bind_accept(void *state, const struct rh_channel_config *config,
                       struct rh_offer *offer, struct rh_diag *diag)
{
	int   fds[FDS] = { -1, -1, -1 };
	void *memory = NULL;
	int   r = take(offer, fds, &memory, diag);

	(void)config;
	rh_offer_drop(offer);
	if (r < 0) {
		close_all(fds);
		rh_memory_unmap(memory, RH_PAGE_BYTES);
		return r;
	}
	join(state, memory, &fds[FD_BELLS], 1);
	close(fds[FD_MEMORY]);
	return RH_OK;
}

static int submit_call(struct bind *bind, const struct rh_msg_head *head,
                       const void *body)
{
	struct rh_request request = {
		.function = head->function, .deadline = head->deadline,
		.args_len = head->len, .context = head->context,
		.instance = head->instance, .flags = head->flags, .fds = head->fds,
	};
	unsigned char *args;
	int slot = rh_caller_reserve(&bind->caller, head->len, head->reply_cap, &args);

	if (slot < 0)
		return slot;
	bind->calls[slot] = head->call;
	if (head->len > 0)
		memcpy(args, body, head->len);
	rh_caller_submit(&bind->caller, slot, &request);
	return RH_OK;
}

static int submit_reply(struct bind *bind, const struct rh_msg_head *head,
                        const void *body)
{
	uint32_t         slot = (uint32_t)head->call % RH_PAGE_SLOTS;
	struct rh_taken *taken = &bind->taken[slot];
	struct rh_reply  reply = {
		.status = head->status, .err_no = head->err_no, .len = head->len,
		.instance = head->instance, .flags = head->flags, .fds = head->fds,
	};

	if (!(bind->taken_mask & (1u << slot)) || taken->sequence != head->call)
		return RH_EINVAL;
	if (head->len > RH_SLOT_INLINE_MAX && head->len > taken->reply_cap)
		return RH_EMSGSIZE;
	if (head->len > 0)
		memcpy(head->len <= RH_SLOT_INLINE_MAX ? taken->reply_near
		                                       : taken->reply_far,
		       body, head->len);
	bind->taken_mask &= ~(1u << slot);
	rh_server_finish(&bind->server, taken, &reply);
	return RH_OK;
}

/* The callee says it in the page; the caller by its bell, see B1. */
static int is_alone(const struct bind *bind)
{
	const struct rh_page_head *page = bind->memory;

	if (bind->is_callee)
		return bind->is_alone;
	/* P6 */
	return atomic_load_explicit(&page->server.life, memory_order_acquire) ==
	       RH_PAGE_DEAD;
}

static int bind_submit(void *state, const struct rh_msg_head *head, const void *body)
{
	struct bind *bind = state;
	int          r;

	if (bind->is_broken)
		return RH_EPROTO;
	if (head->len > RH_PAYLOAD_ARENA_MAX)
		return RH_EMSGSIZE;
	if (head->kind != (bind->is_callee ? RH_MSG_REPLY : RH_MSG_CALL))
		return RH_EINVAL;
	if (is_alone(bind))
		return RH_ELOST;
	r = bind->is_callee ? submit_reply(bind, head, body)
	                    : submit_call(bind, head, body);
	bind->submitted += r == RH_OK;
	if (r == RH_EAGAIN) {
		bind->full++;
		bind->full_with = bind->caller.in_flight;
	}
	return r;
}

static int poll_call(struct bind *bind, struct rh_msg_head *ret_head,
                     const void **ret_body)
{
	struct rh_taken taken;
	int             r = rh_server_take(&bind->server, &taken);

	if (r < 0)
		return r;
	/* A slot handed out again before it was answered: the caller lies. */
	if ((bind->taken_mask & (1u << taken.slot)) ||
	    (taken.flags & RH_SLOT_ARGS_MEMFD))
		return RH_EPROTO;
	bind->taken[taken.slot] = taken;
	bind->taken_mask |= 1u << taken.slot;
	*ret_head = (struct rh_msg_head){
		.kind = RH_MSG_CALL, .version = RH_WIRE_VERSION, .flags = taken.flags,
		.len = taken.args_len, .call = taken.sequence,
		.function = taken.function, .deadline = taken.deadline,
		.context = taken.context, .instance = taken.instance,
		.fds = taken.fds, .reply_cap = taken.reply_cap,
	};
	*ret_body = taken.args;
	return 1;
}

static int poll_reply(struct bind *bind, struct rh_msg_head *ret_head,
                      const void **ret_body)
{
	struct rh_reply reply;

	for (int slot = 0; slot < (int)RH_PAGE_SLOTS; slot++) {
		int r;

		if (!(bind->caller.in_flight & (1u << slot)))
			continue;
		r = rh_caller_collect(&bind->caller, slot, &reply);
		if (r == RH_EAGAIN)
			continue;
		if (r < 0 || (reply.flags & RH_SLOT_REPLY_MEMFD))
			return RH_EPROTO;
		*ret_head = (struct rh_msg_head){
			.kind = RH_MSG_REPLY, .version = RH_WIRE_VERSION,
			.flags = reply.flags, .len = reply.len,
			.call = bind->calls[slot], .status = reply.status,
			.err_no = reply.err_no, .instance = reply.instance,
			.fds = reply.fds,
		};
		*ret_body = reply.bytes;
		bind->lent = slot;
		return 1;
	}
	return RH_EAGAIN;
}

static int poll_either(struct bind *bind, struct rh_msg_head *ret_head,
                       const void **ret_body)
{
	return bind->is_callee ? poll_call(bind, ret_head, ret_body)
	                       : poll_reply(bind, ret_head, ret_body);
}

static void wake(struct bind *bind)
{
	if (!bind->is_armed)
		return;
	bind->is_armed = 0;
	if (bind->is_callee)
		rh_server_woken(&bind->server);
	else
		rh_caller_woken(&bind->caller);
	if (rh_doorbell_take(bind->bell) >= BELL_CLOSED)
		bind->is_alone = 1;
}

static int bind_poll(void *state, struct rh_msg_head *ret_head, const void **ret_body)
{
	struct bind *bind = state;
	int          r;

	if (bind->is_broken)
		return RH_EPROTO;
	wake(bind);
	r = poll_either(bind, ret_head, ret_body);
	if (r == RH_EAGAIN && is_alone(bind)) {
		r = poll_either(bind, ret_head, ret_body);
		if (r == RH_EAGAIN)
			r = RH_ELOST;
	}
	bind->polled += r > 0;
	bind->is_broken = r == RH_EPROTO;
	return r;
}

static void bind_release(void *state)
{
	struct bind *bind = state;

	if (!bind->memory || bind->lent < 0)
		return; /* the callee's body stays until the answer */
	rh_caller_release(&bind->caller, bind->lent);
	bind->lent = -1;
}

static int bind_arm(void *state, int wants)
{
	struct bind *bind = state;

	if (bind->is_broken || is_alone(bind))
		return RH_EAGAIN;
	/* What makes room is an answer that was polled.  B2 */
	if ((wants & RH_WANTS_ROOM) && !bind->is_callee &&
	    bind->caller.in_flight != bind->full_with)
		return RH_EAGAIN;
	bind->is_armed = 1;
	return bind->is_callee ? rh_server_arm(&bind->server, RH_ASLEEP_EVENT)
	                       : rh_caller_arm(&bind->caller, -1);
}

static void bind_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct bind *bind = state;

	(void)wants;
	*ret_set = (struct rh_watch_set){
		.count = 1, .fds = { bind->bell }, .events = { POLLIN },
	};
}

static void bind_describe(const void *state, struct rh_description *ret)
{
	const struct bind *bind = state;

	*ret = (struct rh_description){
		.submitted = bind->submitted, .polled = bind->polled, .full = bind->full,
	};
	snprintf(ret->object, sizeof ret->object, "call page, memfd rhodes-page, %u KiB",
	         RH_PAGE_BYTES / 1024);
	snprintf(ret->detail, sizeof ret->detail, "%u slots, shared directly",
	         RH_PAGE_SLOTS);
}

/* Tells the other side. */
static void say_closed(struct bind *bind)
{
	struct rh_page_head *page = bind->memory;
	const uint64_t       closed = BELL_CLOSED;

	if (bind->is_callee) {
		/* P6 */
		atomic_store_explicit(&page->server.life, RH_PAGE_DEAD,
		                      memory_order_release);
		rh_doorbell_push(bind->their_bell);
	} else if (write(bind->their_bell, &closed, sizeof closed) < 0) {
		return; /* full, hence readable; it learns from the agents' socket */
	}
}

static void bind_close(void *state)
{
	struct bind *bind = state;

	if (!bind->memory)
		return;
	say_closed(bind);
	close(bind->bell);
	close(bind->their_bell);
	rh_memory_unmap(bind->memory, RH_PAGE_BYTES);
	bind->memory = NULL;
}

const struct rh_protocol rh_bind_protocol = {
	.name = "bind",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct bind),
	.offer = bind_offer,
	.accept = bind_accept,
	.submit = bind_submit,
	.poll = bind_poll,
	.release = bind_release,
	.arm = bind_arm,
	.watch = bind_watch,
	.describe = bind_describe,
	.close = bind_close,
};
