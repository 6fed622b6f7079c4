#include "show.h"

#include "../base/plural.h"
#include "../model/sched.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

const char *rh_show_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *rh_show_name(const json_t *object)
{
	return rh_show_text(json_object_get(object, "metadata"), "name");
}

long long rh_show_number(const json_t *object, const char *key)
{
	return json_integer_value(
		json_object_get(json_object_get(object, "metadata"), key));
}

const json_t *rh_show_condition(const json_t *object, const char *type)
{
	const json_t *list = json_object_get(json_object_get(object, "status"),
	                                     "conditions");
	size_t        i;
	json_t       *condition;

	json_array_foreach(list, i, condition) {
		const char *other = rh_show_text(condition, "type");

		if (other && strcmp(other, type) == 0)
			return condition;
	}
	return NULL;
}

static bool is_true(const json_t *object, const char *type)
{
	const char *status = rh_show_text(rh_show_condition(object, type), "status");

	return status && strcmp(status, "True") == 0;
}

const char *rh_show_status(const json_t *object, enum rh_style *ret_style)
{
	const json_t *serve = json_object_get(json_object_get(object, "spec"), "serve");

	*ret_style = RH_BAD;
	if (is_true(object, "EdgeRefused"))
		return "EdgeRefused";
	if (is_true(object, "EdgeRevoking"))
		return "EdgeRevoking";
	if (is_true(object, "Pending"))
		return "Pending";
	*ret_style = RH_GOOD;
	if (is_true(object, "Ready"))
		return "Ready";
	*ret_style = serve ? RH_BAD : RH_PLAIN;
	return serve ? "NotReady" : "Registered";
}

static json_int_t count_of(const json_t *condition, const char *key)
{
	return json_integer_value(json_object_get(condition, key));
}

const char *rh_show_in_force(const json_t *object, char *text, size_t cap,
                             enum rh_style *ret_style)
{
	const json_t *condition = rh_show_condition(object, "Active");
	const char   *reason = rh_show_text(condition, "reason");
	int           is_all = is_true(object, "Active");

	*ret_style = is_all && reason && strcmp(reason, "Partial") != 0 ? RH_GOOD : RH_BAD;
	if (!reason)
		return NULL;
	if (json_object_get(condition, "total"))
		snprintf(text, cap, "%s %lld of %lld",
		         *ret_style == RH_GOOD ? "Active" : reason,
		         (long long)count_of(condition, "active"),
		         (long long)count_of(condition, "total"));
	else
		snprintf(text, cap, "%s", *ret_style == RH_GOOD ? "Active" : reason);
	return text;
}

const char *rh_show_agent(const json_t *agent, char *text, size_t cap,
                          enum rh_style *ret_style)
{
	const json_t *unsettled = json_object_get(agent, "unsettled"), *item;
	const char   *source = rh_show_text(agent, "source");
	json_int_t    lag = json_integer_value(json_object_get(agent, "lag"));
	size_t        count = json_array_size(unsettled), rejected = 0, partial = 0, i;

	json_array_foreach(unsettled, i, item) {
		const char *state = rh_show_text(item, "state");

		rejected += state && strcmp(state, "rejected") == 0;
		partial += state && strcmp(state, "partial") == 0;
	}
	*ret_style = RH_BAD;
	if (json_is_true(json_object_get(agent, "stalled")))
		snprintf(text, cap, "does not read");
	else if (rejected)
		snprintf(text, cap, "%zu rejected", rejected);
	else
		*ret_style = RH_PLAIN;
	if (*ret_style == RH_BAD)
		return text;
	if (count > partial)
		snprintf(text, cap, "%zu on the way", count - partial);
	else if (lag)
		snprintf(text, cap, "%lld behind", (long long)lag);
	else if (partial)
		*ret_style = RH_BAD, snprintf(text, cap, "%zu in part", partial);
	else if (source && strcmp(source, "live") == 0)
		*ret_style = RH_GOOD, snprintf(text, cap, "up to date");
	else
		snprintf(text, cap, "%s", source ? "not heard yet" : "");
	return text;
}

const char *rh_show_instances(const json_t *object, char *text, size_t cap)
{
	const json_t *serve = json_object_get(json_object_get(object, "spec"), "serve");
	const char *message = rh_show_text(rh_show_condition(object, "Ready"), "message");
	json_int_t    wanted = json_integer_value(json_object_get(serve, "workers"));
	unsigned      count = 0;

	if (message)
		sscanf(message, "%u", &count);
	text[0] = '\0';
	if (serve)
		snprintf(text, cap, "%u of %lld", count,
		         wanted > 0 ? (long long)wanted : 1LL);
	else if (count)
		snprintf(text, cap, "%u", count);
	return text;
}

