/* wasi - what a module may be given of WASI preview 1, and who gives it: capabilities,
 * which its manifest names.  None is given by itself.
 *
 * Threads    Any. */
#ifndef RH_RULES_WASI_H
#define RH_RULES_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RH_WASI_MODULE "wasi_snapshot_preview1"

struct rh_diag;

/* Each of the others brings RH_CAPABILITY_WASI along. */
enum rh_capability {
	RH_CAPABILITY_WASI,   /* what a libc links with and gives nothing away */
	RH_CAPABILITY_CLOCK,
	RH_CAPABILITY_RANDOM,
	RH_CAPABILITY_STDOUT, /* descriptors 1 and 2 are the rule's log */
	RH_CAPABILITY_ARGS,   /* its parameters as arguments */
	RH_CAPABILITIES
};

enum rh_wasi {
#define RH_WASI(name, signature, capability, result, params, values) RH_WASI_##name,
#include "wasm/wasi.def"
#undef RH_WASI
	RH_WASI_FUNCTIONS
};

struct rh_wasi_function {
	const char        *name;
	const char        *signature; /* as in hook.h */
	enum rh_capability capability;
};

extern const struct rh_wasi_function rh_wasi_functions[RH_WASI_FUNCTIONS];

/* As it is written in manifests.  -1: not one of them. */
int         rh_capability_find(const char *name);
const char *rh_capability_name(enum rh_capability capability);

/* All of them, for messages: "wasi, clock, ..." */
const char *rh_capability_names(void);

/* Do the capabilities, a bit each, give all these functions, a bit each?
 * RH_EINVAL  no; diag names the first, and what it takes. */
int rh_wasi_check(uint32_t functions, uint32_t capabilities, struct rh_diag *diag);

#endif
