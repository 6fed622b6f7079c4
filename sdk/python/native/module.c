/* module - rhodes._core: what stands between Python and librhodes. */
#include "native.h"

#include <string.h>

PyObject *core_python;
int       core_has_ended;

static const char *name_of(int code)
{
	switch (code) {
#define RH_ERROR(name, number, status, text) case -(number): return #name;
#include "model/errors.def"
#undef RH_ERROR
	default:
		return "EUNKNOWN";
	}
}

/* The four texts of what the callee raised, or None. */
static PyObject *raised(int code)
{
	const struct rh_exception *e = code == RH_ERAISED ? rh_last_exception() : NULL;
	PyObject                  *texts;

	if (!e)
		Py_RETURN_NONE;
	texts = PyTuple_New(4);
	for (int i = 0; texts && i < 4; i++) {
		const char *text = i == 0 ? e->language : i == 1 ? e->type
		                   : i == 2 ? e->message : e->stack;
		PyObject   *object = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text),
		                                          "replace");

		if (!object || PyTuple_SetItem(texts, i, object) < 0)
			Py_CLEAR(texts);
	}
	return texts;
}

PyObject *core_fail(int code)
{
	PyObject *texts = raised(code);
	PyObject *error = texts ? PyObject_CallMethod(core_python, "error", "iszOO", -code,
	                                              name_of(code), rh_last_error(),
	                                              rh_last_ran() ? Py_True : Py_False,
	                                              texts) : NULL;

	Py_XDECREF(texts);
	if (error) {
		PyErr_SetObject((PyObject *)Py_TYPE(error), error);
		Py_DECREF(error);
	}
	return NULL;
}

void core_explain(const struct plan *plan, const struct item *item)
{
	PyObject *type, *value, *trace;

	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	if (type == PyExc_OverflowError || type == PyExc_TypeError || type == PyExc_ValueError)
		PyErr_Format(type, "%s(): argument %s: %S", plan->function->name,
		             item->param->name, value);
	else
		PyErr_Restore(Py_XNewRef(type), Py_XNewRef(value), Py_XNewRef(trace));
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
}

static PyObject *on_open(PyObject *module, PyObject *name)
{
	struct rh_stub_library *library;
	Py_ssize_t              len;
	const char             *text = PyUnicode_AsUTF8AndSize(name, &len);
	int                     r;

	(void)module;
	if (!text)
		return NULL;
	if (strlen(text) != (size_t)len) {
		PyErr_SetString(PyExc_ValueError, "embedded null character in a name");
		return NULL;
	}
	r = rh_language_open(text, &library);
	return r < 0 ? core_fail(r) : interface_new(library->interface, library);
}

static PyObject *on_own(PyObject *module, PyObject *unused)
{
	const struct rh_interface *interface;
	int                        r = rh_language_own(&interface);

	(void)module;
	(void)unused;
	return r < 0 ? core_fail(r) : interface_new(interface, NULL);
}

static PyObject *on_errno(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyLong_FromLong(call_errno);
}

static PyObject *on_set_errno(PyObject *module, PyObject *number)
{
	long value = PyLong_AsLong(number);

	(void)module;
	if (value < 0 || value > 4095) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_ValueError, "errno is between 0 and 4095");
		return NULL;
	}
	serve_errno = (int)value;
	Py_RETURN_NONE;
}

static PyObject *on_end(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	core_has_ended = 1;
	Py_RETURN_NONE;
}

static PyObject *on_stop(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	rh_serve_stop();
	Py_RETURN_NONE;
}

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
	static PyMethodDef methods[] = {
		{ "open", on_open, METH_O, "The interface of a callee, by a name of it." },
		{ "own", on_own, METH_NOARGS, "The interface that this process serves." },
		{ "errno", on_errno, METH_NOARGS, "What the thread's last call left in errno." },
		{ "set_errno", on_set_errno, METH_O, "What the caller of this call finds in errno." },
		{ "stop", on_stop, METH_NOARGS, "Ends serving." },
		{ "end", on_end, METH_NOARGS, "From now on nothing is destroyed any more." },
		{ NULL, NULL, 0, NULL },
	};
	static struct PyModuleDef definition = {
		PyModuleDef_HEAD_INIT, .m_name = "rhodes._core", .m_size = -1,
		.m_methods = methods,
	};
	PyObject *module;

	core_python = PyImport_ImportModule("rhodes._glue");
	module = core_python ? PyModule_Create(&definition) : NULL;
	if (!module || interface_ready(module) < 0 || handle_ready(module) < 0)
		Py_CLEAR(module);
	return module;
}
