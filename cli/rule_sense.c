#include "rule_sense.h"

#include "../rules/limits.h"
#include "../rules/runqueue.h"

#include <rhodes/hook/cache_layout.h>
#include <rhodes/hook/event_layout.h>
#include <rhodes/hook/filter_layout.h>
#include <rhodes/hook/sched_layout.h>
#include <rhodes/hook/softirq_layout.h>
#include <rhodes/hook/transform_layout.h>
#include <rhodes/hook/user_layout.h>
#include <stddef.h>
#include <string.h>

#define ERRNO_MAX 4095u

typedef const char *sense(const struct rh_hook *hook, const struct rh_rule_input *input,
                          const struct rh_trial_answer *answer);

/* A field that the rule writes. */
static uint64_t said(const struct rh_hook *hook, const struct rh_trial_answer *answer,
                     const char *name)
{
	unsigned out = 0;

	for (unsigned i = 0; i < hook->field_count && out < RH_TRIAL_OUT_MAX; i++) {
		if (!hook->fields[i].is_out || i + 1 == hook->field_count)
			continue;
		if (strcmp(hook->fields[i].name, name) == 0)
			return answer->fields[out];
		out++;
	}
	return 0;
}

/* A field that it was given. */
static uint64_t given(const struct rh_hook *hook, const struct rh_rule_input *input,
                      const char *name)
{
	for (unsigned i = 0; i < hook->field_count; i++) {
		if (strcmp(hook->fields[i].name, name) == 0)
			return input->fields[i];
	}
	return 0;
}

static const char *of_filter(const struct rh_hook *hook, const struct rh_rule_input *input,
                             const struct rh_trial_answer *answer)
{
	bool     is_after = input->slot == RH_SLOT_FILTER_AFTER;
	uint64_t chosen = said(hook, answer, "chosen");

	if (answer->value > RH_FILTER_REWRITE)
		return "no such verdict";
	if (answer->value == RH_FILTER_DENY && said(hook, answer, "error") > ERRNO_MAX)
		return "error is none";
	if (answer->value == RH_FILTER_DELAY && is_after)
		return "a reply cannot be delayed";
	if (answer->value == RH_FILTER_DELAY &&
	    said(hook, answer, "delay_us") > RH_RULE_DELAY_US_MAX)
		return "delay_us is too long";
	if (answer->value == RH_FILTER_REWRITE &&
	    given(hook, input, "visible") < given(hook, input, "length"))
		return "it rewrites what it did not see whole";
	if (answer->value == RH_FILTER_REWRITE &&
	    said(hook, answer, "length") > hook->state_bytes)
		return "length is more than the buffer";
	if (!is_after && chosen != RH_FILTER_ANY &&
	    chosen >= given(hook, input, "instances"))
		return "chosen is no instance";
	return NULL;
}

static const char *of_cache(const struct rh_hook *hook, const struct rh_rule_input *input,
                            const struct rh_trial_answer *answer)
{
	if (input->slot == RH_SLOT_CACHE_ADMIT && answer->value != RH_CACHE_ADMIT &&
	    answer->value != RH_CACHE_PASS)
		return "it said neither ADMIT nor PASS";
	if (input->slot == RH_SLOT_CACHE_VICTIM &&
	    answer->value >= given(hook, input, "capacity"))
		return "its victim is no slot of the cache";
	return NULL;
}

static const char *of_event(const struct rh_hook *hook, const struct rh_rule_input *input,
                            const struct rh_trial_answer *answer)
{
	(void)input;
	if (answer->value > RH_EVENT_DROP)
		return "no such verdict";
	if (answer->value == RH_EVENT_CHANGE &&
	    said(hook, answer, "length") > hook->state_bytes)
		return "length is more than the buffer";
	return NULL;
}

static const char *of_transform(const struct rh_hook *hook,
                                const struct rh_rule_input *input,
                                const struct rh_trial_answer *answer)
{
	if (answer->value == RH_TRANSFORM_SAME)
		return NULL;
	if (answer->value > hook->state_bytes)
		return "the length is more than the buffer";
	if (answer->value != input->args[0] && input->args[0] != given(hook, input, "total"))
		return "a part of a longer message keeps its length";
	return NULL;
}

