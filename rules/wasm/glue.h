/* glue - what ends the generated C: the imports, and the object that the runtime finds.
 * Before it the build writes RH_WASM_FUNCTIONS, RH_WASM_HOOK_ABI, and of RH_WASM_IMPORTS,
 * RH_WASM_WASI and RH_WASM_INITIALIZE those that the module has. */
#ifdef RH_WASM_IMPORTS
/* All of one instance: the runtime knows by the thread who calls. */
u64 Z_rhodesZ_now(struct Z_rhodes_instance_t *none)
{
	(void)none;
	return rh_runtime->now();
}

u64 Z_rhodesZ_random(struct Z_rhodes_instance_t *none)
{
	(void)none;
	return rh_runtime->random();
}

void Z_rhodesZ_log(struct Z_rhodes_instance_t *none, u32 text, u32 length)
{
	(void)none;
	rh_runtime->log(text, length);
}

u32 Z_rhodesZ_param(struct Z_rhodes_instance_t *none, u32 name, u32 length, u32 into,
                    u32 room)
{
	(void)none;
	return rh_runtime->param(name, length, into, room);
}
#endif

#ifdef RH_WASM_WASI
enum {
#define RH_WASI(name, signature, capability, result, params, values) RH_WASI_##name,
#include "wasi.def"
#undef RH_WASI
};

#define RH_NONE struct Z_wasi_snapshot_preview1_instance_t *none
#define RH_LIST(...) { __VA_ARGS__ }
#define RH_WASI(name, signature, capability, result, params, values) \
	result Z_wasi_snapshot_preview1Z_##name params \
	{ \
		(void)none; \
		return (result)rh_runtime->wasi(RH_WASI_##name, (const u64[])RH_LIST values); \
	}
#include "wasi.def"
#undef RH_WASI
#endif

#if defined RH_WASM_IMPORTS && defined RH_WASM_WASI
#define RH_WASM_MODULES , NULL, NULL
#elif defined RH_WASM_IMPORTS || defined RH_WASM_WASI
#define RH_WASM_MODULES , NULL
#else
#define RH_WASM_MODULES
#endif

static void rh_begin(const struct rh_wasm_runtime *runtime)
{
	rh_runtime = runtime;
	Z_rule_init_module();
}

static void rh_instantiate(void *instance)
{
	Z_rule_instantiate(instance RH_WASM_MODULES);
#ifdef RH_WASM_INITIALIZE
	Z_ruleZ__initialize(instance); /* of a reactor: constructors run here */
#endif
}

static void rh_free(void *instance)
{
	Z_rule_free(instance);
}

__attribute__((visibility("default")))
const struct rh_wasm_object rh_wasm_object = {
	.magic = RH_WASM_MAGIC,
	.runtime = RH_WASM_RUNTIME,
	.flags = 0
#ifdef RH_WASM_USE_GS
	         | RH_WASM_GS
#endif
#ifdef RH_WASM_USE_FUEL
	         | RH_WASM_FUEL
#endif
	,
	.hook_abi = RH_WASM_HOOK_ABI,
	.instance_bytes = sizeof(Z_rule_instance_t),
	.memory_offset = offsetof(Z_rule_instance_t, w2c_memory),
	.begin = rh_begin,
	.instantiate = rh_instantiate,
	.free = rh_free,
	.functions = { RH_WASM_FUNCTIONS },
};
