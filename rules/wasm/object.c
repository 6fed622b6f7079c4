#include "object.h"

#include "../../base/diag.h"
#include "../hook.h"
#include "cpu.h"
#include "imports.h"
#include "wasm-rt.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct rh_object {
	void                        *handle;
	const struct rh_wasm_object *table;
};

_Static_assert(RH_WASM_EXPORTS == RH_HOOK_EXPORTS_MAX, "one slot each");

void *rh_object_open(int fd, struct rh_diag *diag)
{
	static _Atomic unsigned count;
	unsigned                number = atomic_fetch_add(&count, 1);
	char                    path[128], *at = path;
	int                     seals = fcntl(fd, F_GET_SEALS);
	void                   *handle;

	if (seals < 0 || !(seals & F_SEAL_WRITE) || !(seals & F_SEAL_SHRINK)) {
		rh_diag_set(diag, RH_EPROTO, "the object is not in memory that cannot change any "
		            "more; freeze it first");
		return NULL;
	}
	/* The number is written with dots: all of these name the same folder. */
	at += sprintf(at, "/proc/self/fd");
	for (unsigned bit = 0; bit < 32; bit++)
		at += sprintf(at, number >> bit & 1 ? "/." : "/");
	sprintf(at, "/%d", fd);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		rh_diag_set(diag, RH_EINVAL, "the object cannot be loaded: %.160s", dlerror());
	return handle;
}

static int check(const struct rh_wasm_object *table, const struct rh_hook *hook,
                 struct rh_diag *diag)
{
	if (!table || table->magic != RH_WASM_MAGIC)
		return rh_diag_set(diag, RH_EINVAL, "the object was not built by rhodes from a "
		                   "WebAssembly module");
	if (table->runtime != RH_WASM_RUNTIME)
		return rh_diag_set(diag, RH_EVERSION, "the object was built for version %u of the "
		                   "runtime, this is %u; publish the rule again", table->runtime,
		                   RH_WASM_RUNTIME);
	if (table->hook_abi != rh_hook_abi(hook))
		return rh_diag_set(diag, RH_EVERSION, "the object was built for hook %u version "
		                   "%u, not for %s version %u", table->hook_abi >> 16,
		                   table->hook_abi & 0xffff, hook->name, hook->version);
	if ((table->flags & RH_WASM_GS) && !rh_cpu_has_gs())
		return rh_diag_set(diag, RH_EVERSION, "the object uses FSGSBASE, which this "
		                   "processor or kernel lacks; use the portable object");
	return RH_OK;
}

int rh_object_load(int fd, const struct rh_hook *hook, struct rh_object **ret_object,
                   struct rh_diag *diag)
{
	void                        *handle = rh_object_open(fd, diag);
	const struct rh_wasm_object *table;
	struct rh_object            *object;
	int                          err;

	if (!handle)
		return diag ? diag->code : RH_EINVAL;
	table = dlsym(handle, "rh_wasm_object");
	err = check(table, hook, diag);
	object = err < 0 ? NULL : calloc(1, sizeof *object);
	if (!object) {
		dlclose(handle);
		return err < 0 ? err : rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	}
	table->begin(&rh_wasm_imports);
	object->handle = handle;
	object->table = table;
	*ret_object = object;
	return RH_OK;
}

const struct rh_wasm_object *rh_object_table(const struct rh_object *object)
{
	return object->table;
}

void rh_object_unload(struct rh_object *object)
{
	if (!object)
		return;
	dlclose(object->handle);
	free(object);
}
