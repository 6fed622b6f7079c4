/* build - makes the object of a rule from its WebAssembly module.
 *
 *   rh_module_read -> wasm-validate -> wasm2c -> our loads and stores -> gcc
 *
 * The module is a stranger's: it is read here first, then each tool runs in a jail
 * (jail.h) with a folder of its own, which is gone afterwards.  For the programs of the
 * center and the command line; agents carry no compiler.
 *
 * gcc takes half a minute for a MiB of code with -O2: a module of more than
 * RH_BUILD_LARGE is compiled with -O1, which takes a quarter of that.
 *
 * Threads    Any.  Blocks for some 0.3 s for a small rule; limits.h says how long at
 *            most. */
#ifndef RH_RULES_WASM_BUILD_H
#define RH_RULES_WASM_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rh_diag;
struct rh_hook;

struct rh_build {
	const struct rh_hook *hook;
	const uint8_t        *module;
	size_t                module_bytes;
	uint32_t              memory_bytes; /* what an instance may have; 0: the default */
	uint32_t              capabilities; /* 1 << enum rh_capability of rules/wasi.h */
	bool                  has_fuel;     /* counts fuel, for 2 to 5 % of speed */
	bool                  is_portable;  /* without GS: for processors without FSGSBASE */
	const char           *folder;       /* where to make one's own; NULL: /tmp */
	uint32_t              seconds;      /* of all; 0: what limits.h gives its size */
};

struct rh_built {
	int      fd;      /* the object as a frozen memfd (base/memory.h), the caller's */
	size_t   bytes;
	uint32_t exports; /* of the hook, by slot: 1 << slot */
	bool     has_landlock, has_seccomp; /* the tools were confined by */
};

/* RH_EINVAL, RH_EMSGSIZE  the module is refused: diag says what, where, what to do.
 * RH_ETIMEDOUT  a tool took too long over it.
 * RH_ENOENT     a tool is not installed.
 * RH_ENOMEM     no memory.
 * RH_ENOSPC     no room in the folder.
 * RH_EIO        the folder cannot be written, or somebody killed a tool. */
int rh_build_run(const struct rh_build *build, struct rh_built *ret_built,
                 struct rh_diag *diag);

/* What the object depends on besides module and options: the runtime's version, our
 * texts, the tools' versions and flags, as a text to be hashed.  Runs the tools, in a
 * folder of their own in the one given (NULL: /tmp).
 * Returns the length. */
int rh_build_tools(const char *folder, char *text, size_t room, struct rh_diag *diag);

#endif
