#include "module.h"

#include "ends.h"
#include "piece.h"

#include "../message.h"
#include "../offer.h"

#include "../../base/diag.h"
#include "../../base/memory.h"
#include "../../model/check.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define WINDOW_FIRST 4096u /* of the stream, shown to the framing at first */

enum { CALLER, CALLEE };

/* A message that arrives, and its bytes from the head on. */
struct arriving {
	struct rh_msg_head head;
	uint32_t           have; /* bytes with those of the head; 0: none */
	unsigned char     *body; /* RH_PAYLOAD_ARENA_MAX, private */
};

struct module {
	struct rh_side           side;
	struct rh_module_memory *memory; /* NULL: closed */
	struct rh_framing        framing;
	struct rh_stream_out     out;
	struct rh_stream_in      in;
	int                      why;       /* RH_OK, or why it is over for good */
	int                      is_lent;
	uint32_t                 shown_at, shown_end; /* M1 */
	uint64_t                 dry_at;    /* all up to here holds no message   */
	uint64_t                 taken;     /* pieces */
	uint64_t                 wanted;    /* bytes that the submit refused needs */
	struct arriving          arriving;
};

_Static_assert(RH_FRAMING_BYTES_MAX < RH_STREAM_BYTES, "a window fits");

/* ---- making it ---- */

static int give_up(struct module *module)
{
	module->framing.ops->close(module->framing.user);
	module->framing.ops = NULL;
	if (module->arriving.body)
		munmap(module->arriving.body, RH_PAYLOAD_ARENA_MAX);
	module->arriving.body = NULL;
	return RH_ENOMEM;
}

static int begin(struct module *module, const struct rh_channel_config *config,
                 struct rh_diag *diag)
{
	void *body;

	memset(module, 0, sizeof *module);
	if (!config->framing)
		return rh_diag_set(diag, RH_ENOSYS, "the edge %s -> %s has no rule for its "
		                   "protocol", config->caller, config->callee);
	module->framing = *config->framing;
	body = mmap(NULL, RH_PAYLOAD_ARENA_MAX, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (body == MAP_FAILED)
		return rh_diag_set(diag, give_up(module), "module: no memory for a channel");
	module->arriving.body = body;
	return RH_OK;
}

static void join(struct module *module, struct rh_module_ends *ends, int which)
{
	module->memory = ends->memory;
	module->out.way = &ends->memory->ways[which];
	module->in.way = &ends->memory->ways[!which];
	rh_side_init(&module->side, ends->memory->lines, which, ends->bells);
}

static int module_offer(void *state, const struct rh_channel_config *config,
                        struct rh_offer *ret_offer, struct rh_diag *diag)
{
	struct module        *module = state;
	struct rh_module_ends ends;
	int                   r = begin(module, config, diag);

	if (r < 0)
		return r;
	r = rh_module_ends_offer(&ends, module->framing.id, ret_offer, diag);
	if (r < 0)
		give_up(module);
	else
		join(module, &ends, CALLER);
	return r;
}

static int module_accept(void *state, const struct rh_channel_config *config,
                         struct rh_offer *offer, struct rh_diag *diag)
{
	struct module        *module = state;
	struct rh_module_ends ends;
	int                   r = begin(module, config, diag);