const char *rh_show_list(const json_t *list, char *text, size_t cap)
{
	size_t  used = 0, i;
	json_t *item;

	text[0] = '\0';
	json_array_foreach(list, i, item) {
		const char *word = json_string_value(item);
		int n = snprintf(text + used, cap - used, "%s%s", i ? ", " : "",
		                 word ? word : "?");

		if (n < 0 || (size_t)n >= cap - used) {
			text[used] = '\0';
			break;
		}
		used += (size_t)n;
	}
	return text;
}

const char *rh_show_pids(const json_t *instances, char *text, size_t cap)
{
	size_t  used = 0, i;
	json_t *item;

	text[0] = '\0';
	json_array_foreach(instances, i, item) {
		int n = snprintf(text + used, cap - used, "%s%lld", i ? ", " : "",
		                 (long long)json_integer_value(json_object_get(item,
		                                                               "pid")));

		if (n < 0 || (size_t)n >= cap - used) {
			text[used] = '\0';
			break;
		}
		used += (size_t)n;
	}
	return text;
}

const char *rh_show_served_by(const json_t *spec, char *text, size_t cap)
{
	const json_t *serve = json_object_get(spec, "serve");
	const char   *library = rh_show_text(serve, "library");
	json_int_t    workers = json_integer_value(json_object_get(serve, "workers"));

	text[0] = '\0';
	if (library && workers > 1)
		snprintf(text, cap, "%s x%lld", library, (long long)workers);
	else if (library)
		snprintf(text, cap, "%s", library);
	else if (serve)
		snprintf(text, cap, "%s", json_string_value(json_array_get(
			json_object_get(serve, "program"), 0)));
	return text;
}

long long rh_show_functions(const char *text)
{
	long long count = 0;

	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n')
		count += *text != '#' && *text != '\n';
	return count;
}

static void show_edge(const json_t *edge, char *text, size_t cap)
{
	const char *caller = json_string_value(json_array_get(edge, 0));
	const char *callee = json_string_value(json_array_get(edge, 1));

	snprintf(text, cap, "%s -> %s", caller ? caller : "?", callee ? callee : "?");
}

/* "application -> service, driver; service -> driver" */
static void show_hierarchy(const json_t *pairs, char *text, size_t cap)
{
	const char *before = "";
	size_t      used = 0, i;
	json_t     *pair;

	text[0] = '\0';
	json_array_foreach(pairs, i, pair) {
		const char *caller = json_string_value(json_array_get(pair, 0));
		const char *callee = json_string_value(json_array_get(pair, 1));
		bool        is_same = caller && strcmp(caller, before) == 0;
		int         n;

		n = snprintf(text + used, cap - used, "%s%s%s%s",
		             i == 0 ? "" : is_same ? ", " : "; ",
		             is_same || !caller ? "" : caller, is_same ? "" : " -> ",
		             callee ? callee : "?");
		if (n < 0 || (size_t)n >= cap - used)
			return;
		used += (size_t)n;
		before = caller ? caller : "";
	}
}

/* "layering never, protocol 10m" */
static void show_stale(const json_t *stale, char *text, size_t cap)
{
	json_t     *copy = (json_t *)(uintptr_t)stale, *age;
	const char *class;
	size_t      used = 0;

	text[0] = '\0';
	json_object_foreach(copy, class, age) {
		int n = snprintf(text + used, cap - used, "%s%s %s", used ? ", " : "", class,
		                 json_string_value(age));

		if (n < 0 || (size_t)n >= cap - used)
			return;
		used += (size_t)n;
	}
}

/* ", rate=10, burst=2" */
static void show_params(const json_t *params, char *text, size_t cap)
{
	const char *name;
	json_t     *value;
	size_t      used = 0;

	text[0] = '\0';
	json_object_foreach((json_t *)(uintptr_t)params, name, value) {
		int len = snprintf(text + used, cap - used, ", %.40s=%.60s", name,
		                   json_is_string(value) ? json_string_value(value) : "?");

		if ((size_t)len >= cap - used)
			break;
		used += (size_t)len;
	}
}

