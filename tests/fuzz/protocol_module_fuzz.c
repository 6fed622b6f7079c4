/* The protocol of users' rules with a peer that writes into the memory, and rules that say
 * what they should not: only what was sent comes out, and what is wrong is an error.
 *
 * Input: how often, in 256 calls, each end's rule lies, and which lies; then the steps of
 * channel_fuzz.h.  The rules here stand for rules/rule.h, below rules/codec.h. */
#include "channel_fuzz.h"

#include "../../model/check.h"
#include "../../model/error.h"
#include "../../protocols/module/piece.h"
#include "../../rules/codec.h"
#include "../../rules/rule.h"

#include <rhodes/hook/protocol_layout.h>

#include <stdlib.h>
#include <string.h>

#define HEAD 4u /* the length, before a message */

_Static_assert(RH_FRAMING_MESSAGE_MAX == RH_PROTOCOL_MESSAGE_MAX &&
               RH_FRAMING_BYTES_MAX == RH_PROTOCOL_BYTES_MAX, "as agent/carrier.c has it");

struct rh_rule {
	struct rh_protocol_buffer buffer;
	uint64_t                  random;
	uint8_t                   lies;    /* so many of 256 calls */
	int                       is_gone; /* it failed: there is no buffer */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int lied; /* as channel_fuzz_framed has it */

enum { LIED = 1, FORGED };

/* ---- a rule ---------------------------------------------------------------- */

static uint32_t draw(struct rh_rule *rule)
{
	rule->random = rule->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(rule->random >> 33);
}

static int32_t send(struct rh_protocol_buffer *buffer, uint32_t length)
{
	memcpy(buffer->bytes, &length, HEAD);
	memcpy(buffer->bytes + HEAD, buffer->message, length);
	return (int32_t)(length + HEAD);
}

static int32_t receive(struct rh_protocol_buffer *buffer, uint32_t at, uint32_t end)
{
	uint32_t length;

	if (end - at < HEAD)
		return 0;
	memcpy(&length, buffer->bytes + at, HEAD);
	if (length == 0 || length > RH_PROTOCOL_MESSAGE_MAX)
		return -1;
	if (end - at - HEAD < length)
		return 0;
	memcpy(buffer->message, buffer->bytes + at + HEAD, length);
	buffer->used = length + HEAD;
	return (int32_t)length;
}

/* A message with another head, and the sum that it needs. */
static void forge(struct rh_rule *rule, uint32_t length, uint32_t value)
{
	struct rh_piece *piece = (struct rh_piece *)(void *)rule->buffer.message;
	uint32_t         at = draw(rule) % (sizeof(struct rh_msg_head) / sizeof value);

	if (length < sizeof *piece + sizeof(struct rh_msg_head) || length > RH_PROTOCOL_MESSAGE_MAX)
		return; /* no message, or the refusal of one */
	lied = FORGED;
	memcpy(piece->bytes + at * sizeof value, &value, sizeof value);
	piece->sum = rh_piece_sum(piece->bytes, length - (uint32_t)sizeof *piece);
}

/* One of what a rule may say that is not so. */
static int32_t lie(struct rh_rule *rule, int32_t truth)
{
	uint32_t bits = draw(rule), more = draw(rule);

	lied = lied ? lied : LIED;
	switch (bits % 9) {
	case 0: return (int32_t)more;
	case 1: return truth + (int32_t)(more % 64) - 32;
	case 2: rule->buffer.used = more; return truth;
	case 3: rule->buffer.used = more % 64; return truth;
	case 4: rule->buffer.message[more % 512] ^= 1; return truth;
	case 5: rule->buffer.bytes[more % 256] ^= 1; return truth;
	case 6: rule->buffer.used = more % RH_PROTOCOL_BYTES_MAX; return 0;
	case 7: forge(rule, (uint32_t)truth, more % 5 ? more % 512 : more); return truth;
	default: return (int32_t)(RH_PROTOCOL_MESSAGE_MAX - more % 3);
	}
}

int rh_rule_call(struct rh_rule *rule, unsigned slot, uint64_t a, uint64_t b,
                 uint64_t *ret_value)
{
	int32_t truth = 0;

	if (slot == RH_SLOT_PROTOCOL_SEND)
		truth = send(&rule->buffer, (uint32_t)a);
	else if (slot == RH_SLOT_PROTOCOL_RECEIVE)
		truth = receive(&rule->buffer, (uint32_t)a, (uint32_t)b);
	else if (slot == RH_SLOT_PROTOCOL_MOST)
		truth = (int32_t)a + (int32_t)HEAD;
	if (rule->lies > draw(rule) % 256)
		truth = lie(rule, truth);
	if (rule->lies > 200 && draw(rule) % 64 == 0) { /* a trap */
		rule->is_gone = 1;
		lied = lied ? lied : LIED;
		return RH_ERULE;
	}
	*ret_value = (uint32_t)truth;
	return RH_OK;
}

void *rh_rule_buffer(struct rh_rule *rule)
{
	return rule->is_gone ? NULL : &rule->buffer;
}

bool rh_rule_has(const struct rh_rule *rule, unsigned slot)
{
	return slot != RH_SLOT_PROTOCOL_MOST || rule->lies % 2 == 0;
}

void rh_rule_blame(struct rh_rule *rule, const char *why)
{
	RH_CHECK(why[0]);
	rule->is_gone = rule->lies > 220;
}

const char *rh_rule_why(const struct rh_rule *rule)
{
	(void)rule;
	return "it fails";
}

void rh_rule_destroy(struct rh_rule *rule)
{
	free(rule);
}

/* ---- as the framing of a channel, like agent/carrier.c ------------------------ */

static void *message(void *user)
{
	return rh_codec_message(user);
}

static void *bytes(void *user)
{
	return rh_codec_bytes(user);
}

static int most(void *user, uint32_t length)
{
	return rh_codec_most(user, length);
}

static int send_piece(void *user, uint32_t length, const void **ret_bytes)
{
	return rh_codec_send(user, length, ret_bytes);
}

static int receive_piece(void *user, uint32_t at, uint32_t end, uint32_t *ret_used,
                         const void **ret_message)
{
	return rh_codec_receive(user, at, end, ret_used, ret_message);
}

static void blame(void *user, const char *why)
{
	rh_rule_blame(rh_codec_rule(user), why);
}

static void end(void *user)
{
	rh_codec_close(user);
}

static const struct rh_framing_ops ops = {
	.message = message, .bytes = bytes, .most = most, .send = send_piece,
	.receive = receive_piece, .blame = blame, .close = end,
};

static struct rh_framing framing_of(enum rh_codec_side side, uint8_t lies, uint8_t seed)
{
	struct rh_framing framing = { .ops = &ops, .name = "fuzz", .id = 7 };
	struct rh_rule   *rule = calloc(1, sizeof *rule);
	struct rh_codec  *codec = NULL;

	RH_CHECK(rule);
	rule->random = seed;
	RH_CHECK(rh_codec_open(rule, side, &codec, NULL) == RH_OK); /* it lies later */
	rule->lies = lies;
	framing.user = codec;
	return framing;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rh_framing framings[2];

	if (size < 4)
		return 0;
	lied = 0;
	framings[0] = framing_of(RH_CODEC_CALLER, data[0], data[2]);
	framings[1] = framing_of(RH_CODEC_CALLEE, data[1], data[3]);
	return channel_fuzz_framed("module", framings, &lied, data + 4, size - 4);
}