static const char *of_user(const struct rh_hook *hook, const struct rh_rule_input *input,
                           const struct rh_trial_answer *answer)
{
	(void)input;
	return answer->value != RH_USER_DEFAULT && answer->value > hook->state_bytes
		? "the length is more than the buffer" : NULL;
}

enum rh_trial_record rh_rule_task(const struct rh_hook *hook,
                                  const struct rh_rule_input *input,
                                  const uint8_t *buffer, bool has_running)
{
	struct rh_sched_task task;

	if (strcmp(hook->name, "sched") != 0 || input->slot != RH_SLOT_SCHED_ENQUEUE ||
	    input->args[0] >= RH_SCHED_TASKS)
		return RH_TRIAL_RECORD_FINE;
	memcpy(&task, buffer + offsetof(struct rh_sched_buffer, tasks) +
	       input->args[0] * sizeof task, sizeof task);
	if (task.queue > RH_SCHED_LATER)
		return RH_TRIAL_RECORD_QUEUE;
	if (has_running)
		return RH_TRIAL_RECORD_FINE;
	return !task.slice_ns ? RH_TRIAL_RECORD_NO_TIME :
	       task.slice_ns > RH_RUNQUEUE_SLICE_MAX_NS ? RH_TRIAL_RECORD_TOO_LONG
	                                                 : RH_TRIAL_RECORD_FINE;
}

static const char *of_sched(const struct rh_hook *hook, const struct rh_rule_input *input,
                            const struct rh_trial_answer *answer)
{
	static const char *const records[] = {
		[RH_TRIAL_RECORD_QUEUE] = "it named a queue that there is not",
		[RH_TRIAL_RECORD_NO_TIME] = "it gave a slice of no time",
		[RH_TRIAL_RECORD_TOO_LONG] = "it gave a slice of more than 10 s",
	};

	if (answer->record)
		return records[answer->record];
	if ((input->slot == RH_SLOT_SCHED_TICK || input->slot == RH_SLOT_SCHED_WAKEUP) &&
	    answer->value > 1)
		return "it said neither 0 nor 1";
	if (input->slot == RH_SLOT_SCHED_PICK_NEXT && answer->value > RH_SCHED_LATER)
		return "it is no queue";
	if (input->slot == RH_SLOT_SCHED_SELECT_CPU && answer->value != RH_SCHED_NONE &&
	    answer->value >= given(hook, input, "cpus"))
		return "it is no processor";
	return NULL;
}

static const char *of_softirq(const struct rh_hook *hook,
                              const struct rh_rule_input *input,
                              const struct rh_trial_answer *answer)
{
	bool     is_next = input->slot == RH_SLOT_SOFTIRQ_NEXT;
	uint32_t delayed = is_next ? RH_SOFTIRQ_POLL : RH_SOFTIRQ_HOLD;

	if (input->slot == RH_SLOT_SOFTIRQ_BUDGET)
		return answer->value < 1 || answer->value > RH_SOFTIRQ_BUDGET_MAX
			? "the budget is not from 1 to 4096" : NULL;
	if (answer->value > 2)
		return is_next ? "it said neither SLEEP, AGAIN nor POLL"
		               : "it said neither WAKE, HOLD nor INLINE";
	return answer->value == delayed && said(hook, answer, "delay_us") > RH_SOFTIRQ_DELAY_MAX
		? "delay_us is more than a second" : NULL;
}

const char *rh_rule_nonsense(const struct rh_hook *hook, const struct rh_rule_input *input,
                             const struct rh_trial_answer *answer)
{
	static const struct {
		const char *hook;
		sense      *sense;
	} hooks[] = {
		{ "filter", of_filter }, { "cache", of_cache }, { "event", of_event },
		{ "sched", of_sched }, { "softirq", of_softirq }, { "transform", of_transform }, { "user", of_user },
	};

	for (size_t i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
		if (strcmp(hooks[i].hook, hook->name) == 0)
			return hooks[i].sense(hook, input, answer);
	}
	return NULL;
}
