#include "rollout_drive.h"

#include "center.h"
#include "history.h"
#include "news.h"
#include "push.h"
#include "survey.h"
#include "when.h"

#include "../base/clock.h"
#include "../base/failpoint.h"
#include "../base/log.h"
#include "../model/error.h"

#include <stdio.h>
#include <string.h>

#define RETRY_MS  10000u
#define REST      10u /* a look of t is followed by no other for so many t */

/* ---- when ---- */

uint64_t rh_rollouts_next(const struct rh_center *center)
{
	return center->rollout_ns ? center->rollout_ns : RH_ROLLOUT_NEVER;
}

static void wake_at(struct rh_center *center, uint64_t when_ns)
{
	if (when_ns < center->rollout_rest_ns)
		when_ns = center->rollout_rest_ns;
	if (when_ns < rh_rollouts_next(center))
		center->rollout_ns = when_ns;
}

void rh_rollouts_wake(struct rh_center *center, uint64_t delay_ms)
{
	if (center->realm.rollouts.running > 0)
		wake_at(center, rh_clock_ns() + delay_ms * RH_NS_PER_MS);
}

/* ---- what is told of it ---- */

static void tell(struct rh_center *center, const struct rh_rollout *rollout)
{
	char    text[RH_ROLLOUT_REASON_MAX + 80], step[RH_ROLLOUT_STEP_TEXT_MAX];
	json_t *event = json_pack("{s:s, s:s, s:I, s:s, s:i, s:i, s:I}", "type", "rollout",
		"name", rollout->rule, "revision", (json_int_t)rollout->now.revision,
		"state", rh_rollout_state_text(rollout->state),
		"step", (int)rollout->step, "steps", (int)rollout->plan.step_count,
		"generation", (json_int_t)rollout->generation);

	if (rollout->failed)
		json_object_set_new(event, "failed",
		                    json_integer((json_int_t)rollout->failed));
	rh_rollout_step_text(rollout, step);
	snprintf(text, sizeof text, "%s%s%s%s%s", rh_rollout_state_text(rollout->state),
	         step[0] ? " " : "", step, rollout->reason[0] ? ": " : "", rollout->reason);
	json_object_set_new(event, "text", rh_json_text(text));
	rh_info("rollout %s: %s step=%u/%u %s", rollout->rule,
	        rh_rollout_state_text(rollout->state), rollout->step,
	        rollout->plan.step_count, rollout->reason);
	rh_news_add(center, RH_OBJECT_RULE, event);
}

void rh_rollouts_tell(struct rh_center *center)
{
	const struct rh_rollouts *rollouts = &center->realm.rollouts;

	for (size_t i = 0; center->has_untold && i < rollouts->count; i++) {
		if (rollouts->at[i]->is_untold)
			tell(center, rollouts->at[i]);
		rollouts->at[i]->is_untold = 0;
	}
	center->has_untold = 0;
}

/* ---- changing one ---- */

static const struct rh_client own_client = { .channel = "center", .is_writer = 1 };
static const struct rh_change_options own = {
	.client = &own_client, .verb = "rollout", .expected = RH_CHANGE_ANY,
};

/* Stages that it is so now; who made it so stands in the audit log. */
static int put(struct rh_center *center, struct rh_rollout *next,
               const struct rh_change_options *options, struct rh_problem *problem)
{
	next->changed_ms = rh_when_now();
	next->is_untold = center->has_untold = 1;
	return rh_change_rollout(center, next, options, problem);
}

static void begin_step(struct rh_rollout *next, uint32_t step, uint64_t reach)
{
	next->step = step;
	next->reach = reach;
	next->settled_ns = next->calls = next->errors = 0;
	next->is_resumed = 0;
}

/* The former one everywhere; where there was none, the new one nowhere. */
static int go_back(struct rh_center *center, const struct rh_rollout *rollout,
                   uint64_t generation, enum rh_rollout_state state,
                   const struct rh_change_options *options,
                   struct rh_problem *problem)
{
	struct rh_rollout next = *rollout;

	next.state = state;
	next.failed = rollout->generation;
	next.calls = next.errors = 0;
	if (generation == 0) {
		next.reach = 0;
		return put(center, &next, options, problem);
	}
	next.changed_ms = rh_when_now();
	next.is_untold = center->has_untold = 1;
	return rh_change_restore(center, rollout->rule, generation, options, &next,
	                         problem);
}

static int stop(struct rh_center *center, const struct rh_rollout *rollout,
                const char *reason, struct rh_problem *problem)
{
	struct rh_change_options options = own;
	struct rh_rollout        next = *rollout;

	snprintf(next.reason, sizeof next.reason, "%s", reason);
	options.verb = "rollback";
	if (!rollout->plan.rollback) {
		next.state = RH_ROLLOUT_STOPPED;
		return put(center, &next, &own, problem);
	}
	int err = go_back(center, &next, rollout->former, RH_ROLLOUT_ROLLED_BACK, &options,
	                  problem);
	rh_failpoint("rollback-staged");
	if (!err)
		return RH_OK;
	/* The former one is not possible any more: it stays as it is. */
	snprintf(next.reason, sizeof next.reason, "%.280s; and it cannot be rolled back: "
	         "%.140s", reason, problem->detail);
	next.state = RH_ROLLOUT_STOPPED;
	return center->broken.code ? err : put(center, &next, &own, problem);
}

