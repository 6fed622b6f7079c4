#include "library.h"

#include "elf.h"
#include "tool.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTS "/var/lib/dpkg/info"

/* Whether a line of the list is one of the paths. */
static bool lists(const char *name, const char *const *lines, size_t count)
{
	char               path[PATH_MAX];
	struct rh_elf_span file;
	bool               found = false;

	snprintf(path, sizeof path, LISTS "/%s", name);
	if (rh_elf_map(path, &file, NULL) < 0)
		return false;
	for (size_t i = 0; i < count && !found; i++)
		found = memmem(file.bytes, file.len, lines[i], strlen(lines[i])) != NULL;
	rh_elf_unmap(&file);
	return found;
}

/* Looks into the lists itself: dpkg-query -S takes six times as long, and a worker
 * asks whenever it starts. */
static int search_lists(const char *const *lines, size_t count, char *ret, size_t cap)
{
	DIR           *folder = opendir(LISTS);
	struct dirent *entry;
	int            result = RH_ENOENT;

	while (folder && result < 0 && (entry = readdir(folder))) {
		const char *end = strstr(entry->d_name, ".list");

		if (!end || end[5] != '\0' || !lists(entry->d_name, lines, count))
			continue;
		int len = snprintf(ret, cap, "%.*s", (int)(end - entry->d_name),
		                   entry->d_name);
		result = len > 0 && (size_t)len < cap ? RH_OK : RH_EMSGSIZE;
	}
	if (folder)
		closedir(folder);
	return result;
}

/* dpkg may know the file by its place before /usr was merged, or after. */
int rh_library_owner(const char *path, char *ret, size_t cap)
{
	char        line[PATH_MAX + 8], other[PATH_MAX + 8];
	const char *lines[] = { line, other };
	bool        is_merged = strncmp(path, "/usr/", 5) == 0;

	snprintf(line, sizeof line, "\n%s\n", path);
	snprintf(other, sizeof other, "\n%s%s\n", is_merged ? "" : "/usr",
	         is_merged ? path + 4 : path);
	return search_lists(lines, 2, ret, cap);
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
