#include "policy.h"

#include "../../base/diag.h"
#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/native/builtin.h"
#include "../../rules/rule.h"

#include <stdlib.h>
#include <string.h>

static char present[40];

const char *rh_policy_name(void)
{
	return present;
}

void rh_policy_set(const char *name)
{
	strncpy(present, name, sizeof present - 1);
}

bool rh_policy_is(const char *name)
{
	return rh_builtin_find("sched", name) != NULL;
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

static uint64_t ns_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) * 1000u : 0;
}

struct rh_task_traits rh_policy_traits(int nice, uint32_t id)
{
	static struct rh_task_traits all;
	static bool known;
	struct rh_task_traits traits;

	if (!known) {
		all.slice_ns = ns_of("RHODES_SCHED_SLICE_US");
		all.runtime_ns = ns_of("RHODES_SCHED_RUNTIME_US");
		all.deadline_ns = ns_of("RHODES_SCHED_DEADLINE_US");
		all.period_ns = ns_of("RHODES_SCHED_PERIOD_US");
		known = true;
	}
	traits = all;
	traits.nice = nice;
	traits.id = id;
	return traits;
}
