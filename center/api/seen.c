#include "handlers.h"

#include "../center.h"
#include "../decode.h"
#include "../when.h"

#include "../../model/error.h"

static int check_calls(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 1, INT64_MAX);
}

static int check_pair(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "caller", rh_decode_name, 1 },
		{ "callee", rh_decode_name, 1 },
		{ "calls",  check_calls,    1 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_pairs(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_SEEN_MAX, check_pair);
}

static int check_cgroup(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, RH_LOOKOUT_CGROUP, 0);
}

static int check_enforced(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "resource", rh_decode_name,    1 },
		{ "cgroup",   check_cgroup,      1 },
		{ "strict",   rh_decode_boolean, 1 },
		{ "fresh",    rh_decode_boolean, 1 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int check_list(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_LOOKOUT_MAX, check_enforced);
}

static int check_pid(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_integer(decode, value, 1, INT32_MAX);
}

static int check_observer(struct rh_decode *decode, const json_t *value)
{
	static const struct rh_field fields[] = {
		{ "pid",      check_pid,         1 },
		{ "enforced", check_list,        1 },
		{ "ended",    rh_decode_boolean, 0 },
	};

	return rh_decode_fields(decode, value, RH_FIELDS(fields));
}

static int read_body(const struct rh_request *request, json_t **ret_body,
                     struct rh_problem *problem)
{
	static const struct rh_field fields[] = {
		{ "pairs",    check_pairs,    1 },
		{ "observer", check_observer, 0 },
	};
	struct rh_decode             decode = { .problem = problem };
	int err = rh_decode_parse(request->body, request->body_bytes, ret_body, problem);

	if (err)
		return err;
	err = rh_decode_fields(&decode, *ret_body, RH_FIELDS(fields));
	if (err)
		json_decref(*ret_body);
	return err;
}

void rh_api_observed(struct rh_center *center, struct rh_request *request)
{
	struct rh_problem problem;
	json_t           *body, *pair;
	size_t            i;
	json_int_t        declared = 0, undeclared = 0, unknown = 0;

	if (read_body(request, &body, &problem)) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	json_array_foreach(json_object_get(body, "pairs"), i, pair) {
		int is = rh_seen_add(&center->seen, &center->realm,
			json_string_value(json_object_get(pair, "caller")),
			json_string_value(json_object_get(pair, "callee")),
			(uint64_t)json_integer_value(json_object_get(pair, "calls")));

		declared += is == 1;
		undeclared += is == 0;
		unknown += is < 0;
	}
	if (json_object_get(body, "observer"))
		rh_lookout_take(&center->lookout, json_object_get(body, "observer"),
		                rh_when_now());
	json_decref(body);
	rh_reply_json(&request->reply, 200, json_pack("{s:I, s:I, s:I}", "declared", declared,
	              "undeclared", undeclared, "unknown", unknown));
}
