#include "handlers.h"

#include "../center.h"
#include "../codetext.h"
#include "../conditions.h"
#include "../decode.h"
#include "../link.h"
#include "../push.h"
#include "../sentence.h"
#include "../store/store.h"
#include "../when.h"

#include "../../model/error.h"
#include "../../model/judge.h"
#include "../../rules/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question, as asked by explain or can-i. */
struct question {
	struct rh_name    caller;
	struct rh_name    callee;
	struct rh_verdict verdict;
	char              text[2 * RH_SENTENCE_MAX];
};

static int ask(const struct rh_center *center, const char *caller,
               const char *callee, struct question *question,
               struct rh_problem *problem)
{
	const struct rh_registry *registry = &center->realm.registry;

	if (!caller || rh_name_init(&question->caller, caller, strlen(caller)) != RH_OK)
		return rh_problem_set(problem, RH_EINVAL, "caller must be the name of a "
		                      "resource, is \"%.80s\"", caller ? caller : "");
	if (!callee || rh_name_init(&question->callee, callee, strlen(callee)) != RH_OK)
		return rh_problem_set(problem, RH_EINVAL, "callee must be the name of a "
		                      "resource, is \"%.80s\"", callee ? callee : "");
	rh_judge_pair(registry, &question->caller, &question->callee, rh_when_now(),
	              &question->verdict);
	rh_sentence_verdict(&question->verdict, &registry->hierarchy, question->text,
	                    sizeof question->text);
	return RH_OK;
}

static json_t *end_json(const struct rh_name *name, int type)
{
	return json_pack("{s:s, s:b, s:s}", "name", name->text, "registered",
	                 type != RH_TYPES, "type", rh_type_text(type));
}

/* ---- the rules that were asked ---- */

/* The exception for the edge as its object says it, or NULL. */
static const struct rh_object *find_exception(const struct rh_center *center,
                                              const struct question *question,
                                              json_t **ret_stored)
{
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&center->realm.catalog,
	                                               RH_OBJECT_RULE, NULL, &count);

	for (size_t i = 0; i < count; i++) {
		if (!strstr(at[i]->text, "\"exception\""))
			continue;
		json_t *stored = rh_object_parse(at[i]);
		json_t *edge = json_object_get(json_object_get(json_object_get(stored,
			"spec"), "exception"), "edge");
		const char *caller = json_string_value(json_array_get(edge, 0));
		const char *callee = json_string_value(json_array_get(edge, 1));

		if (caller && strcmp(caller, question->caller.text) == 0 &&
		    callee && strcmp(callee, question->callee.text) == 0) {
			*ret_stored = stored;
			return at[i];
		}
		json_decref(stored);
	}
	return NULL;
}

static json_t *exception_json(const struct rh_object *object, json_t *stored,
                              const struct rh_verdict *verdict)
{
	json_t *exception = json_object_get(json_object_get(stored, "spec"),
	                                    "exception");
	json_t *expires = json_object_get(exception, "expires");
	json_t *json = json_pack("{s:s, s:I, s:s, s:b, s:O}",
		"rule", object->name, "revision", (json_int_t)object->revision,
		"kind", "exception", "allows", verdict->exempt == RH_EXEMPT_ACTIVE,
		"reason", json_object_get(exception, "reason"));

	if (expires)
		json_object_set(json, "expires", expires);
	json_object_set_new(json, "text", json_string(
		verdict->exempt == RH_EXEMPT_ACTIVE ? "the exception is in force"
		                                    : "the exception has expired"));
	return json;
}

static json_t *chain_json(const struct rh_center *center,
                          const struct question *question)
{
	const struct rh_verdict   *verdict = &question->verdict;
	const struct rh_hierarchy *hierarchy = &center->realm.registry.hierarchy;
	json_t                    *chain = json_array(), *stored;
	char                       row[128];

	if (verdict->caller_type != RH_TYPES) {
		rh_sentence_row(hierarchy, verdict->caller_type, row, sizeof row);
		json_array_append_new(chain, json_pack("{s:s, s:I, s:s, s:b, s:s}",
			"rule", RH_HIERARCHY_RULE,
			"revision", (json_int_t)hierarchy->revision, "kind", "hierarchy",
			"allows", (int)verdict->hierarchy_allows, "text", row));
	}
	const struct rh_object *exception = find_exception(center, question, &stored);
	if (exception) {
		json_array_append_new(chain, exception_json(exception, stored, verdict));
		json_decref(stored);
	}
	return chain;
}

