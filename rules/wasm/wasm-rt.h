/* wasm-rt - what the C that wasm2c writes is compiled against, and what the runtime
 * shares with it.  It has the name that wasm2c includes, and takes the place of the
 * header of Debian's wabt.
 *
 * An object has no undefined symbols but libc's and libm's: it reaches the runtime by
 * the table that it is given at load time, and is reached by one symbol, rh_wasm_object.
 *
 * Nothing here may change without RH_WASM_RUNTIME going up: objects are kept. */
#ifndef WASM_RT_H_
#define WASM_RT_H_

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RH_WASM_RUNTIME 2u
#define RH_WASM_MAGIC   0x4d575248u
#define RH_WASM_EXPORTS 16u

/* Why a rule's call ended early.  The first are wasm2c's. */
typedef enum {
	WASM_RT_TRAP_NONE,
	WASM_RT_TRAP_OOB,
	WASM_RT_TRAP_INT_OVERFLOW,
	WASM_RT_TRAP_DIV_BY_ZERO,
	WASM_RT_TRAP_INVALID_CONVERSION,
	WASM_RT_TRAP_UNREACHABLE,
	WASM_RT_TRAP_CALL_INDIRECT,
	WASM_RT_TRAP_UNCAUGHT_EXCEPTION,
	WASM_RT_TRAP_EXHAUSTION,
	RH_TRAP_TIMEOUT,
	RH_TRAP_FUEL,
	RH_TRAP_MEMORY,
	RH_TRAP_EXIT,
	RH_TRAPS
} wasm_rt_trap_t;

typedef enum {
	WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64, WASM_RT_FUNCREF,
	WASM_RT_EXTERNREF
} wasm_rt_type_t;

typedef void (*wasm_rt_function_ptr_t)(void);

typedef struct {
	uint32_t               func_type;
	wasm_rt_function_ptr_t func;
	void                  *module_instance;
} wasm_rt_funcref_t;

typedef void *wasm_rt_externref_t;

/* data never moves: memory grows inside its reservation.  fuel is ours. */
typedef struct {
	uint8_t *data;
	uint32_t pages, max_pages;
	uint32_t size;
	int64_t  fuel;
} wasm_rt_memory_t;

typedef struct {
	wasm_rt_funcref_t *data;
	uint32_t           max_size;
	uint32_t           size;
} wasm_rt_funcref_table_t;

typedef struct {
	wasm_rt_externref_t *data;
	uint32_t             max_size;
	uint32_t             size;
} wasm_rt_externref_table_t;

/* What the runtime does for an object. */
struct rh_wasm_runtime {
	void (*trap)(int trap) __attribute__((noreturn));
	void (*memory_allocate)(wasm_rt_memory_t *memory, uint32_t pages, uint32_t most);
	uint32_t (*memory_grow)(wasm_rt_memory_t *memory, uint32_t pages);
	void (*memory_free)(wasm_rt_memory_t *memory);
	/* A table of elements of that size; the two kinds differ in nothing else. */
	void (*table_allocate)(void *table, uint32_t size, uint32_t most, uint32_t bytes);
	uint32_t (*table_grow)(void *table, uint32_t more, const void *with,
	                       uint32_t bytes);
	void (*table_free)(void *table);
	uint64_t (*now)(void);
	uint64_t (*random)(void);
	void (*log)(uint32_t text, uint32_t length);
	uint32_t (*param)(uint32_t name, uint32_t length, uint32_t into, uint32_t room);
	/* A function of WASI by its place in wasi.def. */
	uint32_t (*wasi)(uint32_t function, const uint64_t *values);
};

enum { RH_WASM_GS = 1, RH_WASM_FUEL = 2 };

/* What an object is for the runtime.  functions: by slot of the hook, NULL: absent. */
struct rh_wasm_object {
	uint32_t magic, runtime;
	uint32_t flags;
	uint32_t hook_abi;
	uint32_t instance_bytes;
	uint32_t memory_offset; /* of the wasm_rt_memory_t in an instance */
	/* Called once after loading, before all else; types: how many were registered. */
	void (*begin)(const struct rh_wasm_runtime *runtime);
	void (*instantiate)(void *instance);
	void (*free)(void *instance);
	void *functions[RH_WASM_EXPORTS];
};

#ifdef RH_WASM_GENERATED
/* From here on for the generated C only. */
#define UNLIKELY(x)         __builtin_expect(!!(x), 0)
#define LIKELY(x)           __builtin_expect(!!(x), 1)
#define wasm_rt_memcpy      __builtin_memcpy
#define wasm_rt_unreachable __builtin_unreachable

#define WASM_RT_MEMCHECK_SIGNAL_HANDLER 1
#define WASM_RT_USE_STACK_DEPTH_COUNT   0

static const struct rh_wasm_runtime *rh_runtime;

__attribute__((noreturn, cold)) static void wasm_rt_trap(int why)
{
	rh_runtime->trap(why);
}

static const wasm_rt_funcref_t   wasm_rt_funcref_null_value = { 0, NULL, NULL };
static const wasm_rt_externref_t wasm_rt_externref_null_value = NULL;

#define wasm_rt_is_initialized()           true
#define wasm_rt_allocate_memory(m, n, max) rh_runtime->memory_allocate(m, n, max)
#define wasm_rt_grow_memory(m, n)          rh_runtime->memory_grow(m, n)
#define wasm_rt_free_memory(m)             rh_runtime->memory_free(m)

#define wasm_rt_allocate_funcref_table(t, n, max) \
	rh_runtime->table_allocate(t, n, max, sizeof(wasm_rt_funcref_t))
#define wasm_rt_allocate_externref_table(t, n, max) \
	rh_runtime->table_allocate(t, n, max, sizeof(wasm_rt_externref_t))
#define wasm_rt_free_funcref_table(t)   rh_runtime->table_free(t)
#define wasm_rt_free_externref_table(t) rh_runtime->table_free(t)

static inline uint32_t wasm_rt_grow_funcref_table(wasm_rt_funcref_table_t *table,
                                                  uint32_t more, wasm_rt_funcref_t with)
{
	return rh_runtime->table_grow(table, more, &with, sizeof with);
}

static inline uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *table,
                                                    uint32_t            more,
                                                    wasm_rt_externref_t with)
{
	return rh_runtime->table_grow(table, more, &with, sizeof with);
}

/* Two types of a module that look the same are the same for call_indirect.  They are
 * compared letter by letter: a mere hash of them could be forged into a call with
 * wrong arguments.  A type is known by the place where it was seen first, from 1. */
static uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...)
{
	static struct {
		uint32_t params, results;
		uint8_t *letters;
	} types[4096];                 /* RH_MODULE_TYPES_MAX */
	static uint8_t   room[65536];  /* RH_MODULE_TYPE_BYTES_MAX */
	static uint32_t  count, used;
	uint32_t         all = params + results, i;
	uint8_t         *letters = room + used;
	__builtin_va_list list;

	if (all > sizeof room - used || count == sizeof types / sizeof types[0])
		abort(); /* such a module is refused before it is built */
	__builtin_va_start(list, results);
	for (i = 0; i < all; i++)
		letters[i] = (uint8_t)__builtin_va_arg(list, int);
	__builtin_va_end(list);
	for (i = 0; i < count; i++)
		if (types[i].params == params && types[i].results == results &&
		    memcmp(types[i].letters, letters, all) == 0)
			return i + 1;
	types[count].params = params;
	types[count].results = results;
	types[count].letters = letters;
	used += all;
	return ++count;
}
#endif
#endif
