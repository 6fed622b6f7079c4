#include "probe.h"

#include "../model/error.h"
#include "../rules/ebpf/object.h"
#include "../rules/ebpf/point.h"
#include "../rules/hook.h"

#include <stdint.h>
#include <string.h>

static int is_ebpf(const json_t *value)
{
	const char *mode = json_string_value(json_object_get(value, "mode"));

	return mode && strcmp(mode, "ebpf") == 0;
}

/* ---- shape ---- */

int rh_probe_pair(struct rh_decode *decode, const json_t *value)
{
	const char           *name = json_string_value(json_object_get(value, "hook"));
	const struct rh_hook *hook = name ? rh_hook_find(name) : NULL;

	if (!hook || hook->is_ebpf == is_ebpf(value))
		return RH_OK;
	return rh_decode_refuse(decode, hook->is_ebpf ? "has the hook %s, which is of mode ebpf "
		"alone" : "has the hook %s, which is not of mode ebpf: probe is", name);
}

static int check_point(struct rh_decode *decode, const char *program, const json_t *value)
{
	struct rh_bpf_point point;
	struct rh_diag      diag = { 0 };
	size_t              len = strlen(program);

	if (len == 0 || len > RH_BPF_NAME_MAX)
		return rh_decode_refuse(decode, "a program's name has 1 to %u bytes",
		                        RH_BPF_NAME_MAX);
	int err = rh_decode_string(decode, value, 1, RH_BPF_POINT_MAX, 0);
	if (!err && rh_bpf_point_read(json_string_value(value), &point, &diag) < 0)
		err = rh_decode_refuse(decode, "%s", diag.text);
	return err;
}

int rh_probe_attach(struct rh_decode *decode, const json_t *value)
{
	const char *program;
	json_t     *point;
	int         err = RH_OK;

	if (!json_is_object(value) || json_object_size(value) == 0 ||
	    json_object_size(value) > RH_BPF_PROGRAMS_MAX)
		return rh_decode_refuse(decode, "must be an object of 1 to %u points, by the "
			"programs that go there", RH_BPF_PROGRAMS_MAX);
	json_object_foreach((json_t *)(uintptr_t)value, program, point) {
		size_t mark = rh_decode_enter(decode, program);

		err = check_point(decode, program, point);
		rh_decode_leave(decode, mark);
		if (err)
			break;
	}
	return err;
}

static int check_map(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_string(decode, value, 1, RH_BPF_NAME_MAX, 0);
}

int rh_probe_keep(struct rh_decode *decode, const json_t *value)
{
	return rh_decode_list(decode, value, RH_BPF_MAPS_MAX, check_map);
}

int rh_probe_shape(struct rh_decode *decode, const json_t *code)
{
	const json_t *limits = json_object_get(code, "limits");
	const char   *other = json_object_get(limits, "time") ? "time"
	                      : json_object_get(limits, "fuel") ? "fuel" : NULL;

	if (!is_ebpf(code)) {
		if (json_object_get(code, "attach") || json_object_get(code, "keep"))
			return rh_decode_refuse(decode, "has attach or keep, which only rules of "
			                        "mode ebpf have");
		return RH_OK;
	}
	if (!json_object_get(code, "resource"))
		return rh_decode_refuse(decode, "is of mode ebpf, which sees a node, not an edge: "
			"name the resource whose agent holds the rule");
	if (!json_object_get(code, "attach"))
		return rh_decode_refuse(decode, "is of mode ebpf and must say where its programs "
			"go: attach: {program: \"tracepoint:sched/sched_switch\"}");
	if (other)
		return rh_decode_refuse(decode, "has a limit of %s, which the kernel's verifier "
			"sets in mode ebpf", other);
	if (json_object_get(code, "onFailure"))
		return rh_decode_refuse(decode, "has onFailure, but a program that the verifier "
			"let pass does not fail");
	return RH_OK;
}

/* ---- the module ---- */

static json_t *names_of(const struct rh_bpf_variable *list, unsigned count)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(names, json_string(list[i].name));
	return names;
}

void rh_probe_describe(json_t *manifest, const struct rh_bpf_object *object)
{
	json_t *programs = json_array();

	for (unsigned i = 0; i < object->program_count; i++)
		json_array_append_new(programs, json_pack("{s:s, s:s}", "name",
			object->programs[i].name, "section", object->programs[i].section));
	json_object_set_new(manifest, "programs", programs);
	json_object_set_new(manifest, "maps", names_of(object->maps, object->map_count));
	json_object_set_new(manifest, "parameters", names_of(object->params,
	                                                     object->param_count));
	json_object_set_new(manifest, "license", json_string(object->license));
}

static int has_name(const json_t *list, const char *name)
{
	size_t  i;
	json_t *item;

	json_array_foreach(list, i, item) {
		const char *its = json_string_value(json_is_object(item)
		                                    ? json_object_get(item, "name") : item);

		if (its && strcmp(its, name) == 0)
			return 1;
	}
	return 0;
}

static int refuse(const struct rh_wanted *wanted, struct rh_problem *problem,
                  const char *what, const char *name)
{
	return rh_problem_set(problem, RH_EINVAL, "rule %s: its module holds no %s %s: `rhodes "
		"get modules -o yaml` shows what it holds", wanted->name, what, name);
}

int rh_probe_check(const struct rh_wanted *wanted, const json_t *code,
                   const json_t *manifest, struct rh_problem *problem)
{
	const char *name;
	size_t      i;
	json_t     *item;

	if (!is_ebpf(code))
		return RH_OK;
	json_object_foreach(json_object_get(code, "attach"), name, item) {
		if (!has_name(json_object_get(manifest, "programs"), name))
			return refuse(wanted, problem, "program", name);
	}
	json_object_foreach(json_object_get(code, "params"), name, item) {
		if (!has_name(json_object_get(manifest, "parameters"), name))
			return refuse(wanted, problem, "parameter", name);
	}
	json_array_foreach(json_object_get(code, "keep"), i, item) {
		if (!has_name(json_object_get(manifest, "maps"), json_string_value(item)))
			return refuse(wanted, problem, "map", json_string_value(item));
	}
	return RH_OK;
}
