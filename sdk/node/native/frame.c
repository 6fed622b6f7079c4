#include "frame.h"

#include "../../../wire/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int out_of_memory(struct rh_js_frame *frame)
{
	return rh_js_throw(frame->library->state, RH_ENOMEM, "no memory for a call");
}

static const struct rh_param *param_of(const struct rh_js_frame *frame, unsigned i)
{
	return &frame->plan->function->params[i];
}

static struct rh_js_where where_of(const struct rh_js_frame *frame,
                                   struct rh_js_where *function, const char *name)
{
	*function = (struct rh_js_where){ .name = frame->plan->function->name };
	return (struct rh_js_where){ .above = function, .name = name };
}

/* Where the value of a parameter stands; a struct has room of its own. */
static void *value_room(struct rh_js_frame *frame, unsigned i)
{
	const struct rh_param *param = param_of(frame, i);

	if (param->kind != RH_KIND_STRUCT)
		return &frame->cells[i];
	return rh_js_arena_take(&frame->arena, param->size);
}

static void set_object(struct rh_js_frame *frame, unsigned i, void *value)
{
	if (param_of(frame, i)->flags & RH_PARAM_POINTER) {
		frame->pointees[i] = value;
		frame->args[i] = &frame->pointees[i];
	} else {
		frame->args[i] = value;
	}
}

/* --- in ----------------------------------------------------------------------------- */

static bool is_nullable(const struct rh_param *param)
{
	return (param->flags & (RH_PARAM_NULLABLE | RH_PARAM_STDIN)) != 0;
}

static int read_null(struct rh_js_frame *frame, unsigned i,
                     const struct rh_js_where *where)
{
	if (!is_nullable(param_of(frame, i)))
		return rh_js_type_error(frame->library->state->env, where, "must not be null");
	frame->cells[i] = 0;
	set_object(frame, i, (param_of(frame, i)->flags & RH_PARAM_POINTER)
	                     ? NULL : (void *)&frame->cells[i]);
	return 0;
}

static int read_value(struct rh_js_frame *frame, unsigned i, napi_value word,
                      const struct rh_js_where *where)
{
	const struct rh_param *param = param_of(frame, i);
	napi_env               env = frame->library->state->env;
	void                  *value = value_room(frame, i);
	char                  *text;
	int                    r;

	if (!value)
		return out_of_memory(frame);
	set_object(frame, i, value);
	switch (param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		if ((r = rh_js_text_read(env, word, &frame->arena, &text, where)) == 0)
			frame->cells[i] = (uint64_t)(uintptr_t)text;
		return r;
	case RH_KIND_HANDLE:
		return rh_js_handle_read(frame->library, param, word, (void **)value,
		                         &frame->held[i], where);
	default:
		return rh_js_plain_read(env, frame->plan->params[i].shape, word, value, where);
	}
}

/* A capacity of 64 bits may be a plain number, too: it is that of a Buffer. */
static bool is_capacity(const struct rh_js_frame *frame, unsigned i)
{
	for (unsigned k = 0; k < frame->plan->function->param_count; k++) {
		const struct rh_param *param = param_of(frame, k);

		if (param->kind == RH_KIND_BYTES && param->len_param == i)
			return true;
	}
	return false;
}

static int read_capacity(struct rh_js_frame *frame, unsigned i, napi_value word,
                         const struct rh_js_where *where)
{
	static const struct rh_shape number = { .kind = RH_SHAPE_UINT, .size = 4 };
	napi_valuetype type;

	RH_JS_TRY(napi_typeof(frame->library->state->env, word, &type));
	if (type != napi_number || param_of(frame, i)->size != 8)
		return read_value(frame, i, word, where);
	frame->cells[i] = 0;
	set_object(frame, i, &frame->cells[i]);
	return rh_js_plain_read(frame->library->state->env, &number, word, &frame->cells[i],
	                        where);
}

static int read_word(struct rh_js_frame *frame, unsigned i, napi_value word)
{
	const struct rh_param *param = param_of(frame, i);
	struct rh_js_where     function;
	struct rh_js_where     where = where_of(frame, &function, frame->plan->params[i].key);

	if (param->kind == RH_KIND_INT && !(param->flags & RH_PARAM_POINTER) &&
	    param->size == 4) { /* what most are */
		frame->args[i] = &frame->cells[i];
		return rh_js_plain_read(frame->library->state->env,
		                        frame->plan->params[i].shape, word,
		                        &frame->cells[i], &where);
	}
	if (param->kind != RH_KIND_HANDLE && rh_js_is_none(frame->library->state->env, word))
		return read_null(frame, i, &where);
	if (param->size == 8 && (param->kind == RH_KIND_UINT || param->kind == RH_KIND_INT) &&
	    is_capacity(frame, i))
		return read_capacity(frame, i, word, &where);
	return read_value(frame, i, word, &where);
}

