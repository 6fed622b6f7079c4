/* record - structs, arrays and unions, by their shape.
 *
 * A struct is an object with its fields as attributes: of the class that is made for it,
 * or any other; a dict and a sequence do, too.  An array is a list; one of bytes is
 * `bytes`, and a union is the bytes of its size. */
#include "native.h"

#include <string.h>

struct record {
	const struct rh_shape *shape;
	struct rh_shape       *owned;    /* the root's                              */
	struct rh_param        number;   /* numbers: as a parameter would be        */
	PyObject              *class;    /* STRUCT                                  */
	PyObject             **names;    /* STRUCT: of its fields                   */
	struct record        **parts;    /* STRUCT: fields; ARRAY: one, the element */
	uint32_t               part_count;
};

static int is_bytes(const struct rh_shape *shape)
{
	return shape->kind == RH_SHAPE_UNION ||
	       (shape->kind == RH_SHAPE_ARRAY && shape->element->size == 1 &&
	        shape->element->kind <= RH_SHAPE_UINT);
}

/* A shape as tuples: what the class is made from, and found by. */
static PyObject *key_of(const struct rh_shape *shape)
{
	static const char *const kinds[] = { "int", "uint", "float", "struct", "union", "array" };
	PyObject *fields, *element;

	if (is_bytes(shape))
		return Py_BuildValue("(sI)", "bytes", shape->size);
	if (shape->kind == RH_SHAPE_ARRAY) {
		element = key_of(shape->element);
		return element ? Py_BuildValue("(sIN)", "array", shape->count, element) : NULL;
	}
	if (shape->kind != RH_SHAPE_STRUCT)
		return Py_BuildValue("(sI)", kinds[shape->kind], shape->size);
	fields = PyTuple_New(shape->count);
	for (uint32_t i = 0; fields && i < shape->count; i++) {
		const struct rh_field *field = &shape->fields[i];
		PyObject *type = key_of(field->shape);
		PyObject *entry = type ? Py_BuildValue("(sIIIN)", field->name, field->offset,
		                                       field->bit, field->bit_width, type)
		                       : NULL;

		if (!entry || PyTuple_SetItem(fields, i, entry) < 0)
			Py_CLEAR(fields);
	}
	return fields ? Py_BuildValue("(ssIN)", "struct", shape->name, shape->size, fields)
	              : NULL;
}

static PyObject *class_of(Interface *of, const struct rh_shape *shape)
{
	PyObject *key = key_of(shape), *class;

	if (!key)
		return NULL;
	class = PyDict_GetItemWithError(of->classes, key);
	if (class) {
		Py_INCREF(class);
	} else if (!PyErr_Occurred()) {
		class = PyObject_CallMethod(core_python, "record_class", "OO", of->classes, key);
	}
	Py_DECREF(key);
	return class;
}

static struct record *build(Interface *of, const struct rh_shape *shape);

static int build_struct(Interface *of, struct record *record)
{
	const struct rh_shape *shape = record->shape;

	record->class = class_of(of, shape);
	record->names = PyMem_Calloc(shape->count + 1, sizeof *record->names);
	record->parts = PyMem_Calloc(shape->count + 1, sizeof *record->parts);
	if (!record->class || !record->names || !record->parts)
		return -1;
	record->part_count = shape->count;
	for (uint32_t i = 0; i < shape->count; i++) {
		record->names[i] = PyObject_CallMethod(core_python, "field_name", "s",
		                                       shape->fields[i].name);
		record->parts[i] = build(of, shape->fields[i].shape);
		if (!record->names[i] || !record->parts[i])
			return -1;
	}
	return 0;
}

static const char *number_type(const struct rh_shape *shape)
{
	static const char *const names[3][9] = {
		{ [1] = "i8", [2] = "i16", [4] = "i32", [8] = "i64" },
		{ [1] = "u8", [2] = "u16", [4] = "u32", [8] = "u64" },
		{ [4] = "f32", [8] = "f64" },
	};
	return names[shape->kind][shape->size];
}

static struct record *build(Interface *of, const struct rh_shape *shape)
{
	static const uint8_t kinds[] = { RH_KIND_INT, RH_KIND_UINT, RH_KIND_FLOAT };
	struct record *record = PyMem_Calloc(1, sizeof *record);
	int            r = 0;

