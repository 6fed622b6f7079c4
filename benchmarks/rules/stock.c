/* The work of rules.c by what Debian's wabt has for it: the C that wasm2c writes, as it
 * is, gcc -O2, the runtime of the package, and its own guard for a call.
 *
 *   bench-rules-stock ROUNDS
 *
 * One JSON object a line, as bench-rules. */
#include "work.h"

#include "stock_modules.h"
#include "wasm-rt-impl.h"

/* Parameters are given in registers of 64 bits whatever their type, and so is the
 * result; functions that take fewer do not look at the rest. */
typedef uint64_t function(void *instance, uint64_t a, uint64_t b);
typedef void     anything(void);

struct stock {
	void            *instance;
	uint8_t         *buffer;
	function *const *functions;
};

static void die(const char *what)
{
	fprintf(stderr, "bench-rules-stock: %s\n", what);
	exit(1);
}

/* ---- what the modules import ---- */

u64 Z_rhodesZ_now(struct Z_rhodes_instance_t *none)
{
	(void)none;
	return 0;
}

u64 Z_rhodesZ_random(struct Z_rhodes_instance_t *none)
{
	(void)none;
	return 0;
}

void Z_rhodesZ_log(struct Z_rhodes_instance_t *none, u32 text, u32 length)
{
	(void)none, (void)text, (void)length;
}

u32 Z_rhodesZ_param(struct Z_rhodes_instance_t *none, u32 name, u32 length, u32 into,
                    u32 room)
{
	(void)none, (void)name, (void)length, (void)into, (void)room;
	return UINT32_MAX; /* there is none */
}

/* ---- calls ---- */

static inline uint32_t call(struct lane *lane, unsigned slot, uint64_t a, uint64_t b)
{
	struct stock *stock = lane->rule;

	if (wasm_rt_impl_try() != 0)
		die("a trap");
	return (uint32_t)stock->functions[slot](stock->instance, a, b);
}

static inline void *buffer_of(struct lane *lane)
{
	return ((struct stock *)lane->rule)->buffer;
}

/* ---- modules ---- */

#define FUNCTION(name) ((function *)(anything *)(name))
#define CACHE(module) \
	{ \
		[RH_SLOT_CACHE_BEGIN] = FUNCTION(Z_##module##Z_rh_cache_begin), \
		[RH_SLOT_CACHE_INSERT] = FUNCTION(Z_##module##Z_rh_cache_insert), \
		[RH_SLOT_CACHE_HIT] = FUNCTION(Z_##module##Z_rh_cache_hit), \
		[RH_SLOT_CACHE_VICTIM] = FUNCTION(Z_##module##Z_rh_cache_victim), \
	}
#define FILTER(module) \
	{ \
		[RH_SLOT_FILTER_BEFORE] = FUNCTION(Z_##module##Z_rh_filter_before), \
	}
/* One with an import is given who answers it: nobody, above. */
#define MODULE(module, hook, init, ...) \
	static function *const module##_functions[16] = hook(module); \
	static void module##_begin(struct stock *stock) \
	{ \
		static Z_##module##_instance_t instance; \
		Z_##module##_init_module(); \
		Z_##module##_instantiate(&instance __VA_ARGS__); \
		stock->instance = &instance; \
		stock->functions = module##_functions; \
		stock->buffer = instance.w2c_memory.data + Z_##module##Z_rh_buffer(&instance); \
		init \
	}
#define INIT(module) \
	if (Z_##module##Z_rh_init(&instance)) \
		die("rh_init of " #module);

MODULE(fifo, CACHE, )
MODULE(limiter, FILTER, INIT(limiter), , NULL)
MODULE(lru, CACHE, )
MODULE(sieve, CACHE, )
MODULE(arc, CACHE, )
MODULE(tree, FILTER, INIT(tree))

static void (*const begins[ROWS])(struct stock *stock) = {
	fifo_begin, limiter_begin, lru_begin, sieve_begin, arc_begin, tree_begin,
};

int main(int argc, char **argv)
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0;

	if (rounds < 10 || rounds > ROUNDS_MAX)
		die("usage: bench-rules-stock ROUNDS (10 to 1000)");
	wasm_rt_init();
	for (size_t i = 0; i < ROWS; i++) {
		static double ns[ROUNDS_MAX];
		static struct lane lane;
		struct stock stock;

		begins[i](&stock);
		begin(&lane, &rows[i], &stock);
		work_once(&lane, &rows[i]);
		for (int round = 0; round < rounds; round++)
			ns[round] = work_once(&lane, &rows[i]);
		print(&rows[i], "stock wasm2c", percentile10(ns, rounds));
	}
	return 0;
}
