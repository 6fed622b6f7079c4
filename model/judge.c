#include "judge.h"

#include "check.h"
#include "entry.h"
#include "error.h"

#include <string.h>

static int is_exempt(const struct rh_registry *registry, uint32_t caller,
                     uint32_t callee, uint64_t now_ms)
{
	const struct rh_exception *exception =
		rh_exception_find(&registry->exceptions, caller, callee);

	return exception && rh_exception_is_active(exception, now_ms);
}

/* The outcome for a declared edge: the whole of the rule. */
static int judge(const struct rh_registry *registry, uint32_t caller,
                 uint32_t callee, uint64_t now_ms)
{
	uint32_t caller_type = registry->stamps[caller].type;
	uint32_t callee_type = registry->stamps[callee].type;

	if (callee_type == RH_TYPES)
		return RH_OUTCOME_PENDING;
	if (rh_hierarchy_allows(&registry->hierarchy, (int)caller_type, (int)callee_type))
		return RH_OUTCOME_ALLOWED;
	/* Exceptions are few: asked for last, and not on the way of most calls. */
	if (is_exempt(registry, caller, callee, now_ms))
		return RH_OUTCOME_ALLOWED;
	return RH_OUTCOME_REFUSED;
}

int rh_judge_edge(const struct rh_registry *registry, uint32_t edge, uint64_t now_ms)
{
	const struct rh_edge *found = rh_matrix_edge(&registry->matrix, edge);

	return judge(registry, found->caller, found->callee, now_ms);
}

/* Dead ids only: a free entry has a generation that no id was given. */
static int is_dead(const struct rh_registry *registry, struct rh_id id)
{
	return id.index >= registry->high ||
	       registry->stamps[id.index].generation != id.generation;
}

int rh_judge_call(const struct rh_registry *registry, struct rh_id caller,
                  struct rh_id callee, uint64_t now_ms)
{
	if (is_dead(registry, caller) || is_dead(registry, callee))
		return RH_ENOENT;
	if (!rh_matrix_test(&registry->matrix, caller.index, callee.index))
		return RH_ENOEDGE;
	switch (judge(registry, caller.index, callee.index, now_ms)) {
	case RH_OUTCOME_ALLOWED:
		return RH_OK;
	case RH_OUTCOME_PENDING:
		return RH_EPENDING;
	default:
		return RH_ELAYER;
	}
}

static int type_of(const struct rh_registry *registry, uint32_t index)
{
	if (index == RH_NO_RESOURCE)
		return RH_TYPES;
	return (int)registry->stamps[index].type;
}

/* The rule that a verdict names: the exception when only it lets the edge pass,
 * else the hierarchy. */
static void name_rule(struct rh_verdict *verdict, const struct rh_registry *registry,
                      const struct rh_exception *exception)
{
	static const char hierarchy[] = RH_HIERARCHY_RULE;
	int result;

	if (verdict->caller_type == RH_TYPES || verdict->callee_type == RH_TYPES)
		return;
	if (!verdict->hierarchy_allows && verdict->exempt == RH_EXEMPT_ACTIVE) {
		verdict->rule = exception->rule;
		verdict->revision = exception->revision;
		return;
	}
	result = rh_name_init_rule(&verdict->rule, hierarchy, sizeof hierarchy - 1);
	RH_CHECK(result == RH_OK);
	verdict->revision = registry->hierarchy.revision;
}

/* What the rules say of the pair, declared or not.  The types must be filled in;
 * the caller may be RH_NO_RESOURCE: a spec that was never registered. */
