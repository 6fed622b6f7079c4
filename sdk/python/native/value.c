/* value - one number or text: Python to C and back. */
#include "native.h"

#include <math.h>
#include <string.h>

static int out_of_range(const struct rh_param *param, PyObject *number)
{
	PyErr_Format(PyExc_OverflowError, "%S is outside %s", number, param->type);
	return -1;
}

static int take_signed(const struct rh_param *param, PyObject *object, void *at)
{
	int       overflow = 0;
	long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
	long long limit = 1ll << (8 * param->size - 1 < 63 ? 8 * param->size - 1 : 62);

	if (value == -1 && !overflow && PyErr_Occurred())
		return -1;
	if (overflow || (param->size < 8 && (value < -limit || value >= limit)))
		return out_of_range(param, object);
	memcpy(at, &value, param->size);
	return 0;
}

static int take_unsigned(const struct rh_param *param, PyObject *object, void *at)
{
	PyObject          *number = PyNumber_Index(object);
	unsigned long long value;

	if (!number)
		return -1;
	value = PyLong_AsUnsignedLongLong(number);
	if (value == ~0ull && PyErr_Occurred()) {
		PyErr_Clear();
		out_of_range(param, number);
		Py_DECREF(number);
		return -1;
	}
	Py_DECREF(number);
	if (param->size < 8 && value >> (8 * param->size))
		return out_of_range(param, object);
	memcpy(at, &value, param->size);
	return 0;
}

static int take_float(const struct rh_param *param, PyObject *object, void *at)
{
	double value = PyFloat_AsDouble(object);
	float  narrow = (float)value;

	if (value == -1.0 && PyErr_Occurred())
		return -1;
	if (param->size == sizeof value) {
		memcpy(at, &value, sizeof value);
		return 0;
	}
	if (isinf(narrow) && !isinf(value))
		return out_of_range(param, object);
	memcpy(at, &narrow, sizeof narrow);
	return 0;
}

static int take_fd(const struct rh_param *param, PyObject *object, void *at)
{
	int fd;

	if (PyLong_Check(object))
		return take_signed(param, object, at);
	fd = PyObject_AsFileDescriptor(object);
	if (fd < 0)
		return -1;
	memcpy(at, &fd, sizeof fd);
	return 0;
}

int value_take_number(const struct rh_param *param, PyObject *object, void *at)
{
	switch (param->kind) {
	case RH_KIND_INT:
		return take_signed(param, object, at);
	case RH_KIND_UINT:
		return take_unsigned(param, object, at);
	case RH_KIND_FLOAT:
		return take_float(param, object, at);
	default:
		return take_fd(param, object, at);
	}
}

/* As bytes, by the way that file names take: what was no UTF-8 comes back as it was. */
static PyObject *encoded(const struct rh_param *param, PyObject *object)
{
	PyObject *bytes = NULL;

	if (PyUnicode_Check(object))
		return PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape");
	if (param->kind == RH_KIND_PATH)
		return PyUnicode_FSConverter(object, &bytes) ? bytes : NULL;
	if (PyBytes_Check(object))
		return Py_NewRef(object);
	PyErr_Format(PyExc_TypeError, "a text is wanted, not %R", (PyObject *)Py_TYPE(object));
	return NULL;
}

static int check_text(const char *text, size_t len)
{
	if (memchr(text, 0, len)) {
		PyErr_SetString(PyExc_ValueError, "embedded null character");
		return -1;
	}
	if (len >= PAYLOAD_MAX) {
		PyErr_Format(PyExc_ValueError, "a text of %zu bytes is over the limit of 64 MiB",
		             len);
		return -1;
	}
	return 0;
}

int value_take_text(const struct rh_param *param, PyObject *object, const char **ret_text,
                    size_t *ret_len, PyObject **ret_held)
{
	Py_ssize_t  len = 0;
	const char *text = NULL;
	char       *bytes;

	*ret_held = NULL;
	if (PyUnicode_Check(object)) {
		text = PyUnicode_AsUTF8AndSize(object, &len);
		if (!text)
			PyErr_Clear(); /* it has surrogates */
	}
	if (!text) {
		*ret_held = encoded(param, object);
		if (!*ret_held || PyBytes_AsStringAndSize(*ret_held, &bytes, &len) < 0)
			return -1;
		text = bytes;
	}
	*ret_text = text;
	*ret_len = (size_t)len;
	return check_text(text, (size_t)len);
}

static PyObject *give_signed(const struct rh_param *param, const void *at)
{
	int8_t  narrow;
	int16_t half;
	int32_t word;
	int64_t wide;

	switch (param->size) {
	case 1:
		memcpy(&narrow, at, sizeof narrow);
		return PyLong_FromLong(narrow);
	case 2:
		memcpy(&half, at, sizeof half);
		return PyLong_FromLong(half);
	case 4:
		memcpy(&word, at, sizeof word);
		return PyLong_FromLong(word);
	default:
		memcpy(&wide, at, sizeof wide);
		return PyLong_FromLongLong(wide);
	}
}

static PyObject *give_float(const struct rh_param *param, const void *at)
{
	float  narrow;
	double wide;

	if (param->size == sizeof narrow) {
		memcpy(&narrow, at, sizeof narrow);
		wide = (double)narrow;
	} else {
		memcpy(&wide, at, sizeof wide);
	}
	return PyFloat_FromDouble(wide);
}

PyObject *value_give_number(const struct rh_param *param, const void *at)
{
	unsigned long long bits = 0;

	if (param->kind == RH_KIND_FLOAT)
		return give_float(param, at);
	if (param->kind != RH_KIND_UINT)
		return give_signed(param, at);
	memcpy(&bits, at, param->size);
	return PyLong_FromUnsignedLongLong(bits);
}

PyObject *value_give_text(const char *text)
{
	if (!text)
		Py_RETURN_NONE;
	return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

int value_put_count(const struct rh_param *param, void *at, uint64_t count)
{
	unsigned bits = 8 * param->size - (param->kind == RH_KIND_INT);

	if (bits < 64 && count >> bits) {
		PyErr_Format(PyExc_OverflowError, "%llu elements are more than %s %s can tell",
		             (unsigned long long)count, param->type, param->name);
		return -1;
	}
	memcpy(at, &count, param->size);
	return 0;
}

int64_t value_get_count(const struct rh_param *param, const void *at)
{
	PyObject *number = value_give_number(param, at);
	long long count = number ? PyLong_AsLongLong(number) : -1;

	Py_XDECREF(number);
	if (count == -1 && PyErr_Occurred())
		PyErr_Clear(); /* over 2^63: as much too much as -1 */
	return count;
}
