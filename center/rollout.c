#include "rollout.h"

#include "codetext.h"
#include "realm.h"
#include "rollback.h"
#include "when.h"

#include "../model/check.h"
#include "../model/error.h"
#include "../rules/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000.0

static const char *const states[RH_ROLLOUT_STATES] = {
	[RH_ROLLOUT_RUNNING] = "running", [RH_ROLLOUT_PAUSED] = "paused",
	[RH_ROLLOUT_STOPPED] = "stopped", [RH_ROLLOUT_DONE] = "done",
	[RH_ROLLOUT_ROLLED_BACK] = "rolled-back", [RH_ROLLOUT_UNDONE] = "undone",
};

const char *rh_rollout_state_text(enum rh_rollout_state state)
{
	return states[state];
}

/* What went back to a generation without steps is in none. */
char *rh_rollout_step_text(const struct rh_rollout *rollout,
                           char text[RH_ROLLOUT_STEP_TEXT_MAX])
{
	text[0] = '\0';
	if (rollout->step && rollout->plan.step_count)
		snprintf(text, RH_ROLLOUT_STEP_TEXT_MAX, "in step %u of %u", rollout->step,
		         rollout->plan.step_count);
	else if (rh_rollout_is_open(rollout))
		snprintf(text, RH_ROLLOUT_STEP_TEXT_MAX, "before step 1 of %u",
		         rollout->plan.step_count);
	return text;
}

int rh_rollout_is_open(const struct rh_rollout *rollout)
{
	return rollout->state < RH_ROLLOUT_DONE;
}

int rh_rollout_takes(const struct rh_rollout *rollout, enum rh_rollout_order order)
{
	switch (order) {
	case RH_ROLLOUT_PAUSE:
		return rollout->state == RH_ROLLOUT_RUNNING;
	case RH_ROLLOUT_RESUME: /* also what was taken back and stayed the rule */
		return rollout->state == RH_ROLLOUT_PAUSED ||
		       rollout->state == RH_ROLLOUT_STOPPED ||
		       (rollout->state > RH_ROLLOUT_DONE && rollout->reach == 0);
	default:
		return rollout->state <= RH_ROLLOUT_DONE;
	}
}

/* ---- the table ---- */

void rh_rollouts_fini(struct rh_rollouts *rollouts)
{
	for (size_t i = 0; i < rollouts->count; i++)
		free(rollouts->at[i]);
	free(rollouts->at);
	*rollouts = (struct rh_rollouts){ 0 };
}

static size_t place(const struct rh_rollouts *rollouts, const char *rule,
                    int *ret_found)
{
	size_t low = 0, high = rollouts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(rollouts->at[middle]->rule, rule) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = low < rollouts->count && strcmp(rollouts->at[low]->rule, rule) == 0;
	return low;
}

struct rh_rollout *rh_rollouts_find(const struct rh_rollouts *rollouts, const char *rule)
{
	int    found;
	size_t at = place(rollouts, rule, &found);

	return found ? rollouts->at[at] : NULL;
}

static int insert(struct rh_rollouts *rollouts, size_t at,
                  const struct rh_rollout *rollout)
{
	struct rh_rollout *copy = malloc(sizeof *copy);

	if (copy && rollouts->count == rollouts->cap) {
		size_t              cap = rollouts->cap ? rollouts->cap * 2 : 8;
		struct rh_rollout **more = realloc(rollouts->at, cap * sizeof *more);

		if (!more) {
			free(copy);
			return RH_ENOMEM;
		}
		rollouts->at = more;
		rollouts->cap = cap;
	}
	if (!copy)
		return RH_ENOMEM;
	*copy = *rollout;
	memmove(&rollouts->at[at + 1], &rollouts->at[at],
	        (rollouts->count - at) * sizeof rollouts->at[0]);
	rollouts->at[at] = copy;
	rollouts->count++;
	return RH_OK;
}

int rh_rollouts_put(struct rh_rollouts *rollouts, const struct rh_rollout *rollout)
{
	int    found, err = RH_OK;
	size_t at = place(rollouts, rollout->rule, &found);

	if (found) {
		rollouts->running -= rollouts->at[at]->state == RH_ROLLOUT_RUNNING;
		*rollouts->at[at] = *rollout;
	} else {
		err = insert(rollouts, at, rollout);
	}
	if (!err)
		rollouts->running += rollout->state == RH_ROLLOUT_RUNNING;
	return err;
}

