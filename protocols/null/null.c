#include "null.h"

#include "../doorbell.h"
#include "../message.h"
#include "../offer.h"

#include "../../base/diag.h"
#include "../../model/check.h"

#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CALLER, CALLEE };

struct way {
	_Atomic uint32_t   tail;
	_Atomic uint32_t   head;
	struct rh_msg_head heads[RH_NULL_SLOTS];
	unsigned char      bodies[RH_NULL_SLOTS][RH_PAYLOAD_ARENA_MAX];
};

struct channel {
	struct way       ways[2]; /* by who submits */
	int              bells[2];
	_Atomic uint32_t closed[2];
	uint32_t         ticket;
};

struct null {
	struct channel *channel; /* NULL: closed */
	uint32_t        index;   /* in the table */
	int             which;
	int             is_lent;
	uint64_t        submitted;
	uint64_t        polled;
	uint64_t        full;
};

/* An entry is free while channel is NULL; taken marks a claimed one. */
static struct {
	_Atomic uint32_t taken;
	struct channel  *channel;
} table[RH_NULL_CHANNELS];

static _Atomic uint32_t last_ticket;

static const struct rh_offer_head offer_head = { .protocol = "null", .version = 1 };

static int claim(struct channel *channel, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < RH_NULL_CHANNELS; i++) {
		uint32_t expected = 0;

		if (!atomic_compare_exchange_strong(&table[i].taken, &expected, 1))
			continue;
		table[i].channel = channel;
		*ret_index = i;
		return RH_OK;
	}
	return RH_ENOSPC;
}

