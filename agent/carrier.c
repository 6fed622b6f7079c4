#include "carrier.h"

#include "agent.h"
#include "codetell.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../model/check.h"
#include "../rules/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a channel has of it. */
struct instance {
	struct rh_carrier *carrier;
	struct rh_codec   *codec;
	uint64_t           id;
	char               rule[RH_NAME_MAX + 1];
};

void rh_carrier_init(struct rh_carrier *carrier, struct rh_agent *agent,
                     const char *caller, const char *callee,
                     const struct rh_code_ops *ops)
{
	*carrier = (struct rh_carrier){ 0 };
	rh_code_place_init(&carrier->place, agent, caller, callee, ops);
}

void rh_carrier_fini(struct rh_carrier *carrier)
{
	rh_code_place_fini(&carrier->place);
}

/* The generation of the rule says what its parameters are, its module what it is. */
uint64_t rh_carrier_id(const struct rh_code *code)
{
	char     digits[17];
	uint64_t id;

	memcpy(digits, code->spec->module, 16);
	digits[16] = 0;
	id = strtoull(digits, NULL, 16) ^ code->spec->revision * 0x9e3779b97f4a7c15u;
	return id ? id : 1;
}

const struct rh_code *rh_carrier_wanted(const struct rh_carrier *carrier)
{
	const struct rh_code *next = carrier->place.next;
	const struct rh_code *code = next && next->rule ? next : carrier->place.active;

	return code && rh_carrier_id(code) != carrier->failed ? code : NULL;
}

int rh_carrier_try(struct rh_code *code, struct rh_diag *why)
{
	return rh_code_load(code, why);
}

uint64_t rh_carrier_fail(struct rh_carrier *carrier)
{
	const struct rh_code *code = rh_carrier_wanted(carrier);

	if (!code || rh_carrier_id(code) != carrier->failing)
		return 0;
	carrier->failed = carrier->failing;
	return carrier->place.item;
}

/* ---- an instance, as the framing of a channel ----------------------------- */

/* The rule that is counted is that of the place: instances come and go. */
static struct rh_code *counted(const struct instance *instance)
{
	struct rh_code_place *place = &instance->carrier->place;

	if (place->active && rh_carrier_id(place->active) == instance->id)
		return place->active;
	return place->next && rh_carrier_id(place->next) == instance->id ? place->next : NULL;
}

static void on_line(void *user, const char *text)
{
	const struct instance *instance = user;
	const struct rh_code  *code = counted(instance);

	rh_info("rule %s: %s", instance->rule, text);
	if (code)
		rh_codetell_line(code, text);
}

static int count(const struct instance *instance, uint64_t began, int r)
{
	struct rh_carrier *carrier = instance->carrier;
	struct rh_code    *code = counted(instance);
	const char        *why = rh_rule_why(rh_codec_rule(instance->codec));

	if (code)
		rh_code_ran(code, began);
	if (r >= 0)
		return r;
	carrier->failing = instance->id;
	rh_diag_set(&carrier->why, RH_ERULE, "rule %s failed: %.200s", instance->rule, why);
	rh_error("%s -> %s: %s", carrier->place.caller, carrier->place.callee,
	         carrier->why.text);
	if (code && code->rule)
		rh_rule_blame(code->rule, why);
	return r;
}

static void *message(void *user)
{
	return rh_codec_message(((struct instance *)user)->codec);
}

static void *bytes(void *user)
{
	return rh_codec_bytes(((struct instance *)user)->codec);
}

static int most(void *user, uint32_t length)
{
	return count(user, rh_clock_ns(),
	             rh_codec_most(((struct instance *)user)->codec, length));
}

static int send_piece(void *user, uint32_t length, const void **ret_bytes)
{
	uint64_t began = rh_clock_ns();

	return count(user, began, rh_codec_send(((struct instance *)user)->codec, length,
	                                        ret_bytes));
}

static int receive(void *user, uint32_t at, uint32_t end, uint32_t *ret_used,
                   const void **ret_message)
{
	uint64_t began = rh_clock_ns();

	return count(user, began, rh_codec_receive(((struct instance *)user)->codec, at, end,
	                                           ret_used, ret_message));
}

static void blame(void *user, const char *why)
{
	struct instance *instance = user;

	rh_rule_blame(rh_codec_rule(instance->codec), why);
	count(instance, rh_clock_ns(), RH_ERULE);
}

static void end(void *user)
{
	struct instance *instance = user;

	rh_codec_close(instance->codec);
	free(instance);
}

static const struct rh_framing_ops framing_ops = {
	.message = message, .bytes = bytes, .most = most, .send = send_piece,
	.receive = receive, .blame = blame, .close = end,
};

int rh_carrier_frame(struct rh_carrier *carrier, const struct rh_code *code,
                     enum rh_codec_side side, struct rh_framing *ret_framing,
                     struct rh_diag *diag)
{
	struct instance *instance = calloc(1, sizeof *instance);
	struct rh_rule  *rule = NULL;
	int              r;

	if (!instance)
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a channel");
	instance->carrier = carrier;
	instance->id = rh_carrier_id(code);
	strcpy(instance->rule, code->spec->rule);
	r = rh_code_instance(code, on_line, instance, &rule, diag);
	if (r == RH_OK)
		r = rh_codec_open(rule, side, &instance->codec, diag);
	if (r < 0) {
		free(instance);
		return r;
	}
	*ret_framing = (struct rh_framing){
		.ops = &framing_ops, .user = instance, .id = instance->id,
	};
	snprintf(ret_framing->name, sizeof ret_framing->name, "rule %.50s", instance->rule);
	return RH_OK;
}
