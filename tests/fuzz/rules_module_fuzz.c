/* A stranger's module, read by the center before any tool sees it. */
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../rules/hook.h"
#include "../../rules/module.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_module module, again;
	struct rh_diag   diag;

	for (unsigned i = 0; i < rh_hook_count; i++) {
		uint8_t *stripped;
		size_t   left;

		if (rh_module_read(bytes, len, &rh_hooks[i], 1u << 20, &module, &diag) < 0)
			continue;
		/* What is left without names is the same module. */
		stripped = malloc(len);
		RH_CHECK(stripped);
		left = rh_module_strip(bytes, len, stripped);
		RH_CHECK(left <= len);
		RH_CHECK(rh_module_read(stripped, left, &rh_hooks[i], 1u << 20, &again,
		                        &diag) == RH_OK);
		RH_CHECK(again.exports == module.exports && again.imports == module.imports);
		free(stripped);
	}
	return 0;
}
