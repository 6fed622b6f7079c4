#include "rhodes-jni.h"

#include "jni_env.h"
#include "rhodes-language.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* A C object of up to 8 bytes. */
union object {
	uint64_t bits;
	float    f;
	double   d;
	void    *p;
};

struct slot {
	union object value;
	void        *pointer;  /* where C passes a pointer: at the value, or NULL */
	void        *owned;    /* freed after the call                     */
	void        *array;    /* that Java gave                           */
	size_t       count;    /* elements of BYTES; of a hidden length: and one */
	char         letter;
};

struct call {
	struct rh_jni_method     *method;
	const struct rh_function *row;
	rh_jni_env               *env;
	struct slot               slots[RH_PARAMS_MAX];
	void                     *args[RH_PARAMS_MAX];
	union object              ret;
};

static const union rh_jni_value nothing;

/* --- numbers ------------------------------------------------------------------------ */

static uint32_t size_of(const struct rh_param *param)
{
	return param->kind == RH_KIND_FD ? 4 : param->kind == RH_KIND_HANDLE ? 8 : param->size;
}

static bool is_signed(const struct rh_param *param)
{
	return param->kind == RH_KIND_INT || param->kind == RH_KIND_FD;
}

static void store(union object *object, uint32_t size, int64_t value)
{
	const uint8_t  byte = (uint8_t)value;
	const uint16_t half = (uint16_t)value;
	const uint32_t word = (uint32_t)value;

	switch (size) {
	case 1:  memcpy(object, &byte, sizeof byte); break;
	case 2:  memcpy(object, &half, sizeof half); break;
	case 4:  memcpy(object, &word, sizeof word); break;
	default: object->bits = (uint64_t)value; break;
	}
}

static int64_t load(const union object *object, uint32_t size, bool has_sign)
{
	uint8_t  byte;
	uint16_t half;
	uint32_t word;

	switch (size) {
	case 1:
		memcpy(&byte, object, sizeof byte);
		return has_sign ? (int8_t)byte : byte;
	case 2:
		memcpy(&half, object, sizeof half);
		return has_sign ? (int16_t)half : half;
	case 4:
		memcpy(&word, object, sizeof word);
		return has_sign ? (int32_t)word : (int64_t)word;
	default:
		return (int64_t)object->bits;
	}
}

static int64_t load_as(const union object *object, const struct rh_param *param)
{
	return load(object, size_of(param), is_signed(param));
}

/* Bytes of a Java number; 'A', 'T' and 'V' have none. */
static uint32_t width_of(char letter)
{
	switch (letter | 0x20) {
	case 'z': case 'b': return 1;
	case 's':           return 2;
	case 'i': case 'f': return 4;
	default:            return 8;
	}
}

static bool is_float(char letter)
{
	return strchr("FDfd", letter) != NULL;
}

static bool within(struct call *call, int64_t low, int64_t high, int64_t value)
{
	if (value >= low && value <= high)
		return true;
	rh_jni_throw(call->env, "java/lang/ArithmeticException",
	             "%" PRId64 " is not between %" PRId64 " and %" PRId64, value, low, high);
	return false;
}

/* Whether C has the number that Java gives; as wide as in C: its bits. */
static bool fits_in_c(struct call *call, const struct rh_param *param, char letter,
                      int64_t value)
{
	uint32_t size = size_of(param), width = width_of(letter);

	if (size == 8 || width < size)
		return is_signed(param) || width == size || within(call, 0, INT64_MAX, value);
	if (width == size)
		return true;
	int64_t most = (INT64_C(1) << (size * 8 - is_signed(param))) - 1;

	return within(call, is_signed(param) ? -most - 1 : 0, most, value);
}

/* Whether Java has the number that C gives. */
static bool fits_in_java(struct call *call, const struct rh_param *param, char letter,
                         int64_t value)
{
	uint32_t size = size_of(param), width = width_of(letter);

	if (letter == 'Z' || letter == 'z' || width >= size)
		return true;
	int64_t most = (INT64_C(1) << (width * 8 - 1)) - 1;

	return within(call, is_signed(param) || size < 8 ? -most - 1 : 0, most, value);
}