static void ask_rules(struct rh_verdict *verdict, const struct rh_registry *registry,
                      uint32_t caller, uint32_t callee, uint64_t now_ms)
{
	const struct rh_exception *exception =
		rh_exception_find(&registry->exceptions, caller, callee);

	if (exception) {
		verdict->exempt = rh_exception_is_active(exception, now_ms) ?
			RH_EXEMPT_ACTIVE : RH_EXEMPT_EXPIRED;
		verdict->expires_ms = exception->expires_ms;
		memcpy(verdict->text, exception->reason, sizeof verdict->text);
	}
	verdict->hierarchy_allows = (uint8_t)rh_hierarchy_allows(
		&registry->hierarchy, verdict->caller_type, verdict->callee_type);
	name_rule(verdict, registry, exception);
}

static void decide(struct rh_verdict *verdict, int outcome, int reason)
{
	verdict->outcome = (uint8_t)outcome;
	verdict->reason = (uint8_t)reason;
}

/* Decides for an edge that is declared, or asked for, by a known caller. */
static void decide_declared(struct rh_verdict *verdict)
{
	if (verdict->callee_type == RH_TYPES)
		decide(verdict, RH_OUTCOME_PENDING, RH_REASON_PENDING);
	else if (verdict->hierarchy_allows)
		decide(verdict, RH_OUTCOME_ALLOWED, RH_REASON_HIERARCHY);
	else if (verdict->exempt == RH_EXEMPT_ACTIVE)
		decide(verdict, RH_OUTCOME_ALLOWED, RH_REASON_EXCEPTION);
	else
		decide(verdict, RH_OUTCOME_REFUSED, RH_REASON_HIERARCHY);
}

int rh_judge_pair(const struct rh_registry *registry, const struct rh_name *caller,
                  const struct rh_name *callee, uint64_t now_ms,
                  struct rh_verdict *ret_verdict)
{
	uint32_t from = rh_entry_find(registry, caller);
	uint32_t to = rh_entry_find(registry, callee);

	*ret_verdict = (struct rh_verdict){
		.caller = *caller, .callee = *callee,
		.caller_type = (uint8_t)type_of(registry, from),
		.callee_type = (uint8_t)type_of(registry, to),
		.is_declared = (uint8_t)rh_matrix_test(&registry->matrix, from, to),
	};
	ask_rules(ret_verdict, registry, from, to, now_ms);

	if (rh_name_equal(caller, callee))
		decide(ret_verdict, RH_OUTCOME_REFUSED, RH_REASON_SELF);
	else if (ret_verdict->caller_type == RH_TYPES)
		decide(ret_verdict, RH_OUTCOME_REFUSED, RH_REASON_UNKNOWN);
	else if (!ret_verdict->is_declared)
		decide(ret_verdict, RH_OUTCOME_REFUSED, RH_REASON_UNDECLARED);
	else
		decide_declared(ret_verdict);
	return rh_verdict_error(ret_verdict);
}

static int is_duplicate(const struct rh_spec *spec, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++) {
		if (rh_name_equal(&spec->references[j], &spec->references[i]))
			return 1;
	}
	return 0;
}

int rh_judge_reference(const struct rh_registry *registry,
                       const struct rh_spec *spec, uint32_t i, uint64_t now_ms,
                       struct rh_verdict *ret_verdict)
{
	RH_CHECK(i < spec->reference_count);

	const struct rh_name *callee = &spec->references[i];
	uint32_t              from = rh_entry_find(registry, &spec->name);
	uint32_t              to = rh_entry_find(registry, callee);

	*ret_verdict = (struct rh_verdict){
		.caller = spec->name, .callee = *callee,
		.caller_type = spec->type,
		.callee_type = (uint8_t)type_of(registry, to),
		.is_declared = (uint8_t)rh_matrix_test(&registry->matrix, from, to),
	};
	ask_rules(ret_verdict, registry, from, to, now_ms);

	if (rh_name_equal(&spec->name, callee))
		decide(ret_verdict, RH_OUTCOME_REFUSED, RH_REASON_SELF);
	else if (is_duplicate(spec, i))
		decide(ret_verdict, RH_OUTCOME_REFUSED, RH_REASON_DUPLICATE);
	else
		decide_declared(ret_verdict);
	return rh_verdict_error(ret_verdict);
}
