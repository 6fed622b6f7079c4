#include "addon.h"

#include "call.h"
#include "queue.h"
#include "serve.h"

#include <stdlib.h>
#include <string.h>

struct rh_js_state *rh_js_state(napi_env env)
{
	void *state = NULL;

	napi_get_instance_data(env, &state);
	return state;
}

int rh_js_export(napi_env env, napi_value object, const char *name, napi_callback function,
                 void *data)
{
	napi_value value;

	RH_JS_TRY(napi_create_function(env, name, NAPI_AUTO_LENGTH, function, data, &value));
	RH_JS_TRY(napi_set_named_property(env, object, name, value));
	return 0;
}

/* --- what an interface is ------------------------------------------------------------ */

static int put_text(napi_env env, napi_value object, const char *key, const char *text)
{
	napi_value value;

	RH_JS_TRY(napi_create_string_utf8(env, text ? text : "", NAPI_AUTO_LENGTH, &value));
	RH_JS_TRY(napi_set_named_property(env, object, key, value));
	return 0;
}

static int put_number(napi_env env, napi_value object, const char *key, int32_t number)
{
	napi_value value;

	RH_JS_TRY(napi_create_int32(env, number, &value));
	RH_JS_TRY(napi_set_named_property(env, object, key, value));
	return 0;
}

static int put_forms(napi_env env, napi_value object, struct rh_js_library *library,
                     const struct rh_js_plan *plan)
{
	struct rh_js_bound *bound = calloc(2, sizeof *bound);

	if (!bound)
		return rh_js_throw(library->state, RH_ENOMEM, "no memory for a function");
	bound[0] = (struct rh_js_bound){ library, plan, false };
	bound[1] = (struct rh_js_bound){ library, plan, true };
	return rh_js_export(env, object, "call", rh_js_call, &bound[0]) ||
	       rh_js_export(env, object, "async", rh_js_call_async, &bound[0]) ||
	       rh_js_export(env, object, "raw", rh_js_call, &bound[1]) ||
	       rh_js_export(env, object, "rawAsync", rh_js_call_async, &bound[1]) ? -1 : 0;
}

/* Which parameter each word is. */
static int put_roles(napi_env env, napi_value object, const struct rh_js_plan *plan)
{
	napi_value array, number;

	RH_JS_TRY(napi_create_array(env, &array));
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		if (plan->params[i].word == RH_JS_NO_WORD)
			continue;
		RH_JS_TRY(napi_create_uint32(env, i, &number));
		RH_JS_TRY(napi_set_element(env, array, plan->params[i].word, number));
	}
	RH_JS_TRY(napi_set_named_property(env, object, "roles", array));
	return 0;
}

/* library NULL: it is told only, not called. */
static int put_function(napi_env env, napi_value array, struct rh_js_library *library,
                        const struct rh_js_plan *plan)
{
	const struct rh_function *function = plan->function;
	char                      text[RH_TEXT_MAX];
	napi_value                object;

	RH_JS_TRY(napi_create_object(env, &object));
	if (put_text(env, object, "name", function->name) < 0 ||
	    put_number(env, object, "words", plan->words) < 0 ||
	    put_number(env, object, "outs", plan->outs) < 0 ||
	    put_number(env, object, "isEvent", (function->flags & RH_FUNCTION_EVENT) != 0) < 0)
		return -1;
	if (!rh_js_is_carried(function)) {
		if (put_text(env, object, "reason", function->reason) < 0)
			return -1;
	} else if (rh_js_function_text(function, text, sizeof text) < 0 ||
	           put_text(env, object, "text", text) < 0 ||
	           put_roles(env, object, plan) < 0) {
		return -1;
	}
	if (library && rh_js_is_carried(function) &&
	    put_forms(env, object, library, plan) < 0)
		return -1;
	RH_JS_TRY(napi_set_element(env, array, plan->index, object));
	return 0;
}

static int put_handles(napi_env env, napi_value object,
                       const struct rh_interface *interface)
{
	napi_value array, name;

	RH_JS_TRY(napi_create_array(env, &array));
	for (uint32_t i = 0; i < interface->handle_count; i++) {
		RH_JS_TRY(napi_create_string_utf8(env, interface->handles[i].name,
		                                  NAPI_AUTO_LENGTH, &name));
		RH_JS_TRY(napi_set_element(env, array, i, name));
	}
	RH_JS_TRY(napi_set_named_property(env, object, "handles", array));
	return 0;
}

