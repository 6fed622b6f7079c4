/* local - the real library behind a shadow library, for functions that run in
 * place. */
#include "rhodes-stub.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* Where the dynamic loader of Debian looks; the shadow directory is not there. */
static const char *const directories[] = {
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/usr/local/lib", "/lib",
	"/usr/lib",
};

static _Noreturn void give_up(const char *what, const char *soname)
{
	fprintf(stderr, "rhodes: %s of %s must run in place, but the real library was"
	        " not found: %s\n", what, soname, dlerror());
	abort();
}

static void *load_real(const char *soname, const char *what)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", directories[i], soname);
		if (access(path, R_OK) != 0)
			continue;
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (library)
			return library;
	}
	give_up(what, soname);
}

EXPORT void *rh_stub_local_name(struct rh_stub_library *library, const char *symbol)
{
	void *real = __atomic_load_n(&library->state[1], __ATOMIC_ACQUIRE);
	void *address;

	if (!real) {
		real = load_real(library->interface->soname, symbol);
		__atomic_store_n(&library->state[1], real, __ATOMIC_RELEASE);
	}
	address = dlsym(real, symbol);
	if (!address)
		give_up(symbol, library->interface->soname);
	return address;
}

EXPORT void *rh_stub_local(struct rh_stub_library *library, unsigned index)
{
	const struct rh_function *function = &library->interface->functions[index];

	return rh_stub_local_name(library, function->name);
}