/* The first digits of the module tell it from others. */
static void show_code(const json_t *code, struct rh_show_rule *rule)
{
	const char *resource = rh_show_text(code, "resource");
	const char *module = rh_show_text(code, "module");
	char        params[300];

	show_params(json_object_get(code, "params"), params, sizeof params);
	rule->is_of_resource = resource != NULL;
	if (resource)
		snprintf(rule->edge, sizeof rule->edge, "%s", resource);
	else
		show_edge(json_object_get(code, "edge"), rule->edge, sizeof rule->edge);
	snprintf(rule->says, sizeof rule->says, "%s by %.19s... in %s%s%s",
	         rh_show_text(code, "hook"), module ? module : "?",
	         rh_show_text(code, "mode"), params,
	         json_object_get(code, "rollout") ? ", step by step" : "");
}

/* "deadline on host: runtimeUs 2000, periodUs 20000" */
static void show_sched(const json_t *sched, struct rh_show_rule *rule)
{
	const char *carrier = rh_show_text(sched, "carrier");
	int         used = snprintf(rule->says, sizeof rule->says, "%s on %s",
	                            rh_show_text(sched, "use"), carrier ? carrier : "host");
	const char *before = ": ";

	rule->is_of_resource = true;
	snprintf(rule->edge, sizeof rule->edge, "%s", rh_show_text(sched, "resource"));
	for (int i = 0; i < RH_SCHED_NUMBERS; i++) {
		const json_t *number = json_object_get(sched, rh_sched_ranges[i].name);

		if (!number)
			continue;
		used += snprintf(rule->says + used, sizeof rule->says - (size_t)used,
		                 "%s%s %lld", before, rh_sched_ranges[i].name,
		                 (long long)json_integer_value(number));
		before = ", ";
	}
	snprintf(rule->says + used, sizeof rule->says - (size_t)used, "%s",
	         json_object_get(sched, "rollout") ? ", step by step" : "");
}

void rh_show_rule(const json_t *object, struct rh_show_rule *ret_rule)
{
	const json_t *spec = json_object_get(object, "spec");
	const json_t *protocol = json_object_get(spec, "protocol");
	const json_t *limits = json_object_get(spec, "limits");
	long long     calls = json_integer_value(json_object_get(limits, "calls"));
	const json_t *exception = json_object_get(spec, "exception");
	const json_t *hierarchy = json_object_get(spec, "hierarchy");
	const char   *reason = rh_show_text(exception, "reason");
	const char   *expires = rh_show_text(exception, "expires");

	*ret_rule = (struct rh_show_rule){ .kind = "?" };
	if (protocol) {
		ret_rule->kind = "protocol";
		show_edge(json_object_get(protocol, "edge"), ret_rule->edge,
		          sizeof ret_rule->edge);
		snprintf(ret_rule->says, sizeof ret_rule->says, "use %s%s",
		         rh_show_text(protocol, "use"),
		         json_object_get(protocol, "rollout") ? ", step by step" : "");
	} else if (limits) {
		ret_rule->kind = "limits";
		show_edge(json_object_get(limits, "edge"), ret_rule->edge,
		          sizeof ret_rule->edge);
		snprintf(ret_rule->says, sizeof ret_rule->says, "%lld call%s under way%s", calls,
		         rh_plural((unsigned long long)calls),
		         json_object_get(limits, "rollout") ? ", step by step" : "");
	} else if (exception) {
		ret_rule->kind = "exception";
		show_edge(json_object_get(exception, "edge"), ret_rule->edge,
		          sizeof ret_rule->edge);
		snprintf(ret_rule->says, sizeof ret_rule->says, "%s%s%s%s",
		         reason ? reason : "", expires ? " (until " : "",
		         expires ? expires : "", expires ? ")" : "");
	} else if (json_object_get(spec, "sched")) {
		ret_rule->kind = "sched";
		show_sched(json_object_get(spec, "sched"), ret_rule);
	} else if (json_object_get(spec, "code")) {
		ret_rule->kind = "code";
		show_code(json_object_get(spec, "code"), ret_rule);
	} else if (json_object_get(spec, "stale")) {
		ret_rule->kind = "stale";
		show_stale(json_object_get(spec, "stale"), ret_rule->says,
		           sizeof ret_rule->says);
	} else if (hierarchy) {
		ret_rule->kind = "hierarchy";
		show_hierarchy(json_object_get(hierarchy, "allow"), ret_rule->says,
		               sizeof ret_rule->says);
	}
}
