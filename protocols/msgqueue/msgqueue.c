#include "msgqueue.h"

#include "ends.h"

#include "../arena.h"
#include "../message.h"
#include "../offer.h"

#include "../../base/memory.h"
#include "../../model/check.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { CALLER, CALLEE };

struct message {
	struct rh_msg_head head;
	union {
		uint32_t      offset;
		unsigned char body[RH_MSGQUEUE_INLINE_MAX];
	};
};

_Static_assert(sizeof(struct message) == RH_QUEUE_MESSAGE_MAX, "wire");

struct msgqueue {
	struct rh_side             side;
	struct rh_msgqueue_memory *memory; /* NULL: closed */
	struct rh_msgqueue_way    *out;
	struct rh_msgqueue_way    *in;
	int                        send_fd;
	int                        receive_fd;
	uint32_t                   sent;
	uint32_t                   received;
	uint32_t                   released;
	int                        is_armed;    /* the next poll asks the kernel    */
	int                        lacks_arena; /* what the last full submit lacked */
	int                        is_lent;
	int                        has_block;
	struct rh_queue_names      names;
	struct rh_arena            arena;
	struct message             outgoing;
	struct message             incoming;
};

/* Takes the ends over. */
static void join(struct msgqueue *queue, struct rh_queue_ends *ends, int which)
{
	struct rh_queue_names      names = queue->names;
	struct rh_msgqueue_memory *memory = ends->memory;

	*queue = (struct msgqueue){
		.names = names,
		.memory = memory,
		.out = &memory->ways[which == CALLER ? 0 : 1],
		.in = &memory->ways[which == CALLER ? 1 : 0],
		.send_fd = ends->send_fd,
		.receive_fd = ends->receive_fd,
	};
	rh_side_init(&queue->side, memory->lines, which, ends->bells);
	rh_arena_init(&queue->arena, queue->out->arena, sizeof queue->out->arena,
	              &queue->out->released);
}

static int msgqueue_offer(void *state, const struct rh_channel_config *config,
                          struct rh_offer *ret_offer, struct rh_diag *diag)
{
	struct msgqueue     *queue = state;
	struct rh_queue_ends ends;
	int                  r = rh_queue_names(config, &queue->names, diag);

	if (r == RH_OK)
		r = rh_queue_ends_offer(&ends, &queue->names, ret_offer, diag);
	if (r == RH_OK)
		join(queue, &ends, CALLER);
	return r;
}

static int msgqueue_accept(void *state, const struct rh_channel_config *config,
                           struct rh_offer *offer, struct rh_diag *diag)
{
	struct msgqueue     *queue = state;
	struct rh_queue_ends ends;
	int                  r = rh_queue_names(config, &queue->names, diag);

	if (r == RH_OK)
		r = rh_queue_ends_accept(&ends, offer, diag);
	rh_offer_drop(offer);
	if (r == RH_OK)
		join(queue, &ends, CALLEE);
	return r;
}

/* Writes the message to send; returns its length. */
static int fill(struct msgqueue *queue, const struct rh_msg_head *head,
                const void *body)
{
	struct message *message = &queue->outgoing;

	message->head = *head;
	if (head->len <= RH_MSGQUEUE_INLINE_MAX) {
		if (head->len > 0)
			memcpy(message->body, body, head->len);
		return (int)(sizeof *head + head->len);
	}

	uint32_t off;
	int      r = rh_arena_give(&queue->arena, head->len, &off);
	if (r < 0) {
		queue->lacks_arena = r == RH_EAGAIN;
		return r;
	}
	memcpy(queue->out->arena + off, body, head->len);
	message->offset = off;
	return (int)(sizeof *head + sizeof off);
}

static int send(struct msgqueue *queue, const struct rh_msg_head *head,
                const void *body)
{
	if (head->len > RH_PAYLOAD_ARENA_MAX)
		return RH_EMSGSIZE;
	queue->lacks_arena = 0;

	int len = fill(queue, head, body);
	if (len < 0)
		return len;

	/* P1: the kernel's queue orders the block before the message. */
	int r = rh_queue_send(queue->send_fd, &queue->outgoing, (size_t)len);
	if (r < 0) {
		if (head->len > RH_MSGQUEUE_INLINE_MAX)
			rh_arena_undo(&queue->arena);
		return r;
	}
	atomic_store_explicit(&queue->out->sent, ++queue->sent, memory_order_relaxed);
	return RH_OK;
}

static int msgqueue_submit(void *state, const struct rh_msg_head *head,
                           const void *body)
{
	struct msgqueue *queue = state;

	if (queue->side.is_broken)
		return RH_EPROTO;
	if (rh_side_is_alone(&queue->side))
		return RH_ELOST;
	return rh_side_submitted(&queue->side, send(queue, head, body), head->len);
}

/* Checks a received message of n bytes and finds its body. */
static int open_message(struct msgqueue *queue, int n, const void **ret_body)
{
	struct message *message = &queue->incoming;
	uint32_t        len = message->head.len, off;

	if (n < (int)sizeof message->head || rh_message_check(&message->head) < 0)
		return RH_EPROTO;
	n -= (int)sizeof message->head;
	queue->has_block = len > RH_MSGQUEUE_INLINE_MAX;
	if (!queue->has_block) {
		*ret_body = message->body;
		return n == (int)len ? 1 : RH_EPROTO;
	}
	off = message->offset;
	if (n != (int)sizeof off ||
	    rh_arena_within(sizeof queue->in->arena, off, len) < 0)
		return RH_EPROTO;
	*ret_body = queue->in->arena + off;
	return 1;
}