/* --- what goes in ------------------------------------------------------------------- */

static bool fail_null(struct call *call, uint32_t index)
{
	rh_jni_throw(call->env, "java/lang/NullPointerException", "%s: %s must not be null",
	             call->row->name, call->row->params[index].name);
	return false;
}

static bool fail_memory(struct call *call)
{
	rh_jni_throw(call->env, "java/lang/OutOfMemoryError", "no memory for a call");
	return false;
}

static bool put_text(struct call *call, uint32_t index, void *string)
{
	struct slot *slot = &call->slots[index];

	if (!string)
		return call->row->params[index].flags & RH_PARAM_NULLABLE ||
		       fail_null(call, index);
	slot->owned = rh_jni_text(call->env, string, call->row->name,
	                          call->row->params[index].name);
	slot->value.p = slot->owned;
	return slot->owned != NULL;
}

static bool put_number(struct call *call, uint32_t index, union rh_jni_value value)
{
	const struct rh_param *param = &call->row->params[index];
	struct slot           *slot = &call->slots[index];

	if (slot->letter == 'F')
		slot->value.f = value.f;
	else if (slot->letter == 'D')
		slot->value.d = value.d;
	else
		store(&slot->value, size_of(param), value.j);
	return is_float(slot->letter) || fits_in_c(call, param, slot->letter, value.j);
}

/* Elements of an array: a byte[] holds them as they lie in memory. */
static size_t elements_of(const struct rh_param *param, char letter, size_t length)
{
	uint32_t size = param->size ? param->size : 1;

	return width_of(letter) == size ? length : length / size;
}

static bool put_bytes(struct call *call, uint32_t index, void *array)
{
	const struct rh_param *param = &call->row->params[index];
	struct slot           *slot = &call->slots[index];

	if (!array)
		return param->flags & RH_PARAM_NULLABLE || fail_null(call, index);
	size_t length = rh_jni_length(call->env, array);
	slot->array = array;
	slot->count = elements_of(param, slot->letter, length);
	slot->owned = calloc(length + 1, width_of(slot->letter));
	slot->value.p = slot->owned;
	if (!slot->owned)
		return fail_memory(call);
	if (param->direction != RH_OUT)
		rh_jni_get(call->env, slot->letter, array, length, slot->owned);
	return !rh_jni_has_thrown(call->env);
}

/* An array of one: what the pointer of C points at. */
static bool put_one(struct call *call, uint32_t index, void *array)
{
	const struct rh_param *param = &call->row->params[index];
	struct slot           *slot = &call->slots[index];
	union object           given = { 0 };

	if (!array) {
		slot->pointer = NULL;
		return param->flags & RH_PARAM_NULLABLE || fail_null(call, index);
	}
	slot->array = array;
	if (rh_jni_length(call->env, array) == 0) {
		rh_jni_throw(call->env, "java/lang/ArrayIndexOutOfBoundsException",
		             "Index 0 out of bounds for length 0");
		return false;
	}
	if (param->direction == RH_OUT)
		return true;
	rh_jni_get(call->env, slot->letter, array, 1, &given);
	if (rh_jni_has_thrown(call->env))
		return false;
	if (is_float(slot->letter)) {
		slot->value = given;
		return true;
	}
	int64_t number = load(&given, width_of(slot->letter), slot->letter != 'z');
	store(&slot->value, size_of(param), number);
	return fits_in_c(call, param, slot->letter, number);
}

static bool put(struct call *call, uint32_t index, union rh_jni_value value)
{
	const struct rh_param *param = &call->row->params[index];
	char                   letter = call->slots[index].letter;

	if (letter == 'T')
		return put_text(call, index, value.l);
	if (param->kind == RH_KIND_BYTES)
		return put_bytes(call, index, value.l);
	return letter >= 'a' ? put_one(call, index, value.l) : put_number(call, index, value);
}

