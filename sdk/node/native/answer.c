/* answer - what a function of JavaScript returned, as the caller's C objects. */
#include "ask.h"

#include "../../../wire/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rh_param *param_of(const struct rh_js_ask *ask, unsigned i)
{
	return &ask->plan->function->params[i];
}

static struct rh_js_where where_of(const struct rh_js_ask *ask, struct rh_js_where *function,
                                   const char *name)
{
	*function = (struct rh_js_where){ .name = ask->plan->function->name };
	return (struct rh_js_where){ .above = function, .name = name };
}

/* Bytes that the caller of the function gets: its own from malloc, or lent. */
static int hand_out(struct rh_js_ask *ask, const struct rh_param *param, void **value,
                    void *bytes, size_t len)
{
	void *copy;

	if (param->flags & RH_PARAM_TRANSFER) {
		if (!(copy = malloc(len ? len : 1)))
			return rh_js_throw(ask->frame.library->state, RH_ENOMEM,
			                   "no memory for a result");
		if (len > 0)
			memcpy(copy, bytes, len);
		*value = ask->owned[ask->owned_count++] = copy;
		return 0;
	}
	*value = bytes;
	ask->lent[ask->lent_count] = value;
	ask->lent_bytes[ask->lent_count++] = len;
	return 0;
}

static int store_text(struct rh_js_ask *ask, const struct rh_param *param, napi_value js,
                      void **value, const struct rh_js_where *where)
{
	napi_env env = ask->frame.library->state->env;
	char    *text;

	if (rh_js_is_none(env, js)) {
		*value = NULL;
		return 0;
	}
	if (rh_js_text_read(env, js, &ask->frame.arena, &text, where) < 0)
		return -1;
	return hand_out(ask, param, value, text, strlen(text) + 1);
}

static void store_number(const struct rh_param *param, void *at, uint64_t number)
{
	if (at && param->size <= sizeof number)
		memcpy(at, &number, param->size);
}

/* The parameter, or the result, that tells how many elements came out. */
static void store_used(struct rh_js_ask *ask, unsigned used, uint64_t count)
{
	const struct rh_param *param;

	if (used == RH_USED_RETURN) {
		store_number(&ask->plan->function->ret, ask->frame.ret, count);
	} else if (used < ask->plan->function->param_count) {
		param = param_of(ask, used);
		if (param->flags & RH_PARAM_POINTER)
			store_number(param, rh_js_value_at(param, ask->frame.args[used]),
			             count);
	}
}

/* Bytes that are returned; they are copied to memory of the call, as JavaScript may
 * move or change its own. */
static int store_bytes_result(struct rh_js_ask *ask, const struct rh_param *param,
                              napi_value js, void **value, const struct rh_js_where *where)
{
	napi_env env = ask->frame.library->state->env;
	void    *bytes = NULL, *copy;
	size_t   len = 0;

	*value = NULL;
	if (!rh_js_is_none(env, js)) {
		if (rh_js_bytes_read(env, js, &bytes, &len, where) < 0)
			return -1;
		if (len % rh_js_element(param) != 0 || len > RH_BYTES_MAX)
			return rh_js_range_error(env, where, "has no length that can be returned");
		if (!(copy = rh_js_arena_take(&ask->frame.arena, len ? len : 1)))
			return rh_js_throw(ask->frame.library->state, RH_ENOMEM,
			                   "no memory for a result");
		if (len > 0)
			memcpy(copy, bytes, len);
		if (hand_out(ask, param, value, copy, len) < 0)
			return -1;
	}
	store_used(ask, param->len_param, len / rh_js_element(param));
	return 0;
}

static uint64_t capacity_of(const struct rh_js_ask *ask, const struct rh_param *param)
{
	const struct rh_param *length = param_of(ask, param->len_param);
	void    *at = rh_js_value_at(length, ask->frame.args[param->len_param]);
	uint64_t count = 0;

	if (at)
		memcpy(&count, at, length->size <= sizeof count ? length->size : sizeof count);
	return count * rh_js_element(param);
}

/* Into the room that the caller has; at most that. */
static int store_bytes(struct rh_js_ask *ask, const struct rh_param *param, napi_value js,
                       void **value, const struct rh_js_where *where)
{
	napi_env env = ask->frame.library->state->env;
	uint64_t room = capacity_of(ask, param);
	void    *bytes;
	size_t   len;
	char     text[80];

	if (rh_js_bytes_read(env, js, &bytes, &len, where) < 0)
		return -1;
	if (!*value || len > room || len % rh_js_element(param) != 0) {
		snprintf(text, sizeof text, "has %zu bytes, there is room for %llu", len,
		         (unsigned long long)room);
		return rh_js_range_error(env, where, text);
	}
	if (len > 0)
		memcpy(*value, bytes, len);
	store_used(ask, param->used_param, len / rh_js_element(param));
	return 0;
}

static int store_handle(struct rh_js_ask *ask, napi_value js, void **value,
                        const struct rh_js_where *where)
{
	napi_env env = ask->frame.library->state->env;
	int64_t  id = 0;

	if (!rh_js_is_none(env, js) && napi_get_value_int64(env, js, &id) != napi_ok)
		return rh_js_type_error(env, where, "is no handle");
	*value = (void *)(uintptr_t)id;
	return 0;
}

