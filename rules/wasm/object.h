/* object - the shared object that a build made of a module, loaded into this process.
 *
 * It is native code, and code of it runs as soon as it is loaded: only what came from
 * our own build may get here.  Who calls has verified that (signature, hash).
 *
 * Ownership  One holder; instances of it must be gone before it is unloaded. */
#ifndef RH_RULES_WASM_OBJECT_H
#define RH_RULES_WASM_OBJECT_H

struct rh_diag;
struct rh_hook;
struct rh_object;
struct rh_wasm_object;

/* fd: a frozen memfd (base/memory.h), borrowed.
 * RH_EPROTO   it is not frozen.
 * RH_EVERSION made for another runtime, processor or hook.
 * RH_EINVAL   not an object of ours. */
int rh_object_load(int fd, const struct rh_hook *hook, struct rh_object **ret_object,
                   struct rh_diag *diag);

const struct rh_wasm_object *rh_object_table(const struct rh_object *object);

void rh_object_unload(struct rh_object *object);

/* Opens a frozen memfd as a library under a name that was never used before: the
 * loader of glibc takes two files of one name for one, and descriptors come again. */
void *rh_object_open(int fd, struct rh_diag *diag);

#endif
