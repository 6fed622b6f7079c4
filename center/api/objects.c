#include "handlers.h"

#include "../center.h"
#include "../change.h"
#include "../conditions.h"

#include "../../model/error.h"

#include <stdio.h>
#include <string.h>

static json_t *show(struct rh_center *center, const struct rh_object *object)
{
	return rh_object_json(object, center->store_id, rh_conditions(center, object));
}

static void refuse_unknown(struct rh_request *request)
{
	struct rh_problem problem;
	const char       *kind = rh_object_kind_text(request->route->kind);

	rh_problem_set(&problem, RH_ENOENT, "there is no %s named %s", kind,
	               request->name);
	rh_problem_object(&problem, kind, request->name);
	rh_reply_problem(&request->reply, &problem);
}

/* ---- reading ---- */

static json_t *list_items(struct rh_center *center, enum rh_object_kind kind,
                          const char *after, size_t limit, const char **ret_last)
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&center->realm.catalog, kind,
	                                               after, &count);
	json_t                  *items = json_array();

	*ret_last = count > limit ? at[limit - 1]->name : NULL;
	for (size_t i = 0; i < count && i < limit; i++)
		json_array_append_new(items, show(center, at[i]));
	return items;
}

void rh_api_list(struct rh_center *center, struct rh_request *request)
{
	enum rh_object_kind kind = request->route->kind;
	uint64_t            limit = RH_LIST_DEFAULT;
	struct rh_problem   problem;
	const char         *last;
	char                text[32];
	int                 is_watch = 0;

	if (rh_request_flag(request, "watch", &is_watch, &problem)) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	if (is_watch) {
		rh_api_watch(center, request);
		return;
	}
	if (rh_request_query(request, "fromRevision") || rh_request_query(request, "name")) {
		rh_problem_set(&problem, RH_EINVAL, "fromRevision and name go with watch=true");
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	if (rh_request_number(request, "limit", RH_LIST_MAX, &limit, &problem)) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	json_t *items = list_items(center, kind, rh_request_query(request, "continue"),
	                           limit, &last);
	snprintf(text, sizeof text, "%sList", rh_object_kind_text(kind));
	uint64_t revision = rh_center_revision(center);
	json_t  *json = json_pack("{s:s, s:{s:I}, s:o}", "kind", text, "metadata",
		"revision", (json_int_t)revision, "items", items);
	if (last)
		json_object_set_new(json_object_get(json, "metadata"), "continue",
		                    json_string(last));
	rh_reply_json(&request->reply, 200, json);
	request->reply.etag = revision;
}

void rh_api_get(struct rh_center *center, struct rh_request *request)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
		request->route->kind, request->name);
	uint64_t have = 0;

	if (!object) {
		refuse_unknown(request);
		return;
	}
	if (rh_request_etag(request->if_none_match, &have) == RH_OK &&
	    have == object->revision)
		rh_reply_bytes(&request->reply, 304, NULL, "", 0);
	else
		rh_reply_json(&request->reply, 200, show(center, object));
	request->reply.etag = object->revision;
}

/* ---- writing ---- */

/* Preconditions and dryRun. */
static int read_options(const struct rh_request *request, const char *verb,
                        struct rh_change_options *options,
                        struct rh_problem *problem)
{
	*options = (struct rh_change_options){
		.client = request->client, .verb = verb, .expected = RH_CHANGE_ANY,
	};
	int err = rh_request_flag(request, "dryRun", &options->is_dry_run, problem);
	if (err)
		return err;
	if (request->if_none_match[0]) {
		if (strcmp(request->if_none_match, "*") != 0)
			return rh_problem_set(problem, RH_EINVAL,
				"If-None-Match of a write can only be *");
		options->must_be_absent = 1;
	}
	if (request->if_match[0] && strcmp(request->if_match, "*") != 0 &&
	    rh_request_etag(request->if_match, &options->expected) != RH_OK)
		return rh_problem_set(problem, RH_EINVAL, "If-Match must be an ETag as this "
			"server gives it, not %.80s", request->if_match);
	return RH_OK;
}

/* A request refused before it became a change is audited all the same. */
static void refuse(struct rh_center *center, struct rh_request *request,
                   const struct rh_change_options *options,
                   const struct rh_problem *problem)
{
	enum rh_object_kind kind = request->route->kind;

	rh_change_refused(center, kind < RH_OBJECT_KINDS ? rh_object_kind_text(kind) : "",
	                  request->name, options, problem);
	rh_reply_problem(&request->reply, problem);
}

void rh_api_put(struct rh_center *center, struct rh_request *request)
{
	struct rh_change_options options;
	struct rh_problem        problem;
	json_t                  *object = NULL, *answer;
	int                      is_new;
	int err = read_options(request, "put", &options, &problem);

	if (!err)
		err = rh_decode_parse(request->body, request->body_bytes, &object, &problem);
	if (err) {
		refuse(center, request, &options, &problem);
		return;
	}
	err = rh_change_put(center, request->route->kind, request->name, object,
	                    &options, &answer, &is_new, &problem);
	if (err) {
		rh_reply_problem(&request->reply, &problem);
	} else {
		uint64_t revision = (uint64_t)json_integer_value(json_object_get(
			json_object_get(answer, "metadata"), "revision"));

		rh_reply_json(&request->reply, is_new ? 201 : 200, answer);
		request->reply.etag = revision;
	}
	json_decref(object);
}

void rh_api_delete(struct rh_center *center, struct rh_request *request)
{
	struct rh_change_options options;
	struct rh_problem        problem;
	json_t                  *answer;
	int err = read_options(request, "delete", &options, &problem);

	if (err) {
		refuse(center, request, &options, &problem);
		return;
	}
	err = rh_change_delete(center, request->route->kind, request->name, &options,
	                       &answer, &problem);
	if (err)
		rh_reply_problem(&request->reply, &problem);
	else
		rh_reply_json(&request->reply, 200, answer);
}

static int check_objects(struct rh_decode *decode, const json_t *value)
{
	if (!json_is_array(value))
		return rh_decode_refuse(decode, "must be an array");
	if (json_array_size(value) > RH_OBJECTS_MAX)
		return rh_decode_refuse(decode, "has %zu objects, the limit is %u",
		                        json_array_size(value), RH_OBJECTS_MAX);
	return RH_OK;
}

static int read_apply(const struct rh_request *request, json_t **ret_body,
                      struct rh_problem *problem)
{
	static const struct rh_field fields[] = { { "objects", check_objects, 1 } };
	struct rh_decode decode = { .problem = problem };
	json_t          *body;
	int err = rh_decode_parse(request->body, request->body_bytes, &body, problem);

	if (err)
		return err;
	err = rh_decode_fields(&decode, body, RH_FIELDS(fields));
	if (err)
		json_decref(body);
	else
		*ret_body = body;
	return err;
}

void rh_api_apply(struct rh_center *center, struct rh_request *request)
{
	struct rh_change_options options;
	struct rh_problem        problem;
	json_t                  *body = NULL, *answer;
	int err = read_options(request, "apply", &options, &problem);

	if (!err)
		err = read_apply(request, &body, &problem);
	if (err) {
		refuse(center, request, &options, &problem);
		return;
	}
	err = rh_change_apply(center, json_object_get(body, "objects"), &options,
	                      &answer, &problem);
	if (err)
		rh_reply_problem(&request->reply, &problem);
	else
		rh_reply_json(&request->reply, 200, answer);
	json_decref(body);
}
