/* rule - what the source of a dynamic rule begins with, whatever its hook.
 *
 * Include <rhodes/hook/NAME.h>, which includes this, and put RH_RULE(NAME) into one
 * source, of C or C++.  The same source compiles to a WebAssembly module and to a native object:
 *
 *   clang --target=wasm32 -O2 -mbulk-memory -nostdlib -ffreestanding -Wl,--no-entry
 *         -Wl,--stack-first -Wl,-z,stack-size=16384 -Wl,--strip-all -o rule.wasm rule.c
 *   gcc -O2 -fPIC -shared -fvisibility=hidden -o rule.so rule.c
 *
 * Nothing but freestanding headers is there in a module.  All state is in variables of
 * the rule; a new instance begins with their initial values. */
#ifndef RHODES_RULE_H
#define RHODES_RULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define RH_C extern "C"
#else
#define RH_C
#endif

#ifdef __wasm__
#define RH_EXPORT(name) RH_C __attribute__((export_name(#name)))
#define RH_IMPORT(name) RH_C __attribute__((import_module("rhodes"), import_name(#name)))

RH_IMPORT(now) uint64_t rh_now(void);
RH_IMPORT(random) uint64_t rh_random(void);
RH_IMPORT(log) void rh_log(const char *text, uint32_t length);
RH_IMPORT(param)
int32_t rh_param(const char *name, uint32_t length, char *into, uint32_t room);
#elif defined __bpf__ /* tried in the kernel by `rhodes rule test` (cli/rule_kernel.h) */
#define RH_EXPORT(name) RH_C

struct rh_kernel_host {
	uint64_t now_ns, random, lines;
};

struct rh_kernel_call {
	uint64_t a, b, value;
};

extern __attribute__((section(".bss.rh_host"))) struct rh_kernel_host rh_kernel_host;

/* A program for a function of the hook, which is called as the test says. */
#define RH_KERNEL_ENTRY(function, result) \
	__attribute__((section("syscall"), used)) int \
	rh_enter_##function(struct rh_kernel_call *call) \
	{ \
		call->value = (result); \
		return 0; \
	}

static inline uint64_t rh_now(void)
{
	return rh_kernel_host.now_ns;
}

static inline uint64_t rh_random(void)
{
	uint64_t bits = rh_kernel_host.random;

	bits ^= bits << 13;
	bits ^= bits >> 7;
	bits ^= bits << 17;
	rh_kernel_host.random = bits;
	return bits * 0x2545f4914f6cdd1du;
}

static inline void rh_log(const char *text, uint32_t length)
{
	(void)text, (void)length;
	rh_kernel_host.lines++;
}

static inline int32_t rh_param(const char *name, uint32_t length, char *into,
                               uint32_t room)
{
	(void)name, (void)length, (void)into, (void)room;
	return -1;
}
#else
#include <rhodes/rule_host.h>

#ifdef RH_BUILTIN /* of a program of Rhodes itself: <rhodes/hook/NAME_builtin.h> */
#define RH_EXPORT(name) RH_C __attribute__((weak, visibility("hidden")))
#define rh_rule_host    (rh_builtin_self->host)
#else
#define RH_EXPORT(name) RH_C __attribute__((visibility("default")))

__attribute__((weak, visibility("hidden"))) const struct rh_rule_host *rh_rule_host;

RH_EXPORT(rh_bind) void rh_bind(const struct rh_rule_host *host);
#endif

static inline uint64_t rh_now(void)
{
	return rh_rule_host->now(rh_rule_host->user);
}

static inline uint64_t rh_random(void)
{
	return rh_rule_host->random(rh_rule_host->user);
}

static inline void rh_log(const char *text, uint32_t length)
{
	rh_rule_host->log(rh_rule_host->user, text, length);
}

static inline int32_t rh_param(const char *name, uint32_t length, char *into,
                               uint32_t room)
{
	return rh_rule_host->param(rh_rule_host->user, name, length, into, room);
}
#endif

/* The number that parameter `name` says, or fallback.  Its name is a literal. */
#define RH_PARAM_NUMBER(name, fallback) rh_param_number(name, sizeof(name) - 1, fallback)

static inline uint64_t rh_param_number(const char *name, uint32_t length,
                                       uint64_t fallback)
{
	char     text[20];
	int32_t  digits = rh_param(name, length, text, sizeof text);
	uint64_t number = 0;

	if (digits <= 0)
		return fallback;
	for (int32_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return fallback;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	return number;
}

RH_EXPORT(rh_abi) int32_t rh_abi(void);
RH_EXPORT(rh_buffer) void *rh_buffer(void);
RH_EXPORT(rh_init) int32_t rh_init(void);
RH_EXPORT(rh_save) int32_t rh_save(int32_t room);
RH_EXPORT(rh_restore) int32_t rh_restore(int32_t length);

/* Where the buffer is: in the kernel, in a map of its own. */
#ifdef __bpf__
#define RH_BUFFER __attribute__((section(".bss.rh_buffer")))
#else
#define RH_BUFFER
#endif

#ifdef __wasm__
#define RH_RULE_BIND
#else
#define RH_RULE_BIND \
	void rh_bind(const struct rh_rule_host *host) { rh_rule_host = host; }
#endif

#ifdef RH_BUILTIN
#define RH_RULE_BUFFER(hook) RH_BUILTIN_TABLE_##hook
#elif defined __bpf__
#define RH_RULE_BUFFER(hook) \
	struct rh_##hook##_buffer rh_##hook; struct rh_kernel_host rh_kernel_host;
#else
#define RH_RULE_BUFFER(hook) struct rh_##hook##_buffer rh_##hook; RH_RULE_BIND
#endif

/* The buffer, and the functions that say which hook this is for and where it is. */
#define RH_RULE(hook) \
	RH_RULE_BUFFER(hook) \
	int32_t rh_abi(void) { return RH_ABI_##hook; } \
	void *rh_buffer(void) { return &rh_##hook; } \
	_Static_assert(sizeof(struct rh_##hook##_buffer) > 0, "")

#endif