/* The length of an array stands where C has it; one that Java tells is not over it. */
static bool put_length(struct call *call, uint32_t index)
{
	uint32_t     length = call->row->params[index].len_param;
	struct slot *bytes = &call->slots[index];

	if (length >= call->row->param_count)
		return true;
	const struct rh_param *param = &call->row->params[length];
	struct slot           *slot = &call->slots[length];
	if (slot->letter != '-') {
		int64_t told = load_as(&slot->value, param);

		if (told >= 0 && (uint64_t)told <= bytes->count)
			return true;
		rh_jni_throw(call->env, "java/lang/IndexOutOfBoundsException",
		             "%" PRId64 " elements of %zu", told, bytes->count);
		return false;
	}
	if (slot->count && slot->count != bytes->count + 1) { /* of another array */
		rh_jni_throw(call->env, "java/lang/IndexOutOfBoundsException",
		             "arrays of %zu and %zu elements", slot->count - 1, bytes->count);
		return false;
	}
	slot->count = bytes->count + 1;
	store(&slot->value, size_of(param), (int64_t)bytes->count);
	return fits_in_c(call, param, 'J', (int64_t)bytes->count);
}

static bool put_all(struct call *call, const union rh_jni_value *values)
{
	for (uint32_t i = 0; i < call->row->param_count; i++) {
		const struct rh_param *param = &call->row->params[i];
		struct slot           *slot = &call->slots[i];
		bool                   is_pointed = param->flags & RH_PARAM_POINTER &&
		                                    param->kind != RH_KIND_BYTES;

		slot->letter = call->method->types[i];
		slot->pointer = &slot->value;
		call->args[i] = is_pointed ? (void *)&slot->pointer : (void *)&slot->value;
		if (slot->letter != '-' && !put(call, i, *values++))
			return false;
	}
	for (uint32_t i = 0; i < call->row->param_count; i++)
		if (call->row->params[i].kind == RH_KIND_BYTES && !put_length(call, i))
			return false;
	return true;
}

/* --- what comes out ----------------------------------------------------------------- */

/* Elements that the callee says it wrote. */
static size_t used_of(const struct call *call, const struct rh_param *param)
{
	uint32_t index = param->used_param;
	int64_t  used = 0;

	if (index == RH_USED_RETURN)
		used = load_as(&call->ret, &call->row->ret);
	else if ((index = index < call->row->param_count ? index : param->len_param) <
	         call->row->param_count)
		used = load_as(&call->slots[index].value, &call->row->params[index]);
	return used > 0 ? (size_t)used : 0;
}

static void take_bytes(struct call *call, uint32_t index)
{
	const struct rh_param *param = &call->row->params[index];
	const struct slot     *slot = &call->slots[index];
	size_t                 used = used_of(call, param);
	uint32_t               size = param->size ? param->size : 1;

	if (used > slot->count)
		used = slot->count;
	rh_jni_set(call->env, slot->letter, slot->array, used * size / width_of(slot->letter),
	           slot->owned);
}

static void take_one(struct call *call, uint32_t index)
{
	const struct rh_param *param = &call->row->params[index];
	const struct slot     *slot = &call->slots[index];
	union object           made = slot->value;

	if (!is_float(slot->letter)) {
		int64_t number = load_as(&slot->value, param);

		if (!fits_in_java(call, param, slot->letter, number))
			return;
		store(&made, width_of(slot->letter),
		      slot->letter == 'z' ? number != 0 : number);
	}
	rh_jni_set(call->env, slot->letter, slot->array, 1, &made);
}

static bool take_all(struct call *call)
{
	for (uint32_t i = 0; i < call->row->param_count; i++) {
		const struct rh_param *param = &call->row->params[i];

		if (!call->slots[i].array || param->direction == RH_IN)
			continue;
		if (param->kind == RH_KIND_BYTES)
			take_bytes(call, i);
		else
			take_one(call, i);
		if (rh_jni_has_thrown(call->env))
			return false;
	}
	return true;
}

/* A text or bytes: a String or byte[] of them. */
static union rh_jni_value take_object(struct call *call, char letter)
{
	const struct rh_param *ret = &call->row->ret;
	union rh_jni_value     value = nothing;
	const char            *from = call->ret.p;