	if (r < 0) {
		rh_offer_drop(offer);
		return r;
	}
	r = rh_module_ends_accept(&ends, module->framing.id, offer, diag);
	if (r < 0)
		give_up(module);
	else
		join(module, &ends, CALLEE);
	return r;
}

/* ---- failing ---- */

/* The framing did not do what it must. */
static int blame(struct module *module, const char *why)
{
	module->framing.ops->blame(module->framing.user, why);
	return RH_ERULE;
}

/* What cannot be mended is remembered. */
static int outcome(struct module *module, int r)
{
	if (r == RH_EPROTO || r == RH_ERULE)
		module->why = r;
	return r;
}

/* ---- sending ---- */

/* The bytes that so many pieces may become, all but the last of full length. */
static int64_t most_of(struct module *module, uint32_t pieces, uint32_t last)
{
	const struct rh_framing *framing = &module->framing;
	uint32_t                 head = sizeof(struct rh_piece);
	int full = pieces > 1 ? framing->ops->most(framing->user, RH_FRAMING_MESSAGE_MAX) : 0;
	int rest = full < 0 ? full : framing->ops->most(framing->user, head + last);

	return rest < 0 ? rest : (int64_t)full * (pieces - 1) + rest;
}

/* Bytes from..from + len of head and body as the next piece, behind *at bytes that are
 * written and not published. */
static int send_piece(struct module *module, uint32_t number,
                      const struct rh_msg_head *head, const unsigned char *body,
                      uint32_t from, uint32_t len, uint32_t *at)
{
	const struct rh_framing *framing = &module->framing;
	struct rh_piece         *piece = framing->ops->message(framing->user);
	uint32_t                 ours = from ? 0 : (uint32_t)sizeof *head;
	const void              *bytes;
	int                      n;

	if (!piece)
		return RH_ERULE;
	if (ours)
		memcpy(piece->bytes, head, ours);
	if (len > ours)
		memcpy(piece->bytes + ours, body + (from + ours - sizeof *head), len - ours);
	piece->number = number;
	piece->sum = rh_piece_sum(piece->bytes, len);
	n = framing->ops->send(framing->user, len + (uint32_t)sizeof *piece, &bytes);
	if (n < 0)
		return n;
	if (*at + (uint64_t)n > module->wanted)
		return blame(module, "a message became more bytes than rh_protocol_most said");
	rh_stream_write(&module->out, *at, bytes, (uint32_t)n);
	*at += (uint32_t)n;
	return RH_OK;
}

static int send_all(struct module *module, const struct rh_msg_head *head,
                    const void *body, uint32_t pieces)
{
	uint32_t len = (uint32_t)sizeof *head + head->len, at = 0;

	module->shown_at = module->shown_end = 0; /* M1 */
	for (uint32_t i = 0, from = 0; i < pieces; i++, from += RH_PIECE_MAX) {
		uint32_t part = len - from < RH_PIECE_MAX ? len - from : RH_PIECE_MAX;
		int r = send_piece(module, (uint32_t)(module->out.sent + i), head, body, from,
		                   part, &at);

		if (r < 0)
			return r;
	}
	rh_stream_publish(&module->out, at, pieces);
	rh_doorbell_ring(&module->side.data);
	return RH_OK;
}

static int send(struct module *module, const struct rh_msg_head *head, const void *body)
{
	uint32_t last, pieces;
	int64_t  most;
	int      room;

	if (head->len > RH_PAYLOAD_ARENA_MAX)
		return RH_EMSGSIZE;
	pieces = rh_piece_count((uint32_t)sizeof *head + head->len, &last);
	most = most_of(module, pieces, last);
	if (most < 0)
		return (int)most;
	if (most > RH_STREAM_BYTES)
		return blame(module, "a message may become more bytes than the stream holds");
	module->wanted = (uint64_t)most;
	room = rh_stream_room(&module->out);
	if (room < 0)
		return room;
	return room < most ? RH_EAGAIN : send_all(module, head, body, pieces);
}

static int module_submit(void *state, const struct rh_msg_head *head, const void *body)
{
	struct module *module = state;

	if (module->why < 0)
		return module->why;
	if (rh_side_is_alone(&module->side))
		return RH_ELOST;
	return outcome(module, rh_side_submitted(&module->side, send(module, head, body),
	                                         head->len));
}

/* ---- receiving ---- */

/* Shows the framing the first len bytes of the stream.  M1 */
static int show(struct module *module, uint32_t len)
{
	void *bytes = module->framing.ops->bytes(module->framing.user);

	if (!bytes)
		return RH_ERULE;
	rh_stream_read(&module->in, bytes, len);
	module->shown_at = 0;
	module->shown_end = len;
	return RH_OK;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Asks the framing once for a piece among what is shown; *ret_used bytes are gone from
 * the stream. */
static int ask(struct module *module, uint32_t *ret_used, const void **ret_piece)
{
	const struct rh_framing *framing = &module->framing;
	int r = framing->ops->receive(framing->user, module->shown_at, module->shown_end,
	                              ret_used, ret_piece);

	if (r >= 0 && *ret_used > 0) {
		rh_stream_drop(&module->in, *ret_used);
		module->shown_at += *ret_used;
	}
	return r;
}

/* The length of the next piece out of `there` bytes of the stream, or RH_EAGAIN: there
 * is no whole one. */
static int next_piece(struct module *module, uint32_t there, const void **ret_piece)
{
	int r = 0;

	while (there > 0 && r == 0) {
		uint32_t shown = module->shown_end - module->shown_at, used = 0;

		if (shown == 0 &&
		    (r = show(module, shown = least(there, WINDOW_FIRST))) < 0)
			return r;
		if (shown > there)
			return RH_EPROTO; /* the stream became shorter */
		r = ask(module, &used, ret_piece);
		there -= used;
		if (r != 0 || used > 0)
			continue;
		if (shown == RH_FRAMING_BYTES_MAX)
			return blame(module, "it finds no message in all that it can be shown");
		if (shown >= there)
			break;
		r = show(module, least(least(there, 2 * shown + WINDOW_FIRST),
		                       RH_FRAMING_BYTES_MAX));
	}
	if (r != 0)
		return r;
	module->dry_at = module->in.head + there;
	return RH_EAGAIN;
}

/* 1 when the message is whole. */
static int add_bytes(struct arriving *arriving, const unsigned char *bytes, uint32_t len)
{
	const uint32_t ours = sizeof arriving->head;
	uint32_t       whole;

	if (arriving->have == 0) {
		if (len < ours)
			return RH_EPROTO;
		rh_message_copy(&arriving->head, bytes);
		if (rh_message_check(&arriving->head) < 0)
			return RH_EPROTO;
		arriving->have = ours;
		bytes += ours;
		len -= ours;
	}
	whole = ours + arriving->head.len;
	if (len > whole - arriving->have)
		return RH_EPROTO;
	memcpy(arriving->body + (arriving->have - ours), bytes, len);
	arriving->have += len;
	return arriving->have == whole;
}

/* Checks that the piece is the next one, and adds its bytes to the message. */
static int take_piece(struct module *module, const void *bytes, uint32_t len)
{
	const struct rh_piece *piece = bytes;

	if (len <= sizeof *piece)
		return blame(module, "it received a message that was never sent");
	if (piece->number != (uint32_t)module->taken)
		return blame(module, "it lost a message, or received one twice");
	len -= (uint32_t)sizeof *piece;
	if (piece->sum != rh_piece_sum(piece->bytes, len))
		return blame(module, "it received a message that is not as it was sent");
	module->taken++;
	return add_bytes(&module->arriving, piece->bytes, len);
}

/* 1 and a message that is whole, or RH_EAGAIN. */
static int receive(struct module *module)
{
	const void *piece;
	uint64_t    sent;
	int         r = 0;

	while (r == 0) {
		int there = rh_stream_look(&module->in, &sent);

		if (there < 0)
			return there;
		r = next_piece(module, (uint32_t)there, &piece);
		if (r == RH_EAGAIN && module->taken < sent)
			return blame(module, "it lost a message");
		if (r > 0)
			r = take_piece(module, piece, (uint32_t)r);
	}
	return r;
}

static int module_poll(void *state, struct rh_msg_head *ret_head, const void **ret_body)
{
	struct module *module = state;
	int            r;

	if (module->why < 0)
		return module->why;
	RH_CHECK(!module->is_lent);
	rh_side_wake(&module->side);
	r = receive(module);
	if (r == RH_EAGAIN && rh_side_is_alone(&module->side)) {
		r = receive(module); /* P6 */
		if (r == RH_EAGAIN)
			r = RH_ELOST;
	}
	if (r == 1) {
		*ret_head = module->arriving.head;
		*ret_body = module->arriving.body;
		module->arriving.have = 0;
		module->is_lent = 1;
	}
	rh_doorbell_ring(&module->side.room);
	return outcome(module, rh_side_polled(&module->side, r));
}

static void module_release(void *state)
{
	struct module *module = state;

	if (!module->memory)
		return;
	RH_CHECK(module->is_lent);
	module->is_lent = 0;
}

/* ---- sleeping ---- */

/* 1 when a poll would find something, or something wrong. */
static int has_news(const struct module *module)
{
	uint64_t sent;
	int      there = rh_stream_look(&module->in, &sent);

	if (there < 0)
		return 1;
	return (there > 0 && module->in.head + (uint32_t)there != module->dry_at) ||
	       (there == 0 && module->taken < sent);
}

static int module_arm(void *state, int wants)
{
	struct module *module = state;
	int            room;

	rh_side_wake(&module->side);
	if (wants & RH_WANTS_MESSAGE)
		rh_nap_begin(&module->side.asleep);
	if (wants & RH_WANTS_ROOM)
		rh_nap_begin(&module->side.hungry);
	if (module->why < 0 || rh_side_is_alone(&module->side))
		return RH_EAGAIN;
	if ((wants & RH_WANTS_MESSAGE) && has_news(module))
		return RH_EAGAIN;
	room = rh_stream_room(&module->out);
	return (wants & RH_WANTS_ROOM) && (room < 0 || (uint64_t)room >= module->wanted)
	       ? RH_EAGAIN : RH_OK;
}

static void module_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct module *module = state;

	(void)wants; /* one bell for both */
	*ret_set = (struct rh_watch_set){
		.count = 1, .fds = { module->side.bell }, .events = { POLLIN },
	};
}

/* ---- ending ---- */

static void module_describe(const void *state, struct rh_description *ret)
{
	const struct module *module = state;

	rh_side_describe(&module->side, ret);
	snprintf(ret->object, sizeof ret->object, "memfd rhodes-module, %zu KiB, by %s",
	         sizeof(struct rh_module_memory) / 1024, module->framing.name);
	snprintf(ret->detail, sizeof ret->detail,
	         "%llu messages or parts of them sent as %llu bytes, %llu received of %llu",
	         (unsigned long long)module->out.sent, (unsigned long long)module->out.tail,
	         (unsigned long long)module->taken, (unsigned long long)module->in.head);
}

static void module_close(void *state)
{
	struct module *module = state;

	if (!module->memory)
		return;
	rh_side_close(&module->side);
	rh_memory_unmap(module->memory, sizeof *module->memory);
	module->memory = NULL;
	give_up(module);
}

const struct rh_protocol rh_module_protocol = {
	.name = "module",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct module),
	.offer = module_offer,
	.accept = module_accept,
	.submit = module_submit,
	.poll = module_poll,
	.release = module_release,
	.arm = module_arm,
	.watch = module_watch,
	.describe = module_describe,
	.close = module_close,
};
