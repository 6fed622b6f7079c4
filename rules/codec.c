#include "codec.h"

#include "../base/clock.h"
#include "../base/diag.h"
#include "../model/check.h"
#include "rule.h"

#include <rhodes/hook/protocol_layout.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_SPARE 256u

_Static_assert(RH_CODEC_CALLER == RH_PROTOCOL_CALLER &&
               RH_CODEC_CALLEE == RH_PROTOCOL_CALLEE, "one numbering");

struct rh_codec {
	struct rh_rule    *rule;
	enum rh_codec_side side;
	uint32_t           asked[2];  /* most: a short and a long length, ... */
	int                most[2];   /* ... and what they become; 0: not known */
};

static struct rh_protocol_buffer *begin(struct rh_codec *codec)
{
	struct rh_protocol_buffer *buffer = rh_rule_buffer(codec->rule);

	if (buffer) {
		buffer->now_ns = rh_clock_ns();
		buffer->side = codec->side;
		buffer->used = 0;
	}
	return buffer;
}

static int blame(struct rh_codec *codec, const char *what, int32_t value)
{
	char text[96];

	snprintf(text, sizeof text, "%s: %d", what, value);
	rh_rule_blame(codec->rule, text);
	return RH_ERULE;
}

static int call(struct rh_codec *codec, unsigned slot, uint32_t a, uint32_t b,
                int32_t *ret_value)
{
	uint64_t value;

	if (rh_rule_call(codec->rule, slot, a, b, &value) < 0)
		return RH_ERULE;
	*ret_value = (int32_t)value;
	return RH_OK;
}

static int open_rule(struct rh_codec *codec, struct rh_diag *diag)
{
	int32_t value = 0;

	if (!rh_rule_has(codec->rule, RH_SLOT_PROTOCOL_OPEN))
		return RH_OK;
	if (!begin(codec) || call(codec, RH_SLOT_PROTOCOL_OPEN, 0, 0, &value) < 0)
		return rh_diag_set(diag, RH_ERULE, "%.200s", rh_rule_why(codec->rule));
	if (value)
		return rh_diag_set(diag, RH_EINVAL, "rh_protocol_open of the rule said %d: it "
		                   "refuses this channel", value);
	return RH_OK;
}

int rh_codec_open(struct rh_rule *rule, enum rh_codec_side side,
                  struct rh_codec **ret_codec, struct rh_diag *diag)
{
	struct rh_codec *codec = calloc(1, sizeof *codec);
	int              r;

	if (!codec) {
		rh_rule_destroy(rule);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a codec");
	}
	codec->rule = rule;
	codec->side = side;
	r = open_rule(codec, diag);
	if (r < 0) {
		rh_codec_close(codec);
		return r;
	}
	*ret_codec = codec;
	return RH_OK;
}

void rh_codec_close(struct rh_codec *codec)
{
	if (!codec)
		return;
	rh_rule_destroy(codec->rule);
	free(codec);
}

void *rh_codec_message(struct rh_codec *codec)
{
	struct rh_protocol_buffer *buffer = rh_rule_buffer(codec->rule);

	return buffer ? buffer->message : NULL;
}

void *rh_codec_bytes(struct rh_codec *codec)
{
	struct rh_protocol_buffer *buffer = rh_rule_buffer(codec->rule);

	return buffer ? buffer->bytes : NULL;
}

static int ask_most(struct rh_codec *codec, uint32_t length)
{
	int32_t value = (int32_t)(3 * length + MOST_SPARE);

	if (!rh_rule_has(codec->rule, RH_SLOT_PROTOCOL_MOST))
		return value;
	if (!begin(codec) || call(codec, RH_SLOT_PROTOCOL_MOST, length, 0, &value) < 0)
		return RH_ERULE;
	if (value < 1 || (uint32_t)value > RH_PROTOCOL_BYTES_MAX)
		return blame(codec, "rh_protocol_most said a number of bytes that cannot be",
		             value);
	return value;
}

int rh_codec_most(struct rh_codec *codec, uint32_t length)
{
	int which = length == RH_PROTOCOL_MESSAGE_MAX;

	RH_CHECK(length <= RH_PROTOCOL_MESSAGE_MAX);
	if (codec->most[which] > 0 && codec->asked[which] == length)
		return codec->most[which];
	codec->asked[which] = length;
	codec->most[which] = ask_most(codec, length);
	return codec->most[which];
}

int rh_codec_send(struct rh_codec *codec, uint32_t length, const void **ret_bytes)
{
	int                        most = rh_codec_most(codec, length);
	struct rh_protocol_buffer *buffer = most < 0 ? NULL : begin(codec);
	int32_t                    value;

	if (!buffer || call(codec, RH_SLOT_PROTOCOL_SEND, length, 0, &value) < 0)
		return RH_ERULE;
	if (value < 1 || value > most)
		return blame(codec, "rh_protocol_send said a number of bytes that cannot be",
		             value);
	*ret_bytes = buffer->bytes;
	return value;
}

int rh_codec_receive(struct rh_codec *codec, uint32_t at, uint32_t end,
                     uint32_t *ret_used, const void **ret_message)
{
	struct rh_protocol_buffer *buffer = begin(codec);
	int32_t                    value;
	uint32_t                   used;

	RH_CHECK(at < end && end <= RH_PROTOCOL_BYTES_MAX);
	if (!buffer || call(codec, RH_SLOT_PROTOCOL_RECEIVE, at, end, &value) < 0)
		return RH_ERULE;
	used = buffer->used;
	if (value < 0)
		return blame(codec, "rh_protocol_receive says that bytes are damaged", value);
	if ((uint32_t)value > RH_PROTOCOL_MESSAGE_MAX)
		return blame(codec, "rh_protocol_receive said a length that cannot be", value);
	if (used > end - at || (value > 0 && used == 0))
		return blame(codec, "rh_protocol_receive used a number of bytes that cannot be",
		             (int32_t)used);
	*ret_used = used;
	*ret_message = buffer->message;
	return value;
}

struct rh_rule *rh_codec_rule(struct rh_codec *codec)
{
	return codec->rule;
}
