/* value - plain types; texts and bytes are in text.c. */
#include "value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool rh_js_is_none(napi_env env, napi_value js)
{
	napi_valuetype type;

	return napi_typeof(env, js, &type) == napi_ok &&
	       (type == napi_null || type == napi_undefined);
}

/* --- numbers ------------------------------------------------------------------------ */

static int read_wide(napi_env env, bool is_signed, napi_value js, uint64_t *ret_bits,
                     const struct rh_js_where *where)
{
	bool        is_exact = false;
	napi_status status;
	int64_t     value;

	if (is_signed) {
		status = napi_get_value_bigint_int64(env, js, &value, &is_exact);
		*ret_bits = (uint64_t)value;
	} else {
		status = napi_get_value_bigint_uint64(env, js, ret_bits, &is_exact);
	}
	if (status != napi_ok)
		return rh_js_type_error(env, where, "must be a BigInt, as it has 64 bits");
	if (!is_exact)
		return rh_js_range_error(env, where, is_signed
		                         ? "must be between -2^63 and 2^63 - 1"
		                         : "must be between 0 and 2^64 - 1");
	return 0;
}

static int refuse_range(napi_env env, double low, double high,
                        const struct rh_js_where *where)
{
	char text[80];

	snprintf(text, sizeof text, "must be a whole number between %.0f and %.0f", low,
	         high);
	return rh_js_range_error(env, where, text);
}

static int read_narrow(napi_env env, bool is_signed, unsigned bits, napi_value js,
                       uint64_t *ret_bits, const struct rh_js_where *where)
{
	double high = (double)((1ull << (is_signed ? bits - 1 : bits)) - 1);
	double low = is_signed ? -high - 1 : 0;
	double value;
	bool   truth;

	if (napi_get_value_double(env, js, &value) != napi_ok) {
		if (bits != 8 || is_signed || napi_get_value_bool(env, js, &truth) != napi_ok)
			return rh_js_type_error(env, where, "must be a number");
		value = truth;
	}
	if (!(value >= low && value <= high) || value != trunc(value))
		return refuse_range(env, low, high, where);
	*ret_bits = (uint64_t)(int64_t)value;
	return 0;
}

static int read_int(napi_env env, const struct rh_shape *shape, napi_value js, void *at,
                    const struct rh_js_where *where)
{
	bool     is_signed = shape->kind == RH_SHAPE_INT;
	uint64_t bits;
	int      r = shape->size == 8
	             ? read_wide(env, is_signed, js, &bits, where)
	             : read_narrow(env, is_signed, 8 * shape->size, js, &bits, where);

	if (r == 0)
		memcpy(at, &bits, shape->size);
	return r;
}

static int64_t sign_extend(uint64_t bits, unsigned width)
{
	return width < 64 ? (int64_t)(bits << (64 - width)) >> (64 - width) : (int64_t)bits;
}

static int write_int(napi_env env, const struct rh_shape *shape, uint64_t bits,
                     unsigned width, napi_value *ret_js)
{
	bool is_signed = shape->kind == RH_SHAPE_INT;

	if (is_signed)
		bits = (uint64_t)sign_extend(bits, width);
	if (shape->size == 8 && is_signed)
		RH_JS_TRY(napi_create_bigint_int64(env, (int64_t)bits, ret_js));
	else if (shape->size == 8)
		RH_JS_TRY(napi_create_bigint_uint64(env, bits, ret_js));
	else if (is_signed)
		RH_JS_TRY(napi_create_int32(env, (int32_t)bits, ret_js));
	else
		RH_JS_TRY(napi_create_uint32(env, (uint32_t)bits, ret_js));
	return 0;
}

static bool is_view(napi_env env, napi_value js)
{
	bool is = false;

	return napi_is_buffer(env, js, &is) == napi_ok && is;
}

/* Exactly that many bytes, of a float, a union or an array. */
static int read_exact(napi_env env, uint32_t size, napi_value js, void *at,
                      const struct rh_js_where *where)
{
	char   text[64];
	void  *bytes;
	size_t len;

	if (rh_js_bytes_read(env, js, &bytes, &len, where) < 0)
		return -1;
	if (len != size) {
		snprintf(text, sizeof text, "must have exactly %u bytes", size);
		return rh_js_range_error(env, where, text);
	}
	if (len > 0)
		memcpy(at, bytes, len);
	return 0;
}

