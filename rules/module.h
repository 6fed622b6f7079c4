/* module - a WebAssembly module as it comes from a user, read before any tool sees it.
 *
 * It is checked against its hook: the exports with their types, the imports, one
 * memory within the limit.  Whether it may have what it wants of WASI is for
 * rh_wasi_check to say.  Names that could become anything but a name in generated
 * code are refused here: wasm2c of Debian 12 writes them into comments as they are.
 * That the code itself is valid is for wasm-validate to say.
 *
 * Ownership  Borrows the bytes until each call returns.
 * Threads    Any.  Nothing is allocated; time is linear in the size. */
#ifndef RH_RULES_MODULE_H
#define RH_RULES_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_diag;
struct rh_hook;

struct rh_module {
	uint32_t functions;    /* of its own */
	uint32_t code_bytes;
	uint32_t memory_pages; /* at start */
	uint32_t elements;     /* of all tables at start */
	uint32_t exports;      /* of the hook, by slot: 1 << slot */
	uint32_t imports;      /* of the hook, by place in its list */
	uint32_t wasi;         /* functions of WASI (wasi.h): 1 << function */
	bool     has_start;
	bool     has_initialize; /* to be called before all else */
};

/* memory_bytes: what an instance may have.
 * RH_EINVAL   not a module, or not one for this hook; diag says what, where and what
 *             to do.
 * RH_EMSGSIZE larger than the limits of rules/limits.h. */
int rh_module_read(const uint8_t *bytes, size_t len, const struct rh_hook *hook,
                   uint32_t memory_bytes, struct rh_module *ret_module,
                   struct rh_diag *diag);

/* Copies a module that was read without its custom sections (names, debug data) to
 * into, which has room for len bytes.  Returns the new length. */
size_t rh_module_strip(const uint8_t *bytes, size_t len, uint8_t *into);

#endif
