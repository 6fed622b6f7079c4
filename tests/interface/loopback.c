/* loopback - stands in for librhodes.so.0 in the tests of the generator: a call of
 * the shadow library goes straight to the trampoline of the skeleton, in the same
 * process but in a link map of its own, where the library's name means the real
 * one.  So the two generated halves are joined without any marshalling.
 *
 * RHODES_LOOPBACK names the skeleton and, after a colon, the real library.
 * RHODES_LOOPBACK_TRACE=1 names every call on standard error. */
#include "../../sdk/c/rhodes-stub.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

struct halves {
	const struct rh_skeleton *skeleton;
	void                     *library;
};

static void *must_open(Lmid_t space, const char *path)
{
	void *opened = dlmopen(space, path, RTLD_NOW);

	if (!opened) {
		fprintf(stderr, "loopback: %s\n", dlerror());
		abort();
	}
	return opened;
}

static const struct halves *load(void)
{
	static struct halves halves;
	char                 paths[8192];
	Lmid_t               space;

	if (halves.skeleton)
		return &halves;
	const char *named = getenv("RHODES_LOOPBACK");
	snprintf(paths, sizeof paths, "%s", named ? named : ":");
	char *library = strchr(paths, ':');
	*library++ = '\0';
	halves.library = must_open(LM_ID_NEWLM, library);
	if (dlinfo(halves.library, RTLD_DI_LMID, &space) < 0)
		abort();
	halves.skeleton = dlsym(must_open(space, paths), "rh_skeleton");
	if (!halves.skeleton)
		abort();
	return &halves;
}

static int fail(const struct rh_function *function, void *ret)
{
	if (ret)
		memset(ret, function->on_error == RH_ON_ERROR_DEFAULT &&
		       function->ret.kind == RH_KIND_INT ? 0xff : 0, function->ret.size);
	if (ret && function->on_error == RH_ON_ERROR_RETURN)
		memcpy(ret, &function->error_value, function->ret.size);
	errno = function->error_errno ? function->error_errno : EIO;
	return -1;
}

PUBLIC int rh_stub_invoke(struct rh_stub_library *library, unsigned index,
                          void *const *args, void *ret)
{
	const struct rh_function *function = &library->interface->functions[index];
	const struct rh_skeleton *skeleton = load()->skeleton;

	if (library->abi != RH_STUB_ABI || skeleton->interface->hash !=
	    library->interface->hash)
		abort();
	if (getenv("RHODES_LOOPBACK_TRACE"))
		fprintf(stderr, "loopback: %s\n", function->name);
	if (!skeleton->trampolines[index])
		return fail(function, ret);
	skeleton->trampolines[index](args, ret);
	return 0;
}

PUBLIC void *rh_stub_local(struct rh_stub_library *library, unsigned index)
{
	const struct rh_function *function = &library->interface->functions[index];
	void *real = function->version
	             ? dlvsym(load()->library, function->name, function->version)
	             : dlsym(load()->library, function->name);

	if (!real)
		abort();
	return real;
}
