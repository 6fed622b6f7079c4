#include "doctor.h"

#include "../show.h"

#include <string.h>

/* Both ends of an edge may tell of it: once is enough. */
static bool is_told_by_callee(const json_t *resource, const json_t *condition)
{
	const char *caller = json_string_value(
		json_array_get(json_object_get(condition, "edge"), 0));
	const char *name = rh_show_name(resource);

	return caller && name && strcmp(caller, name) != 0;
}

static void check_edges(struct rh_doctor *doctor, const json_t *resource)
{
	const json_t *conditions = json_object_get(json_object_get(resource, "status"),
	                                           "conditions");
	json_t       *condition;
	size_t        i;

	json_array_foreach(conditions, i, condition) {
		const char *type = rh_show_text(condition, "type");
		const char *text = rh_show_text(condition, "message");

		if (!type || !text || is_told_by_callee(resource, condition))
			continue;
		if (strcmp(type, "EdgeRefused") == 0)
			rh_doctor_warn(doctor, "edge",
			               "%s; calls are refused: change the hierarchy, "
			               "make an exception, or remove the reference "
			               "(`rhodes explain CALLER CALLEE`)",
			               text);
		else if (strcmp(type, "EdgeRevoking") == 0)
			rh_doctor_warn(doctor, "edge",
			               "%s: calls pass until then; put the rule back, "
			               "or make an exception, if they should go on",
			               text);
	}
}

static void check_instances(struct rh_doctor *doctor, const json_t *resource)
{
	const char   *name = rh_show_name(resource);
	enum rh_style style;

	if (name && strcmp(rh_show_status(resource, &style), "NotReady") == 0)
		rh_doctor_fail(doctor, "instance",
		               "%s is served by nobody: its callers wait or fail; "
		               "`rhodes logs %s` tells why",
		               name, name);
}

static long long number_at(const json_t *json, const char *key)
{
	return (long long)json_integer_value(json_object_get(json, key));
}

static void check_unsettled(struct rh_doctor *doctor, const json_t *agent)
{
	const char *name = rh_show_text(agent, "resource");
	json_t     *item;
	size_t      i;

	json_array_foreach(json_object_get(agent, "unsettled"), i, item) {
		const char   *state = rh_show_text(item, "state");
		const char   *code = rh_show_text(item, "code");
		const char   *text = rh_show_text(item, "text");
		const json_t *edge = json_object_get(item, "edge");
		const char   *caller = json_string_value(json_array_get(edge, 0));
		const char   *callee = json_string_value(json_array_get(edge, 1));

		if (state && strcmp(state, "partial") == 0)
			rh_doctor_warn(doctor, "partial",
			               "%s: %s: %s: a rule is not in force for all of it: "
			               "`rhodes top --threads %s` shows what", name,
			               code ? code : "", text ? text : "", name);
		if (!state || strcmp(state, "rejected") != 0)
			continue;
		rh_doctor_fail(doctor, "rejected",
		               "the agent of %s rejects %s%s%s of revision %lld: %s: "
		               "%s; the former stays in force: give it what it lacks "
		               "and apply the rule again (unchanged it is sent "
		               "again), or change the rule",
		               name, caller ? caller : name, callee ? " -> " : "",
		               callee ? callee : "",
		               number_at(item, "revision"),
		               code ? code : "", text ? text : "");
	}
}

void rh_doctor_objects(struct rh_doctor *doctor)
{
	json_t *object;
	size_t  i;

	json_array_foreach(doctor->resources, i, object)
		check_instances(doctor, object);
	json_array_foreach(doctor->resources, i, object)
		check_edges(doctor, object);
	json_array_foreach(doctor->agents, i, object) {
		if (rh_show_text(object, "resource"))
			check_unsettled(doctor, object);
	}
}
