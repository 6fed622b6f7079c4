#include "problem.h"

#include "../model/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int rh_problem_set(struct rh_problem *problem, int code, const char *format, ...)
{
	va_list args;

	*problem = (struct rh_problem){ .code = code };
	va_start(args, format);
	vsnprintf(problem->detail, sizeof problem->detail, format, args);
	va_end(args);
	return code;
}

int rh_problem_diag(struct rh_problem *problem, int code,
                    const struct rh_diag *diag)
{
	return rh_problem_set(problem, code, "%s",
	                      diag->text[0] ? diag->text : rh_error_text(code));
}

void rh_problem_object(struct rh_problem *problem, const char *kind,
                       const char *name)
{
	if (kind)
		snprintf(problem->kind, sizeof problem->kind, "%s", kind);
	if (name)
		snprintf(problem->name, sizeof problem->name, "%s", name);
}

int rh_problem_status(const struct rh_problem *problem)
{
	return problem->status ? problem->status : rh_error_status(problem->code);
}

json_t *rh_json_text(const char *text)
{
	json_t *json = json_string(text);
	char    clean[RH_PROBLEM_DETAIL_MAX];

	if (json)
		return json;
	snprintf(clean, sizeof clean, "%s", text);
	for (char *c = clean; *c; c++) {
		if (*c & 0x80)
			*c = '?';
	}
	return json_string(clean);
}

static void set_text(json_t *json, const char *key, const char *text)
{
	if (text[0])
		json_object_set_new(json, key, rh_json_text(text));
}

json_t *rh_problem_json(const struct rh_problem *problem)
{
	const char *code = rh_error_name(problem->code);
	char        type[64];
	json_t     *json = json_object();

	snprintf(type, sizeof type, "urn:rhodes:error:%s", code);
	set_text(json, "type", type);
	set_text(json, "title", rh_error_text(problem->code));
	json_object_set_new(json, "status", json_integer(rh_problem_status(problem)));
	set_text(json, "detail", problem->detail);
	set_text(json, "code", code);
	set_text(json, "rule", problem->rule);
	if (problem->revision)
		json_object_set_new(json, "revision",
		                    json_integer((json_int_t)problem->revision));
	if (problem->caller[0])
		json_object_set_new(json, "edge", json_pack("[o, o]",
			rh_json_text(problem->caller), rh_json_text(problem->callee)));
	if (problem->kind[0] || problem->name[0])
		json_object_set_new(json, "object", json_pack("{s:o, s:o}",
			"kind", rh_json_text(problem->kind),
			"name", rh_json_text(problem->name)));
	set_text(json, "pointer", problem->pointer);
	return json;
}
