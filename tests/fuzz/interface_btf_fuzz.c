#include "../../interface/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void derive(const struct rh_cfunction *function)
{
	static const char *const wanted[] = {
		"i32", "string?", "out bytes(cap 2)", "new handle x", "in u8[16]", "fd",
	};
	char text[1024];

	for (uint32_t i = 0; i < function->param_count && i < 64; i++)
		rh_verify_derive(function->params[i].type,
		                 wanted[i % (sizeof wanted / sizeof *wanted)], text,
		                 sizeof text);
	rh_verify_derive(function->ret, "void", text, sizeof text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct rh_pool pool;
	struct rh_btf  btf = { 0 };

	rh_pool_init(&pool);
	if (rh_btf_read(&pool, bytes, len, NULL, &btf, NULL) >= 0)
		for (uint32_t i = 0; i < btf.function_count && i < 256; i++)
			derive(&btf.functions[i]);
	rh_pool_fini(&pool);
	return 0;
}
