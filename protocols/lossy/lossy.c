#include "lossy.h"

#include "../../base/diag.h"
#include "../../model/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INNER_BYTES 16384u /* of the state of the inner protocol       */
#define HOLD_STEPS  16u    /* a delayed message goes after so many calls */

struct held {
	struct rh_msg_head head;
	unsigned char      body[RH_LOSSY_HELD_BYTES];
};

struct lossy {
	const struct rh_protocol *inner; /* NULL: closed */
	struct rh_lossy_plan      plan;
	struct rh_lossy_counts    counts;
	uint64_t                  draws;
	uint32_t                  first;  /* of the held        */
	uint32_t                  count;  /* of the held        */
	uint32_t                  steps;  /* until they go      */
	int                       lied;   /* said EAGAIN without a reason */
	struct held               held[RH_LOSSY_HELD];
	_Alignas(64) unsigned char state[INNER_BYTES];
};

static struct rh_lossy_plan plan = {
	.inner = "shm", .seed = 1, .delay = 20, .again = 50,
};
static int plan_is_set;

static const struct rh_protocol *find_inner(const char *name)
{
	const struct rh_protocol *inner = rh_protocol_find(name);

	return inner == &rh_lossy_protocol ? NULL : inner;
}

int rh_lossy_plan_set(const struct rh_lossy_plan *wanted)
{
	if (!find_inner(wanted->inner) || wanted->drop > 1000 ||
	    wanted->duplicate > 1000 || wanted->delay > 1000 || wanted->again > 1000)
		return RH_EINVAL;
	plan = *wanted;
	plan_is_set = 1;
	return RH_OK;
}

/* Reads the number after "key=" in text; keeps *ret when there is none. */
static void read_number(const char *text, const char *key, uint32_t *ret)
{
	const char *at = strstr(text, key);

	if (at)
		*ret = (uint32_t)strtoul(at + strlen(key), NULL, 10);
}

static int plan_read(const char *text)
{
	struct rh_lossy_plan wanted = plan;
	const char          *inner = strstr(text, "inner=");
	uint32_t             seed = (uint32_t)wanted.seed;

	if (inner)
		sscanf(inner, "inner=%15[a-z]", wanted.inner);
	read_number(text, "seed=", &seed);
	read_number(text, "drop=", &wanted.drop);
	read_number(text, "duplicate=", &wanted.duplicate);
	read_number(text, "delay=", &wanted.delay);
	read_number(text, "again=", &wanted.again);
	wanted.seed = seed;
	return rh_lossy_plan_set(&wanted);
}

/* 1 with the probability of that many in a thousand. */
static int draw(struct lossy *lossy, uint32_t rate)
{
	lossy->draws = lossy->draws * 6364136223846793005u + 1442695040888963407u;
	return (lossy->draws >> 33) % 1000 < rate;
}

static int begin(struct lossy *lossy, uint64_t salt, struct rh_diag *diag)
{
	const char *text = plan_is_set ? NULL : getenv("RHODES_LOSSY");

	memset(lossy, 0, sizeof *lossy);
	if (text && plan_read(text) < 0)
		return rh_diag_set(diag, RH_EINVAL, "lossy: bad RHODES_LOSSY: %s", text);
	lossy->plan = plan;
	lossy->draws = plan.seed * 2 + salt;
	RH_CHECK(find_inner(plan.inner)->state_bytes <= INNER_BYTES);
	return RH_OK;
}

static int lossy_offer(void *state, const struct rh_channel_config *config,
                       struct rh_offer *ret_offer, struct rh_diag *diag)
{
	struct lossy             *lossy = state;
	const struct rh_protocol *inner;
	int                       r = begin(lossy, 0, diag);

	if (r < 0)
		return r;
	inner = find_inner(lossy->plan.inner);
	r = inner->offer(lossy->state, config, ret_offer, diag);
	if (r == RH_OK)
		lossy->inner = inner;
	return r;
}

static int lossy_accept(void *state, const struct rh_channel_config *config,
                        struct rh_offer *offer, struct rh_diag *diag)
{
	struct lossy *lossy = state;
	int           r = begin(lossy, 1, diag);

	const struct rh_protocol *inner = find_inner(plan.inner);
	/* The inner protocol takes the descriptors even when the plan was bad. */
	int accepted = inner->accept(lossy->state, config, offer, diag);
	if (accepted == RH_OK && r == RH_OK)
		lossy->inner = inner;
	else if (accepted == RH_OK)
		inner->close(lossy->state);
	return r < 0 ? r : accepted;
}

