#include "../cache.h"
#include "../cli.h"
#include "../client.h"
#include "../kind.h"
#include "../manifest.h"
#include "../problem.h"
#include "../text.h"
#include "../verb.h"

#include <string.h>

static int delete_one(struct rh_cli *cli, const struct rh_kind *kind, const char *name,
                      const char *where)
{
	bool              is_dry = rh_args_has(&cli->args, "dry-run");
	char              path[400];
	struct rh_ask     ask = { .method = "DELETE", .path = path };
	struct rh_reply   reply;
	struct rh_diag    diag = { 0 };
	struct rh_problem problem;
	int               result;

	rh_kind_path(kind, name, path, sizeof path - 16);
	strcat(path, is_dry ? "?dryRun=true" : "");
	result = rh_client_try(cli, &ask, &reply, &diag);
	if (result < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(result), "%s", diag.text);
	if (reply.status < 400) {
		fprintf(cli->out, "%s/", kind->object);
		rh_text_print(cli->out, name, RH_PLAIN, 0);
		fprintf(cli->out, " deleted%s\n", is_dry ? " (dry run)" : "");
		result = RH_EXIT_OK;
	} else if (reply.status == 404 && rh_args_has(&cli->args, "ignore-missing")) {
		result = RH_EXIT_OK;
	} else {
		rh_problem_read(&problem, reply.status, reply.json);
		rh_problem_print(&problem, cli->err, "rhodes delete", where);
		result = rh_problem_exit(&problem);
	}
	rh_reply_fini(&reply);
	return result;
}

/* Last first: what refers to something goes before it.  Goes on after a refusal and
 * gives the first one's exit code. */
static int delete_all(struct rh_cli *cli, const struct rh_manifest *manifest)
{
	int first = RH_EXIT_OK;

	for (size_t i = rh_manifest_count(manifest); i > 0; i--) {
		const struct rh_kind *kind =
			rh_kind_find(rh_manifest_kind(manifest, i - 1));
		char place[RH_MANIFEST_PLACE_MAX];
		int  result;

		rh_manifest_where(manifest, i - 1, "/metadata/name", place);
		if (!kind || !kind->is_deletable)
			result = rh_cli_fail(cli, RH_EXIT_REFUSED,
			                     "%s: \"%.40s\" is no kind of object", place,
			                     rh_manifest_kind(manifest, i - 1));
		else
			result = delete_one(cli, kind, rh_manifest_name(manifest, i - 1),
			                    place);
		if (first == RH_EXIT_OK)
			first = result;
	}
	return first;
}

static int delete_files(struct rh_cli *cli)
{
	struct rh_manifest *manifest = rh_manifest_create();
	struct rh_diag      diag = { 0 };
	const char         *path;
	int                 r = manifest ? RH_OK : RH_ENOMEM;

	for (size_t i = 0; r == RH_OK && (path = rh_args_nth(&cli->args, "file", i)); i++)
		r = rh_manifest_add(manifest, path, &diag);
	if (r < 0)
		r = rh_cli_fail(cli, r == RH_ENOENT ? RH_EXIT_NOT_FOUND : RH_EXIT_REFUSED,
		                "%s", diag.text);
	else
		r = delete_all(cli, manifest);
	rh_manifest_destroy(manifest);
	return r;
}

static int delete_named(struct rh_cli *cli)
{
	const struct rh_args *args = &cli->args;
	const struct rh_kind *kind;
	int                   first = RH_EXIT_OK;

	if (args->word_count < 2 || rh_args_has(args, "file"))
		return rh_cli_usage(cli, "give KIND NAME, or -f FILE");
	kind = rh_kind_find(args->words[0]);
	if (!kind || !kind->is_deletable)
		return rh_cli_usage(cli, "\"%.40s\" cannot be deleted; a resource, rule,"
		                    " interface or module can", args->words[0]);
	for (size_t i = 1; i < args->word_count; i++) {
		int result = delete_one(cli, kind, args->words[i], NULL);

		if (first == RH_EXIT_OK)
			first = result;
	}
	return first;
}

int rh_verb_delete(struct rh_cli *cli)
{
	bool is_file = rh_args_has(&cli->args, "file") && cli->args.word_count == 0;
	int  result = is_file ? delete_files(cli) : delete_named(cli);

	if (result == RH_EXIT_OK && !rh_args_has(&cli->args, "dry-run"))
		rh_cache_sweep(cli);
	return result;
}
