#include "shape.h"

#include "results.h"
#include "rollout.h"
#include "when.h"

#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

/* "5%": a whole number of percent. */
static int check_percent(struct rh_decode *decode, const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long   value = digits > 0 && digits <= 3 ? strtol(text, NULL, 10) : 0;

	if (strcmp(text + digits, "%") != 0 || value < 1 || value > 100)
		return rh_decode_refuse(decode, "\"%.16s\" is neither a number of edges nor a "
			"percentage from \"1%%\" to \"100%%\"", text);
	return RH_OK;
}

static int check_step(struct rh_decode *decode, const json_t *value)
{
	if (json_is_string(value))
		return check_percent(decode, json_string_value(value));
	if (!json_is_integer(value))
		return rh_decode_refuse(decode, "must be a number of edges, such as 1, or a "
		                        "percentage of them, such as \"5%%\"");
	return rh_decode_integer(decode, value, 1, RH_CENTER_EDGES);
}

/* How many edges a percentage is depends on how many there are: a count stands before
 * every percentage. */
static int check_order(struct rh_decode *decode, const json_t *steps)
{
	struct rh_rollout_step before, step;
	size_t                 count = json_array_size(steps);
	int                    err = RH_OK;

	rh_rollout_read_step(json_array_get(steps, 0), &before);
	for (size_t i = 1; i < count && !err; i++, before = step) {
		size_t mark = rh_decode_enter_index(decode, i);

		rh_rollout_read_step(json_array_get(steps, i), &step);
		if (before.is_percent && !step.is_percent)
			err = rh_decode_refuse(decode, "a number of edges stands before all "
			                       "percentages");
		else if (before.is_percent == step.is_percent && before.value >= step.value)
			err = rh_decode_refuse(decode, "must be more than the step before it");
		rh_decode_leave(decode, mark);
	}
	if (!err && (!before.is_percent || before.value != 100))
		err = rh_decode_refuse(decode, "must end with \"100%%\"");
	return err;
}

static int check_steps(struct rh_decode *decode, const json_t *value)
{
	int err = rh_decode_list(decode, value, RH_ROLLOUT_STEPS_MAX, check_step);

	if (!err && json_array_size(value) == 0)
		err = rh_decode_refuse(decode, "needs at least one step, the last of which is "
		                       "\"100%%\"");
	return err ? err : check_order(decode, value);
}

static int check_wait(struct rh_decode *decode, const json_t *value)
{
	uint64_t ms;
	int      err = rh_decode_string(decode, value, 1, 16, 0);

	if (!err && rh_when_duration(json_string_value(value), RH_ROLLOUT_WAIT_MAX_MS,
	                             &ms) != RH_OK)
		err = rh_decode_refuse(decode, "\"%.16s\" is not a time such as 10s, 500ms, "
			"5m or 2h, of at most a day", json_string_value(value));
	return err;
}

/* An agent's results that the center knows by name are bounded: more rejects than those
 * could not be told apart. */
static int check_rejects(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 0, RH_RESULTS_MAX - 1);
}

/* It is kept in millionths. */
static int check_rate(struct rh_decode *decode, const json_t *value)
{
	double rate = json_number_value(value), millionths = rate * 1e6;
	double rest = millionths - (double)(long)(millionths + 0.5);

	if (!json_is_number(value) || rate < 0 || rate > 1)
		return rh_decode_refuse(decode, "must be a part of the calls between 0 and 1, "
		                        "such as 0.05");
	if (rest > 1e-6 || rest < -1e-6)
		return rh_decode_refuse(decode, "has more than six decimals");
	return RH_OK;
}

int rh_shape_rollout(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "steps",        check_steps,       1 },
		{ "wait",         check_wait,        0 },
		{ "maxReject",    check_rejects,     0 },
		{ "maxErrorRate", check_rate,        0 },
		{ "rollback",     rh_decode_boolean, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}
