#include "library.h"

#include "tool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "libmagic1:amd64: /usr/lib/..." -> "libmagic1:amd64" */
static int ask_owner(const char *path, char *text, size_t cap)
{
	const char *const argv[] = { "dpkg-query", "-S", path, NULL };
	int               result = rh_tool_run(argv, false, text, cap);

	if (result < 0)
		return result;
	char *end = strstr(text, ": ");
	if (!end)
		return RH_ENOENT;
	*end = '\0';
	end = strchr(text, ',');
	if (end)
		*end = '\0';
	return RH_OK;
}

int rh_library_owner(const char *path, char *ret, size_t cap)
{
	int result = ask_owner(path, ret, cap);

	/* dpkg may know the file by its place before /usr was merged */
	if (result < 0 && strncmp(path, "/usr/", 5) == 0)
		result = ask_owner(path + 4, ret, cap);
	else if (result < 0 && strncmp(path, "/lib", 4) == 0) {
		char merged[PATH_MAX];

		snprintf(merged, sizeof merged, "/usr%s", path);
		result = ask_owner(merged, ret, cap);
	}
	return result;
}

/* Without epoch and Debian revision: both change while the code does not. */
static void cut_version(char *text)
{
	char *colon = strchr(text, ':');

	if (colon)
		memmove(text, colon + 1, strlen(colon));
	char *dash = strrchr(text, '-');
	if (dash)
		*dash = '\0';
	text[strcspn(text, "\n")] = '\0';
}

int rh_library_version(const char *path, char *ret, size_t cap)
{
	char real[PATH_MAX], owner[512];

	ret[0] = '\0';
	if (!realpath(path, real))
		return RH_ENOENT;
	int result = rh_library_owner(real, owner, sizeof owner);
	if (result < 0)
		return result;
	const char *const argv[] = { "dpkg-query", "-W", "-f", "${Version}", owner, NULL };
	result = rh_tool_run(argv, false, ret, cap);
	cut_version(ret);
	return result;
}