/* Writes the number of elements into the length parameter; several bytes may share it. */
static int set_length(struct rh_js_frame *frame, unsigned of, uint64_t count, bool is_set,
                      const struct rh_js_where *where)
{
	const struct rh_param *length = param_of(frame, of);
	uint64_t most = length->size >= 8 ? UINT64_MAX : (1ull << 8 * length->size) - 1;
	napi_env env = frame->library->state->env;

	if (length->kind == RH_KIND_INT)
		most >>= 1;
	if (count > most)
		return rh_js_range_error(env, where, "is longer than its length can say");
	if (is_set && frame->cells[of] != count)
		return rh_js_range_error(env, where, "must be as long as the other bytes");
	frame->cells[of] = count;
	set_object(frame, of, &frame->cells[of]);
	return 0;
}

/* Memory of the program is borrowed by a call that waits, and copied for one that does
 * not, or when the callee changes it. */
static int hold_bytes(struct rh_js_frame *frame, unsigned i, void *bytes, size_t len)
{
	void *copy = bytes;

	if (frame->is_detached || rh_js_comes_out(param_of(frame, i)) || !bytes) {
		if (!(copy = rh_js_arena_take(&frame->arena, len ? len : 1)))
			return out_of_memory(frame);
		if (len > 0)
			memcpy(copy, bytes, len);
	}
	frame->cells[i] = (uint64_t)(uintptr_t)copy;
	frame->rooms[i] = (uint32_t)len;
	return 0;
}

static int read_bytes(struct rh_js_frame *frame, unsigned i, napi_value word,
                      uint32_t *lengths_set)
{
	const struct rh_param *param = param_of(frame, i);
	napi_env               env = frame->library->state->env;
	struct rh_js_where     function;
	struct rh_js_where     where = where_of(frame, &function, frame->plan->params[i].key);
	void                  *bytes = NULL;
	size_t                 len = 0;
	bool                   is_set = *lengths_set >> param->len_param & 1;

	set_object(frame, i, &frame->cells[i]);
	*lengths_set |= 1u << param->len_param;
	if (rh_js_is_none(env, word)) {
		if (!is_nullable(param))
			return rh_js_type_error(env, &where, "must not be null");
		frame->cells[i] = frame->rooms[i] = 0;
		return set_length(frame, param->len_param, 0, is_set, &where);
	}
	if (rh_js_bytes_read(env, word, &bytes, &len, &where) < 0)
		return -1;
	if (len > RH_BYTES_MAX)
		return rh_js_range_error(env, &where, "is longer than 64 MiB");
	if (len % rh_js_element(param) != 0)
		return rh_js_range_error(env, &where, "is no whole number of elements");
	if (hold_bytes(frame, i, bytes, len) < 0)
		return -1;
	return set_length(frame, param->len_param, len / rh_js_element(param), is_set, &where);
}

/* Room for what comes out, as long as the capacity says. */
static int prepare_bytes(struct rh_js_frame *frame, unsigned i)
{
	const struct rh_param *param = param_of(frame, i);
	const struct rh_param *length = param_of(frame, param->len_param);
	struct rh_js_where     function;
	struct rh_js_where     where = where_of(frame, &function,
	                                        frame->plan->params[param->len_param].key);
	void    *at = rh_js_value_at(length, frame->args[param->len_param]);
	uint64_t count = 0;
	void    *room;

	if (at)
		memcpy(&count, at, length->size);
	if (count > RH_BYTES_MAX / rh_js_element(param))
		return rh_js_range_error(frame->library->state->env, &where,
		                         "is no capacity up to 64 MiB");
	count *= rh_js_element(param);
	if (!(room = rh_js_arena_take(&frame->arena, count ? count : 1)))
		return out_of_memory(frame);
	memset(room, 0, count);
	frame->rooms[i] = (uint32_t)count;
	frame->cells[i] = (uint64_t)(uintptr_t)room;
	set_object(frame, i, &frame->cells[i]);
	return 0;
}

static int prepare_out(struct rh_js_frame *frame, unsigned i)
{
	void *value = value_room(frame, i);

	if (!value)
		return out_of_memory(frame);
	if (param_of(frame, i)->kind == RH_KIND_STRUCT)
		memset(value, 0, param_of(frame, i)->size);
	frame->cells[i] = 0;
	set_object(frame, i, value);
	return 0;
}

static int count_error(struct rh_js_frame *frame, size_t count)
{
	struct rh_js_where function = { .name = frame->plan->function->name };
	char               text[64];

	snprintf(text, sizeof text, "takes %u arguments, and was given only %zu",
	         frame->plan->words, count);
	return rh_js_type_error(frame->library->state->env, &function, text);
}

