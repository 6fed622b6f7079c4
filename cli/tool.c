#include "tool.h"

#include "../base/diag.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY      "librhodes.so.0"
#define RH_LIB_PLACE "/../" RH_LIB_DIR_NAME /* beside bin in the prefix */

int rh_tool_self(char path[PATH_MAX], struct rh_diag *diag)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (n < 0)
		return rh_diag_set(diag, RH_EIO, "cannot read /proc/self/exe: %s",
		                   strerror(errno));
	path[n] = '\0';
	return RH_OK;
}

/* The folder of this program, without the last slash. */
static int own_folder(char *path, struct rh_diag *diag)
{
	int   r = rh_tool_self(path, diag);
	char *slash = r < 0 ? NULL : strrchr(path, '/');

	if (slash)
		*slash = '\0';
	return r;
}

static bool is_there(const char *folder, const char *between, const char *name, int mode,
                     char path[PATH_MAX])
{
	char whole[PATH_MAX * 2];

	snprintf(whole, sizeof whole, "%s%s/%s", folder, between, name);
	return access(whole, mode) == 0 && realpath(whole, path);
}

int rh_tool_find(const char *name, char path[PATH_MAX], struct rh_diag *diag)
{
	/* Beside; a build tree; an installation that was moved as a whole. */
	static const char *const places[] = {
		"", "/../center", "/../agent", "/../worker", "/../interface", "/../sdk/c",
		"/../rules/ebpf", "/../libexec/rhodes", "/../lib/rhodes",
	};
	char folder[PATH_MAX];
	int  r = own_folder(folder, diag);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (is_there(folder, places[i], name, X_OK, path))
			return RH_OK;
	}
	if (is_there(RH_LIBEXEC_DIR, "", name, X_OK, path) ||
	    is_there(RH_BIN_DIR, "", name, X_OK, path))
		return RH_OK;
	return rh_diag_set(diag, RH_ENOENT,
	                   "the program %s is neither beside this one (%.100s) nor in %s;"
	                   " install Rhodes again", name, folder, RH_LIBEXEC_DIR);
}

int rh_tool_folder(const char *language, char path[PATH_MAX], struct rh_diag *diag)
{
	static const char *const places[] = {
		"/../sdk", "/../lib/rhodes", RH_LIB_PLACE "/rhodes",
	};
	char folder[PATH_MAX];
	int  r = own_folder(folder, diag);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (is_there(folder, places[i], language, R_OK | X_OK, path))
			return RH_OK;
	}
	return rh_diag_set(diag, RH_ENOENT, "what programs in %s need of Rhodes is neither in"
	                   " %.80s/../sdk nor in %.80s/../lib/rhodes: it is not installed",
	                   language, folder, folder);
}

int rh_tool_library(char path[PATH_MAX])
{
	static const char *const places[] = { "", "/../sdk/c", "/../lib", RH_LIB_PLACE };
	char folder[PATH_MAX];

	if (own_folder(folder, NULL) < 0)
		return RH_ENOENT;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (!is_there(folder, places[i], LIBRARY, R_OK, path))
			continue;
		*strrchr(path, '/') = '\0'; /* realpath: one slash at least */
		return RH_OK;
	}
	return RH_ENOENT;
}
