#include "trial.h"

#include "agent.h"
#include "loan.h"
#include "result.h"
#include "rules.h"

#include "../base/clock.h"
#include "../base/log.h"
#include "../rules/hook.h"

#include <string.h>

/* Other hooks say what becomes of a call that fails (onFailure). */
static int is_tried(const struct rh_loan *loan)
{
	return strcmp(loan->hook->name, "sched") == 0;
}

/* That no instance could be made may not be its fault, that it rests is no news. */
static uint64_t failures_of(const struct rh_code *code)
{
	const uint64_t *failures = code->counters.failures;

	return failures[RH_FAILED_TRAP] + failures[RH_FAILED_TIMEOUT] +
	       failures[RH_FAILED_FUEL] + failures[RH_FAILED_VALUE];
}

/* Too long was a call also where the machine took its time. */
static int is_bad(const struct rh_code *code)
{
	uint64_t timeouts = code->counters.failures[RH_FAILED_TIMEOUT];

	return failures_of(code) > timeouts || timeouts >= RH_RULE_FAILURES_MAX;
}

void rh_trial_begin(struct rh_loan *loan, const struct rh_code *former)
{
	loan->trial = (struct rh_trial){ .began_ns = rh_clock_ns() };
	if (former && is_tried(loan) && !is_bad(former))
		loan->trial.item = loan->place.item;
}

int rh_trial_is_on(const struct rh_agent *agent, uint64_t item)
{
	RH_LIST_EACH(node, &agent->loans) {
		if (RH_CONTAINER(node, struct rh_loan, in_agent)->trial.item == item)
			return 1;
	}
	return 0;
}

static void prove(struct rh_loan *loan)
{
	uint64_t item = loan->trial.item;

	if (loan->place.active->calls < RH_TRIAL_CALLS ||
	    rh_clock_ns() - loan->trial.began_ns < RH_TRIAL_NS)
		return;
	loan->trial.item = 0;
	rh_rules_proven(loan->place.agent, loan->place.agent->resource, "", item);
}

static void say(struct rh_loan *loan, uint64_t failures, const char *why,
                struct rh_diag *ret)
{
	const struct rh_code *code = loan->place.active;

	loan->trial.told = failures;
	rh_diag_set(ret, RH_ERULE, "rule %.40s failed in %llu of %llu calls: %.160s",
	            code->spec->rule, (unsigned long long)failures,
	            (unsigned long long)code->calls, why);
}

void rh_trial_look(struct rh_loan *loan, const char *why)
{
	struct rh_code_place *place = &loan->place;
	const char           *resource = place->agent->resource;
	uint64_t              failures = failures_of(place->active);
	int                   is_on = loan->trial.item && loan->trial.item == place->item;
	struct rh_diag        diag;

	if (!is_tried(loan) || place->next)
		return;
	if (failures == 0) {
		if (is_on)
			prove(loan);
	} else if (is_on && is_bad(place->active)) {
		say(loan, failures, why, &diag);
		loan->trial.item = 0;
		rh_rules_reject(place->agent, resource, "", place->item, &diag);
	} else if (failures >= 2 * loan->trial.told) { /* seldom, however often it fails */
		say(loan, failures, why, &diag);
		rh_warn("%s", diag.text);
		rh_result_partial(place->agent, resource, "", place->item, &diag);
	}
}
