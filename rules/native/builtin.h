/* builtin - rules that are part of the program that runs them: the same sources as the
 * objects, with their functions in a table.
 *
 * A built-in rule has its state in its buffer alone, of which each loaded one has its own.
 *
 * Threads  Whose buffer the code works on is said for each thread, by rh_native_call. */
#ifndef RH_RULES_NATIVE_BUILTIN_H
#define RH_RULES_NATIVE_BUILTIN_H

#include <stdint.h>

struct rh_rule_host;

#define RH_BUILTIN_SLOTS 16u

typedef uint64_t rh_builtin_function(uint64_t a, uint64_t b);

struct rh_builtin {
	const char          *name;
	const char          *hook;
	uint32_t             abi;
	uint32_t             buffer_bytes;
	rh_builtin_function *functions[RH_BUILTIN_SLOTS]; /* NULL: it has none */
};

/* What the code of a built-in rule works on. */
struct rh_builtin_self {
	const struct rh_rule_host *host;
	void                      *buffer;
};

extern __thread struct rh_builtin_self *rh_builtin_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* NULL: none of that name comes with Rhodes for that hook. */
const struct rh_builtin *rh_builtin_find(const char *hook, const char *name);

#endif
