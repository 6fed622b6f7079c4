#include "builtin.h"

#include "../hook.h"

#include <stddef.h>
#include <string.h>

_Static_assert(RH_BUILTIN_SLOTS == RH_HOOK_EXPORTS_MAX, "one slot each");

__thread struct rh_builtin_self *rh_builtin_self;

#define RH_BUILTIN_OF(name) extern const struct rh_builtin rh_builtin_##name;
#include "builtins.def"
#undef RH_BUILTIN_OF

const struct rh_builtin *rh_builtin_find(const char *hook, const char *name)
{
	static const struct rh_builtin *const all[] = {
#define RH_BUILTIN_OF(name) &rh_builtin_##name,
#include "builtins.def"
#undef RH_BUILTIN_OF
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (strcmp(all[i]->hook, hook) == 0 && strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return NULL;
}