/* ---- going on ---- */

static void word_stop(const struct rh_survey *survey,
                      const struct rh_rollout_answer *answer,
                      char text[RH_ROLLOUT_REASON_MAX])
{
	const struct rh_rollout_plan  *plan = &survey->rollout->plan;
	const struct rh_rollout_tally *tally = &survey->tally;

	if (answer->action == RH_ROLLOUT_REJECTED)
		snprintf(text, RH_ROLLOUT_REASON_MAX,
		         "%llu edge%s rejected, maxReject is %u: %s",
		         (unsigned long long)tally->rejected,
		         tally->rejected == 1 ? " was" : "s were", plan->rejects_max,
		         survey->rejected);
	else
		snprintf(text, RH_ROLLOUT_REASON_MAX,
		         "%llu of %llu calls failed in step %u, maxErrorRate is %g",
		         (unsigned long long)tally->errors,
		         (unsigned long long)tally->calls, survey->rollout->step,
		         plan->errors_ppm / 1000000.0);
}

static int act(struct rh_center *center, struct rh_survey *survey,
               const struct rh_rollout_answer *answer, struct rh_problem *problem)
{
	struct rh_rollout next = *survey->rollout;
	char              reason[RH_ROLLOUT_REASON_MAX];
	uint64_t          reach = 0;
	int               err;

	switch (answer->action) {
	case RH_ROLLOUT_ADVANCE:
		err = rh_survey_reach(survey, answer->upto, &reach);
		if (err)
			return rh_problem_set(problem, err, "the center is out of memory");
		begin_step(&next, answer->step + 1, reach);
		return put(center, &next, &own, problem);
	case RH_ROLLOUT_FINISH:
		next.state = RH_ROLLOUT_DONE;
		next.reach = RH_ROLLOUT_ALL;
		return put(center, &next, &own, problem);
	case RH_ROLLOUT_REJECTED:
	case RH_ROLLOUT_ERRORS:
		word_stop(survey, answer, reason);
		return stop(center, survey->rollout, reason, problem);
	default:
		return RH_OK;
	}
}

static int drive_one(struct rh_center *center, struct rh_rollout *rollout,
                     struct rh_problem *problem)
{
	struct rh_survey survey = {
		.center = center, .rollout = rollout, .wants_places = 1,
	};
	struct rh_rollout_answer answer;

	rh_survey_make(&survey);
	rh_rollout_decide(&rollout->plan, &survey.tally, rh_clock_ns(),
	                  &rollout->settled_ns, &answer);
	int err = act(center, &survey, &answer, problem);
	if (answer.action == RH_ROLLOUT_ADVANCE)
		rh_failpoint("step-staged");
	else if (answer.action == RH_ROLLOUT_FINISH)
		rh_failpoint("finish-staged");
	if (answer.wake_ns != RH_ROLLOUT_NEVER)
		wake_at(center, answer.wake_ns);
	rh_survey_fini(&survey);
	return err;
}

int rh_rollouts_drive(struct rh_center *center)
{
	const struct rh_rollouts *rollouts = &center->realm.rollouts;
	struct rh_problem         problem = { 0 };
	uint64_t                  begun = rh_clock_ns();
	int                       err = RH_OK;

	center->rollout_ns = 0;
	if (center->staged) { /* and is sent when it is committed: before that nothing counts */
		center->rollout_ns = begun;
		return RH_OK;
	}
	/* What one does to its own entry moves no other. */
	for (size_t i = 0; i < rollouts->count && !err; i++) {
		if (rollouts->at[i]->state == RH_ROLLOUT_RUNNING)
			err = drive_one(center, rollouts->at[i], &problem);
	}
	int committed = rh_center_commit(center, err ? &(struct rh_problem){ 0 }
	                                             : &problem);
	uint64_t now = rh_clock_ns();
	center->rollout_rest_ns = now + (now - begun) * REST;
	center->rollout_problem[0] = '\0';
	if (err || committed) {
		rh_error("rollout: %s; trying again", problem.detail);
		snprintf(center->rollout_problem, sizeof center->rollout_problem, "%.199s",
		         problem.detail);
		center->rollout_ns = now + RETRY_MS * RH_NS_PER_MS;
	}
	return err ? err : committed;
}

/* ---- orders ---- */

