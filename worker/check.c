#include "check.h"

#include "../interface/library.h"
#include "../interface/verify.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

/* The canonical text of what is carried; the caller frees it. */
static char *write_text(const struct rh_interface *interface, size_t *ret_len)
{
	char  line[RH_TEXT_MAX];
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < interface->function_count; i++) {
		const struct rh_function *function = &interface->functions[i];

		if (!(function->flags & (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY)) &&
		    rh_function_text(function, line, sizeof line) >= 0)
			fprintf(out, "%s\n", line);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int rh_check_path(const struct rh_interface *interface, void *library, char *path,
                  struct rh_diag *diag)
{
	struct link_map *map = NULL;

	if (library && dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0]) {
		snprintf(path, PATH_MAX, "%s", map->l_name);
		return RH_OK;
	}
	return rh_library_find(interface->soname, NULL, path, PATH_MAX, diag);
}

int rh_check_library(const struct rh_interface *interface, void *library,
                     struct rh_diag *diag)
{
	char   path[PATH_MAX];
	size_t len = 0;
	int    result = rh_check_path(interface, library, path, diag);
	char  *text = result >= 0 ? write_text(interface, &len) : NULL;

	if (result >= 0 && !text)
		result = RH_ENOMEM;
	if (result >= 0) {
		const struct rh_verify_request request = {
			.library = path, .text = text, .len = len,
			.soname = interface->soname, .version = interface->version,
		};

		result = rh_verify_library(&request, diag);
	}
	free(text);
	return result;
}