static const struct rh_protocol_rule *find(const struct rh_protocols *table,
                                           const struct question *question)
{
	return rh_protocols_find(table, question->caller.text, question->callee.text);
}

static json_t *protocol_json(const struct rh_center *center,
                             const struct question *question)
{
	const struct rh_protocol_rule *rule = find(&center->realm.protocols, question);
	const char *use = rh_realm_use(&center->realm, question->caller.text,
	                               question->callee.text);
	json_t     *json = rule ? json_pack("{s:s, s:s, s:I}", "use", use, "rule", rule->rule,
	                                    "revision", (json_int_t)rule->revision)
	                        : json_pack("{s:s, s:n}", "use", use, "rule");

	if (!rule)
		json_object_set_new(json, "text", json_string(
			"no rule names one for this edge: the default"));
	else if (rule->is_former)
		json_object_set_new(json, "text", json_string(
			"the former generation: its roll-out has not come to this edge"));
	if (strcmp(use, rule ? rule->use : RH_PROTOCOL_DEFAULT) != 0)
		json_object_set_new(json, "text", json_string(
			"in place of bind, as calls are counted or seen by rules of code: see "
			"limit and rules"));
	return json;
}

static void add_limit(json_t *json, const struct rh_center *center,
                      const struct question *question)
{
	const struct rh_protocol_rule *limit = find(&center->realm.limits, question);

	if (limit)
		json_object_set_new(json, "limit", json_pack("{s:I, s:s, s:I}", "calls",
			(json_int_t)strtol(limit->use, NULL, 10), "rule", limit->rule,
			"revision", (json_int_t)limit->revision));
}

/* The code that runs for its calls, by hook. */
static void add_code(json_t *json, const struct rh_center *center,
                     const struct question *question)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rh_hook_count; i++) {
		const struct rh_protocol_rule *rule = find(&center->realm.hooks[i], question);

		if (rule)
			json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "hook",
				rh_hooks[i].name, "rule", rule->rule, "revision",
				(json_int_t)rule->revision, "module", json_string_value(
				json_object_get(rule->code->code, "module"))));
	}
	if (json_array_size(list) > 0)
		json_object_set_new(json, "rules", list);
	else
		json_decref(list);
}

/* ---- what is up ---- */

static void add_peer(void *user, const struct rh_link_peer *peer)
{
	json_t *instances = json_array();

	for (unsigned i = 0; i < peer->instance_count; i++)
		json_array_append_new(instances, json_pack("{s:I, s:I}",
			"instance", (json_int_t)peer->instances[i].id,
			"pid", (json_int_t)peer->instances[i].pid));
	json_array_append_new(user, json_pack("{s:I, s:I, s:s, s:o}",
		"pid", (json_int_t)peer->pid, "revision", (json_int_t)peer->revision,
		"state", peer->pending ? "sending" : "current", "instances", instances));
}

static json_t *peers_json(const struct rh_center *center, const char *resource)
{
	json_t *list = json_array();

	rh_link_walk(center->link, resource, add_peer, list);
	return list;
}

static json_t *observed_json(const struct rh_center *center,
                             const struct question *question)
{
	const struct rh_realm *realm = &center->realm;
	struct rh_id           caller, callee;
	uint32_t               edge = RH_NO_EDGE;

	if (rh_realm_find(realm, question->caller.text, &caller) == RH_OK &&
	    rh_realm_find(realm, question->callee.text, &callee) == RH_OK)
		edge = rh_matrix_find(&realm->registry.matrix, caller.index, callee.index);
	if (edge == RH_NO_EDGE)
		return json_pack("{s:i, s:i, s:i}", "calls", 0, "errors", 0, "bytes", 0);
	return json_pack("{s:I, s:I, s:I}", "calls", (json_int_t)
		rh_matrix_edge(&realm->registry.matrix, edge)->observed,
		"errors", (json_int_t)realm->counts[edge].errors,
		"bytes", (json_int_t)realm->counts[edge].bytes);
}

