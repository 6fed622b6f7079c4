#include "rollout.h"

#include "check.h"

#define PPM 1000000u

/* ---- the order of edges ---- */

static uint64_t fnv(uint64_t hash, const struct rh_name *name)
{
	/* With the NUL: "ab" "c" is not "a" "bc". */
	for (unsigned i = 0; i <= name->len; i++)
		hash = (hash ^ (unsigned char)name->text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* FNV alone orders names that differ in their last letter by that letter. */
static uint64_t mix(uint64_t hash)
{
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ (hash >> 33);
}

uint64_t rh_rollout_place(const struct rh_name *rule, const struct rh_name *caller,
                          const struct rh_name *callee)
{
	uint64_t hash = mix(fnv(fnv(fnv(UINT64_C(0xcbf29ce484222325), rule), caller),
	                        callee));

	if (hash == 0)
		return 1;
	return hash == RH_ROLLOUT_ALL ? RH_ROLLOUT_ALL - 1 : hash;
}

/* ---- steps ---- */

uint64_t rh_rollout_upto(const struct rh_rollout_step *step, uint64_t total)
{
	if (!step->is_percent)
		return step->value < total ? step->value : total;
	/* In two parts, so that no total is too large. */
	return total / 100 * step->value + (total % 100 * step->value + 99) / 100;
}

/* The first step that reaches more edges than now, or step_count. */
static uint32_t next_step(const struct rh_rollout_plan *plan,
                          const struct rh_rollout_tally *tally)
{
	uint32_t i = 0;

	while (i < plan->step_count &&
	       rh_rollout_upto(&plan->steps[i], tally->total) <= tally->reached)
		i++;
	return i;
}

/* ---- what stops it ---- */

static int has_errors(const struct rh_rollout_plan *plan,
                      const struct rh_rollout_tally *tally)
{
	uint64_t calls = tally->calls > RH_ROLLOUT_CALLS_MIN ? tally->calls
	                                                     : RH_ROLLOUT_CALLS_MIN;

	if (plan->errors_ppm == RH_ROLLOUT_ANY_RATE)
		return 0;
	/* errors / calls > errors_ppm / PPM, without overflow */
	return tally->errors > calls / PPM * plan->errors_ppm +
	                       calls % PPM * plan->errors_ppm / PPM;
}

void rh_rollout_decide(const struct rh_rollout_plan *plan,
                       const struct rh_rollout_tally *tally, uint64_t now_ns,
                       uint64_t *settled_ns, struct rh_rollout_answer *ret_answer)
{
	struct rh_rollout_answer answer = {
		.action = RH_ROLLOUT_WAIT, .wake_ns = RH_ROLLOUT_NEVER,
	};

	RH_CHECK(plan->step_count > 0 && plan->step_count <= RH_ROLLOUT_STEPS_MAX);
	RH_CHECK(tally->reached <= tally->total && tally->settled <= tally->reached);
	if (tally->settled < tally->reached)
		*settled_ns = 0;
	else if (*settled_ns == 0)
		*settled_ns = now_ns;
	if (tally->rejected > plan->rejects_max) {
		answer.action = RH_ROLLOUT_REJECTED;
	} else if (has_errors(plan, tally)) {
		answer.action = RH_ROLLOUT_ERRORS;
	} else if (tally->reached > 0 && *settled_ns == 0) {
		; /* an agent has to say something first */
	} else if (tally->reached > 0 && now_ns - *settled_ns < plan->wait_ns) {
		answer.wake_ns = *settled_ns + plan->wait_ns;
	} else {
		answer.step = next_step(plan, tally);
		answer.action = answer.step == plan->step_count ? RH_ROLLOUT_FINISH
		                                                : RH_ROLLOUT_ADVANCE;
	}
	if (answer.action == RH_ROLLOUT_ADVANCE)
		answer.upto = rh_rollout_upto(&plan->steps[answer.step], tally->total);
	*ret_answer = answer;
}