void rh_rollouts_remove(struct rh_rollouts *rollouts, const char *rule)
{
	int    found;
	size_t at = place(rollouts, rule, &found);

	if (!found)
		return;
	rollouts->running -= rollouts->at[at]->state == RH_ROLLOUT_RUNNING;
	free(rollouts->at[at]);
	rollouts->count--;
	memmove(&rollouts->at[at], &rollouts->at[at + 1],
	        (rollouts->count - at) * sizeof rollouts->at[0]);
}

/* ---- what rules say ---- */

void rh_rollout_read_step(const json_t *value, struct rh_rollout_step *ret_step)
{
	*ret_step = (struct rh_rollout_step){
		.is_percent = json_is_string(value),
		.value = json_is_string(value)
		       ? (uint32_t)strtoul(json_string_value(value), NULL, 10)
		       : (uint32_t)json_integer_value(value),
	};
}

static void read_plan(const json_t *json, struct rh_rollout_plan *ret_plan)
{
	const json_t *steps = json_object_get(json, "steps");
	const json_t *rate = json_object_get(json, "maxErrorRate");
	const char   *wait = json_string_value(json_object_get(json, "wait"));
	uint64_t      ms = RH_ROLLOUT_WAIT_DEFAULT_MS;

	if (wait)
		(void)rh_when_duration(wait, RH_ROLLOUT_WAIT_MAX_MS, &ms);
	*ret_plan = (struct rh_rollout_plan){
		.step_count = (uint32_t)json_array_size(steps),
		.rejects_max = (uint32_t)json_integer_value(json_object_get(json,
		                                                            "maxReject")),
		.errors_ppm = rate ? (uint32_t)(json_number_value(rate) * PPM + 0.5)
		                   : RH_ROLLOUT_ANY_RATE,
		.rollback = json_is_true(json_object_get(json, "rollback")),
		.wait_ns = ms * 1000000u,
	};
	RH_CHECK(ret_plan->step_count <= RH_ROLLOUT_STEPS_MAX);
	for (uint32_t i = 0; i < ret_plan->step_count; i++)
		rh_rollout_read_step(json_array_get(steps, i), &ret_plan->steps[i]);
}

static void set_text(char *text, size_t cap, const json_t *value)
{
	snprintf(text, cap, "%s", value ? json_string_value(value) : "");
}

/* The hook was checked when the rule came in. */
static uint8_t table_of_hook(const char *name)
{
	const struct rh_hook *hook = rh_hook_find(name);

	RH_CHECK(hook);
	return (uint8_t)(RH_TABLE_HOOKS + (hook - rh_hooks));
}

/* Code runs on an edge, or at a resource; what schedules threads has no hook. */
static void read_code(const json_t *rule, struct rh_rollout_side *side)
{
	const json_t *resource = json_object_get(rule, "resource");
	const char   *key = json_string_value(json_object_get(rule, "key"));
	const char   *hook = json_string_value(json_object_get(rule, "hook"));

	if (resource) {
		set_text(side->caller, sizeof side->caller, resource);
		snprintf(side->callee, sizeof side->callee, "/%s", key ? key : "");
	}
	side->table = hook ? table_of_hook(hook) : RH_TABLE_SCHEDS;
	if (json_is_true(json_object_get(rule, "shadow")))
		side->table = (uint8_t)(side->table + RH_REALM_HOOKS);
	side->code = rh_code_text_of(rule);
	RH_CHECK(side->code); /* no memory */
	memcpy(side->use, side->code->use, sizeof side->use);
}

/* A protocol has a name, a limit a number, code a module, a scheduler a resource. */
static void read_side(const json_t *rule, uint64_t revision,
                      struct rh_rollout_side *ret_side)
{
	const json_t          *edge = json_object_get(rule, "edge");
	const json_t          *calls = json_object_get(rule, "calls");
	struct rh_rollout_side side = { .revision = revision };

