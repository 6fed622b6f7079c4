#include "shape.h"

#include "../model/error.h"
#include "../model/sched.h"

#include <string.h>

static int check_use(struct rh_decode *decode, const json_t *value)
{
	static const char *const uses[] = { "cfs", "eevdf", "deadline", "fifo", "rr", NULL };

	return rh_decode_choice(decode, value, uses);
}

static int check_carrier(struct rh_decode *decode, const json_t *value)
{
	static const char *const carriers[] = { "host", "fiber", "sched_ext", NULL };

	return rh_decode_choice(decode, value, carriers);
}

/* Each within its range; whether the policy takes it is seen when all are known. */
static int check_numbers(struct rh_decode *decode, const json_t *value,
                         struct rh_sched *sched)
{
	int err = RH_OK;

	for (int i = 0; i < RH_SCHED_NUMBERS && !err; i++) {
		const struct rh_sched_range *range = &rh_sched_ranges[i];
		const json_t                *number = json_object_get(value, range->name);
		size_t                       mark;

		if (!number)
			continue;
		mark = rh_decode_enter(decode, range->name);
		err = rh_decode_integer(decode, number, range->least, range->most);
		rh_decode_leave(decode, mark);
		sched->is_set |= 1u << i;
		sched->at[i] = err ? 0 : (int32_t)json_integer_value(number);
	}
	return err;
}

static int refuse_number(struct rh_decode *decode, const struct rh_sched *sched,
                         enum rh_sched_number number, const char *why)
{
	size_t mark = rh_decode_enter(decode, rh_sched_ranges[number].name);
	int    err = rh_decode_refuse(decode, "with use: %s and carrier: %s %s",
		rh_sched_use_text(sched->use), rh_sched_carrier_text(sched->carrier), why);

	rh_decode_leave(decode, mark);
	return err;
}

static int check_any(struct rh_decode *decode, const json_t *value)
{
	(void)decode;
	(void)value;
	return RH_OK; /* check_numbers looks at it */
}

int rh_shape_sched(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "resource",   rh_decode_name,   1 },
		{ "use",        check_use,        1 },
		{ "carrier",    check_carrier,    0 },
		{ "nice",       check_any,        0 },
		{ "priority",   check_any,        0 },
		{ "sliceUs",    check_any,        0 },
		{ "runtimeUs",  check_any,        0 },
		{ "deadlineUs", check_any,        0 },
		{ "periodUs",   check_any,        0 },
		{ "weight",     check_any,        0 },
		{ "rollout",    rh_shape_rollout, 0 },
	};
	struct rh_sched      sched = { .carrier = RH_SCHED_HOST };
	enum rh_sched_number number;
	const char          *why;
	int                  err = rh_decode_fields(decode, value, RH_FIELDS(fields));

	if (!err)
		err = check_numbers(decode, value, &sched);
	if (err)
		return err;
	const json_t *use = json_object_get(value, "use");
	const json_t *carrier = json_object_get(value, "carrier");
	rh_sched_use_parse(json_string_value(use), json_string_length(use), &sched.use);
	if (carrier)
		rh_sched_carrier_parse(json_string_value(carrier),
		                       json_string_length(carrier), &sched.carrier);
	if (rh_sched_complete(&sched, &number, &why) < 0)
		return refuse_number(decode, &sched, number, why);
	return RH_OK;
}