/* Passes on what was held, in order; RH_OK when nothing is held any more. */
static int flush(struct lossy *lossy)
{
	while (lossy->count > 0) {
		struct held *held = &lossy->held[lossy->first % RH_LOSSY_HELD];
		int r = lossy->inner->submit(lossy->state, &held->head, held->body);

		if (r < 0)
			return r;
		lossy->first++;
		lossy->count--;
	}
	return RH_OK;
}

/* Every call brings held messages nearer to leaving. */
static void step(struct lossy *lossy)
{
	if (lossy->count > 0 && (lossy->steps == 0 || --lossy->steps == 0))
		flush(lossy);
}

static int refuse(struct lossy *lossy)
{
	lossy->lied = 1;
	lossy->counts.refused++;
	return RH_EAGAIN;
}

static int hold(struct lossy *lossy, const struct rh_msg_head *head, const void *body)
{
	struct held *held = &lossy->held[(lossy->first + lossy->count) % RH_LOSSY_HELD];

	if (lossy->count == 0)
		lossy->steps = HOLD_STEPS;
	held->head = *head;
	if (head->len > 0)
		memcpy(held->body, body, head->len);
	lossy->count++;
	lossy->counts.delayed++;
	return RH_OK;
}

static int lossy_submit(void *state, const struct rh_msg_head *head, const void *body)
{
	struct lossy *lossy = state;
	int           may_hold = head->len <= RH_LOSSY_HELD_BYTES;
	int           r;

	step(lossy);
	if (draw(lossy, lossy->plan.again))
		return refuse(lossy);
	if (draw(lossy, lossy->plan.drop)) {
		lossy->counts.dropped++;
		return RH_OK;
	}
	if (lossy->count == RH_LOSSY_HELD || (lossy->count > 0 && !may_hold)) {
		r = flush(lossy); /* those come first */
		if (r < 0)
			return r;
	}
	if (may_hold && (lossy->count > 0 || draw(lossy, lossy->plan.delay)))
		return hold(lossy, head, body);
	r = lossy->inner->submit(lossy->state, head, body);
	if (r == RH_OK && draw(lossy, lossy->plan.duplicate) &&
	    lossy->inner->submit(lossy->state, head, body) == RH_OK)
		lossy->counts.duplicated++;
	return r;
}

static int lossy_poll(void *state, struct rh_msg_head *ret_head, const void **ret_body)
{
	struct lossy *lossy = state;

	step(lossy);
	if (draw(lossy, lossy->plan.again))
		return refuse(lossy);
	return lossy->inner->poll(lossy->state, ret_head, ret_body);
}

static void lossy_release(void *state)
{
	struct lossy *lossy = state;

	if (lossy->inner)
		lossy->inner->release(lossy->state);
}

/* Of the inner protocol: also room for what is held. */
static int inner_wants(const struct lossy *lossy, int wants)
{
	return lossy->count > 0 ? wants | RH_WANTS_ROOM : wants;
}

static int lossy_arm(void *state, int wants)
{
	struct lossy *lossy = state;

	step(lossy);
	if (lossy->lied) {
		lossy->lied = 0;
		return RH_EAGAIN;
	}
	if (lossy->count > 0 && lossy->steps > 0)
		return RH_EAGAIN; /* they leave after some more calls */
	return lossy->inner->arm(lossy->state, inner_wants(lossy, wants));
}

static void lossy_watch(const void *state, int wants, struct rh_watch_set *ret_set)
{
	const struct lossy *lossy = state;

	lossy->inner->watch(lossy->state, inner_wants(lossy, wants), ret_set);
}

static void lossy_describe(const void *state, struct rh_description *ret)
{
	const struct lossy *lossy = state;

	lossy->inner->describe(lossy->state, ret);
}

static void lossy_close(void *state)
{
	struct lossy *lossy = state;

	if (!lossy->inner)
		return;
	flush(lossy);
	lossy->inner->close(lossy->state);
	lossy->inner = NULL;
}

void rh_lossy_counts_get(const void *state, struct rh_lossy_counts *ret)
{
	const struct lossy *lossy = state;

	*ret = lossy->counts;
}

const struct rh_protocol rh_lossy_protocol = {
	.name = "lossy",
	.abi = RH_PROTOCOL_ABI,
	.state_bytes = sizeof(struct lossy),
	.offer = lossy_offer,
	.accept = lossy_accept,
	.submit = lossy_submit,
	.poll = lossy_poll,
	.release = lossy_release,
	.arm = lossy_arm,
	.watch = lossy_watch,
	.describe = lossy_describe,
	.close = lossy_close,
};
