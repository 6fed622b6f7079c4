#include "rule.h"

#include "module.h"

#include "supervise/spawn.h"

#include "../base/yaml.h"
#include "../rules/wasi.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const manifest_keys[] = {
	"name", "hook", "abi", "mode", "memory", "capabilities", "variants", NULL,
};

static const char *const own_keys[] = { "build", "native", "ebpf", "file", NULL };

static bool is_among(const char *key, const char *const *keys)
{
	while (*keys && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

/* ---- a folder ---- */

static int refuse_at(struct rh_cli *cli, const char *path, const struct rh_yaml *yaml,
                     const char *key, const char *why)
{
	char                pointer[RH_YAML_KEY_MAX + 2];
	struct rh_yaml_mark mark;

	snprintf(pointer, sizeof pointer, "/%s", key);
	mark = rh_yaml_where(yaml, 0, pointer);
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s:%zu:%zu: %s: %s", path, mark.line,
	                   mark.column, key, why);
}

/* Copies what the project says of itself to text; absent is "". */
static int read_own(struct rh_cli *cli, const char *path, const struct rh_yaml *yaml,
                    const char *key, char *text, size_t cap)
{
	const json_t *value = json_object_get(rh_yaml_document(yaml, 0), key);

	if (value && !json_is_string(value))
		return refuse_at(cli, path, yaml, key, "must be a string");
	if (json_string_length(value) >= cap)
		return refuse_at(cli, path, yaml, key, "is too long");
	snprintf(text, cap, "%s", value ? json_string_value(value) : "");
	return RH_EXIT_OK;
}

static int read_keys(struct rh_cli *cli, const char *path, const struct rh_yaml *yaml,
                     struct rh_rule_project *project)
{
	const char *key;
	json_t     *value;

	json_object_foreach(rh_yaml_document(yaml, 0), key, value) {
		if (is_among(key, manifest_keys))
			json_object_set(project->manifest, key, value);
		else if (!is_among(key, own_keys))
			return refuse_at(cli, path, yaml, key, "is not known; known are name, "
				"hook, abi, mode, memory, capabilities, variants, build, native, ebpf and file");
	}
	return RH_EXIT_OK;
}

/* limiter/limiter.wasm -> limiter/limiter.so and limiter.o */
static void name_others(struct rh_rule_project *project)
{
	const char *suffix = strrchr(project->file, '.');
	size_t      len = suffix && !strchr(suffix, '/') ? (size_t)(suffix - project->file)
	                                                 : strlen(project->file);

	snprintf(project->native_file, sizeof project->native_file, "%.*s.so", (int)len,
	         project->file);
	snprintf(project->ebpf_file, sizeof project->ebpf_file, "%.*s.o", (int)len,
	         project->file);
}

static int read_yaml(struct rh_cli *cli, const char *path, const struct rh_yaml *yaml,
                     struct rh_rule_project *project)
{
	char file[PATH_MAX];

	if (rh_yaml_count(yaml) != 1 || !json_is_object(rh_yaml_document(yaml, 0)))
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s: must be one mapping", path);
	int result = read_keys(cli, path, yaml, project);
	if (result == RH_EXIT_OK)
		result = read_own(cli, path, yaml, "build", project->build,
		                  sizeof project->build);
	if (result == RH_EXIT_OK)
		result = read_own(cli, path, yaml, "native", project->native,
		                  sizeof project->native);
	if (result == RH_EXIT_OK)
		result = read_own(cli, path, yaml, "ebpf", project->ebpf, sizeof project->ebpf);
	if (result == RH_EXIT_OK)
		result = read_own(cli, path, yaml, "file", file, sizeof file);
	if (result != RH_EXIT_OK)
		return result;
	if (!file[0])
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s: file is missing: what the build "
		                   "makes, such as limiter.wasm", path);
	if (file[0] == '/')
		return refuse_at(cli, path, yaml, "file", "must be in the folder");
	snprintf(project->file, sizeof project->file, "%.2000s/%.2000s", project->folder,
	         file);
	name_others(project);
	return RH_EXIT_OK;
}

static int read_folder(struct rh_cli *cli, struct rh_rule_project *project)
{
	char               *path = project->rule_file, *text;
	size_t              len;
	struct rh_diag      diag = { 0 };
	struct rh_yaml     *yaml;
	struct rh_yaml_mark mark = { 0 };

	snprintf(path, sizeof project->rule_file, "%.4000s/" RH_RULE_FILE, project->folder);
	if (rh_module_bytes(path, &text, &len, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	int err = rh_yaml_parse(text, len, &yaml, &mark, &diag);
	free(text);
	if (err < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s:%zu:%zu: %s", path, mark.line,
		                   mark.column, diag.text);
	int result = read_yaml(cli, path, yaml, project);
	rh_yaml_destroy(yaml);
	return result;
}

/* ---- a file alone ---- */

static int read_file(struct rh_cli *cli, struct rh_rule_project *project)
{
	const char *hook = rh_args_value(&cli->args, "hook");
	const char *suffix = strrchr(project->file, '.');
	bool        is_wasm = suffix && strcmp(suffix, ".wasm") == 0;

	if (!hook)
		return rh_cli_usage(cli, "which hook is %s for? --hook filter", project->file);
	json_object_set_new(project->manifest, "hook", json_string(hook));
	json_object_set_new(project->manifest, "abi", json_integer(1));
	json_object_set_new(project->manifest, "mode", json_string(is_wasm ? "wasm"
	                    : strcmp(hook, "probe") == 0 ? "ebpf" : "native"));
	return RH_EXIT_OK;
}

int rh_rule_project_read(struct rh_cli *cli, const char *path,
                         struct rh_rule_project *ret_project)
{
	struct stat st;

	*ret_project = (struct rh_rule_project){ .manifest = json_object() };
	if (strlen(path) >= sizeof ret_project->folder - 32)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "the path is too long");
	if (stat(path, &st) < 0)
		return rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "%s is not there", path);
	if (S_ISDIR(st.st_mode)) {
		snprintf(ret_project->folder, sizeof ret_project->folder, "%s", path);
		return read_folder(cli, ret_project);
	}
	snprintf(ret_project->file, sizeof ret_project->file, "%s", path);
	return read_file(cli, ret_project);
}

int rh_rule_project_build(struct rh_cli *cli, const struct rh_rule_project *project,
                          const char *line)
{
	const char *const argv[] = { "/bin/sh", "-c", "cd -- \"$1\" && eval \"$2\"", "sh",
		                     project->folder, line, NULL };
	struct rh_spawn   order = { .argv = (char *const *)(uintptr_t)argv,
		                    .as = RH_SPAWN_HELPER };
	struct rh_spawned spawned;
	struct rh_diag    diag = { 0 };

	if (!line[0])
		return RH_EXIT_OK;
	fflush(NULL);
	if (rh_spawn(&order, &spawned, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (rh_spawn_await(&spawned) != 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "the build of %s failed: %s",
		                   project->folder, line);
	return RH_EXIT_OK;
}

uint32_t rh_rule_project_capabilities(const struct rh_rule_project *project)
{
	uint32_t set = 0;
	size_t   i;
	json_t  *item;

	json_array_foreach(json_object_get(project->manifest, "capabilities"), i, item) {
		const char *name = json_string_value(item);
		int         capability = name ? rh_capability_find(name) : -1;

		if (capability >= 0) /* the center refuses others */
			set |= 1u << capability;
	}
	return set;
}

void rh_rule_project_fini(struct rh_rule_project *project)
{
	json_decref(project->manifest);
	project->manifest = NULL;
}
