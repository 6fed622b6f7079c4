#include "interfaces.h"

#include "client.h"
#include "module.h"
#include "offered.h"
#include "tool.h"

#include "supervise/spawn.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP "stamp"

struct build {
	struct rh_cli *cli;
	const char    *name;
	bool           is_dry;           /* modules stay here        */
	char           side[PATH_MAX];   /* "": not known yet        */
	char           folder[PATH_MAX]; /* <state>/interface/<name> */
	char           tool[PATH_MAX];
};

/* --- running the generator --------------------------------------------------------- */

/* Runs the generator at the terminal; an enum rh_exit. */
static int run(struct build *build, const char *const *argv)
{
	struct rh_spawn   order = { .argv = (char *const *)(uintptr_t)argv,
		                    .as = RH_SPAWN_HELPER };
	struct rh_spawned spawned;
	struct rh_diag    diag = { 0 };

	fflush(NULL);
	if (rh_spawn(&order, &spawned, &diag) < 0)
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (rh_spawn_await(&spawned) != 0)
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED,
		                   "the interface %s cannot be built from %s",
		                   build->name, build->side);
	return RH_EXIT_OK;
}

/* What the generator sees in the side file, its headers and the library, as JSON
 * text; the caller frees.  It tells itself what is wrong. */
static int show(struct build *build, char **ret_text, size_t *ret_len)
{
	const char *const argv[] = {
		build->tool, "show", build->side, "-o", "json", NULL
	};
	struct rh_diag diag = { 0 };
	int            code = rh_spawn_capture(argv, ret_text, ret_len, &diag);

	if (code < 0)
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (code == 0)
		return RH_EXIT_OK;
	free(*ret_text);
	return rh_cli_fail(build->cli, RH_EXIT_REFUSED,
	                   "the interface %s cannot be read from %s", build->name,
	                   build->side);
}

/* --- is it up to date? ----------------------------------------------------------------
 */

/* Everything that the artifacts are made from, as one text: the side file, what the
 * generator sees through it, and the generator. */
static int make_stamp(struct build *build, char *stamp, size_t cap)
{
	char           *side = NULL, *seen = NULL;
	char            hashes[2][RH_SHA256_TEXT];
	size_t          side_len = 0, seen_len = 0;
	struct stat     tool = { 0 };
	struct rh_diag  diag = { 0 };
	int             result;

	if (rh_module_bytes(build->side, &side, &side_len, &diag) < 0)
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED, "%s", diag.text);
	result = show(build, &seen, &seen_len);
	if (result == RH_EXIT_OK) {
		rh_module_hash(side, side_len, hashes[0]);
		rh_module_hash(seen, seen_len, hashes[1]);
		(void)stat(build->tool, &tool);
		snprintf(stamp, cap, "side %s\nseen %s\ntool %lld %lld.%09ld\n",
		         hashes[0], hashes[1], (long long)tool.st_size,
		         (long long)tool.st_mtim.tv_sec, tool.st_mtim.tv_nsec);
	}
	free(side);
	free(seen);
	return result;
}

static void stamp_path(const struct build *build, char path[PATH_MAX + 8])
{
	snprintf(path, PATH_MAX + 8, "%s/" STAMP, build->folder);
}

static bool is_current(const struct build *build, const char *stamp)
{
	char   path[PATH_MAX + 8], *old;
	size_t len;
	bool   is_same;

	stamp_path(build, path);
	if (rh_module_bytes(path, &old, &len, NULL) < 0)
		return false;
	is_same = strcmp(old, stamp) == 0;
	free(old);
	return is_same;
}

static int generate(struct build *build)
{
	const char *const argv[] = { build->tool, "build", build->side, "-d",
		                     build->folder, NULL };
	char  stamp[400], path[PATH_MAX + 8];
	FILE *file;
	int   result = make_stamp(build, stamp, sizeof stamp);

	if (result != RH_EXIT_OK || is_current(build, stamp))
		return result;
	fprintf(build->cli->err, "building the interface %s from %s\n", build->name,
	        build->side);
	result = run(build, argv);
	if (result != RH_EXIT_OK)
		return result;
	stamp_path(build, path);
	file = fopen(path, "we");
	if (file) { /* without it the next apply builds again */
		fputs(stamp, file);
		fclose(file);
	}
	return RH_EXIT_OK;
}

/* --- the object ------------------------------------------------------------------------
 */

static int read_artifact(struct build *build, const char *file, char **ret_bytes,
                         size_t *ret_len)
{
	char           path[2 * PATH_MAX];
	struct rh_diag diag = { 0 };

	snprintf(path, sizeof path, "%s/%s", build->folder, file);
	if (rh_module_bytes(path, ret_bytes, ret_len, &diag) < 0)
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED, "%s", diag.text);
	return RH_EXIT_OK;
}