/* How far the edge is at the agent of one end. */
static json_t *standing_json(const struct rh_center *center,
                             const struct rh_item_key *key, const char *agent)
{
	struct rh_link_standing standing;

	rh_link_standing(center->link, agent, key,
	                 rh_push_item_revision(center->push, key), &standing);
	json_t *json = json_pack("{s:s}", "state", standing.state);
	if (standing.result && standing.result->code)
		json_object_set_new(json, "code",
		                    json_string(rh_error_name(standing.result->code)));
	if (standing.result && standing.result->text[0])
		json_object_set_new(json, "text", rh_json_text(standing.result->text));
	return json;
}

static void add_standing(json_t *json, const struct rh_center *center,
                         const struct question *question)
{
	struct rh_item_key key = { question->caller, question->callee };

	if (!center->link || !question->verdict.is_declared)
		return;
	json_object_set_new(json, "standing", json_pack("{s:o, s:o}",
		"caller", standing_json(center, &key, question->caller.text),
		"callee", standing_json(center, &key, question->callee.text)));
}

/* The conditions of one end that concern the pair. */
static void add_conditions(json_t *list, const struct rh_center *center,
                           const struct rh_name *name, const struct rh_name *callee)
{
	const struct rh_object *object = rh_catalog_find(&center->realm.catalog,
		RH_OBJECT_RESOURCE, name->text);
	json_t *conditions = object ? rh_conditions(center, object) : NULL, *condition;
	size_t  i;

	json_array_foreach(conditions, i, condition) {
		json_t *edge = json_object_get(condition, "edge");

		if (edge && strcmp(json_string_value(json_array_get(edge, 1)),
		                   callee->text) != 0)
			continue;
		json_object_set_new(condition, "resource", json_string(name->text));
		json_array_append(list, condition);
	}
	json_decref(conditions);
}

/* ---- the function ---- */

/* The line of an interface that begins with "<function>,". */
static const char *find_line(const char *text, const char *function, size_t *ret_len)
{
	size_t len = strlen(function);

	for (const char *line = text; line && *line;
	     line = strchr(line, '\n'), line += line ? 1 : 0) {
		if (strncmp(line, function, len) == 0 && line[len] == ',') {
			*ret_len = strcspn(line, "\n");
			return line;
		}
	}
	return NULL;
}

static json_t *function_json(const struct rh_center *center,
                             const struct question *question, const char *function)
{
	const struct rh_object *resource = rh_catalog_find(&center->realm.catalog,
		RH_OBJECT_RESOURCE, question->callee.text);
	json_t     *stored = resource ? rh_object_parse(resource) : NULL;
	const char *interface = json_string_value(json_object_get(
		json_object_get(stored, "spec"), "interface"));
	const struct rh_object *object = interface ? rh_catalog_find(
		&center->realm.catalog, RH_OBJECT_INTERFACE, interface) : NULL;
	json_t *json = json_pack("{s:o, s:b}", "name", rh_json_text(function),
	                         "known", 0);

	if (interface)
		json_object_set_new(json, "interface", json_string(interface));
	if (object) {
		json_t     *of_interface = rh_object_parse(object);
		const char *text = json_string_value(json_object_get(
			json_object_get(of_interface, "spec"), "text"));
		size_t      len;
		const char *line = find_line(text, function, &len);

		json_object_set_new(json, "known", json_boolean(line != NULL));
		if (line)
			json_object_set_new(json, "text", json_stringn(line, len));
		json_decref(of_interface);
	}
	json_decref(stored);
	return json;
}

/* ---- what was refused before ---- */

#define REFUSALS_SEARCHED 1000u

struct search {
	char    edge[2 * RH_NAME_MAX + 32];
	json_t *found;
};

static int match_refusal(void *user, const struct rh_store_audit *entry)
{
	struct search *search = user;

	if (!strstr(entry->text, search->edge) ||
	    !strstr(entry->text, "\"result\":\"refused\""))
		return 0;
	search->found = json_loads(entry->text, 0, NULL);
	return search->found != NULL;
}

/* The last refusal of this edge, if it is not long ago: a registration that was
 * refused left nothing else that could explain it. */
static json_t *last_refusal(const struct rh_center *center,
                            const struct question *question)
{
	struct search search = { .found = NULL };

	snprintf(search.edge, sizeof search.edge, "\"edge\":[\"%s\",\"%s\"]",
	         question->caller.text, question->callee.text);
	rh_store_audit_list(center->store, 0, REFUSALS_SEARCHED, match_refusal, &search);
	return search.found;
}

