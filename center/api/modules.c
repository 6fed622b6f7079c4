#include "handlers.h"

#include "../center.h"
#include "../change.h"
#include "../store/store.h"

#include "../../model/error.h"

#include <stdio.h>
#include <string.h>

/* All the bytes, or the part of them that was asked for. */
static int copy_bytes(void *user, const struct rh_store_record *record)
{
	struct rh_request *request = user;
	size_t             from, count, len = record->value_bytes;
	int is_part = rh_request_range(request->range, len, &from, &count);

	if (is_part < 0) {
		rh_reply_bytes(&request->reply, 416, NULL, "", 0);
		snprintf(request->reply.range, sizeof request->reply.range, "bytes */%zu",
		         len);
		return 0;
	}
	rh_reply_bytes(&request->reply, is_part ? 206 : 200, "application/octet-stream",
	               (const char *)record->value + from, count);
	if (is_part)
		snprintf(request->reply.range, sizeof request->reply.range,
		         "bytes %zu-%zu/%zu", from, from + count - 1, len);
	return 0;
}

/* Who takes the bytes gets the signature as headers. */
static void set_signature(struct rh_reply *reply, const struct rh_object *object)
{
	json_t     *stored = rh_object_parse(object);
	json_t     *status = json_object_get(stored, "status");
	const char *signature = json_string_value(json_object_get(status, "signature"));
	const char *public_key = json_string_value(json_object_get(status, "publicKey"));

	snprintf(reply->signature, sizeof reply->signature, "%s",
	         signature ? signature : "");
	snprintf(reply->public_key, sizeof reply->public_key, "%s",
	         public_key ? public_key : "");
	json_decref(stored);
}

void rh_api_module_get(struct rh_center *center, struct rh_request *request)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
		RH_OBJECT_MODULE, request->name);
	struct rh_problem       problem;
	uint64_t                have = 0;

	if (!object || strstr(request->accept, "application/json") ||
	    (rh_request_etag(request->if_none_match, &have) == RH_OK &&
	     have == object->revision)) {
		rh_api_get(center, request);
		return;
	}
	int err = rh_store_blob_get(center->store, request->name, copy_bytes, request);
	if (err < 0) {
		rh_problem_set(&problem, err == RH_ENOENT ? RH_ESTORE : err,
		               "the bytes of module %s cannot be read", request->name);
		rh_problem_object(&problem, "Module", request->name);
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	set_signature(&request->reply, object);
	request->reply.etag = object->revision;
}

static void reply_module(struct rh_request *request, int is_new, json_t *answer)
{
	uint64_t revision = (uint64_t)json_integer_value(json_object_get(
		json_object_get(answer, "metadata"), "revision"));

	rh_reply_json(&request->reply, is_new ? 201 : 200, answer);
	request->reply.etag = revision;
}

void rh_api_module_publish(struct rh_center *center, struct rh_request *request)
{
	struct rh_change_options options = {
		.client = request->client, .verb = "publish", .expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem;
	json_t           *body = NULL, *answer;
	int               is_new;
	int err = rh_request_flag(request, "dryRun", &options.is_dry_run, &problem);

	/* A request that was parked comes here once more. */
	if (!err)
		err = rh_decode_parse(request->body, request->body_bytes, &body, &problem);
	if (err) {
		rh_change_refused(center, "Module", "", &options, &problem);
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	err = rh_change_publish(center, body, &options, &answer, &is_new,
	                        &request->is_parked, &problem);
	if (request->is_parked) {
		json_decref(body);
		return;
	}
	if (err)
		rh_reply_problem(&request->reply, &problem);
	else
		reply_module(request, is_new, answer);
	json_decref(body);
}

void rh_api_module_put(struct rh_center *center, struct rh_request *request)
{
	struct rh_change_options options = {
		.client = request->client, .verb = "put", .expected = RH_CHANGE_ANY,
	};
	struct rh_problem problem;
	json_t           *answer;
	int               is_new;
	int err = rh_request_flag(request, "dryRun", &options.is_dry_run, &problem);

	if (!err && !rh_is_sha256(request->name))
		err = rh_problem_set(&problem, RH_EINVAL, "%s is not a SHA-256: 64 hex "
		                     "digits, in lower case", request->name);
	if (err) {
		rh_change_refused(center, "Module", request->name, &options, &problem);
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	err = rh_change_module(center, request->name, request->body,
	                       request->body_bytes, &options, &answer, &is_new,
	                       &problem);
	if (err) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	reply_module(request, is_new, answer);
}
