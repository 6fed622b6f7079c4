#include "transform_call.h"

#include "../base/clock.h"
#include "../model/check.h"
#include "../model/error.h"

#include <rhodes/hook/transform_layout.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define PART_MAX (sizeof(((struct rh_transform_buffer *)0)->bytes))

void rh_transform_init(struct rh_transform *transform, struct rh_rule *rule,
                       enum rh_rule_policy policy)
{
	RH_CHECK(policy < RH_POLICIES);
	*transform = (struct rh_transform){ .rule = rule, .policy = policy };
}

void rh_transform_fini(struct rh_transform *transform)
{
	if (transform->whole)
		munmap(transform->whole, RH_TRANSFORM_MESSAGE_MAX);
	transform->whole = NULL;
}

void rh_transform_exchange(struct rh_transform *transform, struct rh_rule *rule)
{
	transform->rule = rule;
}

/* Address space only, until it is used. */
static uint8_t *whole_of(struct rh_transform *transform)
{
	void *memory;

	if (transform->whole)
		return transform->whole;
	memory = mmap(NULL, RH_TRANSFORM_MESSAGE_MAX, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	transform->whole = memory == MAP_FAILED ? NULL : memory;
	return transform->whole;
}

static void fill(struct rh_transform_buffer *buffer,
                 const struct rh_transform_message *message, uint32_t at, uint32_t len)
{
	buffer->now_ns = rh_clock_ns();
	buffer->function = message->function;
	buffer->caller = message->caller;
	buffer->kind = message->is_reply ? RH_TRANSFORM_REPLY : RH_TRANSFORM_CALL;
	buffer->status = (uint32_t)message->status;
	buffer->at = at;
	buffer->total = message->length;
	if (len > 0)
		memcpy(buffer->bytes, (const uint8_t *)message->bytes + at, len);
}

static int blame(struct rh_transform *transform, uint32_t said, const char *why)
{
	char text[96];

	snprintf(text, sizeof text, "the length %u makes no sense: %s", said, why);
	rh_rule_blame(transform->rule, text);
	return RH_ERULE;
}

/* Asks about one part: 1 and what became of it, 0 it stays, or RH_ERULE. */
static int run_part(struct rh_transform *transform,
                    const struct rh_transform_message *message, uint32_t at, uint32_t len,
                    const uint8_t **ret_bytes, uint32_t *ret_len)
{
	struct rh_transform_buffer *buffer = rh_rule_buffer(transform->rule);
	uint64_t                    value;
	uint32_t                    said;

	if (!buffer)
		return RH_ERULE;
	fill(buffer, message, at, len);
	if (rh_rule_call(transform->rule, RH_SLOT_TRANSFORM_RUN, len, 0, &value) < 0)
		return RH_ERULE;
	said = (uint32_t)value;
	if (said == RH_TRANSFORM_SAME)
		return 0;
	if (said > PART_MAX)
		return blame(transform, said, "it is more than the buffer");
	if (said != len && len != message->length)
		return blame(transform, said, "a part of a longer message keeps its length");
	*ret_bytes = buffer->bytes;
	*ret_len = said;
	return 1;
}

/* All parts into whole, from the first that changes on. */
static int run_parts(struct rh_transform *transform,
                     const struct rh_transform_message *message, uint32_t *ret_len)
{
	const uint8_t *bytes = NULL;
	uint32_t       at = 0, becomes = message->length;
	int            r, is_changed = 0;

	do {
		uint32_t len = message->length - at < PART_MAX ? message->length - at :
		                                                 (uint32_t)PART_MAX;

		r = run_part(transform, message, at, len, &bytes, &becomes);
		if (r < 0)
			return r;
		if (r == 1 && !whole_of(transform))
			return RH_ERULE;
		if (r == 1 && !is_changed && message->length > 0)
			memcpy(transform->whole, message->bytes, message->length);
		if (r == 1)
			memcpy(transform->whole + at, bytes, becomes);
		is_changed |= r;
		at += len;
	} while (at < message->length);
	*ret_len = message->length > PART_MAX ? message->length : becomes;
	return is_changed;
}

int rh_transform_run(struct rh_transform *transform, struct rh_transform_message *message,
                     bool *ret_failed)
{
	uint32_t len = 0;
	int      r;

	if (message->length > RH_TRANSFORM_MESSAGE_MAX) {
		rh_rule_blame(transform->rule, "the message is longer than can be transformed");
		r = RH_ERULE;
	} else {
		r = run_parts(transform, message, &len);
	}
	*ret_failed = r < 0;
	if (r < 0)
		return transform->policy == RH_POLICY_FAIL_CLOSED ? RH_ERULE : 0;
	if (r == 1) {
		message->bytes = transform->whole;
		message->length = len;
	}
	return r;
}
