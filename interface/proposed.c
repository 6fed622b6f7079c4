#include "proposed.h"

#include "../base/diag.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *rh_proposed_name(struct rh_pool *pool, const char *stem)
{
	char *name = rh_pool_copy(pool, stem, strlen(stem));

	for (char *at = name; at && *at; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
		else if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", *at))
			*at = '_';
	}
	return name;
}

const char *rh_proposed_resource(struct rh_pool *pool, const char *interface)
{
	const char *rest = strncmp(interface, "lib", 3) == 0 && interface[3] >= 'a' &&
	                   interface[3] <= 'z' ? interface + 3 : interface;
	char       *name = rh_pool_copy(pool, rest, strlen(rest));

	for (char *at = name; at && *at; at++)
		if (*at == '.' || *at == '-')
			*at = '_';
	return name;
}

int rh_proposed_check(const char *path, struct rh_diag *diag)
{
	if (access(path, F_OK) < 0)
		return RH_OK;
	return rh_diag_set(diag, RH_EEXIST, "%.150s: is there already (--force "
	                   "replaces it)", path);
}

int rh_proposed_write(const char *path, const char *text, struct rh_diag *diag)
{
	char work[PATH_MAX];
	int  len = snprintf(work, sizeof work, "%s.new", path);

	if (len < 0 || (size_t)len >= sizeof work)
		return rh_diag_set(diag, RH_EMSGSIZE, "%.150s: the path is too long", path);
	FILE *out = fopen(work, "we");
	if (!out)
		return rh_diag_set(diag, RH_EIO, "%.150s: %s", work, strerror(errno));
	fputs(text, out);
	bool is_bad = ferror(out) != 0;
	if (fclose(out) == 0 && !is_bad && rename(work, path) == 0)
		return RH_OK;
	int result = rh_diag_set(diag, RH_EIO, "%.150s: %s", path, strerror(errno));
	unlink(work);
	return result;
}
