/* local - the real library behind a shadow library, for functions that run in
 * place. */
#include "rhodes-stub.h"

#include "../../base/sanitized.h"
#include "../../interface/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

/* The real library's own calls must reach itself and not the shadow, which stands
 * before it in the program's scope.  The address sanitizer refuses that flag. */
#if RH_IS_SANITIZED
#define OPEN_FLAGS (RTLD_NOW | RTLD_LOCAL)
#else
#define OPEN_FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND)
#endif

static _Noreturn void give_up(const char *what, const char *soname,
                              const char *reason)
{
	fprintf(stderr, "rhodes: %s of %s must run in place, but: %s\n", what, soname,
	        reason ? reason : "the real library was not found");
	abort();
}

static void *load_real(const char *soname, const char *what)
{
	char           path[PATH_MAX];
	struct rh_diag diag = { 0 };

	if (rh_library_find(soname, NULL, path, sizeof path, &diag) < 0)
		give_up(what, soname, diag.text);
	void *library = dlopen(path, OPEN_FLAGS);
	if (!library)
		give_up(what, soname, dlerror());
	return library;
}

/* Threads may load it at once: the loader counts, and both get the same. */
static void *real_library(struct rh_stub_library *library, const char *what)
{
	void *real = __atomic_load_n(&library->state[1], __ATOMIC_ACQUIRE);

	if (!real) {
		real = load_real(library->interface->soname, what);
		__atomic_store_n(&library->state[1], real, __ATOMIC_RELEASE);
	}
	return real;
}

EXPORT void *rh_stub_local_name(struct rh_stub_library *library, const char *symbol)
{
	void *address = dlsym(real_library(library, symbol), symbol);

	if (!address)
		give_up(symbol, library->interface->soname, dlerror());
	return address;
}

EXPORT void *rh_stub_local(struct rh_stub_library *library, unsigned index)
{
	const struct rh_function *function = &library->interface->functions[index];

	if (!function->version)
		return rh_stub_local_name(library, function->name);
	void *address = dlvsym(real_library(library, function->name), function->name,
	                       function->version);
	if (!address)
		give_up(function->name, library->interface->soname, dlerror());
	return address;
}