	set_text(side.caller, sizeof side.caller, json_array_get(edge, 0));
	set_text(side.callee, sizeof side.callee, json_array_get(edge, 1));
	set_text(side.use, sizeof side.use, json_object_get(rule, "use"));
	if (calls) {
		side.table = RH_TABLE_LIMITS;
		snprintf(side.use, sizeof side.use, "%u",
		         (unsigned)json_integer_value(calls));
	}
	if (json_object_get(rule, "module") || json_object_get(rule, "resource"))
		read_code(rule, &side);
	*ret_side = side;
}

/* Of probes, and of rules for events, a resource has as many as it likes: each has a
 * place of its own. */
static void set_place(struct rh_rollout_side *side, const char *rule)
{
	const char *hook = side->code && side->table != RH_TABLE_SCHEDS
		? json_string_value(json_object_get(side->code->code, "hook")) : "";

	if (strcmp(hook, "probe") == 0 || strcmp(hook, "event") == 0)
		snprintf(side->callee, sizeof side->callee, "/%s", rule);
}

/* What a rule says of edges that it may come to step by step, or NULL. */
static const json_t *edge_rule(const json_t *stored)
{
	const json_t *spec = json_object_get(stored, "spec");
	const json_t *rule = json_object_get(spec, "protocol");

	if (!rule)
		rule = json_object_get(spec, "limits");
	if (!rule)
		rule = json_object_get(spec, "sched");
	return rule ? rule : json_object_get(spec, "code");
}

void rh_rollout_read_side(const struct rh_object *rule, struct rh_rollout_side *ret_side)
{
	json_t *stored = rule ? rh_object_parse(rule) : NULL;

	const json_t *leaves = json_object_get(stored, RH_ROLLBACK_LEAVES);

	if (leaves) /* said beside the code, and obeyed with it */
		json_object_set((json_t *)(uintptr_t)edge_rule(stored), RH_ROLLBACK_LEAVES,
		                (json_t *)(uintptr_t)leaves);
	read_side(edge_rule(stored), rule ? rule->revision : 0, ret_side);
	if (rule)
		set_place(ret_side, rule->name);
	json_decref(stored);
}

int rh_rollout_read_plan(const struct rh_object *rule, struct rh_rollout_plan *ret_plan)
{
	json_t       *stored = rh_object_parse(rule);
	const json_t *json = json_object_get(edge_rule(stored), "rollout");

	if (json)
		read_plan(json, ret_plan);
	json_decref(stored);
	return json != NULL;
}

static int is_same_side(const struct rh_rollout_side *a, const struct rh_rollout_side *b)
{
	return a->table == b->table && strcmp(a->caller, b->caller) == 0 &&
	       strcmp(a->callee, b->callee) == 0 && strcmp(a->use, b->use) == 0;
}

/* Edges that the last one reached go back to the one before it: they may leave what was
 * in force until now. */
static void let_leave(struct rh_rollout_side *side, uint64_t revision)
{
	json_t *code;

	if (!side->code || !json_object_get(side->code->code, "module"))
		return; /* it has no module: of scheduling, for one */
	code = json_copy(side->code->code);
	RH_CHECK(code); /* no memory */
	json_object_set_new(code, RH_ROLLBACK_LEAVES, json_integer((json_int_t)revision));
	side->code = rh_code_text_of(code);
	json_decref(code);
	RH_CHECK(side->code); /* no memory */
	memcpy(side->use, side->code->use, sizeof side->use);
}

/* From what all edges had last, to what the rule says now. */
static void begin_anew(struct rh_rollout *rollout, const struct rh_rollout *was,
                       uint64_t old_generation, const struct rh_rollout_side *old)
{
	int is_part = was && was->reach != RH_ROLLOUT_ALL;

	rollout->before = is_part ? was->before : *old;
	if (is_part)
		let_leave(&rollout->before, rollout->now.revision);
	rollout->former = is_part ? was->former : old_generation;
	if (!rollout->before.use[0])
		rollout->former = 0;
	rollout->began_ms = rollout->changed_ms = rh_when_now();
}

