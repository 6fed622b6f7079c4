#include "rule.h"

#include "client.h"
#include "module.h"
#include "output.h"
#include "problem.h"
#include "show.h"

#include "supervise/spawn.h"

#include "../base/diag.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the source ---- */

static int read_all(int fd, char **ret_bytes, size_t *ret_len)
{
	FILE   *memory = open_memstream(ret_bytes, ret_len);
	char    bytes[16384];
	ssize_t n;

	if (!memory)
		return RH_ENOMEM;
	while ((n = read(fd, bytes, sizeof bytes)) > 0 && *ret_len <= RH_MODULE_MAX) {
		fwrite(bytes, 1, (size_t)n, memory);
		fflush(memory);
	}
	fclose(memory);
	return *ret_len > RH_MODULE_MAX ? RH_EMSGSIZE : RH_OK;
}

/* The folder without what was built and what was recorded, which are other people's
 * data, in an order and with times that do not change, so
 * that the same source has the same hash. */
static int pack(struct rh_cli *cli, const struct rh_rule_project *project,
                char **ret_bytes, size_t *ret_len)
{
	char exclude[PATH_MAX + 16], native[PATH_MAX + 16];
	const char *const argv[] = { "tar", "--create", "--format=ustar", "--sort=name",
		"--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=a+r,u+w,go-w",
		"--exclude-vcs", "--exclude=./node_modules", exclude, native, "--exclude=./" RH_RULE_RECORDED, "--directory", project->folder, ".", NULL };
	struct rh_spawn   order = { .argv = (char *const *)(uintptr_t)argv,
		                    .as = RH_SPAWN_CAPTURE };
	struct rh_spawned spawned;
	struct rh_diag    diag = { 0 };

	snprintf(exclude, sizeof exclude, "--exclude=.%s",
	         project->file + strlen(project->folder));
	snprintf(native, sizeof native, "--exclude=.%s",
	         project->native_file + strlen(project->folder));
	fflush(NULL);
	if (rh_spawn(&order, &spawned, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	int err = read_all(spawned.output, ret_bytes, ret_len);
	close(spawned.output); /* one that has more to say ends by it */
	int code = rh_spawn_await(&spawned);
	if (err == RH_OK && code == 0)
		return RH_EXIT_OK;
	free(*ret_bytes);
	return rh_cli_fail(cli, RH_EXIT_REFUSED, err == RH_EMSGSIZE
		? "%s: its source is larger than 8 MiB" : "%s: cannot be packed by tar",
		project->folder);
}

/* ---- the parts ---- */

static int send_part(struct rh_cli *cli, json_t *parts, const char *what,
                     const char *bytes, size_t len)
{
	char hash[RH_SHA256_TEXT];

	rh_module_hash(bytes, len, hash);
	json_object_set_new(parts, what, json_string(hash));
	return rh_module_send(cli, hash, bytes, len);
}

static int send_file(struct rh_cli *cli, const struct rh_rule_project *project,
                     json_t *parts)
{
	const char    *mode = rh_show_text(project->manifest, "mode");
	struct rh_diag diag = { 0 };
	char          *bytes;
	size_t         len;

	if (rh_module_bytes(project->file, &bytes, &len, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (len == 0) {
		free(bytes);
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s is empty", project->file);
	}
	int result = send_part(cli, parts, mode && strcmp(mode, "wasm") != 0 ? "object"
	                       : "wasm", bytes, len);
	free(bytes);
	return result;
}

static int send_source(struct rh_cli *cli, const struct rh_rule_project *project,
                       json_t *parts)
{
	char  *bytes = NULL;
	size_t len = 0;

	if (!project->folder[0])
		return RH_EXIT_OK;
	int result = pack(cli, project, &bytes, &len);
	if (result != RH_EXIT_OK)
		return result;
	result = send_part(cli, parts, "source", bytes, len);
	free(bytes);
	return result;
}

/* ---- what came of it ---- */

static void print_parts(struct rh_cli *cli, const json_t *parts)
{
	static const char *const order[] = {
		"wasm", "object", "object_portable", "object_fuel", "object_portable_fuel", "source",
	};

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		const json_t *part = json_object_get(parts, order[i]);

		if (part)
			fprintf(cli->out, "%-9s %lld bytes, sha256:%s\n", order[i],
			        (long long)json_integer_value(json_object_get(part, "bytes")),
			        rh_show_text(part, "sha256"));
	}
}

/* What an object of eBPF holds: "on_exec (tp_btf/sched_process_exec)". */
static void print_programs(struct rh_cli *cli, const json_t *manifest)
{
	static const struct {
		const char *key, *title;
	} lists[] = { { "maps", "maps" }, { "parameters", "params" } };
	const json_t *programs = json_object_get(manifest, "programs");
	size_t        i;
	json_t       *program;
	char          text[2048];

	json_array_foreach(programs, i, program)
		fprintf(cli->out, "%-9s %s (%s)\n", i ? "" : "programs",
		        rh_show_text(program, "name"), rh_show_text(program, "section"));
	for (i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		const json_t *list = json_object_get(manifest, lists[i].key);

		if (json_array_size(list) > 0)
			fprintf(cli->out, "%-9s %s\n", lists[i].title,
			        rh_show_list(list, text, sizeof text));
	}
}

static void print_module(struct rh_cli *cli, const json_t *object)
{
	const json_t *manifest = json_object_get(json_object_get(object, "spec"),
	                                         "manifest");
	const json_t *exports = json_object_get(manifest, "exports");
	const json_t *version = json_object_get(manifest, "version");
	char          list[512];

	fprintf(cli->out, "module    sha256:%s\n", rh_show_name(object));
	if (version) /* a center of before gives none */
		fprintf(cli->out, "version   %lld\n", (long long)json_integer_value(version));
	fprintf(cli->out, "hook      %s, version %lld, mode %s, memory %s\n",
	        rh_show_text(manifest, "hook"),
	        (long long)json_integer_value(json_object_get(manifest, "abi")),
	        rh_show_text(manifest, "mode"), rh_show_text(manifest, "memory"));
	const json_t *wanted = json_object_get(manifest, "capabilities");

	if (json_array_size(wanted) > 0)
		fprintf(cli->out, "may have  %s\n", rh_show_list(wanted, list, sizeof list));
	print_parts(cli, json_object_get(manifest, "parts"));
	print_programs(cli, manifest);
	if (exports)
		fprintf(cli->out, "exports   %s\n",
		        rh_show_list(exports, list, sizeof list));
}

/* What the center says of a part is said of the file that it was made of. */
static int tell(struct rh_cli *cli, const struct rh_rule_project *project,
                const struct rh_reply *reply)
{
	static const char part[] = "/parts/", name[] = "module ";
	struct rh_problem problem;
	bool              is_source;

	rh_problem_read(&problem, reply->status, reply->json);
	if (!problem.pointer || strncmp(problem.pointer, part, sizeof part - 1) != 0) {
		rh_problem_print(&problem, cli->err, "rhodes rule", project->folder[0]
		                 ? project->rule_file : NULL);
		return rh_problem_exit(&problem);
	}
	is_source = strcmp(problem.pointer, "/parts/source") == 0;
	problem.pointer = NULL;
	if (strncmp(problem.detail, name, sizeof name - 1) == 0 &&
	    strlen(problem.detail) > sizeof name + RH_SHA256_TEXT)
		problem.detail += sizeof name - 1 + RH_SHA256_TEXT - 1 + 2; /* "<hash>: " */
	rh_problem_print(&problem, cli->err, "rhodes rule", is_source ? project->folder
	                 : project->file);
	return rh_problem_exit(&problem);
}

/* The center builds a large module for minutes. */
#define BUILD_S 1200

static int post(struct rh_cli *cli, const struct rh_rule_project *project)
{
	struct rh_ask   ask = { .method = "POST", .path = "/apis/v1/modules",
		                .json = project->manifest, .seconds = BUILD_S };
	struct rh_reply reply;
	struct rh_diag  diag = { 0 };
	enum rh_format  format;
	int             result = RH_EXIT_OK;

	if (rh_output_format(cli, &format) < 0)
		return RH_EXIT_USAGE;
	int r = rh_client_try(cli, &ask, &reply, &diag);
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	if (reply.status >= 400)
		result = tell(cli, project, &reply);
	else if (format == RH_FORMAT_JSON || format == RH_FORMAT_YAML)
		result = rh_output_value(cli, format, reply.json);
	else if (format == RH_FORMAT_NAME)
		fprintf(cli->out, "sha256:%s\n", rh_show_name(reply.json));
	else
		print_module(cli, reply.json);
	rh_reply_fini(&reply);
	return result;
}

int rh_rule_publish(struct rh_cli *cli, const char *path)
{
	struct rh_rule_project project;
	json_t                *parts = json_object();
	int                    result = rh_rule_project_read(cli, path, &project);

	if (result == RH_EXIT_OK)
		result = rh_rule_project_build(cli, &project, project.build);
	if (result == RH_EXIT_OK)
		result = send_file(cli, &project, parts);
	if (result == RH_EXIT_OK)
		result = send_source(cli, &project, parts);
	json_object_set_new(project.manifest, "parts", parts);
	if (result == RH_EXIT_OK)
		result = post(cli, &project);
	rh_rule_project_fini(&project);
	return result;
}