/* A NaN that a number of JavaScript cannot be: there is one only. */
static bool is_odd_nan(uint32_t size, const void *at)
{
	static const uint64_t wide = 0x7ff8000000000000u;
	static const uint32_t narrow = 0x7fc00000u;
	double value;
	float  small;

	if (size == sizeof small) {
		memcpy(&small, at, sizeof small);
		return isnan(small) && memcmp(at, &narrow, sizeof narrow) != 0;
	}
	memcpy(&value, at, sizeof value);
	return isnan(value) && memcmp(at, &wide, sizeof wide) != 0;
}

static int read_float(napi_env env, uint32_t size, napi_value js, void *at,
                      const struct rh_js_where *where)
{
	double value;
	float  narrow;

	if (napi_get_value_double(env, js, &value) != napi_ok)
		return is_view(env, js) ? read_exact(env, size, js, at, where)
		                        : rh_js_type_error(env, where, "must be a number");
	if (size == sizeof value) {
		memcpy(at, &value, sizeof value);
		return 0;
	}
	if (isfinite(value) && fabs(value) >= 0x1.ffffffp127)
		return rh_js_range_error(env, where, "does not fit 32 bits of floating point");
	narrow = (float)value;
	memcpy(at, &narrow, sizeof narrow);
	return 0;
}

static int write_float(napi_env env, uint32_t size, const void *at, bool is_raw,
                       napi_value *ret_js)
{
	double value;
	float  narrow;

	if (is_raw && is_odd_nan(size, at))
		return rh_js_bytes_write(env, at, size, ret_js);
	if (size == sizeof value) {
		memcpy(&value, at, sizeof value);
	} else {
		memcpy(&narrow, at, sizeof narrow);
		value = (double)narrow;
	}
	RH_JS_TRY(napi_create_double(env, value, ret_js));
	return 0;
}

/* --- bit-fields: bits from the lowest of a byte on ------------------------------------ */

static void put_bits(unsigned char *at, unsigned first, unsigned width, uint64_t bits)
{
	for (unsigned i = 0; i < width; i++) {
		unsigned char *byte = at + (first + i) / 8;
		unsigned       mask = 1u << (first + i) % 8;

		*byte = (unsigned char)((bits >> i & 1) ? *byte | mask : *byte & ~mask);
	}
}

static uint64_t get_bits(const unsigned char *at, unsigned first, unsigned width)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < width; i++)
		bits |= (uint64_t)(at[(first + i) / 8] >> (first + i) % 8 & 1) << i;
	return bits;
}

static int read_bits(napi_env env, const struct rh_field *field, napi_value js, void *at,
                     const struct rh_js_where *where)
{
	bool     is_signed = field->shape->kind == RH_SHAPE_INT;
	unsigned width = field->bit_width;
	uint64_t bits;

	if (field->shape->size < 8) {
		if (read_narrow(env, is_signed, width, js, &bits, where) < 0)
			return -1;
	} else {
		if (read_wide(env, is_signed, js, &bits, where) < 0)
			return -1;
		if (is_signed ? sign_extend(bits, width) != (int64_t)bits
		              : width < 64 && bits >> width)
			return rh_js_range_error(env, where, "does not fit its bit-field");
	}
	put_bits((unsigned char *)at + field->offset, field->bit, width, bits);
	return 0;
}

/* --- structs, unions, arrays ------------------------------------------------------------ */

/* A member without a name is called by its place. */
static const char *key_of(const struct rh_field *field, char room[24])
{
	if (field->name[0])
		return field->name;
	snprintf(room, 24, "at%u", field->offset);
	return room;
}

static int read_field(napi_env env, const struct rh_field *field, napi_value js,
                      unsigned char *at, const struct rh_js_where *above)
{
	char               room[24];
	struct rh_js_where where = { .above = above, .name = key_of(field, room) };
	napi_value         value;

	RH_JS_TRY(napi_get_named_property(env, js, where.name, &value));
	if (rh_js_is_none(env, value))
		return rh_js_type_error(env, &where, "is missing");
	if (field->bit_width)
		return read_bits(env, field, value, at, &where);
	return rh_js_plain_read(env, field->shape, value, at + field->offset, &where);
}

static int read_struct(napi_env env, const struct rh_shape *shape, napi_value js, void *at,
                       const struct rh_js_where *where)
{
	napi_valuetype type;
	int            r = 0;

	RH_JS_TRY(napi_typeof(env, js, &type));
	if (type != napi_object)
		return rh_js_type_error(env, where, "must be an object with the fields of"
		                        " the struct");
	memset(at, 0, shape->size);
	for (uint32_t i = 0; i < shape->count && r == 0; i++)
		r = read_field(env, &shape->fields[i], js, at, where);
	return r;
}