int rh_js_describe(napi_env env, const struct rh_interface *interface,
                   struct rh_js_library *library, napi_value *ret_object)
{
	const struct rh_js_plan *plans = rh_js_plans(interface);
	napi_value               object, array;

	if (!plans)
		return rh_js_throw(rh_js_state(env), RH_ENOMEM, "no memory for an interface");
	RH_JS_TRY(napi_create_object(env, &object));
	RH_JS_TRY(napi_create_array(env, &array));
	if (put_text(env, object, "name", interface->name) < 0 ||
	    put_text(env, object, "soname", interface->soname) < 0 ||
	    put_text(env, object, "version", interface->version) < 0 ||
	    put_handles(env, object, interface) < 0)
		return -1;
	for (uint32_t i = 0; i < interface->function_count; i++) {
		if (put_function(env, array, library, &plans[i]) < 0)
			return -1;
	}
	RH_JS_TRY(napi_set_named_property(env, object, "functions", array));
	*ret_object = object;
	return 0;
}

/* --- exports ------------------------------------------------------------------------ */

static int open_stub(napi_env env, napi_value word, struct rh_stub_library **ret_stub)
{
	char   name[256];
	size_t len;
	int    r;

	if (napi_get_value_string_utf8(env, word, name, sizeof name, &len) != napi_ok) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "the name must be a string");
		return -1;
	}
	if (strlen(name) != len) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "the name holds a NUL");
		return -1;
	}
	if ((r = rh_language_open(name, ret_stub)) < 0)
		return rh_js_throw_last(rh_js_state(env), r);
	return 0;
}

/* resolve(name) => a number that is the callee's. */
static napi_value resolve(napi_env env, napi_callback_info info)
{
	struct rh_stub_library *stub;
	napi_value              words[1], key = NULL;
	size_t                  count = 1;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) == napi_ok &&
	    open_stub(env, words[0], &stub) == 0)
		napi_create_int64(env, (int64_t)(intptr_t)stub, &key);
	return key;
}

#define TEXTS_MAX 4096u

/* The texts of an array of strings; *ret_count is what of them must be freed. */
static int read_texts(napi_env env, napi_value array, char ***ret_texts, uint32_t *ret_count)
{
	const struct rh_js_where where = { .name = "the texts that are expected" };
	uint32_t   length = 0;
	napi_value text;
	size_t     len;

	*ret_count = 0;
	if (napi_get_array_length(env, array, &length) != napi_ok || length > TEXTS_MAX)
		return rh_js_type_error(env, &where, "must be an array of strings");
	if (!(*ret_texts = calloc(length + 1, sizeof **ret_texts)))
		return rh_js_throw(rh_js_state(env), RH_ENOMEM, "no memory for texts");
	for (uint32_t i = 0; i < length; i++) {
		RH_JS_TRY(napi_get_element(env, array, i, &text));
		if (napi_get_value_string_utf8(env, text, NULL, 0, &len) != napi_ok)
			return rh_js_type_error(env, &where, "must be strings");
		if (!((*ret_texts)[i] = malloc(len + 1)))
			return rh_js_throw(rh_js_state(env), RH_ENOMEM, "no memory for texts");
		napi_get_value_string_utf8(env, text, (*ret_texts)[i], len + 1, &len);
		*ret_count = i + 1;
	}
	return 0;
}

/* match(name, texts): the differences as a text, or undefined. */
static napi_value match(napi_env env, napi_callback_info info)
{
	struct rh_stub_library *stub;
	napi_value              words[2], difference = NULL;
	size_t                  count = 2;
	char                  **texts = NULL;
	uint32_t                text_count = 0;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) != napi_ok ||
	    open_stub(env, words[0], &stub) < 0)
		return NULL;
	if (read_texts(env, words[1], &texts, &text_count) == 0 &&
	    rh_language_match(stub->interface, (const char *const *)texts, text_count) < 0)
		napi_create_string_utf8(env, rh_language_difference(), NAPI_AUTO_LENGTH,
		                        &difference);
	for (uint32_t i = 0; i < text_count; i++)
		free(texts[i]);
	free(texts);
	return difference;
}

