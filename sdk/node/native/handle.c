#include "handle.h"

#include "pool.h"

#include <stdlib.h>
#include <string.h>

static const napi_type_tag held_tag = { 0x52686f6465732068ull, 0x616e646c65206f66ull };

static struct rh_js_held **bucket_of(struct rh_js_state *state, const void *pointer)
{
	uint64_t bits = (uint64_t)(uintptr_t)pointer * 0x9e3779b97f4a7c15ull;

	return &state->held[bits >> 56];
}

static void drop_from_bucket(struct rh_js_held *held)
{
	struct rh_js_held **at = bucket_of(held->library->state, held->pointer);

	while (*at && *at != held)
		at = &(*at)->next;
	if (*at)
		*at = held->next;
}

/* --- ending ------------------------------------------------------------------------- */

struct ending {
	struct rh_js_work       work;
	struct rh_stub_library *stub;
	void                   *pointer;
	unsigned                index;
};

/* Only a function of the handle alone can be called without asking anybody. */
static int destructor_of(const struct rh_stub_library *stub, uint16_t type)
{
	const struct rh_interface *interface = stub->interface;
	int index = type < interface->handle_count ? interface->handles[type].destructor : -1;

	if (index < 0 || (uint32_t)index >= interface->function_count ||
	    interface->functions[index].param_count != 1 ||
	    !rh_js_is_carried(&interface->functions[index]))
		return -1;
	return index;
}

static int call_destructor(struct rh_stub_library *stub, unsigned index, void *pointer)
{
	const struct rh_function *function = &stub->interface->functions[index];
	void    *args[] = { &pointer };
	uint64_t small = 0;
	void    *ret = &small;
	int      r;

	if (function->ret.kind == RH_KIND_STRUCT && !(ret = malloc(function->ret.size)))
		return RH_ENOMEM;
	r = rh_language_call(stub, index, args, ret);
	if (ret != &small)
		free(ret);
	else if (r == RH_OK && (function->ret.flags & RH_PARAM_TRANSFER))
		free((void *)(uintptr_t)small);
	return r;
}

static void run_ending(struct rh_js_work *work)
{
	struct ending *ending = (struct ending *)work;

	call_destructor(ending->stub, ending->index, ending->pointer);
	free(ending);
}

/* On a thread of the pool.  Without memory the object lives as long as the process. */
static void end_later(const struct rh_js_held *held)
{
	int            index = destructor_of(held->stub, held->type);
	struct ending *ending = index < 0 ? NULL : malloc(sizeof *ending);

	if (!ending)
		return;
	*ending = (struct ending){ .work = { .run = run_ending }, .stub = held->stub,
	                           .pointer = held->pointer, .index = (unsigned)index };
	rh_js_pool_give(&ending->work);
}

struct rh_js_held *rh_js_handle_ref(struct rh_js_held *held)
{
	if (held)
		held->references++;
	return held;
}

void rh_js_handle_unref(struct rh_js_held *held, bool is_here)
{
	unsigned left;

	if (!held)
		return;
	left = --held->references;
	if (is_here && left == 1 && held->is_closed && held->pointer) {
		end_later(held); /* the wrapper is left */
		rh_js_handle_gone(held);
	}
	if (left > 0)
		return;
	if (held->pointer && (held->is_owned || held->is_closed))
		end_later(held);
	free(held);
}

bool rh_js_handle_is_used(const struct rh_js_held *held)
{
	return held->references > 1;
}

void rh_js_handle_gone(struct rh_js_held *held)
{
	if (!held->pointer)
		return;
	if (held->library)
		drop_from_bucket(held);
	held->pointer = NULL;
}

/* The wrapper was collected, or its thread ends. */
static void finalize(napi_env env, void *data, void *hint)
{
	struct rh_js_held *held = data;

	(void)env;
	(void)hint;
	if (held->pointer)
		drop_from_bucket(held);
	held->library = NULL;
	rh_js_handle_unref(held, false);
}

/* --- wrapping ----------------------------------------------------------------------- */

static int new_wrapper(struct rh_js_library *library, struct rh_js_held *held,
                       napi_value *ret_js)
{
	napi_env   env = library->state->env;
	napi_value classes, class;

	RH_JS_TRY(napi_get_reference_value(env, library->classes, &classes));
	RH_JS_TRY(napi_get_element(env, classes, held->type, &class));
	RH_JS_TRY(napi_new_instance(env, class, 1, &classes, ret_js));
	RH_JS_TRY(napi_type_tag_object(env, *ret_js, &held_tag));
	RH_JS_TRY(napi_wrap(env, *ret_js, held, finalize, NULL, &held->wrapper));
	return 0;
}

/* The object that stands for the token already, unless it is being collected: then what
 * it owned passes on. */
