#include "view.h"

#include "known.h"
#include "module.h"
#include "tool.h"
#include "verb.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Adds a folder to the path, once. */
static int add_folder(struct rh_cli *cli, char **path, const char *folder)
{
	size_t      len = strlen(folder);
	const char *old = *path ? *path : "";
	char       *more;

	for (const char *at = old; *at; at += strcspn(at, ":"), at += *at == ':') {
		if (strncmp(at, folder, len) == 0 && (at[len] == ':' || at[len] == '\0'))
			return RH_EXIT_OK;
	}
	if (asprintf(&more, "%s%s%s", old, *old ? ":" : "", folder) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	free(*path);
	*path = more;
	return RH_EXIT_OK;
}

/* A folder of the cache, of this resource or another: .../view/<sha256> */
static bool is_shadow_folder(const char *folder, size_t len)
{
	static const char parent[] = "/view/";
	size_t            tail = sizeof parent - 1 + RH_SHA256_TEXT - 1;

	return len > tail &&
	       memcmp(folder + len - tail, parent, sizeof parent - 1) == 0 &&
	       strspn(folder + len - (RH_SHA256_TEXT - 1), "0123456789abcdef") >=
	               RH_SHA256_TEXT - 1;
}

/* What stood in LD_LIBRARY_PATH, without the shadows of the resource that this
 * command itself runs as. */
static int add_before(struct rh_cli *cli, char **path, const char *before)
{
	int result = RH_EXIT_OK;

	while (*before && result == RH_EXIT_OK) {
		size_t len = strcspn(before, ":");
		char  *folder = strndup(before, len);

		if (!folder)
			return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
		if (len && !is_shadow_folder(folder, len))
			result = add_folder(cli, path, folder);
		free(folder);
		before += len;
		before += *before == ':';
	}
	return result;
}

/* NULL when there is no such object, which is no fault here. */
static int find(struct rh_cli *cli, const char *kind, const char *name, json_t **ret_json)
{
	struct rh_diag diag = { 0 };
	long           status = 0;
	int            r = rh_known_find(cli, kind, name, ret_json, &status, &diag);

	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	if (!*ret_json && status != 404)
		return rh_known_get(cli, kind, name, ret_json);
	return RH_EXIT_OK;
}

/* "libmagic.so" of "libmagic.so.1"; NULL when there is nothing behind. */
static char *link_name(const char *soname)
{
	const char *end = strstr(soname, ".so.");

	return end ? strndup(soname, (size_t)(end - soname) + 3) : NULL;
}

/* Says where the tables of an interface are: <resource>=<interface>=<path>. */
static int add_interface(struct rh_cli *cli, struct rh_view *view, const char *resource,
                         const char *interface, const char *folder, const char *soname)
{
	const char *old = view->interfaces ? view->interfaces : "";
	char       *more;

	if (asprintf(&more, "%s%s%s=%s=%s/%s", old, *old ? ":" : "", resource, interface,
	             folder, soname) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "out of memory");
	free(view->interfaces);
	view->interfaces = more;
	return RH_EXIT_OK;
}

/* Fetches the shadow library of an interface that resource offers under that name, and
 * puts it in front when it is that of a callee. */
static int add_shadow(struct rh_cli *cli, struct rh_view *view, const char *resource,
                      const char *name, const json_t *interface, bool is_callee)
{
	const json_t *spec = json_object_get(interface, "spec");
	const json_t *modules = json_object_get(spec, "modules");
	const char   *shadow = json_string_value(json_object_get(modules, "shadow"));
	const char   *soname = json_string_value(json_object_get(spec, "soname"));
	char          folder[PATH_MAX];
	char         *link;
	int           result;

	if (!shadow || !soname)
		return RH_EXIT_OK; /* spoken through the SDK only */
	link = link_name(soname);
	result = rh_module_ensure(cli, shadow, soname, link, folder);
	free(link);
	if (result == RH_EXIT_OK)
		result = add_interface(cli, view, resource, name, folder, soname);
	if (result == RH_EXIT_OK && is_callee)
		result = add_folder(cli, &view->library_path, folder);
	return result;
}

static void warn(struct rh_cli *cli, const char *reference, const char *what,
                 const char *name)
{
	fprintf(cli->err, "rhodes %s: warning: %s is referenced, but %s%s is not"
	        " registered; its library is not in front\n", cli->verb->name, reference,
	        what, name);
}

static int add_reference(struct rh_cli *cli, struct rh_view *view, const char *reference)
{
	json_t     *resource = NULL, *interface = NULL;
	const char *name = NULL;
	int         result = find(cli, "resources", reference, &resource);

	if (result != RH_EXIT_OK)
		return result;
	if (resource)
		name = json_string_value(
			json_object_get(json_object_get(resource, "spec"), "interface"));
	else
		warn(cli, reference, "it", "");
	if (name)
		result = find(cli, "interfaces", name, &interface);
	if (name && result == RH_EXIT_OK && !interface)
		warn(cli, reference, "its interface ", name);
	if (interface)
		result = add_shadow(cli, view, reference, name, interface, true);
	json_decref(resource);
	json_decref(interface);
	return result;
}

/* What the resource itself offers: a program that serves it looks its functions up. */
static int add_own(struct rh_cli *cli, struct rh_view *view, const char *resource)
{
	const char *name = json_string_value(json_object_get(
		json_object_get(view->resource, "spec"), "interface"));
	json_t     *interface = NULL;
	int         result = RH_EXIT_OK;

	if (name)
		result = find(cli, "interfaces", name, &interface);
	if (result == RH_EXIT_OK && interface)
		result = add_shadow(cli, view, resource, name, interface, false);
	json_decref(interface);
	return result;
}

static int add_references(struct rh_cli *cli, struct rh_view *view)
{
	const json_t *spec = json_object_get(view->resource, "spec");
	size_t        i;
	json_t       *reference;
	int           result = RH_EXIT_OK;

	json_array_foreach(json_object_get(spec, "reference"), i, reference) {
		if (result == RH_EXIT_OK && json_is_string(reference))
			result = add_reference(cli, view, json_string_value(reference));
	}
	return result;
}

int rh_view_init(struct rh_cli *cli, const char *resource, struct rh_view *ret_view)
{
	struct rh_view view = { .resource = NULL };
	struct rh_diag diag = { 0 };
	const char    *before = getenv("LD_LIBRARY_PATH");
	char           library[PATH_MAX];
	int            result;

	if (rh_dirs_agent(&cli->dirs, resource, view.agent, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	result = rh_known_get(cli, "resources", resource, &view.resource);
	if (result == RH_EXIT_OK)
		result = add_references(cli, &view);
	if (result == RH_EXIT_OK)
		result = add_own(cli, &view, resource);
	/* Shadow libraries need librhodes; last, so that it hides nothing. */
	if (result == RH_EXIT_OK && before)
		result = add_before(cli, &view.library_path, before);
	if (result == RH_EXIT_OK && rh_tool_library(library) == RH_OK)
		result = add_folder(cli, &view.library_path, library);
	if (result == RH_EXIT_OK)
		*ret_view = view;
	else
		rh_view_fini(&view);
	return result;
}

void rh_view_fini(struct rh_view *view)
{
	json_decref(view->resource);
	free(view->library_path);
	free(view->interfaces);
	*view = (struct rh_view){ .resource = NULL };
}

void rh_view_enter(const struct rh_cli *cli, const struct rh_view *view,
                   const char *resource)
{
	setenv("RHODES_AGENT", view->agent, 1);
	setenv("RHODES_RESOURCE", resource, 1);
	setenv("RHODES_SYSTEM", cli->dirs.system, 1);
	if (view->library_path)
		setenv("LD_LIBRARY_PATH", view->library_path, 1);
	if (view->interfaces)
		setenv("RHODES_INTERFACES", view->interfaces, 1);
	else
		unsetenv("RHODES_INTERFACES"); /* of the resource that this command runs as */
}