static int prepare_ret(struct rh_js_frame *frame)
{
	const struct rh_param *ret = &frame->plan->function->ret;

	frame->ret_cell = 0;
	frame->ret = &frame->ret_cell;
	if (ret->kind != RH_KIND_STRUCT)
		return 0;
	if (!(frame->ret = rh_js_arena_take(&frame->arena, ret->size)))
		return out_of_memory(frame);
	memset(frame->ret, 0, ret->size);
	return 0;
}

static bool is_bytes(const struct rh_js_frame *frame, unsigned i)
{
	return param_of(frame, i)->kind == RH_KIND_BYTES;
}

static bool is_word(const struct rh_js_frame *frame, unsigned i)
{
	return frame->plan->params[i].word != RH_JS_NO_WORD;
}

/* Lengths are known when bytes that go in have been read, capacities then, too. */
int rh_js_frame_read(struct rh_js_frame *frame, const napi_value *words, size_t count)
{
	const struct rh_js_plan *plan = frame->plan;
	unsigned                 params = plan->function->param_count;
	uint32_t                 lengths_set = 0;

	rh_js_arena_init(&frame->arena);
	frame->has_results = false;
	memset(frame->held, 0, params * sizeof *frame->held);
	if (count < plan->words) /* more are ignored, as JavaScript does */
		return count_error(frame, count);
	for (unsigned i = 0; i < params; i++) {
		if (is_bytes(frame, i) || plan->params[i].is_length)
			continue;
		if (is_word(frame, i) ? read_word(frame, i, words[plan->params[i].word])
		                      : prepare_out(frame, i))
			return -1;
	}
	for (unsigned i = 0; i < params; i++) {
		if (is_bytes(frame, i) && is_word(frame, i) &&
		    read_bytes(frame, i, words[plan->params[i].word], &lengths_set) < 0)
			return -1;
	}
	for (unsigned i = 0; i < params; i++) {
		if (is_bytes(frame, i) && !is_word(frame, i) && prepare_bytes(frame, i) < 0)
			return -1;
	}
	return prepare_ret(frame);
}

int rh_js_frame_call(struct rh_js_frame *frame)
{
	int r;

	errno = 0;
	r = rh_language_call(frame->library->stub, frame->plan->index, frame->args,
	                     frame->ret);
	frame->err_no = errno;
	frame->has_results = r >= 0;
	return r;
}

/* --- out ---------------------------------------------------------------------------- */

static uint64_t number_at(const struct rh_param *param, const void *at)
{
	uint64_t bits = 0;

	memcpy(&bits, at, param->size <= sizeof bits ? param->size : sizeof bits);
	if (param->kind == RH_KIND_INT && param->size < 8)
		bits = (uint64_t)((int64_t)(bits << (64 - 8 * param->size)) >>
		                  (64 - 8 * param->size));
	return bits;
}

/* How many bytes came out: what the function says of it, in the room that was given. */
static size_t bytes_out(const struct rh_js_frame *frame, const struct rh_param *param,
                        bool is_ret)
{
	/* A server reads what goes in: all of the length. */
	unsigned               of = is_ret || frame->library->is_own ? param->len_param
	                            : param->used_param;
	const struct rh_param *length;
	const void            *at;
	int64_t                count;

	if (of == RH_USED_RETURN) {
		length = &frame->plan->function->ret;
		at = frame->ret;
	} else {
		if (of >= frame->plan->function->param_count)
			of = param->len_param;
		length = param_of(frame, of);
		at = rh_js_value_at(length, frame->args[of]);
	}
	count = at ? (int64_t)number_at(length, at) : 0;
	if (count < 0 || (uint64_t)count > RH_BYTES_MAX / rh_js_element(param))
		return 0;
	return (size_t)count * rh_js_element(param);
}

static int write_bytes(struct rh_js_frame *frame, const struct rh_param *param, void *value,
                       unsigned i, bool is_ret, napi_value *ret_js)
{
	napi_env env = frame->library->state->env;
	void    *bytes = *(void **)value;
	size_t   len = bytes_out(frame, param, is_ret);

	if (!bytes) {
		RH_JS_TRY(napi_get_null(env, ret_js));
		return 0;
	}
	if (!is_ret && len > frame->rooms[i])
		len = frame->rooms[i]; /* its length may say what it would have needed */
	return rh_js_bytes_write(env, bytes, len, ret_js);
}