static int refuse_state(const struct rh_rollout *rollout, const char *rule,
                        const char *order, struct rh_problem *problem)
{
	if (!rollout)
		return rh_problem_set(problem, RH_ECANCELED, "rule %s was not rolled out step "
			"by step: there is nothing to %s", rule, order);
	if (rollout->state == RH_ROLLOUT_ROLLED_BACK || rollout->state == RH_ROLLOUT_UNDONE)
		return rh_problem_set(problem, RH_ECANCELED, "the roll-out of rule %s is %s: "
			"it cannot %s; to begin anew, apply what generation %llu said again",
			rule, rh_rollout_state_text(rollout->state), order,
			(unsigned long long)rollout->failed);
	return rh_problem_set(problem, RH_ECANCELED, "the roll-out of rule %s is %s: it "
		"cannot %s", rule, rh_rollout_state_text(rollout->state), order);
}

static int pause_one(struct rh_center *center, const char *rule,
                     const struct rh_rollout *rollout,
                     const struct rh_change_options *options,
                     struct rh_problem *problem)
{
	struct rh_rollout next;

	if (rollout && rollout->state == RH_ROLLOUT_PAUSED)
		return RH_OK;
	if (!rollout || !rh_rollout_takes(rollout, RH_ROLLOUT_PAUSE))
		return refuse_state(rollout, rule, "pause", problem);
	next = *rollout;
	next.state = RH_ROLLOUT_PAUSED;
	return put(center, &next, options, problem);
}

static void retell(void *user, const struct rh_item_key *key)
{
	rh_push_retell(user, key);
}

/* Those that rejected it are sent it once more: that somebody says so is what changed. */
static void retell_rejected(struct rh_center *center, const struct rh_rollout *rollout)
{
	struct rh_survey survey = {
		.center = center, .rollout = rollout, .on_rejected = retell,
		.user = center->push,
	};

	if (center->push)
		rh_survey_make(&survey);
	rh_survey_fini(&survey);
}

/* The step that it stands in begins anew. */
static int resume_one(struct rh_center *center, const char *rule,
                      const struct rh_rollout *rollout,
                      const struct rh_change_options *options,
                      struct rh_problem *problem)
{
	struct rh_rollout next;

	if (rollout && rollout->state == RH_ROLLOUT_RUNNING)
		return RH_OK;
	if (!rollout || !rh_rollout_takes(rollout, RH_ROLLOUT_RESUME))
		return refuse_state(rollout, rule, "go on", problem);
	next = *rollout;
	next.state = RH_ROLLOUT_RUNNING;
	next.reason[0] = '\0';
	next.failed = 0;
	begin_step(&next, next.reach ? next.step : 0, next.reach);
	int err = put(center, &next, options, problem);
	if (!err)
		retell_rejected(center, &next);
	return err;
}

static int undo_one(struct rh_center *center, const char *rule,
                    const struct rh_rollout *rollout, uint64_t generation,
                    const struct rh_change_options *options,
                    struct rh_problem *problem)
{
	struct rh_rollout was = rollout ? *rollout : (struct rh_rollout){ .step = 0 };

	if (rollout && !generation && !rh_rollout_takes(rollout, RH_ROLLOUT_UNDO))
		return rh_problem_set(problem, RH_ECANCELED, "the roll-out of rule %s is %s "
			"already; to which generation is it to go back?", rule,
			rh_rollout_state_text(rollout->state));
	if (rollout && !generation && rh_rollout_is_open(rollout)) {
		was.reason[0] = '\0';
		return go_back(center, &was, rollout->former, RH_ROLLOUT_UNDONE, options,
		               problem);
	}
	if (!generation)
		generation = rh_history_latest(center, rule);
	if (!generation)
		return rh_problem_set(problem, RH_ENOENT, "rule %s has no former generation: "
		                      "to be without it, delete it", rule);
	if (!rollout)
		return rh_change_restore(center, rule, generation, options, NULL, problem);
	was.reason[0] = '\0';
	return go_back(center, &was, generation, RH_ROLLOUT_UNDONE, options, problem);
}

int rh_rollout_order(struct rh_center *center, const char *rule,
                     enum rh_rollout_order order, uint64_t generation,
                     const struct rh_change_options *options,
                     struct rh_problem *problem)
{
	const struct rh_rollout *rollout = rh_rollouts_find(&center->realm.rollouts, rule);
	int                      err;

	if (!rh_catalog_find(&center->realm.catalog, RH_OBJECT_RULE, rule))
		err = rh_problem_set(problem, RH_ENOENT, "there is no Rule named %s", rule);
	else if (order == RH_ROLLOUT_PAUSE)
		err = pause_one(center, rule, rollout, options, problem);
	else if (order == RH_ROLLOUT_RESUME)
		err = resume_one(center, rule, rollout, options, problem);
	else
		err = undo_one(center, rule, rollout, generation, options, problem);
	if (err) {
		rh_problem_object(problem, "Rule", rule);
		if (!center->broken.code)
			rh_change_refused(center, "Rule", rule, options, problem);
	}
	return err;
}
