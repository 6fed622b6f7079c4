#include "channel_fuzz.h"

#include "../../model/check.h"
#include "../../protocols/protocol.h"

#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEPS_MAX = 400 };

static const unsigned char zeroes[RH_PAYLOAD_ARENA_MAX]; /* all that is sent */

struct side {
	void    *state;
	int      is_lent;
	uint64_t sequence; /* bind: of the call polled last */
};

struct channel {
	const struct rh_protocol *protocol;
	const uint8_t            *data;
	size_t                    left;
	unsigned char            *memory;
	size_t                    bytes;
	int                       queue;   /* msgqueue: the request queue, or -1 */
	const struct rh_framing  *framings; /* of the protocol module; NULL: another */
	const int                *lied;    /* ... did one of them?               */
	int                       is_torn; /* somebody wrote into the memory     */
	struct side               sides[2];
};

static uint32_t take(struct channel *channel, size_t count)
{
	uint32_t value = 0;

	for (; count > 0 && channel->left > 0; count--, channel->left--)
		value = value << 8 | *channel->data++;
	return value;
}

/* Words that steer stand where a ring or a page begins; bodies are many and dull. */
static void write_word(struct channel *channel)
{
	uint32_t draw = take(channel, 2), value = take(channel, 4);
	size_t   start = 0, window = draw >> 13, offset = (draw & 0x1fff) * 4;

	if (window == 5 || window == 6)
		start = 4096 + (channel->bytes - 7936) / 2; /* the second ring or way */
	else if (window == 7)
		start = offset * 257;
	channel->is_torn = 1;
	start = (start + offset) % (channel->bytes - 3) & ~(size_t)3;
	memcpy(channel->memory + start, &value, sizeof value);
}

/* Around the limits between slot, arena and too large. */
static uint32_t take_len(struct channel *channel)
{
	uint32_t draw = take(channel, 1);

	return draw < 128 ? draw * 7 : draw < 250 ? (draw - 128) * 100 :
	       RH_PAYLOAD_ARENA_MAX + draw - 254;
}

/* Where nobody lied nothing is wrong. */
static void check_answer(const struct channel *channel, int r)
{
	int is_fine = r == 1 || r == RH_OK || r == RH_EAGAIN || r == RH_EMSGSIZE;

	if (!channel->framings)
		RH_CHECK(is_fine || r == RH_EPROTO || r == RH_ELOST || r == RH_EINVAL);
	else if (*channel->lied || channel->is_torn)
		RH_CHECK(is_fine || r == RH_EPROTO || r == RH_ELOST || r == RH_ERULE);
	else
		RH_CHECK(is_fine);
}

static void poll_side(struct channel *channel, struct side *side)
{
	struct rh_msg_head head;
	const void        *body;
	uint64_t           sum = 0;

	if (side->is_lent)
		return;
	int r = channel->protocol->poll(side->state, &head, &body);
	check_answer(channel, r);
	if (r != 1)
		return;
	RH_CHECK(head.kind > 0 && head.kind < RH_MSG_KINDS);
	RH_CHECK(head.version == RH_WIRE_VERSION);
	RH_CHECK(head.len <= RH_PAYLOAD_ARENA_MAX);
	for (uint32_t i = 0; i < head.len; i += 251)
		sum += ((const volatile unsigned char *)body)[i];
	if (head.len > 0)
		sum += ((const volatile unsigned char *)body)[head.len - 1];
	(void)sum;
	/* What a rule changes is found. */
	if (channel->framings && !channel->is_torn && *channel->lied < 2)
		RH_CHECK(memcmp(body, zeroes, head.len) == 0);
	side->is_lent = 1;
	side->sequence = head.call;
}

static void submit_side(struct channel *channel, struct side *side, uint8_t kind)
{
	struct rh_msg_head         head = {
		.kind = kind, .version = RH_WIRE_VERSION, .call = side->sequence,
		.len = take_len(channel), .reply_cap = 70000,
	};

	check_answer(channel, channel->protocol->submit(side->state, &head, zeroes));
}

