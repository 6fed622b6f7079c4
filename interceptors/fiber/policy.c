#include "policy.h"

#include "stats.h"

#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/native/builtin.h"
#include "../../rules/rule.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_NS 10000000000u /* of slices and periods */

static char origin[RH_STATS_NAME];
static struct rh_task_traits origin_numbers;
static const char *_Atomic present = origin;
static struct rh_stats_ask asked; /* last */

/* For all threads. */
static struct {
	_Atomic bool has_nice;
	_Atomic int32_t nice;
	_Atomic uint64_t slice_ns, runtime_ns, deadline_ns, period_ns;
} numbers;

const char *rh_policy_name(void)
{
	return atomic_load(&present);
}

static uint64_t ns_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) * 1000u : 0;
}

/* As the environment says. */
static void begin_numbers(void)
{
	atomic_store(&numbers.has_nice, false);
	atomic_store(&numbers.slice_ns, origin_numbers.slice_ns);
	atomic_store(&numbers.runtime_ns, origin_numbers.runtime_ns);
	atomic_store(&numbers.deadline_ns, origin_numbers.deadline_ns);
	atomic_store(&numbers.period_ns, origin_numbers.period_ns);
}

void rh_policy_begin(const char *name)
{
	strncpy(origin, name, sizeof origin - 1);
	origin_numbers.slice_ns = ns_of("RHODES_SCHED_SLICE_US");
	origin_numbers.runtime_ns = ns_of("RHODES_SCHED_RUNTIME_US");
	origin_numbers.deadline_ns = ns_of("RHODES_SCHED_DEADLINE_US");
	origin_numbers.period_ns = ns_of("RHODES_SCHED_PERIOD_US");
	begin_numbers();
}

const char *rh_policy_meant(const struct rh_stats_ask *ask)
{
	const struct rh_builtin *rule = rh_builtin_find("sched", ask->policy);

	return ask->policy[0] == '\0' ? origin : rule ? rule->name : NULL;
}

const struct rh_stats_ask *rh_policy_asked(void)
{
	return &asked;
}

bool rh_policy_admits(const struct rh_stats_ask *ask)
{
	return rh_policy_meant(ask) && (!ask->has_nice || (ask->nice >= -20 && ask->nice <= 19)) &&
	       ask->slice_ns <= LONGEST_NS && ask->runtime_ns <= LONGEST_NS &&
	       ask->deadline_ns <= LONGEST_NS && ask->period_ns <= LONGEST_NS;
}

void rh_policy_set(const struct rh_stats_ask *ask)
{
	asked = *ask;
	atomic_store(&present, rh_policy_meant(ask));
	if (ask->policy[0] == '\0') {
		begin_numbers();
		return;
	}
	atomic_store(&numbers.nice, ask->nice);
	atomic_store(&numbers.has_nice, ask->has_nice != 0);
	atomic_store(&numbers.slice_ns, ask->slice_ns);
	atomic_store(&numbers.runtime_ns, ask->runtime_ns);
	atomic_store(&numbers.deadline_ns, ask->deadline_ns);
	atomic_store(&numbers.period_ns, ask->period_ns);
}

struct rh_rule *rh_policy_load(const void *name, struct rh_diag *diag)
{
	struct rh_rule_source source = {
		.hook = rh_hook_find("sched"), .mode = RH_RULE_NATIVE, .object_fd = -1,
		.builtin = rh_builtin_find("sched", name),
	};
	struct rh_rule *rule = NULL;

	if (!source.builtin) {
		rh_diag_set(diag, RH_ENOENT, "no rule \"%.40s\" for hook sched comes with Rhodes",
			    (const char *)name);
		return NULL;
	}
	return rh_rule_load(&source, &rule, diag) < 0 ? NULL : rule;
}

struct rh_task_traits rh_policy_traits(int nice, uint32_t id)
{
	struct rh_task_traits traits = {
		.nice = atomic_load(&numbers.has_nice) ? atomic_load(&numbers.nice) : nice,
		.id = id,
		.slice_ns = atomic_load(&numbers.slice_ns),
		.runtime_ns = atomic_load(&numbers.runtime_ns),
		.deadline_ns = atomic_load(&numbers.deadline_ns),
		.period_ns = atomic_load(&numbers.period_ns),
	};

	return traits;
}
