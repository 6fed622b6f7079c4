#include "offered.h"

#include "../base/diag.h"
#include "tool.h"

#include "supervise/spawn.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDE ".side"

static bool ends_with(const char *text, const char *tail)
{
	size_t len = strlen(text), tail_len = strlen(tail);

	return len > tail_len && strcmp(text + len - tail_len, tail) == 0;
}

bool rh_offered_is_file(const char *interface)
{
	static const char *const tails[] = { ".py", ".go", ".rs", ".ts", ".class", ".jar",
		                             ".h", ".so", ".o" };

	if (strchr(interface, '/') || strstr(interface, ".jar!"))
		return true;
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		if (ends_with(interface, tails[i]))
			return true;
	return false;
}

static json_t *spec_of(const struct rh_manifest *manifest, size_t index)
{
	return json_object_get(rh_manifest_object(manifest, index), "spec");
}

static int find_file(struct rh_cli *cli, const struct rh_manifest *manifest, size_t index,
                     char file[PATH_MAX])
{
	const char *word = json_string_value(json_object_get(spec_of(manifest, index),
	                                                     "interface"));
	const char *folder = rh_manifest_folder(manifest, index);
	char        path[PATH_MAX], place[RH_MANIFEST_PLACE_MAX], *inside;

	if (strncmp(word, "./", 2) == 0)
		word += 2;
	int n = word[0] == '/' ? snprintf(file, PATH_MAX, "%s", word)
	                       : snprintf(file, PATH_MAX, "%s/%s", folder, word);

	rh_manifest_where(manifest, index, "/spec/interface", place);
	if (n < 0 || n >= PATH_MAX)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s: the path is too long", place);
	snprintf(path, sizeof path, "%s", file);
	inside = strstr(path, ".jar!");
	if (inside) /* a class in it */
		inside[4] = '\0';
	if (access(path, R_OK) < 0)
		return rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "%s: %s: %s", place, path,
		                   strerror(errno));
	return RH_EXIT_OK;
}

static int make_folder(struct rh_cli *cli, char folder[PATH_MAX])
{
	struct rh_diag diag = { 0 };

	if (rh_dirs_make(&cli->dirs, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	snprintf(folder, PATH_MAX, "%s/interface", cli->dirs.state);
	if (mkdir(folder, 0755) == 0 || errno == EEXIST) {
		snprintf(folder, PATH_MAX, "%s/interface/.source", cli->dirs.state);
		if (mkdir(folder, 0755) == 0 || errno == EEXIST)
			return RH_EXIT_OK;
	}
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", folder,
	                   strerror(errno));
}

/* The generator tells itself what is wrong with the file, and where. */
static int read_file(struct rh_cli *cli, const char *const *argv, char side[PATH_MAX])
{
	struct rh_diag diag = { 0 };
	char          *text;
	size_t         len;
	int            code = rh_spawn_capture(argv, &text, &len, &diag);

	if (code < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (code == 0)
		snprintf(side, PATH_MAX, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return code == 0 && ends_with(side, SIDE) ? RH_EXIT_OK : RH_EXIT_REFUSED;
}

/* <folder>/pricing.side -> pricing */
static json_t *name_of(const char *side)
{
	const char *slash = strrchr(side, '/');
	const char *name = slash ? slash + 1 : side;

	return json_stringn(name, strlen(name) - strlen(SIDE));
}

int rh_offered_make(struct rh_cli *cli, struct rh_manifest *manifest, size_t index,
                    char side[PATH_MAX])
{
	json_t     *spec = spec_of(manifest, index);
	const char *library = json_string_value(
		json_object_get(json_object_get(spec, "serve"), "library"));
	char           tool[PATH_MAX], file[PATH_MAX], folder[PATH_MAX];
	char           place[RH_MANIFEST_PLACE_MAX];
	struct rh_diag diag = { 0 };
	int            result = find_file(cli, manifest, index, file);

	if (result != RH_EXIT_OK)
		return result;
	if (rh_tool_find("rhodes-interface", tool, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	result = make_folder(cli, folder);
	if (result != RH_EXIT_OK)
		return result;
	bool              has_header = library && ends_with(file, ".h");
	const char *const argv[] = { tool, "new", has_header ? library : file, "-d", folder,
		                     "--force", "--quiet", has_header ? "-H" : NULL, file,
		                     NULL };
	result = read_file(cli, argv, side);
	if (result != RH_EXIT_OK)
		return rh_cli_fail(cli, result, "%s: no interface can be made of %s",
		                   rh_manifest_where(manifest, index, "/spec/interface",
		                                     place), file);
	json_object_set_new(spec, "interface", name_of(side));
	return RH_EXIT_OK;
}