static void send_raw(struct channel *channel)
{
	size_t len = take(channel, 2) % (RH_QUEUE_MESSAGE_MAX + 1);
	char   message[RH_QUEUE_MESSAGE_MAX] = { 0 };

	for (size_t i = 0; i < len && channel->left > 0; i++)
		message[i] = (char)take(channel, 1);
	if (channel->queue >= 0)
		mq_send((mqd_t)channel->queue, message, len, 0);
}

static void step(struct channel *channel)
{
	uint8_t      what = (uint8_t)take(channel, 1);
	struct side *side = &channel->sides[what >> 7];

	switch (what % 8) {
	case 0:
	case 1:
		write_word(channel);
		break;
	case 2:
	case 3:
		poll_side(channel, side);
		break;
	case 4:
		if (side->is_lent)
			channel->protocol->release(side->state);
		side->is_lent = 0;
		break;
	case 5:
		submit_side(channel, side, side == &channel->sides[0] ? RH_MSG_CALL
		                                                      : RH_MSG_REPLY);
		break;
	case 6:
		check_answer(channel, channel->protocol->arm(side->state,
			what >> 5 & 3 ? what >> 5 & 3 : RH_WANTS_MESSAGE));
		break;
	default:
		send_raw(channel);
	}
}

static void *state_of(const struct rh_protocol *protocol)
{
	size_t bytes = (protocol->state_bytes + 63u) & ~63u;
	void  *state = aligned_alloc(64, bytes);

	RH_CHECK(state);
	memset(state, 0, bytes);
	return state;
}

static void channel_open(struct channel *channel)
{
	char                     system[32], queue[64];
	struct rh_channel_config config = {
		.system = system, .caller = "a", .callee = "b", .id = 1,
	};
	struct rh_offer offer;
	struct stat     st;

	snprintf(system, sizeof system, "fuzz%d", (int)getpid());
	snprintf(queue, sizeof queue, "/%s-a-b-queue", system);
	for (int i = 0; i < 2; i++)
		channel->sides[i].state = state_of(channel->protocol);
	config.framing = channel->framings;
	RH_CHECK(channel->protocol->offer(channel->sides[0].state, &config, &offer,
	                                  NULL) == RH_OK);
	RH_CHECK(fstat(offer.fds[0], &st) == 0);
	channel->bytes = (size_t)st.st_size;
	channel->memory = mmap(NULL, channel->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
	                       offer.fds[0], 0);
	RH_CHECK(channel->memory != MAP_FAILED);
	if (channel->framings)
		config.framing = &channel->framings[1];
	RH_CHECK(channel->protocol->accept(channel->sides[1].state, &config, &offer,
	                                   NULL) == RH_OK);
	channel->queue = (int)mq_open(queue, O_WRONLY | O_NONBLOCK);
}

int channel_fuzz(const char *name, const uint8_t *data, size_t size)
{
	return channel_fuzz_framed(name, NULL, NULL, data, size);
}

int channel_fuzz_framed(const char *name, const struct rh_framing framings[2],
                        const int *lied, const uint8_t *data, size_t size)
{
	struct channel channel = {
		.protocol = rh_protocol_find(name), .data = data, .left = size,
		.framings = framings, .lied = lied,
	};

	channel_open(&channel);
	for (int i = 0; i < STEPS_MAX && channel.left > 0; i++)
		step(&channel);
	for (int i = 0; i < 2; i++) {
		channel.protocol->close(channel.sides[i].state);
		if (channel.sides[i].is_lent) /* must not touch what is unmapped */
			channel.protocol->release(channel.sides[i].state);
		free(channel.sides[i].state);
	}
	if (channel.queue >= 0)
		mq_close((mqd_t)channel.queue);
	munmap(channel.memory, channel.bytes);
	return 0;
}