/* open(name, makeClasses) => description; makeClasses(names) => array of classes. */
static napi_value open_library(napi_env env, napi_callback_info info)
{
	struct rh_js_library *library;
	napi_value            words[2], self, object, names, classes;
	size_t                count = 2;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) != napi_ok ||
	    !(library = calloc(1, sizeof *library)))
		return NULL;
	library->state = rh_js_state(env);
	if (open_stub(env, words[0], &library->stub) < 0) {
		free(library);
		return NULL;
	}
	/* From here on functions of JavaScript know it: it lives as long as the state. */
	if (rh_js_describe(env, library->stub->interface, library, &object) < 0 ||
	    napi_get_named_property(env, object, "handles", &names) != napi_ok ||
	    napi_get_undefined(env, &self) != napi_ok ||
	    napi_call_function(env, self, words[1], 1, &names, &classes) != napi_ok ||
	    napi_create_reference(env, classes, 1, &library->classes) != napi_ok)
		return NULL;
	return object;
}

/* nop(a, b) => a + b: what a call of an addon costs that does nothing. */
static napi_value nop(napi_env env, napi_callback_info info)
{
	napi_value words[2], sum = NULL;
	size_t     count = 2;
	int32_t    a = 0, b = 0;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) == napi_ok &&
	    napi_get_value_int32(env, words[0], &a) == napi_ok &&
	    napi_get_value_int32(env, words[1], &b) == napi_ok)
		napi_create_int32(env, (int32_t)((uint32_t)a + (uint32_t)b), &sum);
	return sum;
}

/* errno(): what the function left there that was called last and waited for. */
static napi_value get_errno(napi_env env, napi_callback_info info)
{
	napi_value number = NULL;

	(void)info;
	napi_create_int32(env, rh_js_state(env)->err_no, &number);
	return number;
}

/* setup(fail): how failures become errors. */
static napi_value setup(napi_env env, napi_callback_info info)
{
	struct rh_js_state *state = rh_js_state(env);
	napi_value          words[1];
	size_t              count = 1;

	if (napi_get_cb_info(env, info, &count, words, NULL, NULL) == napi_ok && !state->fail)
		napi_create_reference(env, words[0], 1, &state->fail);
	return NULL;
}

static int put_codes(napi_env env, napi_value exports)
{
	static const struct { const char *name; int code; } codes[] = {
#define RH_ERROR(name, code, status, text) { #name, -(code) },
#include "../../../model/errors.def"
#undef RH_ERROR
	};
	napi_value object;

	RH_JS_TRY(napi_create_object(env, &object));
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (put_number(env, object, codes[i].name, codes[i].code) < 0)
			return -1;
	}
	RH_JS_TRY(napi_set_named_property(env, exports, "codes", object));
	return 0;
}

/* The thread of JavaScript ends; calls under way end without it. */
static void at_exit(void *data)
{
	struct rh_js_state *state = data;

	rh_js_serve_end(state);
	rh_js_queue_close(state->queue);
	state->queue = NULL;
}

static void free_state(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	free(data);
}

static int init(napi_env env, napi_value exports)
{
	struct rh_js_state *state = calloc(1, sizeof *state);

	if (!state)
		return -1;
	state->env = env;
	RH_JS_TRY(napi_set_instance_data(env, state, free_state, NULL));
	if (!(state->queue = rh_js_queue_create(state)))
		return -1;
	RH_JS_TRY(napi_add_env_cleanup_hook(env, at_exit, state));
	return rh_js_export(env, exports, "setup", setup, NULL) ||
	       rh_js_export(env, exports, "resolve", resolve, NULL) ||
	       rh_js_export(env, exports, "match", match, NULL) ||
	       rh_js_export(env, exports, "open", open_library, NULL) ||
	       rh_js_export(env, exports, "nop", nop, NULL) ||
	       rh_js_export(env, exports, "close", rh_js_handle_close, NULL) ||
	       rh_js_export(env, exports, "closed", rh_js_handle_closed, NULL) ||
	       rh_js_export(env, exports, "own", rh_js_own, NULL) ||
	       rh_js_export(env, exports, "serve", rh_js_serve, NULL) ||
	       rh_js_export(env, exports, "stop", rh_js_stop, NULL) ||
	       rh_js_export(env, exports, "errno", get_errno, NULL) ||
	       rh_js_export(env, exports, "running", rh_js_running, NULL) ||
	       rh_js_export(env, exports, "setErrno", rh_js_set_errno, NULL) ||
	       put_codes(env, exports) ? -1 : 0;
}

/* Newer headers define a function of their own here, without a prototype. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
NAPI_MODULE_INIT()
{
	if (init(env, exports) < 0)
		napi_throw_error(env, NULL, "the addon of rhodes cannot start");
	return exports;
}
#pragma GCC diagnostic pop