static int store(struct rh_js_ask *ask, const struct rh_param *param,
                 const struct rh_js_param *of, napi_value js, void *value,
                 const struct rh_js_where *where)
{
	switch (param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return store_text(ask, param, js, value, where);
	case RH_KIND_BYTES:
		return param == &ask->plan->function->ret
		       ? store_bytes_result(ask, param, js, value, where)
		       : store_bytes(ask, param, js, value, where);
	case RH_KIND_HANDLE:
		return store_handle(ask, js, value, where);
	default:
		return rh_js_plain_read(ask->frame.library->state->env, of->shape, js, value,
		                        where);
	}
}

static int store_out(struct rh_js_ask *ask, unsigned i, napi_value object, bool is_bytes)
{
	const struct rh_param *param = param_of(ask, i);
	napi_env               env = ask->frame.library->state->env;
	void                  *value = rh_js_value_at(param, ask->frame.args[i]);
	struct rh_js_where     function;
	struct rh_js_where     where = where_of(ask, &function, ask->plan->params[i].key);
	napi_value             js;

	if (!ask->plan->params[i].is_out || !value ||
	    (param->kind == RH_KIND_BYTES) != is_bytes)
		return 0;
	RH_JS_TRY(napi_get_named_property(env, object, where.name, &js));
	if (rh_js_is_none(env, js)) {
		if (param->direction == RH_INOUT || rh_js_is_told(ask->plan->function, i))
			return 0;
		if (rh_js_is_text(param) || param->kind == RH_KIND_HANDLE)
			return store(ask, param, &ask->plan->params[i], js, value, &where);
		return rh_js_type_error(env, &where, "is missing in what was returned");
	}
	return store(ask, param, &ask->plan->params[i], js, value, &where);
}

static int store_result(struct rh_js_ask *ask, napi_value js)
{
	const struct rh_param *ret = &ask->plan->function->ret;
	struct rh_js_where     function;
	struct rh_js_where     where = where_of(ask, &function, "what was returned");

	if (ret->kind == RH_KIND_VOID)
		return 0;
	return store(ask, ret, &ask->plan->ret, js, ask->frame.ret, &where);
}

static int store_all(struct rh_js_ask *ask, napi_value result)
{
	const struct rh_js_plan *plan = ask->plan;
	napi_env                 env = ask->frame.library->state->env;
	struct rh_js_where       function = { .name = plan->function->name };
	napi_valuetype           type;
	napi_value               js;

	if (plan->outs == 0)
		return store_result(ask, result);
	RH_JS_TRY(napi_typeof(env, result, &type));
	if (type != napi_object)
		return rh_js_type_error(env, &function, "must return an object with what comes"
		                        " out");
	/* Bytes first: a capacity may be written over by how much of it was used. */
	for (unsigned i = 0; i < 2u * plan->function->param_count; i++) {
		if (store_out(ask, i % plan->function->param_count, result,
		              i < plan->function->param_count) < 0)
			return -1;
	}
	RH_JS_TRY(napi_get_named_property(env, result, plan->result_key, &js));
	if (rh_js_is_none(env, js) && rh_js_is_told(plan->function, RH_USED_RETURN))
		return 0;
	return store_result(ask, js);
}

/* What callers see of one object; kept until the thread that has the call can tell it. */
static int store_seen(struct rh_js_ask *ask, const struct rh_param *param, napi_value js,
                      void **ret_seen)
{
	struct rh_js_where where = { .name = ask->plan->function->name };
	void              *bytes;
	size_t             len;

	if (rh_js_bytes_read(ask->frame.library->state->env, js, &bytes, &len, &where) < 0)
		return -1;
	if (len != rh_js_seen(param))
		return rh_js_range_error(ask->frame.library->state->env, &where,
		                         "shows another number of bytes than callers see");
	if (!(*ret_seen = rh_js_arena_take(&ask->frame.arena, len)))
		return rh_js_throw(ask->frame.library->state, RH_ENOMEM, "no memory for what"
		                   " callers see of an object");
	memcpy(*ret_seen, bytes, len);
	return 0;
}

static int store_all_seen(struct rh_js_ask *ask, napi_value seen)
{
	const struct rh_function *function = ask->plan->function;
	napi_env                  env = ask->frame.library->state->env;

	for (unsigned i = 0; i <= function->param_count; i++) {
		bool                   is_ret = i == function->param_count;
		const struct rh_param *param = is_ret ? &function->ret : param_of(ask, i);
		napi_value             js;

		if (rh_js_seen(param) == 0)
			continue;
		RH_JS_TRY(napi_get_element(env, seen, i, &js));
		if (!rh_js_is_none(env, js) &&
		    store_seen(ask, param, js, &ask->seen[is_ret ? RH_PARAMS_MAX : i]) < 0)
			return -1;
	}
	return 0;
}

int rh_js_answer(struct rh_js_ask *ask, napi_value answer)
{
	napi_env   env = ask->frame.library->state->env;
	napi_value result, seen;

	if (!ask->plan->has_handles)
		return store_all(ask, answer);
	RH_JS_TRY(napi_get_named_property(env, answer, "result", &result));
	RH_JS_TRY(napi_get_named_property(env, answer, "seen", &seen));
	return store_all(ask, result) < 0 ? -1 : store_all_seen(ask, seen);
}
