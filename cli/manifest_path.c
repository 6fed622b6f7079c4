#include "manifest.h"

#include "../base/diag.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folder is resolved, the file itself may be a symbolic link worth its name. */
static int join(const char *folder, const char *path, char *result)
{
	const char *slash = strrchr(path, '/');
	char        parent[PATH_MAX], real[PATH_MAX];
	int         n = snprintf(parent, sizeof parent, "%s/%.*s", folder,
	                         (int)(slash - path), path);

	if (n < 0 || (size_t)n >= sizeof parent)
		return RH_EMSGSIZE;
	if (realpath(parent, real))
		n = snprintf(result, PATH_MAX, "%s%s", real, slash);
	else if (realpath(folder, real)) /* not there yet: as it is written */
		n = snprintf(result, PATH_MAX, "%s/%s", real, path);
	return n < 0 || n >= PATH_MAX ? RH_EMSGSIZE : RH_OK;
}

/* The absolute form as a new value; NULL when the text may stay, or on failure. */
static json_t *absolute(const char *folder, const json_t *value, int *ret_error)
{
	const char *path = json_string_value(value);
	char        result[PATH_MAX];

	if (!path || path[0] == '/' || !strchr(path, '/'))
		return NULL;
	*ret_error = join(folder, path, result);
	if (*ret_error < 0)
		return NULL;
	json_t *text = json_string(result);
	if (!text)
		*ret_error = RH_ENOMEM;
	return text;
}

int rh_manifest_resolve(struct rh_manifest *manifest, struct rh_diag *diag)
{
	for (size_t i = 0; i < rh_manifest_count(manifest); i++) {
		json_t *spec = json_object_get(rh_manifest_object(manifest, i), "spec");
		json_t     *serve = json_object_get(spec, "serve");
		json_t     *program = json_object_get(serve, "program");
		const char *folder = rh_manifest_folder(manifest, i);
		int         error = RH_OK;
		json_t *text =
			absolute(folder, json_object_get(serve, "library"), &error);

		if (text)
			json_object_set_new(serve, "library", text);
		text = absolute(folder, json_array_get(program, 0), &error);
		if (text)
			json_array_set_new(program, 0, text);
		if (error < 0)
			return rh_diag_set(diag, error,
			                   "the path that serves %.63s is too"
			                   " long",
			                   rh_manifest_name(manifest, i));
	}
	return RH_OK;
}
