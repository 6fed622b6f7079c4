#include "rule.h"

#include "client.h"
#include "module.h"
#include "show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "sha256:"

static bool is_hash(const char *text)
{
	return strlen(text) == RH_SHA256_TEXT - 1 &&
	       strspn(text, "0123456789abcdef") == RH_SHA256_TEXT - 1;
}

/* The module that the rule names. */
static int find_module(struct rh_cli *cli, const char *rule, char hash[RH_SHA256_TEXT])
{
	char    path[320] = "/apis/v1/rules/";
	json_t *object;

	rh_http_escape(path, sizeof path, rule);
	int result = rh_client_get(cli, path, &object);
	if (result != RH_EXIT_OK)
		return result;
	const char *module = rh_show_text(json_object_get(json_object_get(object, "spec"),
	                                                  "code"), "module");
	if (module && strncmp(module, PREFIX, sizeof PREFIX - 1) == 0 &&
	    is_hash(module + sizeof PREFIX - 1))
		snprintf(hash, RH_SHA256_TEXT, "%s", module + sizeof PREFIX - 1);
	else
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "rule %s is not one of code", rule);
	json_decref(object);
	return result;
}

/* The bytes of that hash, and of no other; the caller finishes the reply. */
static int fetch(struct rh_cli *cli, const char *hash, struct rh_reply *ret_reply)
{
	char          path[160], actual[RH_SHA256_TEXT];
	struct rh_ask ask = { .method = "GET", .path = path };

	snprintf(path, sizeof path, "/apis/v1/modules/%.64s", hash);
	int result = rh_client_ask(cli, &ask, ret_reply);
	if (result != RH_EXIT_OK)
		return result;
	rh_module_hash(ret_reply->body ? ret_reply->body : "", ret_reply->len, actual);
	if (strcmp(actual, hash) == 0)
		return RH_EXIT_OK;
	rh_reply_fini(ret_reply);
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "the center sent other bytes than module %s",
	                   hash);
}

static int write_file(struct rh_cli *cli, const char *path, const struct rh_reply *reply)
{
	FILE *file = fopen(path, "wxe");
	bool  is_written = file && fwrite(reply->body, 1, reply->len, file) == reply->len;

	if (file && fclose(file) != 0)
		is_written = false;
	if (!is_written)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot write %s: %s", path,
		                   strerror(errno));
	fprintf(cli->out, "%s: %zu bytes\n", path, reply->len);
	return RH_EXIT_OK;
}

static int pull_part(struct rh_cli *cli, const char *folder, const char *name,
                     const json_t *parts, const char *what, const char *suffix)
{
	const char     *hash = rh_show_text(json_object_get(parts, what), "sha256");
	char            path[PATH_MAX];
	struct rh_reply reply;

	if (!hash)
		return RH_EXIT_OK;
	if (!is_hash(hash))
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "the manifest names a part that cannot "
		                   "be");
	int result = fetch(cli, hash, &reply);
	if (result != RH_EXIT_OK)
		return result;
	snprintf(path, sizeof path, "%.3900s/%.64s%s", folder, name, suffix);
	result = write_file(cli, path, &reply);
	rh_reply_fini(&reply);
	return result;
}

static int pull_parts(struct rh_cli *cli, const char *folder, const json_t *manifest)
{
	static const struct {
		const char *what;
		const char *suffix;
	} files[] = { { "wasm", ".wasm" }, { "object", ".so" }, { "source", ".tar" } };
	const json_t *parts = json_object_get(manifest, "parts");
	const char   *name = rh_show_text(manifest, "name");
	int           result = RH_EXIT_OK;

	if (!name || strchr(name, '/') || name[0] == '.')
		name = "rule";
	for (size_t i = 0; i < sizeof files / sizeof files[0] && result == RH_EXIT_OK; i++)
		result = pull_part(cli, folder, name, parts, files[i].what, files[i].suffix);
	return result;
}

static int pull(struct rh_cli *cli, const char *hash, const char *folder)
{
	struct rh_reply reply;
	char            path[PATH_MAX];
	int             result = fetch(cli, hash, &reply);

	if (result != RH_EXIT_OK)
		return result;
	json_t *manifest = json_loadb(reply.body, reply.len, 0, NULL);
	if (!json_object_get(manifest, "parts"))
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "module %s is a part or a library, "
		                     "not what `rhodes rule publish` printed", hash);
	else if (mkdir(folder, 0777) < 0)
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", folder,
		                     strerror(errno));
	snprintf(path, sizeof path, "%.4000s/manifest.json", folder);
	if (result == RH_EXIT_OK)
		result = write_file(cli, path, &reply);
	if (result == RH_EXIT_OK)
		result = pull_parts(cli, folder, manifest);
	json_decref(manifest);
	rh_reply_fini(&reply);
	return result;
}

int rh_rule_pull(struct rh_cli *cli, const char *what)
{
	const char *wanted = rh_args_value(&cli->args, "directory"), *text = what;
	char        hash[RH_SHA256_TEXT], folder[PATH_MAX];
	int         result = RH_EXIT_OK;

	if (strncmp(text, PREFIX, sizeof PREFIX - 1) == 0)
		text += sizeof PREFIX - 1;
	if (is_hash(text))
		snprintf(hash, sizeof hash, "%s", text);
	else
		result = find_module(cli, what, hash);
	if (result != RH_EXIT_OK)
		return result;
	if (wanted)
		snprintf(folder, sizeof folder, "%s", wanted);
	else
		snprintf(folder, sizeof folder, "%.64s", is_hash(text) ? hash : what);
	return pull(cli, hash, folder);
}