	if (!record) {
		PyErr_NoMemory();
		return NULL;
	}
	record->shape = shape;
	if (shape->kind <= RH_SHAPE_FLOAT) {
		record->number = (struct rh_param){ .kind = kinds[shape->kind],
		                                    .size = shape->size,
		                                    .type = number_type(shape) };
	} else if (shape->kind == RH_SHAPE_STRUCT) {
		r = build_struct(of, record);
	} else if (!is_bytes(shape)) {
		record->parts = PyMem_Calloc(1, sizeof *record->parts);
		record->part_count = 1;
		r = record->parts && (record->parts[0] = build(of, shape->element)) ? 0 : -1;
	}
	if (r < 0) {
		if (!PyErr_Occurred())
			PyErr_NoMemory();
		record_free(record);
		return NULL;
	}
	return record;
}

const struct record *record_new(Interface *of, const char *type)
{
	struct rh_shape *shape = NULL;
	struct record   *record;
	int              r = rh_shape_parse(type, &shape);

	if (r < 0) {
		PyErr_Format(PyExc_SystemError, "the type %s cannot be read", type);
		return NULL;
	}
	record = build(of, shape);
	if (record)
		record->owned = shape;
	else
		rh_shape_free(shape);
	return record;
}

void record_free(const struct record *record)
{
	struct record *own;

	if (!record)
		return;
	memcpy(&own, &record, sizeof own);
	for (uint32_t i = 0; own->parts && i < own->part_count; i++) {
		record_free(own->parts[i]);
		if (own->names)
			Py_XDECREF(own->names[i]);
	}
	PyMem_Free(own->parts);
	PyMem_Free(own->names);
	Py_XDECREF(own->class);
	rh_shape_free(own->owned);
	PyMem_Free(own);
}

uint32_t record_size(const struct record *record)
{
	return record->shape->size;
}

PyObject *record_class(const struct record *record)
{
	return record->class;
}

/* --- Python to C */

static int take_bytes(const struct record *record, PyObject *object, unsigned char *at)
{
	uint32_t  size = record->shape->size;
	Py_buffer view;

	if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0)
		return -1;
	if (view.len > (Py_ssize_t)size) {
		PyErr_Format(PyExc_ValueError, "%zd bytes do not fit %u", view.len, size);
		PyBuffer_Release(&view);
		return -1;
	}
	memset(at, 0, size);
	memcpy(at, view.buf, (size_t)view.len);
	PyBuffer_Release(&view);
	return 0;
}

static int take_array(const struct record *record, PyObject *object, unsigned char *at)
{
	uint32_t   count = record->shape->count, size = record->shape->element->size;
	Py_ssize_t len = PySequence_Size(object);
	int        r = 0;

	if (len < 0)
		return -1;
	if ((uint64_t)len != count) {
		PyErr_Format(PyExc_ValueError, "%zd elements where there are %u", len, count);
		return -1;
	}
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		PyObject *element = PySequence_GetItem(object, i);

		r = element ? record_take(record->parts[0], element, at + (size_t)i * size) : -1;
		Py_XDECREF(element);
	}
	return r;
}

/* The field of a struct, however that is given. */
static PyObject *field_of(const struct record *record, PyObject *object, uint32_t index)
{
	PyObject *value;

	if (PyTuple_Check(object) || PyList_Check(object))
		return PySequence_GetItem(object, index);
	if (!PyDict_Check(object))
		return PyObject_GetAttr(object, record->names[index]);
	value = PyDict_GetItemWithError(object, record->names[index]);
	if (!value && !PyErr_Occurred())
		PyErr_SetObject(PyExc_KeyError, record->names[index]);
	return Py_XNewRef(value);
}

/* Bits lie as the compiler of little-endian machines puts them: from the lowest up. */
static void put_bits(const struct rh_field *field, unsigned char *at, uint64_t bits)
{
	for (unsigned i = 0; i < field->bit_width; i++) {
		unsigned       place = field->bit + i;
		unsigned char  mask = (unsigned char)(1u << place % 8);
		unsigned char *byte = at + field->offset + place / 8;

		*byte = (unsigned char)((bits >> i & 1) ? *byte | mask : *byte & ~mask);
	}
}