static int make(struct channel **ret_channel)
{
	struct channel *channel = mmap(NULL, sizeof *channel, PROT_READ | PROT_WRITE,
	                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (channel == MAP_FAILED)
		return RH_ENOMEM;
	channel->bells[CALLER] = rh_doorbell_create(0);
	channel->bells[CALLEE] = rh_doorbell_create(0);
	*ret_channel = channel;
	return channel->bells[0] < 0 || channel->bells[1] < 0 ? RH_ENOMEM : RH_OK;
}

static void destroy(struct channel *channel)
{
	for (int i = 0; channel && i < 2; i++) {
		if (channel->bells[i] >= 0)
			close(channel->bells[i]);
	}
	if (channel)
		munmap(channel, sizeof *channel);
}

static int null_offer(void *state, const struct rh_channel_config *config,
                      struct rh_offer *ret_offer, struct rh_diag *diag)
{
	struct rh_offer_head head = offer_head;
	struct channel      *channel = NULL;
	struct null          null = { .which = CALLER };
	int                  r = make(&channel);

	(void)config;
	if (r == RH_OK)
		r = claim(channel, &null.index);
	if (r < 0) {
		destroy(channel);
		return rh_diag_set(diag, r, "null: no memory, or %u channels already",
		                   RH_NULL_CHANNELS);
	}
	channel->ticket = atomic_fetch_add(&last_ticket, 1) + 1;
	null.channel = channel;
	*(struct null *)state = null;
	head.extra[0] = null.index;
	head.extra[1] = channel->ticket;
	rh_offer_begin(ret_offer, &head);
	return RH_OK;
}

static int null_accept(void *state, const struct rh_channel_config *config,
                       struct rh_offer *offer, struct rh_diag *diag)
{
	uint32_t extra[2];
	int      r = rh_offer_check(offer, &offer_head, 0, extra, diag);

	(void)config;
	rh_offer_drop(offer);
	if (r < 0)
		return r;
	if (extra[0] >= RH_NULL_CHANNELS || !atomic_load(&table[extra[0]].taken) ||
	    table[extra[0]].channel->ticket != extra[1])
		return rh_diag_set(diag, RH_EPROTO, "null: no channel of this process is "
		                   "the one that was offered");
	table[extra[0]].channel->ticket = 0; /* joined once */
	*(struct null *)state = (struct null){
		.channel = table[extra[0]].channel, .index = extra[0], .which = CALLEE,
	};
	return RH_OK;
}

static int is_alone(const struct null *null)
{
	/* P6 */
	return (int)atomic_load_explicit(&null->channel->closed[!null->which],
	                                 memory_order_acquire);
}

static int null_submit(void *state, const struct rh_msg_head *head, const void *body)
{
	struct null *null = state;
	struct way  *way = &null->channel->ways[null->which];
	uint32_t     tail = atomic_load_explicit(&way->tail, memory_order_relaxed);

	if (head->len > RH_PAYLOAD_ARENA_MAX)
		return RH_EMSGSIZE;
	if (is_alone(null))
		return RH_ELOST;
	/* P2 */
	if (tail - atomic_load_explicit(&way->head, memory_order_acquire) ==
	    RH_NULL_SLOTS) {
		null->full++;
		return RH_EAGAIN;
	}
	way->heads[tail % RH_NULL_SLOTS] = *head;
	if (head->len > 0)
		memcpy(way->bodies[tail % RH_NULL_SLOTS], body, head->len);
	/* P1 */
	atomic_store_explicit(&way->tail, tail + 1, memory_order_release);
	rh_doorbell_push(null->channel->bells[!null->which]);
	null->submitted++;
	return RH_OK;
}

static int has_message(const struct null *null)
{
	const struct way *way = &null->channel->ways[!null->which];

	/* P1 */
	return atomic_load_explicit(&way->tail, memory_order_acquire) !=
	       atomic_load_explicit(&way->head, memory_order_relaxed);
}

static int null_poll(void *state, struct rh_msg_head *ret_head, const void **ret_body)
{
	struct null *null = state;
	struct way  *way = &null->channel->ways[!null->which];
	uint32_t     slot;

	RH_CHECK(!null->is_lent);
	if (!has_message(null) && (!is_alone(null) || !has_message(null)))
		return is_alone(null) ? RH_ELOST : RH_EAGAIN;
	slot = atomic_load_explicit(&way->head, memory_order_relaxed) % RH_NULL_SLOTS;
	if (rh_message_check(&way->heads[slot]) < 0)
		return RH_EPROTO;
	*ret_head = way->heads[slot];
	*ret_body = way->bodies[slot];
	null->is_lent = 1;
	null->polled++;
	return 1;
}

static void null_release(void *state)
{
	struct null *null = state;

	if (!null->channel)
		return;
	RH_CHECK(null->is_lent);
	null->is_lent = 0;
	/* P2 */
	atomic_fetch_add_explicit(&null->channel->ways[!null->which].head, 1,
	                          memory_order_release);
	rh_doorbell_push(null->channel->bells[!null->which]);
}

static int null_arm(void *state, int wants)
{
	struct null      *null = state;
	const struct way *way = &null->channel->ways[null->which];

	rh_doorbell_take(null->channel->bells[null->which]);
	if (is_alone(null) || ((wants & RH_WANTS_MESSAGE) && has_message(null)))
		return RH_EAGAIN;
	/* P2 */
	return (wants & RH_WANTS_ROOM) &&
	       atomic_load_explicit(&way->tail, memory_order_relaxed) -
	       atomic_load_explicit(&way->head, memory_order_acquire) < RH_NULL_SLOTS
	       ? RH_EAGAIN : RH_OK;
}

static void null_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct null *null = state;

	(void)wants;
	*ret_set = (struct rh_watch_set){
		.count = 1, .fds = { null->channel->bells[null->which] },
		.events = { POLLIN },
	};
}

static void null_describe(const void *state, struct rh_description *ret)
{
	const struct null *null = state;

	*ret = (struct rh_description){
		.submitted = null->submitted, .polled = null->polled, .full = null->full,
	};
	snprintf(ret->object, sizeof ret->object, "memory of this process, channel %u",
	         null->index);
	snprintf(ret->detail, sizeof ret->detail, "%u slots each way", RH_NULL_SLOTS);
}

static void null_close(void *state)
{
	struct null    *null = state;
	struct channel *channel = null->channel;
	int             is_last;

	if (!channel)
		return;
	/* An offer that nobody accepted has no other side. */
	is_last = is_alone(null) || (null->which == CALLER && channel->ticket != 0);
	/* P6 */
	atomic_store_explicit(&channel->closed[null->which], 1, memory_order_release);
	rh_doorbell_push(channel->bells[!null->which]);
	null->channel = NULL;
	if (is_last) {
		destroy(channel);
		atomic_store(&table[null->index].taken, 0);
	}
}

const struct rh_protocol rh_null_protocol = {
	.name = "null",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct null),
	.offer = null_offer,
	.accept = null_accept,
	.submit = null_submit,
	.poll = null_poll,
	.release = null_release,
	.arm = null_arm,
	.watch = null_watch,
	.describe = null_describe,
	.close = null_close,
};