int rh_rollout_begin(const struct rh_object *rule, const struct rh_object *old,
                     const struct rh_rollout *was, struct rh_rollout *ret_rollout)
{
	uint64_t               old_generation = old ? old->generation : 0;
	struct rh_rollout_side now, before;
	struct rh_rollout      rollout = { .state = RH_ROLLOUT_RUNNING };
	struct rh_rollout_plan plan;

	if (!rh_rollout_read_plan(rule, &plan))
		return 0;
	rh_rollout_read_side(rule, &now);
	rh_rollout_read_side(old, &before);
	int is_same = before.use[0] && is_same_side(&before, &now);
	int is_kept = is_same && was &&
	              (rule->generation == old_generation ||
	               was->reach != RH_ROLLOUT_ALL || rh_rollout_is_open(was));
	rollout.now = now;
	if (is_kept)
		rollout = *was; /* only its plan or its labels change */
	else
		begin_anew(&rollout, was, old_generation, &before);
	if (is_same && !is_kept) {
		rollout.state = RH_ROLLOUT_DONE;
		rollout.reach = RH_ROLLOUT_ALL;
	}
	snprintf(rollout.rule, sizeof rollout.rule, "%.63s", rule->name);
	rollout.generation = rule->generation;
	rollout.now = now;
	rollout.plan = plan;
	*ret_rollout = rollout;
	return 1;
}

/* ---- the store ---- */

static json_t *before_json(const struct rh_rollout_side *side)
{
	json_t *json = side->code ? json_copy(side->code->code) : json_object();

	json_object_set_new(json, "revision", json_integer((json_int_t)side->revision));
	if (!rh_protocols_is_own(side->callee))
		json_object_set_new(json, "edge", json_pack("[s, s]", side->caller,
		                                            side->callee));
	else
		json_object_set_new(json, "resource", json_string(side->caller));
	if (side->table == RH_TABLE_LIMITS)
		json_object_set_new(json, "calls",
		                    json_integer(strtol(side->use, NULL, 10)));
	else if (side->table == RH_TABLE_PROTOCOLS)
		json_object_set_new(json, "use", json_string(side->use));
	return json;
}

char *rh_rollout_write(const struct rh_rollout *rollout)
{
	char reach[24];

	snprintf(reach, sizeof reach, "%llx", (unsigned long long)rollout->reach);
	json_t *json = json_pack("{s:s, s:i, s:I, s:I, s:I, s:s, s:I, s:I, s:s}",
		"state", states[rollout->state], "step", (int)rollout->step,
		"generation", (json_int_t)rollout->generation,
		"former", (json_int_t)rollout->former, "failed",
		(json_int_t)rollout->failed, "reach", reach,
		"began", (json_int_t)rollout->began_ms,
		"changed", (json_int_t)rollout->changed_ms, "reason", rollout->reason);
	if (json && rollout->before.use[0])
		json_object_set_new(json, "before", before_json(&rollout->before));
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	return text;
}

static uint64_t number_at(const json_t *json, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(json, key));
}

static int read_state(const json_t *json)
{
	const char *text = json_string_value(json_object_get(json, "state"));

	for (int i = 0; text && i < RH_ROLLOUT_STATES; i++) {
		if (strcmp(text, states[i]) == 0)
			return i;
	}
	return RH_EINVAL;
}

static int read(const char *rule, const json_t *json, struct rh_rollout *ret_rollout)
{
	struct rh_rollout rollout = {
		.step = (uint32_t)number_at(json, "step"),
		.generation = number_at(json, "generation"),
		.former = number_at(json, "former"), .failed = number_at(json, "failed"),
		.began_ms = number_at(json, "began"),
		.changed_ms = number_at(json, "changed"), .is_resumed = 1,
	};
	const char *reach = json_string_value(json_object_get(json, "reach"));
	int         state = read_state(json);

	if (state < 0 || !reach || strlen(rule) > RH_NAME_MAX)
		return RH_EINVAL;
	rollout.state = (enum rh_rollout_state)state;
	rollout.reach = strtoull(reach, NULL, 16);
	snprintf(rollout.rule, sizeof rollout.rule, "%s", rule);
	set_text(rollout.reason, sizeof rollout.reason, json_object_get(json, "reason"));
	const json_t *before = json_object_get(json, "before");
	read_side(before, number_at(before, "revision"), &rollout.before);
	set_place(&rollout.before, rule);
	*ret_rollout = rollout;
	return RH_OK;
}

int rh_rollout_read(const char *rule, const void *text, size_t text_bytes,
                    struct rh_rollout *ret_rollout)
{
	json_t *json = json_loadb(text, text_bytes, 0, NULL);
	int     err = json ? read(rule, json, ret_rollout) : RH_EINVAL;

	json_decref(json);
	return err;
}
