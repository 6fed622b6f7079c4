#include "../../interface/side.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_pool pool;
	struct rh_side side;
	struct rh_diag diag = { 0 };

	rh_pool_init(&pool);
	if (rh_side_parse(&pool, "fuzz.side", (const char *)bytes, len, &side, &diag) >= 0)
		rh_side_find(&side, "f");
	else if (!diag.text[0])
		__builtin_trap();
	rh_pool_fini(&pool);
	return 0;
}
