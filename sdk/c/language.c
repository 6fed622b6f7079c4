/* language - callees and interfaces by name, for runtimes of other languages.
 */
#include "listing.h"
#include "rhodes-language.h"
#include "session.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT      __attribute__((visibility("default")))
#define SHADOW_NAME "rh_shadow"

/* What was opened; one for each resource. */
struct opened {
	struct opened         *next;
	char                   resource[RH_NAME_MAX + 1];
	struct rh_stub_library library;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all */
static struct opened  *all;

/* Whether two names are one when underscores and a leading "lib" do not count. */
static int is_alike(const char *a, const char *b)
{
	if (strncmp(a, "lib", 3) == 0)
		a += 3;
	if (strncmp(b, "lib", 3) == 0)
		b += 3;
	while (*a && *b) {
		if (*a == '_')
			a++;
		else if (*b == '_')
			b++;
		else if (*a++ != *b++)
			return 0;
	}
	a += strspn(a, "_");
	b += strspn(b, "_");
	return !*a && !*b;
}

/* How well a name fits: 0 not at all, the least is best. */
static int rank(const struct rh_listing *place, const char *name)
{
	if (strcmp(place->resource, name) == 0)
		return 1;
	if (strcmp(place->interface, name) == 0)
		return 2;
	if (is_alike(place->resource, name))
		return 3;
	return is_alike(place->interface, name) ? 4 : 0;
}

/* Says what there is. */
static int tell_missing(const char *name, const char *list)
{
	char         there[160] = "";
	struct rh_listing place;
	size_t       at = 0;

	while (rh_listing_next(&list, &place) && at + strlen(place.resource) + 3 < sizeof there) {
		memcpy(there + at, at ? ", " : "", at ? 2 : 0);
		at += at ? 2 : 0;
		memcpy(there + at, place.resource, strlen(place.resource) + 1);
		at += strlen(place.resource);
	}
	return rh_fail(RH_ENOEDGE, "no reference of this resource is called %s; there %s %s",
	               name, at ? "is" : "are", at ? there : "none with an interface");
}

static int find_place(const char *name, struct rh_listing *ret_place)
{
	const char  *list = rh_listing_text();
	const char  *self = getenv("RHODES_RESOURCE");
	struct rh_listing place;
	int          best = 0;

	if (!list)
		return rh_fail(RH_EDETACHED, "no callee is known here: start the program with"
		               " rhodes run");
	for (const char *at = list; rh_listing_next(&at, &place);) {
		int fit = self && strcmp(place.resource, self) == 0 ? 0 : rank(&place, name);

		if (fit > 0 && (best == 0 || fit < best)) {
			best = fit;
			*ret_place = place;
		}
	}
	return best ? RH_OK : tell_missing(name, list);
}

/* The tables in a shadow library, which stays loaded. */
static int load(const struct rh_listing *place, const struct rh_interface **ret_interface)
{
	void *library = dlopen(place->path, RTLD_NOW | RTLD_LOCAL);
	const struct rh_stub_library *const *shadow;

	if (!library)
		return rh_fail(RH_ENOENT, "the interface of %s cannot be loaded: %s",
		               place->resource, dlerror());
	shadow = dlsym(library, SHADOW_NAME);
	if (!shadow || (*shadow)->abi != RH_STUB_ABI ||
	    (*shadow)->interface->abi != RH_INTERFACE_ABI) {
		dlclose(library);
		return rh_fail(RH_EVERSION, "the interface %s was built for another version of"
		               " librhodes: build and apply it again", place->interface);
	}
	*ret_interface = (*shadow)->interface;
	return RH_OK;
}

/* The lock is held. */
static int open_place(const struct rh_listing *place, struct rh_stub_library **ret_library)
{
	const struct rh_interface *interface = NULL;
	struct rh_callee          *callee = NULL;
	struct opened             *opened = all;
	int                        r;

	while (opened && strcmp(opened->resource, place->resource) != 0)
		opened = opened->next;
	if (opened) {
		*ret_library = &opened->library;
		return RH_OK;
	}
	if ((r = load(place, &interface)) < 0 ||
	    (r = rh_session_callee(place->resource, 0, &callee)) < 0)
		return r;
	if (!(opened = calloc(1, sizeof *opened)))
		return rh_fail(RH_ENOMEM, "no memory for a callee");
	opened->next = all;
	memcpy(opened->resource, place->resource, sizeof opened->resource);
	opened->library = (struct rh_stub_library){
		.abi = RH_STUB_ABI, .interface = interface,
		.state = { callee, callee }, /* its own tables: they agree */
	};
	all = opened;
	*ret_library = &opened->library;
	return RH_OK;
}

EXPORT int rh_language_open(const char *name, struct rh_stub_library **ret_library)
{
	struct rh_listing place;
	int          r = find_place(name, &place);

	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	r = open_place(&place, ret_library);
	pthread_mutex_unlock(&lock);
	return r;
}

EXPORT int rh_language_own(const struct rh_interface **ret_interface)
{
	const char     *self = getenv("RHODES_RESOURCE");
	struct rh_listing place;

	if (!rh_listing_text() || !self)
		return rh_fail(RH_EDETACHED, "this process serves nothing: start it with"
		               " rhodes serve");
	if (rh_listing_find(self, &place) == RH_OK)
		return load(&place, ret_interface);
	return rh_fail(RH_ENOENT, "%s has no interface: its manifest names none, or it was"
	               " never built", self);
}

EXPORT int rh_language_find(const struct rh_interface *interface, const char *function)
{
	for (uint32_t i = 0; i < interface->function_count; i++) {
		if (strcmp(interface->functions[i].name, function) == 0)
			return (int)i;
	}
	return rh_fail(RH_EFUNC, "%s has no function %s", interface->name, function);
}
