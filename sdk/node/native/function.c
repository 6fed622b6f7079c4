#include "function.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 64u

struct entry {
	const struct rh_interface *interface;
	struct rh_js_plan         *plans;
};

static struct {
	pthread_mutex_t lock;
	unsigned        count;
	struct entry    entries[INTERFACES_MAX];
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

int rh_js_function_text(const struct rh_function *function, char *text, size_t cap)
{
	size_t at = (size_t)snprintf(text, cap, "%s", function->name);

	for (unsigned i = 0; i < function->param_count && at < cap; i++)
		at += (size_t)snprintf(text + at, cap - at, ", %s|%s", function->params[i].type,
		                       function->params[i].name);
	if (at < cap)
		at += (size_t)snprintf(text + at, cap - at, ", %s", function->ret.type);
	return at < cap ? (int)at : RH_EMSGSIZE;
}

bool rh_js_is_carried(const struct rh_function *function)
{
	return !(function->flags & (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY));
}

bool rh_js_goes_in(const struct rh_param *param)
{
	return param->direction != RH_OUT;
}

bool rh_js_comes_out(const struct rh_param *param)
{
	return param->direction != RH_IN;
}

bool rh_js_is_text(const struct rh_param *param)
{
	return param->kind == RH_KIND_STRING || param->kind == RH_KIND_PATH;
}

uint32_t rh_js_seen(const struct rh_param *param)
{
	return param->kind == RH_KIND_HANDLE && !(param->flags & RH_PARAM_DESTROYS)
	       ? param->mirror_len : 0;
}

uint32_t rh_js_element(const struct rh_param *param)
{
	return param->size > 0 ? param->size : 1;
}

size_t rh_js_value_bytes(const struct rh_param *param)
{
	if (rh_js_is_text(param) || param->kind == RH_KIND_BYTES ||
	    param->kind == RH_KIND_HANDLE)
		return sizeof(void *);
	return param->size;
}

void *rh_js_value_at(const struct rh_param *param, void *object)
{
	return (param->flags & RH_PARAM_POINTER) ? *(void **)object : object;
}

/* Numbers have the shape of their kind and size; only the others need their text. */
static int make_shape(const struct rh_param *param, struct rh_shape **ret_shape)
{
	static const enum rh_shape_kind kinds[] = {
		[RH_KIND_INT] = RH_SHAPE_INT, [RH_KIND_UINT] = RH_SHAPE_UINT,
		[RH_KIND_FLOAT] = RH_SHAPE_FLOAT, [RH_KIND_FD] = RH_SHAPE_INT,
	};

	*ret_shape = NULL;
	if (param->kind == RH_KIND_STRUCT)
		return rh_shape_parse(param->type, ret_shape);
	if (param->kind != RH_KIND_INT && param->kind != RH_KIND_UINT &&
	    param->kind != RH_KIND_FLOAT && param->kind != RH_KIND_FD)
		return RH_OK;
	if (!(*ret_shape = calloc(1, sizeof **ret_shape)))
		return RH_ENOMEM;
	(*ret_shape)->kind = kinds[param->kind];
	(*ret_shape)->size = param->size;
	return RH_OK;
}

/* Lengths of what goes in are told by the bytes themselves. */
static void find_lengths(struct rh_js_plan *plan)
{
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		const struct rh_param *param = &plan->function->params[i];

		if (param->kind == RH_KIND_BYTES && rh_js_goes_in(param) &&
		    param->len_param < plan->function->param_count)
			plan->params[param->len_param].is_length = true;
	}
}

bool rh_js_is_told(const struct rh_function *function, unsigned of)
{
	for (unsigned i = 0; i < function->param_count; i++) {
		if (function->params[i].kind == RH_KIND_BYTES &&
		    rh_js_comes_out(&function->params[i]) && function->params[i].used_param == of)
			return true;
	}
	return function->ret.kind == RH_KIND_BYTES && function->ret.len_param == of;
}

static void set_key(const struct rh_param *param, unsigned i, struct rh_js_param *ret)
{
	if (param->name && param->name[0])
		snprintf(ret->key, sizeof ret->key, "%s", param->name);
	else
		snprintf(ret->key, sizeof ret->key, "a%u", i);
}

static bool has_key(const struct rh_js_plan *plan, const char *key)
{
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		if (plan->params[i].is_out && strcmp(plan->params[i].key, key) == 0)
			return true;
	}
	return false;
}

static int make_plan(const struct rh_interface *interface, unsigned index,
                     struct rh_js_plan *plan)
{
	const struct rh_function *function = &interface->functions[index];
	int                       r;

	plan->interface = interface;
	plan->function = function;
	plan->index = index;
	if (!rh_js_is_carried(function))
		return RH_OK;
	find_lengths(plan);
	plan->has_handles = function->ret.kind == RH_KIND_HANDLE;
	for (unsigned i = 0; i < function->param_count; i++) {
		const struct rh_param *param = &function->params[i];
		struct rh_js_param    *of = &plan->params[i];

		if ((r = make_shape(param, &of->shape)) < 0)
			return r;
		set_key(param, i, of);
		plan->has_handles = plan->has_handles || param->kind == RH_KIND_HANDLE;
		of->word = rh_js_goes_in(param) && !of->is_length ? plan->words++
		           : RH_JS_NO_WORD;
		of->is_out = rh_js_comes_out(param) &&
		             !(param->direction == RH_OUT && rh_js_is_told(function, i));
		plan->outs = (uint8_t)(plan->outs + of->is_out);
	}
	plan->result_key = has_key(plan, "result") ? "returned" : "result";
	return make_shape(&function->ret, &plan->ret.shape);
}

static struct rh_js_plan *make_plans(const struct rh_interface *interface)
{
	struct rh_js_plan *plans = calloc(interface->function_count + 1, sizeof *plans);

	for (unsigned i = 0; plans && i < interface->function_count; i++) {
		if (make_plan(interface, i, &plans[i]) < 0) {
			free(plans);
			return NULL;
		}
	}
	return plans;
}

const struct rh_js_plan *rh_js_plans(const struct rh_interface *interface)
{
	struct rh_js_plan *plans = NULL;
	unsigned           i = 0;

	pthread_mutex_lock(&table.lock);
	while (i < table.count && table.entries[i].interface != interface)
		i++;
	if (i < table.count) {
		plans = table.entries[i].plans;
	} else if (i < INTERFACES_MAX && (plans = make_plans(interface))) {
		table.entries[i] = (struct entry){ interface, plans };
		table.count++;
	}
	pthread_mutex_unlock(&table.lock);
	return plans;
}
