/* parts - what the module of a rule is made of.
 *
 * Its bytes are a manifest, a compact JSON text with sorted keys:
 *   {"abi", "capabilities", "exports"?, "format": 1, "hook", "memory", "mode", "name"?,
 *    "parts": {what: {"bytes", "sha256"}}, "variants"?, "version"}
 * version is rollback.h's; those published before there were versions have none.
 * exports are those functions of the hook that WebAssembly was found to have; an object
 * of eBPF is told as probe.h says.
 * Each part is a module of its own in the store: `wasm` and the `object` that the
 * center's builder made of it (with "tools", the SHA-256 of what it was made with), or
 * the `object` alone for a mode without WebAssembly, and the `source`, a tar.  With variants
 * there are `object_portable`, `object_fuel` and, of both, `object_portable_fuel` too;
 * portable is always there where this node needs it.  So a part that
 * two manifests name is kept once.
 *
 * Ownership   As noted.
 * Threads     One. */
#ifndef RH_CENTER_PARTS_H
#define RH_CENTER_PARTS_H

#include "center.h"
#include "decode.h"

#define RH_PARTS_MAX       3u
#define RH_PARTS_OBJECTS   4u /* with GS and without, with fuel and without */
#define RH_PARTS_FORMAT    1
#define RH_PARTS_MEMORY    "1Mi"          /* of an instance, unless published with more */
#define RH_PARTS_USER_MAX  (RH_OBJECT_KEY_MAX + 16)
#define RH_MODULE_PREFIX   "sha256:"      /* before a module in the spec of a rule */

/* An object that was built; its bytes are the builder's. */
struct rh_parts_object {
	const void *bytes;
	size_t      len;
	char        sha256[65];
};

/* What becomes of something published. */
struct rh_parts {
	json_t                *manifest;    /* to store, the caller's to give back */
	struct rh_parts_object objects[RH_PARTS_OBJECTS];
	unsigned               object_count;
	int                    is_building; /* nothing else is set: ask again      */
};

/* Finds each part, looks at it and has the object built.  What was published has
 * passed rh_shape_module.
 * RH_EPENDING  a part is not there.  RH_EINVAL, RH_EMSGSIZE  it will not do. */
int rh_parts_collect(struct rh_center *center, const json_t *published,
                     struct rh_parts *ret_parts, struct rh_problem *problem);

/* The manifest in a stored module, borrowed from it, or NULL: it is bytes. */
const json_t *rh_parts_manifest(const json_t *stored);

/* Who names the module, as "rule limiter", or an empty text.  The module named `but`,
 * which may be NULL, does not count. */
void rh_parts_user(const struct rh_realm *realm, const char *sha256, const char *but,
                   char text[RH_PARTS_USER_MAX]);

#endif
