#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHERE_MAX 400

/* Outermost first. */
static size_t put_where(const struct rh_js_where *where, char *text, size_t cap)
{
	size_t at = where->above ? put_where(where->above, text, cap) : 0;
	int    n;

	if (!where->above)
		n = snprintf(text + at, cap - at, "%s", where->name);
	else if (!where->name)
		n = snprintf(text + at, cap - at, "[%u]", where->index);
	else
		n = snprintf(text + at, cap - at, "%s%s", where->above->above ? "." : ": ",
		             where->name);
	if (n < 0)
		return at;
	return at + (size_t)n < cap ? at + (size_t)n : cap - 1;
}

static void put_message(const struct rh_js_where *where, const char *what, char *text,
                        size_t cap)
{
	size_t at = put_where(where, text, cap);

	snprintf(text + at, cap - at, " %s", what);
}

int rh_js_type_error(napi_env env, const struct rh_js_where *where, const char *what)
{
	char text[WHERE_MAX];

	put_message(where, what, text, sizeof text);
	napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", text);
	return -1;
}

int rh_js_range_error(napi_env env, const struct rh_js_where *where, const char *what)
{
	char text[WHERE_MAX];

	put_message(where, what, text, sizeof text);
	napi_throw_range_error(env, "ERR_OUT_OF_RANGE", text);
	return -1;
}

void rh_js_fault_take(struct rh_js_fault *ret_fault, int code)
{
	const struct rh_exception *exception = code == RH_ERAISED ? rh_last_exception() : NULL;

	*ret_fault = (struct rh_js_fault){ .code = code, .ran = rh_last_ran(),
	                                   .text = strdup(rh_last_error()) };
	if (!exception)
		return;
	ret_fault->language = strdup(exception->language);
	ret_fault->type = strdup(exception->type);
	ret_fault->message = strdup(exception->message);
	ret_fault->stack = strdup(exception->stack);
}

void rh_js_fault_fini(struct rh_js_fault *fault)
{
	free(fault->text);
	free(fault->language);
	free(fault->type);
	free(fault->message);
	free(fault->stack);
	*fault = (struct rh_js_fault){ .code = RH_OK };
}

static int put_text(napi_env env, napi_value object, const char *key, const char *text)
{
	napi_value value;

	RH_JS_TRY(napi_create_string_utf8(env, text ? text : "", NAPI_AUTO_LENGTH, &value));
	RH_JS_TRY(napi_set_named_property(env, object, key, value));
	return 0;
}

static int exception_object(napi_env env, const struct rh_js_fault *fault,
                            napi_value *ret_object)
{
	if (!fault->language) {
		RH_JS_TRY(napi_get_undefined(env, ret_object));
		return 0;
	}
	RH_JS_TRY(napi_create_object(env, ret_object));
	return put_text(env, *ret_object, "language", fault->language) ||
	       put_text(env, *ret_object, "type", fault->type) ||
	       put_text(env, *ret_object, "message", fault->message) ||
	       put_text(env, *ret_object, "stack", fault->stack) ? -1 : 0;
}

int rh_js_fault_object(struct rh_js_state *state, const struct rh_js_fault *fault,
                       napi_value *ret_error)
{
	napi_env   env = state->env;
	napi_value fail, self, words[4];

	RH_JS_TRY(napi_get_reference_value(env, state->fail, &fail));
	RH_JS_TRY(napi_get_undefined(env, &self));
	RH_JS_TRY(napi_create_int32(env, fault->code, &words[0]));
	RH_JS_TRY(napi_get_boolean(env, fault->ran != 0, &words[1]));
	RH_JS_TRY(napi_create_string_utf8(env, fault->text ? fault->text : "",
	                                  NAPI_AUTO_LENGTH, &words[2]));
	if (exception_object(env, fault, &words[3]) < 0)
		return -1;
	RH_JS_TRY(napi_call_function(env, self, fail, 4, words, ret_error));
	return 0;
}

static int throw_fault(struct rh_js_state *state, struct rh_js_fault *fault)
{
	napi_value error;

	if (rh_js_fault_object(state, fault, &error) == 0)
		napi_throw(state->env, error);
	rh_js_fault_fini(fault);
	return -1;
}

int rh_js_throw(struct rh_js_state *state, int code, const char *text)
{
	struct rh_js_fault fault = { .code = code, .text = strdup(text) };

	return throw_fault(state, &fault);
}

int rh_js_throw_last(struct rh_js_state *state, int code)
{
	struct rh_js_fault fault;

	rh_js_fault_take(&fault, code);
	return throw_fault(state, &fault);
}