/* Reads an artifact and makes sure that the center has it; hash goes to spec. */
static int send_artifact(struct build *build, const char *file, json_t *modules,
                         const char *key)
{
	char   hash[RH_SHA256_TEXT], *bytes;
	size_t len;
	int    result = read_artifact(build, file, &bytes, &len);

	if (result != RH_EXIT_OK)
		return result;
	rh_module_hash(bytes, len, hash);
	json_object_set_new(modules, key, json_string(hash));
	if (!build->is_dry)
		result = rh_module_send(build->cli, hash, bytes, len);
	free(bytes);
	return result;
}

static int describe(struct build *build, json_t *spec)
{
	static const char *const keys[] = { "soname", "version", "hash", "library" };
	char  *text, *bytes;
	size_t text_len, len;
	int    result = read_artifact(build, "interface.txt", &text, &text_len);

	if (result != RH_EXIT_OK)
		return result;
	json_object_set_new(spec, "text", json_stringn(text, text_len));
	free(text);
	result = read_artifact(build, "interface.json", &bytes, &len);
	if (result != RH_EXIT_OK)
		return result;
	json_t *known = json_loadb(bytes, len, 0, NULL);
	free(bytes);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		json_t *value = json_object_get(known, keys[i]);

		if (json_string_length(value))
			json_object_set(spec, keys[i], value);
	}
	json_decref(known);
	if (!json_object_get(spec, "soname") || !json_object_get(spec, "hash"))
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED,
		                   "%s/interface.json lacks soname or hash",
		                   build->folder);
	return RH_EXIT_OK;
}

static int add_object(struct build *build, json_t *objects)
{
	json_t     *spec = json_object(), *modules = json_object();
	const char *soname;
	char        shadow[512];
	int         result = describe(build, spec);

	if (result == RH_EXIT_OK) {
		soname = json_string_value(json_object_get(spec, "soname"));
		snprintf(shadow, sizeof shadow, "lib/%s", soname);
		result = send_artifact(build, shadow, modules, "shadow");
	}
	if (result == RH_EXIT_OK)
		result = send_artifact(build, "skeleton.so", modules, "skeleton");
	if (result == RH_EXIT_OK)
		json_object_set(spec, "modules", modules);
	if (result == RH_EXIT_OK)
		json_array_append_new(objects,
			json_pack("{s:s, s:{s:s}, s:O}", "kind", "Interface", "metadata",
			          "name", build->name, "spec", spec));
	json_decref(spec);
	json_decref(modules);
	return result;
}

/* --- which ones
 * -------------------------------------------------------------------------- */

static bool is_side_in(const char *folder, const char *name, char side[PATH_MAX])
{
	snprintf(side, PATH_MAX, "%s/%s.side", folder, name);
	return access(side, R_OK) == 0;
}

static bool find_side(struct build *build, const char *folder)
{
	const char *other;

	if (is_side_in(folder, build->name, build->side))
		return true;
	for (size_t i = 0; (other = rh_args_nth(&build->cli->args, "interface-path", i));
	     i++) {
		if (is_side_in(other, build->name, build->side))
			return true;
	}
	return false;
}

static const char *interface_of(const struct rh_manifest *manifest, size_t index)
{
	const json_t *spec = json_object_get(rh_manifest_object(manifest, index), "spec");

	return json_string_value(json_object_get(spec, "interface"));
}

static bool is_in_manifest(const struct rh_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < rh_manifest_count(manifest); i++) {
		if (strcmp(rh_manifest_kind(manifest, i), "Interface") == 0 &&
		    strcmp(rh_manifest_name(manifest, i), name) == 0)
			return true;
	}
	return false;
}

static const json_t *find_among(const json_t *objects, const char *name)
{
	size_t  i;
	json_t *object;

	json_array_foreach(objects, i, object) {
		json_t *metadata = json_object_get(object, "metadata");

		if (strcmp(json_string_value(json_object_get(metadata, "name")), name) ==
		    0)
			return object;
	}
	return NULL;
}

/* Without a side file it must be there already. */
static int check_registered(struct build *build, const struct rh_manifest *manifest,
                            size_t index)
{
	struct rh_reply reply;
	struct rh_diag  diag = { 0 };
	char            path[160], place[RH_MANIFEST_PLACE_MAX];
	struct rh_ask   ask = { .method = "GET", .path = path };
	long            status;
	int             r;

	snprintf(path, sizeof path, "/apis/v1/interfaces/");
	rh_http_escape(path, sizeof path, build->name);
	r = rh_client_try(build->cli, &ask, &reply, &diag);
	if (r < 0)
		return rh_cli_fail(build->cli, rh_cli_exit_of(r), "%s", diag.text);
	status = reply.status;
	rh_reply_fini(&reply);
	if (status != 404)
		return RH_EXIT_OK;
	rh_manifest_where(manifest, index, "/spec/interface", place);
	return rh_cli_fail(
		build->cli, RH_EXIT_NOT_FOUND,
		"%s: there is no %s.side in %s, and no interface of that name is"
		" registered\n    what to do  `rhodes interface new` proposes"
		" a side file; --interface-path names its folder",
		place, build->name, rh_manifest_folder(manifest, index));
}

