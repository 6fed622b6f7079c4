#include "sdk_place.h"

#include "../base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER  "rhodes-stub.h"
#define LIBRARY "librhodes.so.0"

/* The folder of the running program, "" when it cannot be told. */
static void own_folder(char *ret, size_t cap)
{
	ssize_t len = readlink("/proc/self/exe", ret, cap - 1);

	ret[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(ret, '/');
	if (slash)
		*slash = '\0';
}

struct candidate {
	const char *base;   /* NULL or "": not to be tried */
	const char *below;
};

static int find(const char *what, const struct candidate *candidates, size_t count,
                char *ret, struct rh_diag *diag)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct candidate *at = &candidates[i];
		int folder = at->base && at->base[0]
		             ? snprintf(ret, PATH_MAX, "%s/%s", at->base, at->below) : 0;

		if (folder <= 0 || folder >= PATH_MAX)
			continue;
		int file = snprintf(path, sizeof path, "%s/%s", ret, what);
		if (file > 0 && file < PATH_MAX && access(path, R_OK) == 0)
			return RH_OK;
	}
	return rh_diag_set(diag, RH_ENOENT, "%s is not to be found: is Rhodes installed "
	                   "completely? RHODES_SDK_DIR names another place", what);
}

int rh_sdk_place_find(struct rh_sdk_place *ret, struct rh_diag *diag)
{
	char folder[PATH_MAX], library[PATH_MAX];

	own_folder(folder, sizeof folder);
	const char *named = getenv("RHODES_SDK_DIR");
	const struct candidate headers[] = {
		{ named, "include" }, { folder, "../" RH_INSTALL_INCLUDE },
		{ RH_TREE_SOURCE, "sdk/c" },
	};
	const struct candidate libraries[] = {
		{ named, "lib" }, { folder, "../" RH_INSTALL_LIBRARY },
		{ RH_TREE_BUILD, "sdk/c" },
	};
	int result = find(HEADER, headers, sizeof headers / sizeof *headers,
	                  ret->include, diag);
	if (result >= 0)
		result = find(LIBRARY, libraries, sizeof libraries / sizeof *libraries,
		              library, diag);
	if (result < 0)
		return result;
	int len = snprintf(ret->library, sizeof ret->library, "%s/" LIBRARY, library);
	if (len < 0 || (size_t)len >= sizeof ret->library)
		return rh_diag_set(diag, RH_EMSGSIZE, "the path of " LIBRARY " is too long");
	return RH_OK;
}
