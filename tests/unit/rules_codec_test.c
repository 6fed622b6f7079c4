/* The protocols that come with Rhodes: the same bytes from every build, and the same
 * messages out of them, however the stream is cut. */
#include "rules_three.h"

#include <rhodes/hook/protocol_layout.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES 1000000
#define STREAM   (1u << 20)

#define AT(field) offsetof(struct rh_protocol_buffer, field)

/* Messages that were sent and not received. */
struct stream {
	uint8_t  bytes[STREAM];
	uint32_t len;
	uint8_t  messages[STREAM];
	uint32_t message_len;
	uint32_t lens[4096], first, count;
};

static void send(struct three *three, struct stream *stream, uint64_t *random)
{
	uint32_t len = 1 + (uint32_t)(three_random(random) % 200), bytes;
	uint8_t *message = stream->messages + stream->message_len;

	for (uint32_t i = 0; i < len; i++)
		message[i] = (uint8_t)three_random(random);
	three_put(three, AT(message), message, len);
	bytes = three_call(three, RH_SLOT_PROTOCOL_SEND, len, 0);
	assert_in_range(bytes, 1, three_call(three, RH_SLOT_PROTOCOL_MOST, len, 0));
	three_compare(three, AT(bytes), bytes);
	memcpy(stream->bytes + stream->len,
	       (uint8_t *)rh_rule_buffer(three->rules[0]) + AT(bytes), bytes);
	stream->len += bytes;
	stream->message_len += len;
	stream->lens[stream->count++] = len;
}

/* The first message out of so many bytes of the stream, if it is in them. */
static uint32_t receive(struct three *three, struct stream *stream, uint32_t shown)
{
	const struct rh_protocol_buffer *buffer;
	uint32_t                         zero = 0, len;

	three_put(three, AT(used), &zero, sizeof zero);
	three_put(three, AT(bytes) + 3, stream->bytes, shown);
	len = three_call(three, RH_SLOT_PROTOCOL_RECEIVE, 3, 3 + shown);
	three_compare(three, AT(used), sizeof zero);
	if (len == 0)
		return 0;
	three_compare(three, AT(message), len);
	buffer = rh_rule_buffer(three->rules[0]);
	assert_int_equal(len, stream->lens[stream->first++]);
	assert_memory_equal(buffer->message, stream->messages, len);
	stream->len -= buffer->used;
	memmove(stream->bytes, stream->bytes + buffer->used, stream->len);
	stream->message_len -= len;
	memmove(stream->messages, stream->messages + len, stream->message_len);
	return len;
}

static void compare(const char *name)
{
	static struct stream stream;
	struct three         three;
	uint64_t             random = 3;
	int                  received = 0;

	if (!three_wants(name))
		return;
	three_load(&three, name, "protocol");
	memset(&stream, 0, sizeof stream);
	while (received < MESSAGES) {
		if (stream.first == stream.count)
			stream.first = stream.count = 0;
		if (stream.count < 4096 && stream.len < STREAM / 4 && three_random(&random) % 2)
			send(&three, &stream, &random);
		if (stream.len == 0)
			continue;
		uint32_t shown = 1 + (uint32_t)(three_random(&random) % 700);
		received += receive(&three, &stream, shown < stream.len ? shown : stream.len) > 0;
	}
	three_unload(&three);
}

static void protocols_carry_alike(void **state)
{
	(void)state;
	compare("lines");
	compare("crc");
}

/* Any byte that is another one: no message, or damage that is said; crc lets nothing
 * pass that is not what was sent. */
static void protocols_refuse_junk_alike(void **state)
{
	static const char *const names[] = { "lines", "crc" };
	uint64_t                 random = 8;

	(void)state;
	for (int which = 0; which < 2; which++) {
		struct three three;
		uint8_t      junk[300];

		three_load(&three, names[which], "protocol");
		for (int n = 0; n < MESSAGES; n++) {
			uint32_t len = 1 + (uint32_t)(three_random(&random) % sizeof junk);

			for (uint32_t i = 0; i < len; i++)
				junk[i] = (uint8_t)(three_random(&random) % 3 ? 'a' + i % 6 :
				                    three_random(&random));
			three_put(&three, AT(bytes), junk, len);
			uint32_t said = three_call(&three, RH_SLOT_PROTOCOL_RECEIVE, 0, len);
			assert_true(which == 0 || said == 0 || said == UINT32_MAX);
		}
		three_unload(&three);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protocols_carry_alike),
		cmocka_unit_test(protocols_refuse_junk_alike),
	};

	if (!three_has_tools())
		return 77;
	return cmocka_run_group_tests_name("rules_codec", tests, NULL, NULL);
}