/* The next message, when the kernel or the hint says that there is one. */
static int receive(struct msgqueue *queue, int must_ask, struct rh_msg_head *ret_head,
                   const void **ret_body)
{
	const void *body;

	RH_CHECK(!queue->is_lent);
	if (!must_ask && queue->received ==
	    atomic_load_explicit(&queue->in->sent, memory_order_relaxed))
		return RH_EAGAIN;

	int n = rh_queue_receive(queue->receive_fd, &queue->incoming);
	if (n < 0)
		return n;
	queue->received++;
	n = open_message(queue, n, &body);
	if (n < 0)
		return n;
	queue->is_lent = 1;
	*ret_head = queue->incoming.head;
	*ret_body = body;
	return 1;
}

static int msgqueue_poll(void *state, struct rh_msg_head *ret_head,
                         const void **ret_body)
{
	struct msgqueue *queue = state;
	int              was_armed = queue->is_armed;

	if (queue->side.is_broken)
		return RH_EPROTO;
	rh_side_wake(&queue->side);
	queue->is_armed = 0;

	int r = receive(queue, was_armed, ret_head, ret_body);
	if (r == RH_EAGAIN && was_armed)
		rh_doorbell_take(queue->side.bell); /* a ring that came too late */
	if (r == RH_EAGAIN && rh_side_is_alone(&queue->side)) {
		/* P6 */
		r = receive(queue, 1, ret_head, ret_body);
		if (r == RH_EAGAIN)
			r = RH_ELOST;
	}
	return rh_side_polled(&queue->side, r);
}

static void msgqueue_release(void *state)
{
	struct msgqueue *queue = state;

	if (!queue->memory)
		return;
	RH_CHECK(queue->is_lent);
	queue->is_lent = 0;
	if (!queue->has_block)
		return;
	queue->released++; /* M1 */
	/* P3, P4 */
	atomic_store_explicit(&queue->in->released, queue->released,
	                      memory_order_seq_cst);
	rh_doorbell_ring(&queue->side.room);
}

static int msgqueue_arm(void *state, int wants)
{
	struct msgqueue *queue = state;

	rh_side_wake(&queue->side);
	if (!(wants & RH_WANTS_MESSAGE))
		rh_doorbell_take(queue->side.bell); /* no poll does it */
	if (queue->side.is_broken || rh_side_is_alone(&queue->side))
		return RH_EAGAIN;
	/* The queues tell of messages and of room for as long as it lasts. */
	queue->is_armed = 1;
	if (!(wants & RH_WANTS_ROOM) || !queue->lacks_arena)
		return RH_OK;
	rh_nap_begin(&queue->side.hungry);
	return rh_arena_look(&queue->arena, queue->side.wanted) == RH_EAGAIN
	       ? RH_OK : RH_EAGAIN;
}

static void msgqueue_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct msgqueue *queue = state;

	*ret_set = (struct rh_watch_set){
		.count = 1, .fds = { queue->side.bell }, .events = { POLLIN },
	};
	if (wants & RH_WANTS_MESSAGE) {
		ret_set->fds[ret_set->count] = queue->receive_fd;
		ret_set->events[ret_set->count++] = POLLIN;
	}
	if ((wants & RH_WANTS_ROOM) && !queue->lacks_arena) {
		ret_set->fds[ret_set->count] = queue->send_fd;
		ret_set->events[ret_set->count++] = POLLOUT;
	}
}

static void msgqueue_describe(const void *state, struct rh_description *ret)
{
	const struct msgqueue *queue = state;
	long                   waiting, unread, depth;

	rh_side_describe(&queue->side, ret);
	rh_queue_level(queue->send_fd, &waiting, &depth);
	rh_queue_level(queue->receive_fd, &unread, &depth);
	snprintf(ret->object, sizeof ret->object, "%s", queue->names.request);
	snprintf(ret->detail, sizeof ret->detail,
	         "and -reply, %ld messages of %u bytes each; %ld sent wait, %ld unread",
	         depth, RH_QUEUE_MESSAGE_MAX, waiting, unread);
}

static void msgqueue_close(void *state)
{
	struct msgqueue *queue = state;
	int              which;

	if (!queue->memory)
		return;
	which = queue->side.mine == &queue->memory->lines[CALLER] ? CALLER : CALLEE;
	rh_queue_unlink(queue->names.request,
	                which == CALLER ? queue->send_fd : queue->receive_fd);
	rh_queue_unlink(queue->names.reply,
	                which == CALLER ? queue->receive_fd : queue->send_fd);
	rh_side_close(&queue->side);
	close(queue->send_fd);
	close(queue->receive_fd);
	rh_memory_unmap(queue->memory, sizeof *queue->memory);
	queue->memory = NULL;
}

const struct rh_protocol rh_msgqueue_protocol = {
	.name = "msgqueue",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct msgqueue),
	.offer = msgqueue_offer,
	.accept = msgqueue_accept,
	.submit = msgqueue_submit,
	.poll = msgqueue_poll,
	.release = msgqueue_release,
	.arm = msgqueue_arm,
	.watch = msgqueue_watch,
	.describe = msgqueue_describe,
	.close = msgqueue_close,
};
