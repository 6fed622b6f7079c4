#include "native.h"

#include "../../base/diag.h"
#include "../../base/lines.h"
#include "../../base/memory.h"
#include "../author/rhodes/rule_host.h"
#include "../hook.h"
#include "../wasm/object.h"
#include "builtin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Integers of up to 64 bits are passed and returned in registers of that size. */
typedef uint64_t function(uint64_t a, uint64_t b);
typedef void     bind(const struct rh_rule_host *host);

struct rh_native {
	void                  *handle; /* NULL: built in */
	function              *functions[RH_HOOK_EXPORTS_MAX];
	void                  *buffer;
	struct rh_builtin_self self; /* of one that is built in */
};

/* The loader would give the same object, with the same state, for the same file. */
static int copy_of(int fd, struct rh_diag *diag)
{
	struct stat status;
	const void *bytes;
	int         copy;

	if (fstat(fd, &status) < 0 ||
	    rh_memory_map_frozen(fd, (size_t)status.st_size, &bytes) < 0)
		return rh_diag_set(diag, RH_EPROTO, "the object is not in memory that cannot "
		                   "change any more; freeze it first");
	copy = rh_memory_freeze(bytes, (size_t)status.st_size);
	rh_memory_unmap(bytes, (size_t)status.st_size);
	return copy < 0 ? rh_diag_set(diag, copy, "no memory for a rule") : copy;
}

static int find_functions(struct rh_native *native, const struct rh_hook *hook,
                          struct rh_diag *diag)
{
	for (unsigned slot = 0; slot < hook->export_count; slot++) {
		const struct rh_hook_function *wanted = &hook->exports[slot];
		void                          *at = dlsym(native->handle, wanted->name);

		memcpy(&native->functions[slot], &at, sizeof at);
		if (!at && wanted->is_needed)
			return rh_diag_set(diag, RH_EINVAL, "the object exports no %s, which hook %s "
			                   "version %u needs", wanted->name, hook->name,
			                   hook->version);
	}
	return RH_OK;
}

static int begin(struct rh_native *native, const struct rh_hook *hook,
                 const struct rh_rule_host *host, struct rh_diag *diag)
{
	void    *at = dlsym(native->handle, "rh_bind");
	bind    *bound;
	uint32_t abi;
	int      err = find_functions(native, hook, diag);

	if (err < 0)
		return err;
	abi = (uint32_t)native->functions[RH_SLOT_ABI](0, 0);
	if (abi != rh_hook_abi(hook))
		return rh_diag_set(diag, RH_EVERSION, "the rule is for hook %u version %u, not for "
		                   "%s (%u) version %u", abi >> 16, abi & 0xffff, hook->name,
		                   hook->number, hook->version);
	if (at) {
		memcpy(&bound, &at, sizeof at);
		bound(host);
	}
	native->buffer = (void *)(uintptr_t)native->functions[RH_SLOT_BUFFER](0, 0);
	if (!native->buffer)
		return rh_diag_set(diag, RH_EINVAL, "rh_buffer of the rule says NULL");
	return RH_OK;
}

int rh_native_load(int fd, const struct rh_hook *hook, const struct rh_rule_host *host,
                   struct rh_native **ret_native, struct rh_diag *diag)
{
	struct rh_native *native;
	int               err, copy = copy_of(fd, diag);

	if (copy < 0)
		return copy;
	native = calloc(1, sizeof *native);
	if (!native) {
		close(copy);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	}
	native->handle = rh_object_open(copy, diag);
	close(copy);
	err = native->handle ? begin(native, hook, host, diag) : RH_EINVAL;
	if (err < 0) {
		rh_native_unload(native);
		return err;
	}
	*ret_native = native;
	return RH_OK;
}

/* ---- without an object: records of a buffer lie at multiples of a line ---- */

int rh_native_make(const struct rh_builtin *builtin, const struct rh_hook *hook,
                   const struct rh_rule_host *host, struct rh_native **ret_native,
                   struct rh_diag *diag)
{
	struct rh_native *native;

	if (builtin->abi != rh_hook_abi(hook))
		return rh_diag_set(diag, RH_EINVAL, "the built-in rule %s is for hook %s, not for "
		                   "%s", builtin->name, builtin->hook, hook->name);
	native = calloc(1, sizeof *native);
	if (native)
		native->buffer = rh_lines_create(builtin->buffer_bytes);
	if (!native || !native->buffer) {
		free(native);
		return rh_diag_set(diag, RH_ENOMEM, "no memory for a rule");
	}
	memcpy(native->functions, builtin->functions, sizeof native->functions);
	native->self = (struct rh_builtin_self){ host, native->buffer };
	*ret_native = native;
	return RH_OK;
}

/* ---- calls ---- */

bool rh_native_has(const struct rh_native *native, unsigned slot)
{
	return native->functions[slot] != NULL;
}

uint64_t rh_native_call(const struct rh_native *native, unsigned slot, uint64_t a,
                        uint64_t b)
{
	if (!native->handle)
		rh_builtin_self = (struct rh_builtin_self *)(uintptr_t)&native->self;
	return native->functions[slot](a, b);
}

void *rh_native_buffer(const struct rh_native *native)
{
	return native->buffer;
}

void rh_native_unload(struct rh_native *native)
{
	if (!native)
		return;
	if (native->handle)
		dlclose(native->handle);
	else
		rh_lines_destroy(native->buffer);
	free(native);
}