static int write_value(struct rh_js_frame *frame, const struct rh_param *param,
                       const struct rh_js_param *of, void *object, unsigned i,
                       napi_value *ret_js)
{
	bool               is_ret = param == &frame->plan->function->ret;
	napi_env           env = frame->library->state->env;
	void              *value = rh_js_value_at(param, object);
	struct rh_js_where function;
	struct rh_js_where where = where_of(frame, &function, is_ret ? "the result" : of->key);

	if (!value) {
		RH_JS_TRY(napi_get_null(env, ret_js));
		return 0;
	}
	switch (param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return rh_js_text_write(env, *(char **)value, frame->is_raw, ret_js, &where);
	case RH_KIND_BYTES:
		return write_bytes(frame, param, value, i, is_ret, ret_js);
	case RH_KIND_HANDLE:
		return rh_js_handle_write(frame->library, param, *(void **)value, ret_js);
	default:
		return rh_js_plain_write(env, of->shape, value, frame->is_raw, ret_js);
	}
}

static int write_result(struct rh_js_frame *frame, napi_value *ret_js)
{
	const struct rh_param *ret = &frame->plan->function->ret;

	if (ret->kind != RH_KIND_VOID)
		return write_value(frame, ret, &frame->plan->ret, frame->ret, 0, ret_js);
	RH_JS_TRY(napi_get_undefined(frame->library->state->env, ret_js));
	return 0;
}

static int write_outs(struct rh_js_frame *frame, napi_value *ret_js)
{
	const struct rh_js_plan *plan = frame->plan;
	napi_env                 env = frame->library->state->env;
	napi_value               object, value;

	RH_JS_TRY(napi_create_object(env, &object));
	if (plan->function->ret.kind != RH_KIND_VOID) {
		if (write_result(frame, &value) < 0)
			return -1;
		RH_JS_TRY(napi_set_named_property(env, object, plan->result_key, value));
	}
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		if (!plan->params[i].is_out)
			continue;
		if (write_value(frame, param_of(frame, i), &plan->params[i], frame->args[i], i,
		                &value) < 0)
			return -1;
		RH_JS_TRY(napi_set_named_property(env, object, plan->params[i].key, value));
	}
	*ret_js = object;
	return 0;
}

int rh_js_frame_write(struct rh_js_frame *frame, napi_value *ret_js)
{
	for (unsigned i = 0; i < frame->plan->function->param_count; i++) {
		if ((param_of(frame, i)->flags & RH_PARAM_DESTROYS) && frame->held[i])
			rh_js_handle_gone(frame->held[i]);
	}
	return frame->plan->outs > 0 ? write_outs(frame, ret_js)
	                             : write_result(frame, ret_js);
}

int rh_js_frame_write_word(struct rh_js_frame *frame, unsigned i, napi_value *ret_js)
{
	return write_value(frame, param_of(frame, i), &frame->plan->params[i],
	                   frame->args[i], i, ret_js);
}

/* --- memory of results -------------------------------------------------------------- */

static void keep_one(struct rh_js_frame *frame, const struct rh_param *param, void *object,
                     bool is_ret)
{
	void **value = rh_js_value_at(param, object);
	size_t len;
	void  *copy;

	if (!value || !*value || (param->flags & RH_PARAM_TRANSFER) ||
	    (!rh_js_is_text(param) && !(param->kind == RH_KIND_BYTES && is_ret)))
		return;
	len = rh_js_is_text(param) ? strlen(*value) + 1 : bytes_out(frame, param, true);
	if ((copy = rh_js_arena_take(&frame->arena, len ? len : 1)) && len > 0)
		memcpy(copy, *value, len);
	*value = copy;
}

void rh_js_frame_keep(struct rh_js_frame *frame)
{
	const struct rh_function *function = frame->plan->function;

	if (function->ret.kind != RH_KIND_VOID)
		keep_one(frame, &function->ret, frame->ret, true);
	for (unsigned i = 0; i < function->param_count; i++) {
		if (rh_js_comes_out(&function->params[i]))
			keep_one(frame, &function->params[i], frame->args[i], false);
	}
}

static void free_transferred(const struct rh_param *param, void *object)
{
	void **value = rh_js_value_at(param, object);

	if (value && (param->flags & RH_PARAM_TRANSFER) &&
	    (rh_js_is_text(param) || param->kind == RH_KIND_BYTES))
		free(*value);
}

void rh_js_frame_fini(struct rh_js_frame *frame)
{
	const struct rh_function *function = frame->plan->function;

	if (frame->has_results) {
		free_transferred(&function->ret, frame->ret);
		for (unsigned i = 0; i < function->param_count; i++) {
			if (rh_js_comes_out(&function->params[i]))
				free_transferred(&function->params[i], frame->args[i]);
		}
	}
	rh_js_arena_fini(&frame->arena);
}