static uint64_t get_bits(const struct rh_field *field, const unsigned char *at)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < field->bit_width; i++) {
		unsigned place = field->bit + i;

		bits |= (uint64_t)(at[field->offset + place / 8] >> place % 8 & 1) << i;
	}
	if (field->shape->kind == RH_SHAPE_INT && field->bit_width < 64 &&
	    bits >> (field->bit_width - 1))
		bits |= ~0ull << field->bit_width;
	return bits;
}

static int take_bits(const struct record *part, const struct rh_field *field,
                     PyObject *object, unsigned char *at)
{
	uint64_t bits = 0, low;
	int64_t  sign;

	if (record_take(part, object, &bits) < 0)
		return -1;
	low = field->bit_width < 64 ? bits & ((1ull << field->bit_width) - 1) : bits;
	if (field->shape->kind == RH_SHAPE_INT) {
		sign = (int64_t)(low << (64 - field->bit_width)) >> (64 - field->bit_width);
		low = (uint64_t)sign;
		if (part->number.size < 8)
			low &= (1ull << 8 * part->number.size) - 1;
	}
	if (low != bits) {
		PyErr_Format(PyExc_OverflowError, "%S is outside %u bits", object,
		             (unsigned)field->bit_width);
		return -1;
	}
	put_bits(field, at, bits);
	return 0;
}

static int take_struct(const struct record *record, PyObject *object, unsigned char *at)
{
	uint32_t count = record->shape->count;
	int      r = 0;

	if ((PyTuple_Check(object) || PyList_Check(object)) &&
	    PySequence_Size(object) != (Py_ssize_t)count) {
		PyErr_Format(PyExc_ValueError, "%zd fields where there are %u",
		             PySequence_Size(object), count);
		return -1;
	}
	memset(at, 0, record->shape->size);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		const struct rh_field *field = &record->shape->fields[i];
		PyObject              *value = field_of(record, object, i);

		if (!value)
			return -1;
		r = field->bit_width ? take_bits(record->parts[i], field, value, at)
		    : record_take(record->parts[i], value, at + field->offset);
		Py_DECREF(value);
	}
	return r;
}

int record_take(const struct record *record, PyObject *object, void *at)
{
	if (record->shape->kind <= RH_SHAPE_FLOAT)
		return value_take_number(&record->number, object, at);
	if (record->shape->kind == RH_SHAPE_STRUCT)
		return take_struct(record, object, at);
	if (is_bytes(record->shape) &&
	    (PyObject_CheckBuffer(object) || record->shape->kind == RH_SHAPE_UNION))
		return take_bytes(record, object, at);
	if (!is_bytes(record->shape))
		return take_array(record, object, at);
	PyErr_Format(PyExc_TypeError, "bytes are wanted, not %R", (PyObject *)Py_TYPE(object));
	return -1;
}

/* --- C to Python */

static PyObject *give_bits(const struct record *part, const struct rh_field *field,
                           const unsigned char *at)
{
	uint64_t bits = get_bits(field, at);

	return value_give_number(&part->number, &bits);
}

static PyObject *give_struct(const struct record *record, const unsigned char *at)
{
	PyObject *values = PyTuple_New(record->shape->count), *object;

	for (uint32_t i = 0; values && i < record->shape->count; i++) {
		const struct rh_field *field = &record->shape->fields[i];
		PyObject *value = field->bit_width ? give_bits(record->parts[i], field, at)
		                  : record_give(record->parts[i], at + field->offset);

		if (!value || PyTuple_SetItem(values, i, value) < 0)
			Py_CLEAR(values);
	}
	if (!values)
		return NULL;
	object = PyObject_Call(record->class, values, NULL);
	Py_DECREF(values);
	return object;
}

static PyObject *give_array(const struct record *record, const unsigned char *at)
{
	PyObject *list = PyList_New(record->shape->count);

	for (uint32_t i = 0; list && i < record->shape->count; i++) {
		PyObject *element = record_give(record->parts[0],
		                                at + (size_t)i * record->shape->element->size);

		if (!element || PyList_SetItem(list, i, element) < 0)
			Py_CLEAR(list);
	}
	return list;
}

PyObject *record_give(const struct record *record, const void *at)
{
	if (record->shape->kind <= RH_SHAPE_FLOAT)
		return value_give_number(&record->number, at);
	if (record->shape->kind == RH_SHAPE_STRUCT)
		return give_struct(record, at);
	if (is_bytes(record->shape))
		return PyBytes_FromStringAndSize(at, record->shape->size);
	return give_array(record, at);
}
