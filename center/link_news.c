#include "link_peer.h"

#include "center.h"

#include "../model/judge.h"
#include "../model/view.h"
#include "../rules/hook.h"

/* One rule, or a hierarchy with all its edges, at one agent. */
struct telling {
	struct rh_center    *center;
	const struct rh_name *agent;
	uint64_t             after;      /* revisions (after, upto] are settled now */
	uint64_t             upto;
	unsigned             edges;      /* of the hierarchy                        */
	uint64_t             hierarchy;  /* its revision                            */
	const struct rh_results *results;
};

static json_t *event_of(const char *type, const char *name, const char *agent,
                        uint64_t revision)
{
	return json_pack("{s:s, s:s, s:s, s:I}", "type", type, "name", name,
	                 "agent", agent, "revision", (json_int_t)revision);
}

static void set_edge(json_t *event, const struct rh_item_key *key)
{
	json_object_set_new(event, "edge", json_pack("[s, s]", key->caller.text,
	                                             key->callee.text));
}

/* ---- what is not active ---- */

static const struct rh_protocol_rule *newer(const struct rh_protocol_rule *a,
                                            const struct rh_protocol_rule *b)
{
	return !b || (a && a->revision > b->revision) ? a : b;
}

/* The rule that an agent most likely cannot obey: the protocol or code that came last. */
static const char *rule_of(const struct rh_center *center,
                           const struct rh_item_key *key, struct rh_verdict *verdict)
{
	const struct rh_realm         *realm = &center->realm;
	const struct rh_protocol_rule *rule = rh_protocols_find(&realm->protocols,
		key->caller.text, key->callee.text);

	for (unsigned i = 0; i < rh_hook_count; i++)
		rule = newer(rule, rh_protocols_find(&realm->hooks[i], key->caller.text,
		                                     key->callee.text));
	rh_judge_pair(&realm->registry, &key->caller, &key->callee, 0, verdict);
	return rule ? rule->rule : verdict->rule.text;
}

void rh_link_tell_result(struct rh_center *center, const struct rh_link_conn *conn,
                         const struct rh_item_key *key, const struct rh_result *result)
{
	int                is_edge = key->callee.len > 0;
	struct rh_verdict  verdict;

	if (center->watchers.count == 0)
		return;
	json_t *event = event_of(rh_result_state_text(result),
		is_edge ? rule_of(center, key, &verdict) : key->caller.text,
		conn->resource, result->revision);
	if (is_edge)
		set_edge(event, key);
	if (result->code)
		json_object_set_new(event, "code",
		                    json_string(rh_error_name(result->code)));
	if (result->text[0])
		json_object_set_new(event, "text", rh_json_text(result->text));
	rh_news_add(center, is_edge ? RH_OBJECT_RULE : RH_OBJECT_RESOURCE, event);
}

/* ---- what became active ---- */

static int is_new(const struct telling *telling, uint64_t revision)
{
	return revision > telling->after && revision <= telling->upto;
}

static void tell_edge(const struct telling *telling, const char *rule,
                      uint64_t revision, const struct rh_item_key *key)
{
	json_t *event = event_of("active", rule, telling->agent->text, revision);

	set_edge(event, key);
	rh_news_add(telling->center, RH_OBJECT_RULE, event);
}

/* When the rule came to that edge: later than it was put when it comes step by step. */
static uint64_t came_at(const struct rh_center *center,
                        const struct rh_protocol_rule *protocol,
                        const struct rh_item_key *key)
{
	uint64_t item = protocol->is_former ||
	                !rh_rollouts_find(&center->realm.rollouts, protocol->rule)
	              ? 0 : rh_push_item_revision(center->push, key);

	return item > protocol->revision ? item : protocol->revision;
}

static void tell_code(struct telling *telling, const struct rh_item_key *key)
{
	for (unsigned i = 0; i < rh_hook_count; i++) {
		const struct rh_protocol_rule *code = rh_protocols_find(
			&telling->center->realm.hooks[i], key->caller.text, key->callee.text);

		if (code && is_new(telling, came_at(telling->center, code, key)))
			tell_edge(telling, code->rule, code->revision, key);
	}
}

static void look_at(void *user, const struct rh_edge_report *report)
{
	struct telling                *telling = user;
	const struct rh_realm         *realm = &telling->center->realm;
	const struct rh_protocol_rule *protocol, *limit;
	struct rh_verdict              verdict;
	struct rh_item_key             key = {
		.caller = rh_registry_get(&realm->registry, report->caller)->name,
		.callee = rh_registry_get(&realm->registry, report->callee)->name,
	};

	if (rh_results_find(telling->results, telling->agent, &key))
		return;
	protocol = rh_protocols_find(&realm->protocols, key.caller.text, key.callee.text);
	if (protocol && is_new(telling, came_at(telling->center, protocol, &key)))
		tell_edge(telling, protocol->rule, protocol->revision, &key);
	limit = rh_protocols_find(&realm->limits, key.caller.text, key.callee.text);
	if (limit && is_new(telling, came_at(telling->center, limit, &key)))
		tell_edge(telling, limit->rule, limit->revision, &key);
	tell_code(telling, &key);
	rh_judge_pair(&realm->registry, &key.caller, &key.callee, 0, &verdict);
	if (verdict.reason == RH_REASON_HIERARCHY && is_new(telling, verdict.revision)) {
		telling->edges++;
		telling->hierarchy = verdict.revision;
	} else if (verdict.reason == RH_REASON_EXCEPTION &&
	           is_new(telling, verdict.revision)) {
		tell_edge(telling, verdict.rule.text, verdict.revision, &key);
	}
}

void rh_link_tell_settled(struct rh_center *center, const struct rh_link_conn *conn,
                          uint64_t after)
{
	const struct rh_registry *registry = &center->realm.registry;
	struct telling            telling = {
		.center = center, .agent = &conn->subscriber.feed.resource,
		.after = after, .upto = conn->subscriber.feed.acked,
		.results = &conn->subscriber.results,
	};
	struct rh_id              id;

	if (center->watchers.count == 0 || telling.upto == after ||
	    rh_registry_find_named(registry, telling.agent, &id) != RH_OK)
		return;
	rh_view_row(registry, id, 0, look_at, &telling);
	rh_view_column(registry, id, 0, look_at, &telling);
	if (telling.edges == 0)
		return;
	json_t *event = event_of("active", RH_HIERARCHY_RULE, conn->resource,
	                         telling.hierarchy);
	json_object_set_new(event, "edges", json_integer((json_int_t)telling.edges));
	rh_news_add(center, RH_OBJECT_RULE, event);
}