/* ---- answers ---- */

static void add_refusal(json_t *json, const json_t *refusal,
                        struct question *question)
{
	const char *detail = json_string_value(json_object_get(refusal, "detail"));
	size_t      len = strlen(question->text);

	if (!detail)
		return;
	json_object_set_new(json, "lastRefusal", json_pack("{s:s, s:O, s:O}",
		"text", detail, "time", json_object_get(refusal, "time"),
		"verb", json_object_get(refusal, "verb")));
	if (question->verdict.reason == RH_REASON_UNKNOWN)
		snprintf(question->text + len, sizeof question->text - len,
		         "; its registration was refused: %s", detail);
}

static json_t *explain_json(struct rh_center *center, struct question *question)
{
	const struct rh_verdict *verdict = &question->verdict;
	json_t *conditions = json_array(), *refusal = last_refusal(center, question);
	json_t *extra = json_object();

	add_refusal(extra, refusal, question);
	json_decref(refusal);
	add_conditions(conditions, center, &question->caller, &question->callee);
	add_conditions(conditions, center, &question->callee, &question->callee);
	json_t *json = json_pack(
		"{s:o, s:o, s:b, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:I, s:o, s:{s:o, s:o}, "
		"s:o}",
		"caller", end_json(&question->caller, verdict->caller_type),
		"callee", end_json(&question->callee, verdict->callee_type),
		"allowed", verdict->outcome == RH_OUTCOME_ALLOWED,
		"outcome", rh_outcome_text(verdict->outcome),
		"reason", rh_reason_text(verdict->reason),
		"code", rh_error_name(rh_verdict_error(verdict)),
		"text", question->text,
		"declared", (int)verdict->is_declared,
		"chain", chain_json(center, question),
		"protocol", protocol_json(center, question),
		"revision", (json_int_t)rh_center_revision(center),
		"conditions", conditions,
		"agents", "caller", peers_json(center, question->caller.text),
		"callee", peers_json(center, question->callee.text),
		"observed", observed_json(center, question));
	if (verdict->rule.len)
		json_object_set_new(json, "decidedBy", json_pack("{s:s, s:I}", "rule",
			verdict->rule.text, "revision", (json_int_t)verdict->revision));
	add_standing(json, center, question);
	add_limit(json, center, question);
	add_code(json, center, question);
	json_object_update(json, extra);
	json_decref(extra);
	return json;
}

static int check_text(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, 255, 0);
}

static int read_question(const struct rh_request *request, json_t **ret_body,
                         struct rh_problem *problem)
{
	static const struct rh_field fields[] = {
		{ "caller",   rh_decode_name, 1 },
		{ "callee",   rh_decode_name, 1 },
		{ "function", check_text,     0 },
	};
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

static const char *text_at(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

void rh_api_explain(struct rh_center *center, struct rh_request *request)
{
	struct question   question;
	struct rh_problem problem;
	json_t           *body = NULL;
	int err = read_question(request, &body, &problem);

	if (!err)
		err = ask(center, text_at(body, "caller"), text_at(body, "callee"),
		          &question, &problem);
	if (err) {
		rh_reply_problem(&request->reply, &problem);
	} else {
		json_t     *json = explain_json(center, &question);
		const char *function = text_at(body, "function");

		if (function)
			json_object_set_new(json, "function",
			                    function_json(center, &question, function));
		rh_reply_json(&request->reply, 200, json);
	}
	json_decref(body);
}

void rh_api_can_i(struct rh_center *center, struct rh_request *request)
{
	struct question   question;
	struct rh_problem problem;

	if (ask(center, rh_request_query(request, "caller"),
	        rh_request_query(request, "callee"), &question, &problem)) {
		rh_reply_problem(&request->reply, &problem);
		return;
	}
	const struct rh_verdict *verdict = &question.verdict;
	rh_reply_json(&request->reply, 200, json_pack("{s:b, s:s, s:s, s:I}",
		"allowed", verdict->outcome == RH_OUTCOME_ALLOWED,
		"code", rh_error_name(rh_verdict_error(verdict)), "text", question.text,
		"revision", (json_int_t)rh_center_revision(center)));
}