static int write_struct(napi_env env, const struct rh_shape *shape, const void *at,
                        bool is_raw, napi_value *ret_js)
{
	napi_value object, value;
	char       room[24];

	RH_JS_TRY(napi_create_object(env, &object));
	for (uint32_t i = 0; i < shape->count; i++) {
		const struct rh_field *field = &shape->fields[i];
		const unsigned char   *from = (const unsigned char *)at + field->offset;
		int r = field->bit_width
		        ? write_int(env, field->shape,
		                    get_bits(from, field->bit, field->bit_width),
		                    field->bit_width, &value)
		        : rh_js_plain_write(env, field->shape, from, is_raw, &value);

		if (r < 0)
			return -1;
		RH_JS_TRY(napi_set_named_property(env, object, key_of(field, room), value));
	}
	*ret_js = object;
	return 0;
}

static bool is_byte_array(const struct rh_shape *shape)
{
	return shape->kind == RH_SHAPE_ARRAY && shape->element->kind == RH_SHAPE_UINT &&
	       shape->element->size == 1;
}

static int read_elements(napi_env env, const struct rh_shape *shape, napi_value js,
                         void *at, const struct rh_js_where *above)
{
	struct rh_js_where where = { .above = above };
	char               text[64];
	napi_valuetype     type;
	napi_value         value;
	double             count = -1;

	RH_JS_TRY(napi_typeof(env, js, &type));
	if (type != napi_object)
		return rh_js_type_error(env, above, "must be an array");
	RH_JS_TRY(napi_get_named_property(env, js, "length", &value));
	if (napi_get_value_double(env, value, &count) != napi_ok ||
	    count != (double)shape->count) {
		snprintf(text, sizeof text, "must be an array of exactly %u", shape->count);
		return rh_js_range_error(env, above, text);
	}
	for (where.index = 0; where.index < shape->count; where.index++) {
		RH_JS_TRY(napi_get_element(env, js, where.index, &value));
		if (rh_js_plain_read(env, shape->element, value,
		                     (unsigned char *)at + where.index * shape->element->size,
		                     &where) < 0)
			return -1;
	}
	return 0;
}

static int write_elements(napi_env env, const struct rh_shape *shape, const void *at,
                          bool is_raw, napi_value *ret_js)
{
	napi_value array, value;

	RH_JS_TRY(napi_create_array_with_length(env, shape->count, &array));
	for (uint32_t i = 0; i < shape->count; i++) {
		if (rh_js_plain_write(env, shape->element,
		                      (const unsigned char *)at + i * shape->element->size,
		                      is_raw, &value) < 0)
			return -1;
		RH_JS_TRY(napi_set_element(env, array, i, value));
	}
	*ret_js = array;
	return 0;
}

int rh_js_plain_read(napi_env env, const struct rh_shape *shape, napi_value js, void *at,
                     const struct rh_js_where *where)
{
	switch (shape->kind) {
	case RH_SHAPE_INT:
	case RH_SHAPE_UINT:
		return read_int(env, shape, js, at, where);
	case RH_SHAPE_FLOAT:
		return read_float(env, shape->size, js, at, where);
	case RH_SHAPE_STRUCT:
		return read_struct(env, shape, js, at, where);
	case RH_SHAPE_UNION:
		return read_exact(env, shape->size, js, at, where);
	default:
		if (is_byte_array(shape) && is_view(env, js))
			return read_exact(env, shape->size, js, at, where);
		return read_elements(env, shape, js, at, where);
	}
}

int rh_js_plain_write(napi_env env, const struct rh_shape *shape, const void *at,
                      bool is_raw, napi_value *ret_js)
{
	uint64_t bits = 0;

	switch (shape->kind) {
	case RH_SHAPE_INT:
	case RH_SHAPE_UINT:
		memcpy(&bits, at, shape->size);
		return write_int(env, shape, bits, 8 * shape->size, ret_js);
	case RH_SHAPE_FLOAT:
		return write_float(env, shape->size, at, is_raw, ret_js);
	case RH_SHAPE_STRUCT:
		return write_struct(env, shape, at, is_raw, ret_js);
	case RH_SHAPE_UNION:
		return rh_js_bytes_write(env, at, shape->size, ret_js);
	default:
		if (is_byte_array(shape))
			return rh_js_bytes_write(env, at, shape->size, ret_js);
		return write_elements(env, shape, at, is_raw, ret_js);
	}
}
