#include "wasi.h"

#include "../base/diag.h"

#include <string.h>

_Static_assert(RH_WASI_FUNCTIONS <= 32, "a bit each");

const struct rh_wasi_function rh_wasi_functions[RH_WASI_FUNCTIONS] = {
#define RH_WASI(name, signature, capability, result, params, values) \
	{ #name, signature, RH_CAPABILITY_##capability },
#include "wasm/wasi.def"
#undef RH_WASI
};

static const char *const names[RH_CAPABILITIES] = {
	"wasi", "clock", "random", "stdout", "args",
};

int rh_capability_find(const char *name)
{
	for (int i = 0; i < RH_CAPABILITIES; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *rh_capability_name(enum rh_capability capability)
{
	return capability < RH_CAPABILITIES ? names[capability] : "unknown";
}

const char *rh_capability_names(void)
{
	return "wasi, clock, random, stdout and args";
}

int rh_wasi_check(uint32_t functions, uint32_t capabilities, struct rh_diag *diag)
{
	if (capabilities)
		capabilities |= 1u << RH_CAPABILITY_WASI;
	for (unsigned i = 0; i < RH_WASI_FUNCTIONS; i++) {
		const struct rh_wasi_function *function = &rh_wasi_functions[i];

		if (!(functions & 1u << i) || capabilities & 1u << function->capability)
			continue;
		return rh_diag_set(diag, RH_EINVAL, "the module imports " RH_WASI_MODULE ".%s, "
		                   "which the capability %s gives: name it in its manifest, "
		                   "capabilities: [%s], or link it without a system library",
		                   function->name, names[function->capability],
		                   names[function->capability]);
	}
	return RH_OK;
}