	if (!from)
		return value;
	if (letter == 'T')
		value.l = rh_jni_string(call->env, from);
	else if (letter == 'A' && ret->kind == RH_KIND_BYTES)
		value.l = rh_jni_bytes(call->env, from,
		                       used_of(call, ret) * (ret->size ? ret->size : 1));
	else if (letter == 'A')
		value.l = rh_jni_bytes(call->env, from, strlen(from));
	return value;
}

static union rh_jni_value take_result(struct call *call, char letter)
{
	const struct rh_param *ret = &call->row->ret;
	union rh_jni_value     value = nothing;

	switch (ret->kind) {
	case RH_KIND_VOID:
		return value;
	case RH_KIND_FLOAT:
		if (letter == 'F')
			value.f = call->ret.f;
		else if (letter == 'D')
			value.d = call->ret.d;
		return value;
	case RH_KIND_STRING: case RH_KIND_PATH: case RH_KIND_BYTES:
		return take_object(call, letter);
	default:
		value.j = load_as(&call->ret, ret);
		if (letter == 'V' || !fits_in_java(call, ret, letter, value.j))
			return nothing;
		if (letter == 'Z')
			value.j = value.j != 0;
		return value;
	}
}

/* --- the call ----------------------------------------------------------------------- */

/* The letters of the results that a class may declare. */
static const char *results_of(const struct rh_param *ret)
{
	switch (ret->kind) {
	case RH_KIND_VOID:   return "V";
	case RH_KIND_FLOAT:  return ret->size == 4 ? "FV" : "DV";
	case RH_KIND_STRING:
	case RH_KIND_PATH:   return "TAV";
	case RH_KIND_BYTES:  return "AV";
	case RH_KIND_HANDLE: return "JV";
	default:             return "IJSBZV";
	}
}

/* The machine passes a number and an object in the same place: what the class declares
 * must be looked up, once. */
static char declared(struct call *call, void *self)
{
	struct rh_jni_method *method = call->method;
	char                  letter = (char)__atomic_load_n(&method->result, __ATOMIC_RELAXED);
	char                  signature[512];

	for (const char *each = results_of(&call->row->ret); !letter && *each; each++) {
		const char plain[] = { *each, '\0' };

		snprintf(signature, sizeof signature, "%s%s", method->signature,
		         *each == 'T' ? "Ljava/lang/String;" : *each == 'A' ? "[B" : plain);
		if (rh_jni_declares(call->env, self, method->name, signature))
			letter = *each;
	}
	if (!letter)
		rh_jni_throw(call->env, "java/lang/NoSuchMethodError",
		             "%s%s does not return what %s does", method->name,
		             method->signature, call->row->name);
	__atomic_store_n(&method->result, (uint32_t)letter, __ATOMIC_RELAXED);
	return letter;
}

/* Frees what the call took, and what a function handed over. */
static void finish(struct call *call, bool has_run)
{
	const struct rh_param *ret = &call->row->ret;

	for (uint32_t i = 0; i < call->row->param_count; i++)
		free(call->slots[i].owned);
	if (has_run && ret->flags & RH_PARAM_TRANSFER &&
	    (ret->kind == RH_KIND_STRING || ret->kind == RH_KIND_PATH ||
	     ret->kind == RH_KIND_BYTES))
		free(call->ret.p);
}

EXPORT union rh_jni_value rh_jni_call(struct rh_jni_method *method, void *env, void *self,
                                      const union rh_jni_value *values)
{
	struct call call = {
		.method = method, .env = env,
		.row = &method->library->interface->functions[method->function],
	};
	union rh_jni_value result = nothing;
	char               letter = declared(&call, self);
	bool               has_run = false;

	if (letter && put_all(&call, values)) {
		int code = rh_language_call(method->library, method->function, call.args,
		                            call.row->ret.kind == RH_KIND_VOID ? NULL : &call.ret);

		has_run = code >= 0;
		if (code < 0)
			rh_jni_throw_last(call.env, code);
		else if (take_all(&call))
			result = take_result(&call, letter);
	}
	finish(&call, has_run);
	return result;
}