static bool find(struct rh_js_library *library, uint16_t type, void *pointer,
                 napi_value *ret_js, bool *is_owned)
{
	struct rh_js_held *held = *bucket_of(library->state, pointer);

	while (held && (held->pointer != pointer || held->type != type ||
	                held->stub != library->stub))
		held = held->next;
	if (!held)
		return false;
	if (napi_get_reference_value(library->state->env, held->wrapper, ret_js) == napi_ok &&
	    *ret_js)
		return true;
	*is_owned |= held->is_owned;
	rh_js_handle_gone(held);
	return false;
}

int rh_js_handle_write(struct rh_js_library *library, const struct rh_param *param,
                       void *pointer, napi_value *ret_js)
{
	bool is_owned = (param->flags & RH_PARAM_CREATES) != 0;
	struct rh_js_held  *held;
	struct rh_js_held **bucket;

	if (!pointer) {
		RH_JS_TRY(napi_get_null(library->state->env, ret_js));
		return 0;
	}
	if (library->is_own) { /* index.js knows which of its objects that is */
		RH_JS_TRY(napi_create_int64(library->state->env, (int64_t)(intptr_t)pointer,
		                            ret_js));
		return 0;
	}
	if (find(library, param->handle, pointer, ret_js, &is_owned))
		return 0;
	if (!(held = malloc(sizeof *held)))
		return rh_js_throw(library->state, RH_ENOMEM, "no memory for a handle");
	*held = (struct rh_js_held){ .library = library, .stub = library->stub,
	                             .pointer = pointer, .references = 1,
	                             .type = param->handle, .is_owned = is_owned };
	if (new_wrapper(library, held, ret_js) < 0) {
		free(held);
		return -1;
	}
	bucket = bucket_of(library->state, pointer);
	held->next = *bucket;
	*bucket = held;
	return 0;
}

static struct rh_js_held *unwrap(napi_env env, napi_value js)
{
	bool  is_ours = false;
	void *held = NULL;

	if (napi_check_object_type_tag(env, js, &held_tag, &is_ours) != napi_ok || !is_ours ||
	    napi_unwrap(env, js, &held) != napi_ok)
		return NULL;
	return held;
}

int rh_js_handle_read(struct rh_js_library *library, const struct rh_param *param,
                      napi_value js, void **ret_pointer, struct rh_js_held **ret_held,
                      const struct rh_js_where *where)
{
	napi_env           env = library->state->env;
	napi_valuetype     type;
	struct rh_js_held *held;

	*ret_pointer = *ret_held = NULL;
	RH_JS_TRY(napi_typeof(env, js, &type));
	if (type == napi_null || type == napi_undefined)
		return param->direction != RH_IN || (param->flags & RH_PARAM_NULLABLE) ? 0
		       : rh_js_type_error(env, where, "must not be null");
	held = type == napi_object ? unwrap(env, js) : NULL;
	if (!held || held->type != param->handle || held->stub != library->stub)
		return rh_js_type_error(env, where, "is no handle of that type");
	if (!held->pointer || held->is_closed)
		return rh_js_throw(library->state, RH_EHANDLE, "the handle is closed");
	if ((param->flags & RH_PARAM_DESTROYS) && rh_js_handle_is_used(held))
		return rh_js_throw(library->state, RH_EBUSY, "calls under way use the handle"
		                   " that this one would end; close() waits for them");
	*ret_pointer = held->pointer;
	*ret_held = held;
	return 0;
}

static struct rh_js_held *held_of_this(napi_env env, napi_callback_info info)
{
	napi_value         self;
	struct rh_js_held *held = NULL;

	if (napi_get_cb_info(env, info, NULL, NULL, &self, NULL) == napi_ok)
		held = unwrap(env, self);
	if (!held)
		napi_throw_type_error(env, "ERR_INVALID_THIS", "this is no handle");
	return held;
}

napi_value rh_js_handle_close(napi_env env, napi_callback_info info)
{
	struct rh_js_held *held = held_of_this(env, info);
	int                index, r;

	if (!held || !held->pointer || held->is_closed)
		return NULL;
	if ((index = destructor_of(held->stub, held->type)) < 0) {
		rh_js_throw(held->library->state, RH_ENOCARRY, "no function of the interface"
		            " ends such a handle alone: call the one that does");
		return NULL;
	}
	held->is_closed = true;
	if (rh_js_handle_is_used(held))
		return NULL;
	r = call_destructor(held->stub, (unsigned)index, held->pointer);
	rh_js_handle_gone(held);
	if (r < 0)
		rh_js_throw_last(rh_js_state(env), r);
	return NULL;
}

napi_value rh_js_handle_closed(napi_env env, napi_callback_info info)
{
	struct rh_js_held *held = held_of_this(env, info);
	napi_value         closed;

	if (!held || napi_get_boolean(env, !held->pointer || held->is_closed, &closed) !=
	             napi_ok)
		return NULL;
	return closed;
}
