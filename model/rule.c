#include "rule.h"

#include "change.h"
#include "check.h"
#include "entry.h"
#include "error.h"
#include "judge.h"

#include <string.h>

static int check_hierarchy(const struct rh_hierarchy *hierarchy)
{
	for (int caller = 0; caller < RH_TYPES; caller++) {
		for (int callee = 0; callee < RH_TYPES; callee++) {
			if (hierarchy->allow[caller][callee] > 1)
				return RH_EINVAL; /* H1 */
		}
	}
	return RH_OK;
}

static void remember_row(struct rh_registry *registry, uint32_t caller,
                         uint64_t now_ms)
{
	uint32_t i = rh_matrix_row_first(&registry->matrix, caller);

	for (; i != RH_NO_EDGE; i = rh_matrix_row_next(&registry->matrix, i))
		rh_change_remember(registry, i, now_ms);
}

static int report_row(struct rh_registry *registry, uint32_t caller,
                      const struct rh_moment *at)
{
	uint32_t i = rh_matrix_row_first(&registry->matrix, caller);
	int      changed = 0;

	for (; i != RH_NO_EDGE; i = rh_matrix_row_next(&registry->matrix, i))
		changed += rh_change_report(registry, i, at);
	return changed;
}

int rh_rule_put_hierarchy(struct rh_registry *registry,
                          const struct rh_hierarchy *hierarchy,
                          const struct rh_moment *at)
{
	int result = check_hierarchy(hierarchy);
	int changed = 0;

	if (result != RH_OK)
		return result;
	/* Rows without an edge are as quick to pass over as sets are to walk. */
	for (uint32_t i = 0; i < registry->high; i++)
		remember_row(registry, i, at->now_ms);
	registry->hierarchy = *hierarchy;
	for (uint32_t i = 0; i < registry->high; i++)
		changed += report_row(registry, i, at);
	return changed;
}

/* A reason is shown on terminals and in logs: one line, nothing that steers. */
static int check_reason(const char *reason, size_t len)
{
	if (len == 0 || len > RH_REASON_MAX)
		return RH_EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)reason[i];

		if (c < 0x20 || c == 0x7f)
			return RH_EINVAL;
	}
	return RH_OK;
}

/* Everything that can refuse an exception, old being the edge's present one. */
static int check_exception(const struct rh_registry *registry,
                           const struct rh_exception_spec *spec,
                           const struct rh_exception *old)
{
	uint32_t names;

	if (spec->rule.len == 0 || spec->caller.len == 0 || spec->callee.len == 0)
		return RH_EINVAL;
	if (rh_name_equal(&spec->caller, &spec->callee))
		return RH_EINVAL;
	if (check_reason(spec->reason, spec->reason_len) != RH_OK)
		return RH_EINVAL;
	if (old)
		return rh_name_equal(&old->rule, &spec->rule) ? RH_OK : RH_EEXIST;

	names = rh_entry_find(registry, &spec->caller) == RH_NO_RESOURCE;
	names += rh_entry_find(registry, &spec->callee) == RH_NO_RESOURCE;
	if (registry->exceptions.used == registry->exceptions.capacity)
		return RH_ENOSPC;
	return names > rh_entry_room(registry) ? RH_ENOSPC : RH_OK;
}

static const struct rh_exception *find(const struct rh_registry *registry,
                                       const struct rh_name *caller,
                                       const struct rh_name *callee)
{
	return rh_exception_find(&registry->exceptions,
	                         rh_entry_find(registry, caller),
	                         rh_entry_find(registry, callee));
}

int rh_rule_put_exception(struct rh_registry *registry,
                          const struct rh_exception_spec *spec,
                          const struct rh_moment *at)
{
	const struct rh_exception *old = find(registry, &spec->caller, &spec->callee);
	int result = check_exception(registry, spec, old);

	if (result != RH_OK)
		return result;

	struct rh_exception exception = {
		.rule = spec->rule, .revision = spec->revision,
		.expires_ms = spec->expires_ms,
		.caller = rh_entry_take(registry, &spec->caller),
		.callee = rh_entry_take(registry, &spec->callee),
	};
	memcpy(exception.reason, spec->reason, spec->reason_len);
	if (!old) {
		rh_entry_pin(registry, exception.caller);
		rh_entry_pin(registry, exception.callee);
	}

	uint32_t edge = rh_matrix_find(&registry->matrix, exception.caller,
	                               exception.callee);
	if (edge != RH_NO_EDGE)
		rh_change_remember(registry, edge, at->now_ms);
	result = rh_exception_put(&registry->exceptions, &exception);
	RH_CHECK(result == RH_OK); /* check_exception */
	return edge == RH_NO_EDGE ? 0 : rh_change_report(registry, edge, at);
}

int rh_rule_remove_exception(struct rh_registry *registry,
                             const struct rh_name *caller,
                             const struct rh_name *callee,
                             const struct rh_moment *at)
{
	const struct rh_exception *old = find(registry, caller, callee);
	int changed = 0;

	if (!old)
		return RH_ENOENT;

	uint32_t from = old->caller;
	uint32_t to = old->callee;
	uint32_t edge = rh_matrix_find(&registry->matrix, from, to);
	if (edge != RH_NO_EDGE)
		rh_change_remember(registry, edge, at->now_ms);
	int result = rh_exception_remove(&registry->exceptions, from, to);
	RH_CHECK(result == RH_OK);
	if (edge != RH_NO_EDGE)
		changed = rh_change_report(registry, edge, at);
	rh_entry_unpin(registry, from);
	rh_entry_unpin(registry, to);
	return changed;
}

uint64_t rh_rule_next_expiry(const struct rh_registry *registry, uint64_t now_ms)
{
	const struct rh_exception_table *table = &registry->exceptions;
	uint64_t                         next = UINT64_MAX;

	for (uint32_t i = 0; i < table->used; i++) {
		uint64_t expires_ms = table->slots[i].expires_ms;

		if (expires_ms > now_ms && expires_ms < next)
			next = expires_ms;
	}
	return next;
}

int rh_rule_expire(const struct rh_registry *registry, uint64_t since_ms,
                   const struct rh_moment *at)
{
	const struct rh_exception_table *table = &registry->exceptions;
	int                              changed = 0;

	for (uint32_t i = 0; i < table->used; i++) {
		const struct rh_exception *exception = &table->slots[i];
		uint32_t edge = rh_matrix_find(&registry->matrix, exception->caller,
		                               exception->callee);

		if (edge == RH_NO_EDGE)
			continue;
		int before = rh_judge_edge(registry, edge, since_ms);
		int after = rh_judge_edge(registry, edge, at->now_ms);
		if (before == after)
			continue;
		rh_change_tell(registry, edge, before, after, at);
		changed++;
	}
	return changed;
}
