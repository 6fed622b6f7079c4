#include "submission.h"

#include "cli.h"
#include "client.h"
#include "interfaces.h"
#include "problem.h"
#include "verb.h"

#include <stdlib.h>
#include <string.h>

/* Files may be given with -f or as words. */
static int read_manifests(struct rh_cli *cli, struct rh_manifest *manifest)
{
	const char    *path;
	struct rh_diag diag = { 0 };
	int            r = RH_OK;

	for (size_t i = 0; r == RH_OK && (path = rh_args_nth(&cli->args, "file", i)); i++)
		r = rh_manifest_add(manifest, path, &diag);
	for (size_t i = 0; r == RH_OK && i < cli->args.word_count; i++)
		r = rh_manifest_add(manifest, cli->args.words[i], &diag);
	if (r < 0)
		return rh_cli_fail(cli,
		                   r == RH_ENOENT ? RH_EXIT_NOT_FOUND : RH_EXIT_REFUSED,
		                   "%s", diag.text);
	if (rh_manifest_resolve(manifest, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (rh_manifest_count(manifest) == 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "there is no object in it");
	return RH_EXIT_OK;
}

/* ---- a refusal, and where it belongs ---- */

/* /objects/7/spec/type -> object 7 of the batch, which begins with the interfaces
 * that were built, and /spec/type. */
static const char *place_of(const struct rh_problem *problem,
                            const struct rh_manifest *manifest, size_t built,
                            char *place)
{
	char         *rest;
	unsigned long index;

	if (!problem->pointer || strncmp(problem->pointer, "/objects/", 9) != 0)
		return NULL;
	index = strtoul(problem->pointer + 9, &rest, 10);
	if (index < built || index - built >= rh_manifest_count(manifest) || !*rest)
		return NULL;
	return rh_manifest_where(manifest, index - built, rest, place);
}

/* The reference that an edge of the object comes from, as a pointer. */
static void point_at_reference(const json_t *object, const char *callee, char *pointer,
                               size_t cap)
{
	const json_t *references = json_object_get(json_object_get(object, "spec"),
	                                           "reference");
	size_t        i;
	json_t       *reference;

	snprintf(pointer, cap, "/metadata/name");
	json_array_foreach(references, i, reference) {
		const char *name = json_string_value(reference);

		if (name && strcmp(name, callee) == 0)
			snprintf(pointer, cap, "/spec/reference/%zu", i);
	}
}

/* A problem of a whole object: its name stands there, or the reference at fault. */
static const char *place_of_object(const struct rh_problem *problem,
                                   const struct rh_manifest *manifest, char *place)
{
	for (size_t i = 0; i < rh_manifest_count(manifest); i++) {
		char name[160], pointer[64];

		snprintf(name, sizeof name, "%s/%s", rh_manifest_kind(manifest, i),
		         rh_manifest_name(manifest, i));
		if (strcmp(name, problem->object) != 0)
			continue;
		point_at_reference(rh_manifest_object(manifest, i),
		                   problem->callee ? problem->callee : "", pointer,
		                   sizeof pointer);
		return rh_manifest_where(manifest, i, pointer, place);
	}
	return NULL;
}

static int refuse(struct rh_cli *cli, const struct rh_manifest *manifest, size_t built,
                  const struct rh_reply *reply)
{
	struct rh_problem problem;
	char              place[RH_MANIFEST_PLACE_MAX];
	const char       *where;
	char              who[32];

	rh_problem_read(&problem, reply->status, reply->json);
	where = place_of(&problem, manifest, built, place);
	if (!where)
		where = place_of_object(&problem, manifest, place);
	snprintf(who, sizeof who, "rhodes %s", cli->verb->name);
	rh_problem_print(&problem, cli->err, who, where);
	fputs("    nothing was changed\n", cli->err);
	return rh_problem_exit(&problem);
}

/* ---- sending ---- */

/* Adds the manifest's own objects to those that were built for it, and sends them. */
static int send_batch(struct rh_cli *cli, const struct rh_manifest *manifest,
                      json_t *objects, bool is_dry, json_t **ret_answer)
{
	struct rh_ask   ask = { .method = "POST", .path = is_dry
		                ? "/apis/v1/apply?dryRun=true" : "/apis/v1/apply" };
	size_t          built = json_array_size(objects);
	json_t         *body = json_pack("{s:O}", "objects", objects);
	struct rh_reply reply;
	struct rh_diag  diag = { 0 };
	int             result;

	for (size_t i = 0; i < rh_manifest_count(manifest); i++)
		json_array_append(objects, rh_manifest_object(manifest, i));
	ask.json = body;
	result = rh_client_try(cli, &ask, &reply, &diag);
	json_decref(body);
	if (result < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(result), "%s", diag.text);
	if (reply.status >= 400) {
		result = refuse(cli, manifest, built, &reply);
	} else {
		*ret_answer = json_incref(reply.json);
		result = RH_EXIT_OK;
	}
	rh_reply_fini(&reply);
	return result;
}

int rh_submit(struct rh_cli *cli, struct rh_manifest *manifest, bool is_dry,
              json_t **ret_answer, json_t **ret_objects)
{
	json_t *objects = NULL;
	int     result;

	if (!rh_args_has(&cli->args, "file") && cli->args.word_count == 0)
		return rh_cli_usage(cli, "which manifest? give -f FILE");
	result = read_manifests(cli, manifest);
	if (result == RH_EXIT_OK)
		result = rh_interfaces_build(cli, manifest, is_dry, &objects);
	if (result == RH_EXIT_OK)
		result = send_batch(cli, manifest, objects, is_dry, ret_answer);
	if (result == RH_EXIT_OK && ret_objects)
		*ret_objects = json_incref(objects);
	json_decref(objects);
	return result;
}
