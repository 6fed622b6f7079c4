#include "handlers.h"

#include "../center.h"
#include "../link.h"
#include "../results.h"
#include "../store/store.h"
#include "../when.h"
#include "openapi.h"

#include "../../base/clock.h"
#include "../../model/error.h"

#include <sodium.h>

#include <string.h>
#include <unistd.h>

/* ---- agents ---- */

/* A peer whose socket is full for longer than this does not read. */
#define STALLED_NS (2u * RH_NS_PER_S)

static json_t *instances_json(const struct rh_link_peer *peer)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < peer->instance_count; i++)
		json_array_append_new(list, json_pack("{s:I, s:I}",
			"instance", (json_int_t)peer->instances[i].id,
			"pid", (json_int_t)peer->instances[i].pid));
	return list;
}

/* An item that is not in force, as its agent told. */
static json_t *unsettled_json(const char *resource, const struct rh_result *result)
{
	json_t *json = json_pack("{s:s, s:I}", "state",
		rh_result_state_text(result), "revision",
		(json_int_t)result->revision);

	if (result->other[0])
		json_object_set_new(json, "edge", json_pack("[s, s]",
			result->is_in ? result->other : resource,
			result->is_in ? resource : result->other));
	if (result->code)
		json_object_set_new(json, "code",
		                    json_string(rh_error_name(result->code)));
	if (result->text[0])
		json_object_set_new(json, "text", rh_json_text(result->text));
	return json;
}

static void add_push(json_t *json, const struct rh_link_peer *peer)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < peer->results->count; i++)
		json_array_append_new(list, unsettled_json(peer->resource,
		                                           &peer->results->at[i]));
	json_object_set_new(json, "settledRevision",
	                    json_integer((json_int_t)peer->settled));
	json_object_set_new(json, "lag", json_integer((json_int_t)peer->lag));
	json_object_set_new(json, "source", json_string(peer->source));
	json_object_set_new(json, "unsettled", list);
	if (peer->results->more)
		json_object_set_new(json, "unsettledMore",
		                    json_integer((json_int_t)peer->results->more));
}

struct agents {
	json_t  *items;
	uint64_t revision;
};

static void add_agent(void *user, const struct rh_link_peer *peer)
{
	const struct agents *agents = user;
	char                 since[RH_WHEN_TEXT_MAX];

	rh_when_text(peer->since_ms, since);
	json_t *json = json_pack(
		"{s:s, s:s, s:i, s:I, s:I, s:s, s:I, s:I, s:I, s:b, s:o}",
		"resource", peer->resource,
		"role", peer->is_supervisor ? "supervisor" : "agent",
		"wireVersion", (int)peer->version,
		"pid", (json_int_t)peer->pid, "uid", (json_int_t)peer->uid,
		"since", since, "revision", (json_int_t)peer->revision,
		"storeRevision", (json_int_t)agents->revision,
		"pendingBytes", (json_int_t)peer->pending,
		"stalled", peer->stalled_ns > STALLED_NS,
		"instances", instances_json(peer));
	if (peer->results)
		add_push(json, peer);
	json_array_append_new(agents->items, json);
}

void rh_api_agents(struct rh_center *center, struct rh_request *request)
{
	struct agents agents = { json_array(), rh_center_revision(center) };

	rh_link_walk(center->link, NULL, add_agent, &agents);
	rh_reply_json(&request->reply, 200, json_pack("{s:I, s:o}",
		"revision", (json_int_t)agents.revision, "items", agents.items));
}

/* ---- audit ---- */

static int add_entry(void *user, const struct rh_store_audit *entry)
{
	char    hash[2 * RH_STORE_HASH_BYTES + 1];
	json_t *text = json_loads(entry->text, 0, NULL);

	sodium_bin2hex(hash, sizeof hash, entry->hash, RH_STORE_HASH_BYTES);
	json_array_append_new(user, json_pack("{s:I, s:s, s:o}",
		"seq", (json_int_t)entry->seq, "hash", hash,
		"entry", text ? text : json_object()));
	return 0;
}

static uint64_t last_seq(const json_t *items)
{
	size_t count = json_array_size(items);

	return count == 0 ? 0 : (uint64_t)json_integer_value(json_object_get(
		json_array_get(items, count - 1), "seq"));
}

void rh_api_audit(struct rh_center *center, struct rh_request *request)
{
	uint64_t          limit = RH_AUDIT_LIST_DEFAULT, before = 0;
	struct rh_problem problem;

	int err = rh_request_number(request, "limit", RH_AUDIT_LIST_MAX, &limit,
	                            &problem);
	if (!err)
		err = rh_request_number(request, "continue", INT64_MAX, &before, &problem);
	if (err) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	json_t *items = json_array();
	int count = rh_store_audit_list(center->store, before, limit, add_entry, items);
	if (count < 0) {
		json_decref(items);
		rh_problem_set(&problem, count, "the audit log cannot be read");
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	uint64_t last = last_seq(items);
	json_t  *json = json_pack("{s:o}", "items", items);
	if ((uint64_t)count == limit && last > 1)
		json_object_set_new(json, "continue", json_integer((json_int_t)last));
	rh_reply_json(&request->reply, 200, json);
}

/* ---- the system ---- */

static json_t *counts_json(const struct rh_center *center)
{
	json_t *json = json_object();

	for (int kind = 0; kind < RH_OBJECT_KINDS; kind++)
		json_object_set_new(json, rh_object_plural((enum rh_object_kind)kind),
			json_integer((json_int_t)rh_catalog_count(&center->realm.catalog,
			             (enum rh_object_kind)kind)));
	json_object_set_new(json, "references",
		json_integer((json_int_t)center->realm.registry.matrix.used));
	return json;
}

void rh_api_system(struct rh_center *center, struct rh_request *request)
{
	char    public_key[RH_KEY_PUBLIC_HEX], since[RH_WHEN_TEXT_MAX];
	json_t *tcp = center->tcp[0] ? json_string(center->tcp) : NULL;

	rh_key_public(&center->key, public_key);
	rh_when_text(center->started_ms, since);
	rh_reply_json(&request->reply, 200, json_pack(
		"{s:s, s:s, s:I, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:o, s:o*, s:o*}",
		"name", center->dirs.system, "storeId", center->store_id,
		"revision", (json_int_t)rh_center_revision(center),
		"version", RH_VERSION, "pid", (json_int_t)getpid(),
		"uid", (json_int_t)geteuid(), "since", since,
		"runDir", center->dirs.run, "stateDir", center->dirs.state,
		"publicKey", public_key, "counts", counts_json(center), "tcp", tcp,
		"observer", rh_lookout_json(&center->lookout, rh_when_now())));
}

void rh_api_openapi(struct rh_center *center, struct rh_request *request)
{
	(void)center;
	rh_reply_bytes(&request->reply, 200, "application/json", rh_openapi,
	               rh_openapi_bytes);
}

static void say(struct rh_request *request, int status, const char *text)
{
	rh_reply_bytes(&request->reply, status, "text/plain; charset=utf-8", text,
	               strlen(text));
}

void rh_api_healthz(struct rh_center *center, struct rh_request *request)
{
	(void)center;
	say(request, 200, "alive\n");
}

/* Ready is who can read its store; a full disk stops writes, not the center. */
void rh_api_readyz(struct rh_center *center, struct rh_request *request)
{
	json_t *items = json_array();
	int     count = rh_store_audit_list(center->store, 0, 1, add_entry, items);

	json_decref(items);
	if (count < 0)
		say(request, 503, "the store cannot be read\n");
	else
		say(request, 200, "ready\n");
}
