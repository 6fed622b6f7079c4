#include "rule.h"

#include "client.h"
#include "module.h"
#include "show.h"
#include "trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "sha256:"

enum part { MANIFEST, WASM, OBJECT, SOURCE, PARTS };

static const struct {
	const char *what;
	const char *suffix;
} files[PARTS] = {
	[MANIFEST] = { "manifest", NULL }, [WASM] = { "wasm", ".wasm" },
	[OBJECT] = { "object", ".so" }, [SOURCE] = { "source", ".tar" },
};

/* A module as it came; nothing of it is written before all of it was verified. */
struct pulled {
	char            hash[RH_SHA256_TEXT];
	json_t         *manifest;
	struct rh_reply parts[PARTS]; /* body NULL: there is none */
};

static bool is_hash(const char *text)
{
	return strlen(text) == RH_SHA256_TEXT - 1 &&
	       strspn(text, "0123456789abcdef") == RH_SHA256_TEXT - 1;
}

/* The module that the rule names. */
static int find_module(struct rh_cli *cli, const char *rule, char hash[RH_SHA256_TEXT])
{
	char    path[320] = "/apis/v1/rules/";
	json_t *object = NULL;

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

/* ---- fetching, verifying ---- */

/* The bytes of that hash, and of no other. */
static int fetch(struct rh_cli *cli, const char *hash, const char *what,
                 struct rh_reply *ret_reply)
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
	return rh_cli_fail(cli, RH_EXIT_REFUSED, "the center sent %zu other bytes for the %s "
		"(SHA-256 %s) than %s; nothing was written", ret_reply->len, what, actual, hash);
}

static int verify(struct rh_cli *cli, const struct pulled *pulled)
{
	struct rh_diag diag = { 0 };

	if (!json_object_get(pulled->manifest, "parts"))
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "module %s is a part or a library, not "
		                   "what `rhodes rule publish` printed", pulled->hash);
	if (rh_trust_check(&cli->dirs, RH_SIGNED_RULE, pulled->hash,
	                   pulled->parts[MANIFEST].signature, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "module %s is not to be trusted: %s; "
		                   "nothing was written", pulled->hash, diag.text);
	return RH_EXIT_OK;
}

/* What the signed manifest says of it must be so. */
static int fetch_part(struct rh_cli *cli, struct pulled *pulled, enum part part)
{
	const json_t *said = json_object_get(json_object_get(pulled->manifest, "parts"),
	                                     files[part].what);
	const char   *hash = rh_show_text(said, "sha256");
	json_int_t    bytes = json_integer_value(json_object_get(said, "bytes"));

	if (!said)
		return RH_EXIT_OK;
	if (!hash || !is_hash(hash))
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "the manifest names a %s that cannot be; "
		                   "nothing was written", files[part].what);
	int result = fetch(cli, hash, files[part].what, &pulled->parts[part]);
	if (result == RH_EXIT_OK && (json_int_t)pulled->parts[part].len != bytes)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "the %s has %zu bytes, its manifest says "
		                   "%lld; nothing was written", files[part].what,
		                   pulled->parts[part].len, (long long)bytes);
	return result;
}

static int fetch_all(struct rh_cli *cli, struct pulled *pulled)
{
	int result = fetch(cli, pulled->hash, "module", &pulled->parts[MANIFEST]);

	if (result != RH_EXIT_OK)
		return result;
	pulled->manifest = json_loadb(pulled->parts[MANIFEST].body, pulled->parts[MANIFEST].len,
	                              0, NULL);
	result = verify(cli, pulled);
	for (unsigned part = WASM; part < PARTS && result == RH_EXIT_OK; part++)
		result = fetch_part(cli, pulled, (enum part)part);
	return result;
}

/* ---- writing ---- */

static void path_of(const struct pulled *pulled, const char *folder, enum part part,
                    char path[PATH_MAX])
{
	const char *name = rh_show_text(pulled->manifest, "name");

	if (!name || strchr(name, '/') || name[0] == '.')
		name = "rule";
	if (part == MANIFEST)
		snprintf(path, PATH_MAX, "%.3900s/manifest.json", folder);
	else
		snprintf(path, PATH_MAX, "%.3900s/%.64s%s", folder, name, files[part].suffix);
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

/* All of it, or nothing stays. */
static int write_all(struct rh_cli *cli, const struct pulled *pulled, const char *folder)
{
	char path[PATH_MAX];
	int  result = RH_EXIT_OK;

	if (mkdir(folder, 0777) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", folder,
		                   strerror(errno));
	for (unsigned part = 0; part < PARTS && result == RH_EXIT_OK; part++) {
		path_of(pulled, folder, (enum part)part, path);
		if (pulled->parts[part].body)
			result = write_file(cli, path, &pulled->parts[part]);
	}
	for (unsigned part = 0; part < PARTS && result != RH_EXIT_OK; part++) {
		path_of(pulled, folder, (enum part)part, path);
		unlink(path);
	}
	if (result != RH_EXIT_OK)
		rmdir(folder);
	return result;
}

static int pull(struct rh_cli *cli, struct pulled *pulled, const char *folder)
{
	int result = fetch_all(cli, pulled);

	if (result == RH_EXIT_OK)
		result = write_all(cli, pulled, folder);
	const json_t *version = json_object_get(pulled->manifest, "version");

	if (result == RH_EXIT_OK && version)
		fprintf(cli->out, "version %lld\n", (long long)json_integer_value(version));
	if (result == RH_EXIT_OK)
		fprintf(cli->out, "hashes and signature are right\n");
	json_decref(pulled->manifest);
	for (unsigned part = 0; part < PARTS; part++)
		rh_reply_fini(&pulled->parts[part]);
	return result;
}

int rh_rule_pull(struct rh_cli *cli, const char *what)
{
	const char   *wanted = rh_args_value(&cli->args, "directory"), *text = what;
	struct pulled pulled = { .manifest = NULL };
	char          folder[PATH_MAX];
	int           result = RH_EXIT_OK;

	if (strncmp(text, PREFIX, sizeof PREFIX - 1) == 0)
		text += sizeof PREFIX - 1;
	if (is_hash(text))
		snprintf(pulled.hash, sizeof pulled.hash, "%s", text);
	else
		result = find_module(cli, what, pulled.hash);
	if (result != RH_EXIT_OK)
		return result;
	if (wanted)
		snprintf(folder, sizeof folder, "%s", wanted);
	else
		snprintf(folder, sizeof folder, "%.64s", is_hash(text) ? pulled.hash : what);
	return pull(cli, &pulled, folder);
}