static int find_tool(struct build *build)
{
	struct rh_diag diag = { 0 };

	if (rh_tool_find("rhodes-interface", build->tool, &diag) < 0)
		return rh_cli_fail(build->cli, RH_EXIT_REFUSED, "%s", diag.text);
	return RH_EXIT_OK;
}

/* Two files may say the same interface, as a service has it that is written in two
 * languages; not two of one name. */
static int check_same(struct build *build, const struct rh_manifest *manifest,
                      size_t index, const json_t *object)
{
	const char *first = json_string_value(
		json_object_get(json_object_get(object, "spec"), "hash"));
	char        place[RH_MANIFEST_PLACE_MAX], *text;
	size_t      len;
	json_t     *seen;
	bool        is_same;
	int         result = find_tool(build);

	if (result == RH_EXIT_OK)
		result = show(build, &text, &len);
	if (result != RH_EXIT_OK)
		return result;
	seen = json_loadb(text, len, 0, NULL);
	free(text);
	is_same = json_string_length(json_object_get(seen, "hash")) &&
	          strcmp(json_string_value(json_object_get(seen, "hash")), first) == 0;
	json_decref(seen);
	if (is_same)
		return RH_EXIT_OK;
	rh_manifest_where(manifest, index, "/spec/interface", place);
	return rh_cli_fail(build->cli, RH_EXIT_REFUSED,
	                   "%s: this file's interface is called %s like another one of the"
	                   " manifest, which has other functions\n    what to do  `rhodes"
	                   " interface show` prints both; give one another name",
	                   place, build->name);
}

static int make_one(struct build *build, const struct rh_manifest *manifest, size_t index,
                    json_t *objects)
{
	struct rh_cli *cli = build->cli;
	const char    *name = build->name;
	struct rh_diag diag = { 0 };
	int            result;

	if (name[0] == '.' || !name[0])
		return RH_EXIT_OK; /* the center says what is wrong with it */
	if (!build->side[0] && !find_side(build, rh_manifest_folder(manifest, index)))
		return check_registered(build, manifest, index);
	result = find_tool(build);
	if (result != RH_EXIT_OK)
		return result;
	if (rh_dirs_make(&cli->dirs, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	snprintf(build->folder, sizeof build->folder, "%s/interface", cli->dirs.state);
	if (mkdir(build->folder, 0755) < 0 && errno != EEXIST)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s",
		                   build->folder, strerror(errno));
	snprintf(build->folder, sizeof build->folder, "%s/interface/%s", cli->dirs.state,
	         name);
	result = generate(build);
	return result == RH_EXIT_OK ? add_object(build, objects) : result;
}

/* The interface that the file says, as the object's interface by its name. */
static int read_offered(struct build *build, struct rh_manifest *manifest, size_t index)
{
	char place[RH_MANIFEST_PLACE_MAX];
	int  result = rh_offered_make(build->cli, manifest, index, build->side);

	if (result != RH_EXIT_OK)
		return result;
	build->name = interface_of(manifest, index);
	if (!is_in_manifest(manifest, build->name))
		return RH_EXIT_OK;
	rh_manifest_where(manifest, index, "/spec/interface", place);
	return rh_cli_fail(build->cli, RH_EXIT_REFUSED,
	                   "%s: this file's interface is called %s, and the manifest has"
	                   " an Interface of that name", place, build->name);
}

/* The interface of one object of the manifest, if it has one and that is not there. */
static int make_for(struct build *build, struct rh_manifest *manifest, size_t index,
                    json_t *objects)
{
	const json_t *known;
	int           result = RH_EXIT_OK;

	build->name = interface_of(manifest, index);
	if (!build->name || is_in_manifest(manifest, build->name))
		return RH_EXIT_OK;
	build->side[0] = '\0';
	if (rh_offered_is_file(build->name))
		result = read_offered(build, manifest, index);
	if (result != RH_EXIT_OK)
		return result;
	known = find_among(objects, build->name);
	if (!known)
		return make_one(build, manifest, index, objects);
	return build->side[0] ? check_same(build, manifest, index, known) : RH_EXIT_OK;
}

int rh_interfaces_build(struct rh_cli *cli, struct rh_manifest *manifest, bool is_dry,
                        json_t **ret_objects)
{
	struct build build = { .cli = cli, .is_dry = is_dry };
	json_t      *objects = json_array();
	int          result = RH_EXIT_OK;

	for (size_t i = 0; result == RH_EXIT_OK && i < rh_manifest_count(manifest); i++)
		result = make_for(&build, manifest, i, objects);
	if (result == RH_EXIT_OK)
		*ret_objects = objects;
	else
		json_decref(objects);
	return result;
}
