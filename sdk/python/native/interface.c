/* interface - an interface in Python. */
#include "native.h"

PyTypeObject *interface_type;

PyObject *interface_new(const struct rh_interface *interface,
                        struct rh_stub_library *library)
{
	Interface *self = PyObject_New(Interface, interface_type);

	if (!self)
		return NULL;
	self->interface = interface;
	self->library = library;
	self->plans = PyMem_Calloc(interface->function_count + 1, sizeof *self->plans);
	self->functions = PyDict_New();
	self->classes = PyDict_New();
	self->handles = PyDict_New();
	if (!self->plans || !self->functions || !self->classes || !self->handles) {
		if (!PyErr_Occurred())
			PyErr_NoMemory();
		Py_CLEAR(self);
	}
	return (PyObject *)self;
}

static void on_dealloc(PyObject *object)
{
	Interface    *self = (Interface *)object;
	PyTypeObject *type = Py_TYPE(object);

	for (uint32_t i = 0; self->plans && i < self->interface->function_count; i++)
		plan_fini(&self->plans[i]);
	PyMem_Free(self->plans);
	Py_XDECREF(self->functions);
	Py_XDECREF(self->classes);
	Py_XDECREF(self->handles);
	PyObject_Free(object);
	Py_DECREF(type);
}

const struct plan *interface_plan(Interface *self, unsigned index)
{
	struct plan *plan = &self->plans[index];

	if (plan->function)
		return plan;
	if (plan_init(plan, self, index) < 0) {
		plan_fini(plan);
		*plan = (struct plan){ .function = NULL };
		return NULL;
	}
	return plan;
}

static int find(Interface *self, PyObject *name)
{
	const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
	int         index = text ? rh_language_find(self->interface, text) : -1;

	if (index < 0 && !PyErr_Occurred())
		PyErr_Format(PyExc_AttributeError, "%s has no function %R",
		             self->interface->name, name);
	return index;
}

static PyObject *on_function(PyObject *object, PyObject *name)
{
	Interface *self = (Interface *)object;
	PyObject  *function = PyDict_GetItemWithError(self->functions, name);
	int        index;

	if (function || PyErr_Occurred())
		return Py_XNewRef(function);
	if (!self->library) {
		PyErr_SetString(PyExc_TypeError, "an interface that is served is not called");
		return NULL;
	}
	index = find(self, name);
	function = index < 0 ? NULL : call_function(self, (unsigned)index);
	if (function && PyDict_SetItem(self->functions, name, function) < 0)
		Py_CLEAR(function);
	return function;
}

/* (name, kind, canonical type, whether None will do, class of the struct or None) */
static PyObject *describe_item(const struct item *item)
{
	static const char *const kinds[RH_KIND_COUNT] = {
		"void", "int", "int", "float", "struct", "string", "path", "bytes", "handle", "fd",
	};
	const struct rh_param *param = item->param;
	PyObject *class = item->record ? record_class(item->record) : NULL;
	int       is_nullable = (param->flags & (RH_PARAM_NULLABLE | RH_PARAM_STDIN)) != 0 ||
	                        (param->kind == RH_KIND_HANDLE && param->direction != RH_IN);

	if (item->role == ROLE_CAPACITY)
		is_nullable = 0;
	return Py_BuildValue("(sssOO)", param->name, kinds[param->kind], param->type,
	                     is_nullable ? Py_True : Py_False, class ? class : Py_None);
}

static int append(PyObject *list, const struct item *item)
{
	PyObject *entry = describe_item(item);
	int       r = entry ? PyList_Append(list, entry) : -1;

	Py_XDECREF(entry);
	return r;
}

static PyObject *describe(const struct plan *plan)
{
	PyObject *takes = PyList_New(0), *gives = PyList_New(0);
	int       r = takes && gives ? 0 : -1;

	if (r == 0 && plan->ret.gives)
		r = append(gives, &plan->ret);
	for (unsigned i = 0; r == 0 && i < plan->function->param_count; i++) {
		const struct item *item = &plan->items[i];

		if (item->param && item->takes != NO_PLACE)
			r = append(takes, item);
		if (r == 0 && item->param && item->gives)
			r = append(gives, item);
	}
	if (r == 0)
		return Py_BuildValue("(IsNN)", (unsigned)plan->function->flags,
		                     plan->function->reason ? plan->function->reason : "", takes,
		                     gives);
	Py_XDECREF(takes);
	Py_XDECREF(gives);
	return NULL;
}

static PyObject *on_describe(PyObject *object, PyObject *name)
{
	Interface         *self = (Interface *)object;
	int                index = find(self, name);
	const struct plan *plan = index < 0 ? NULL : interface_plan(self, (unsigned)index);

	return plan ? describe(plan) : NULL;
}

static PyObject *get_names(PyObject *object, void *unused)
{
	const struct rh_interface *interface = ((Interface *)object)->interface;
	PyObject                  *names = PyTuple_New(interface->function_count);

	(void)unused;
	for (uint32_t i = 0; names && i < interface->function_count; i++) {
		PyObject *name = PyUnicode_FromString(interface->functions[i].name);

		if (!name || PyTuple_SetItem(names, i, name) < 0)
			Py_CLEAR(names);
	}
	return names;
}

static PyObject *get_name(PyObject *object, void *unused)
{
	(void)unused;
	return PyUnicode_FromString(((Interface *)object)->interface->name);
}

static PyObject *get_version(PyObject *object, void *unused)
{
	const char *version = ((Interface *)object)->interface->version;

	(void)unused;
	return PyUnicode_FromString(version ? version : "");
}

static PyObject *get_classes(PyObject *object, void *unused)
{
	(void)unused;
	return PyDict_Values(((Interface *)object)->classes);
}

static PyObject *on_match(PyObject *object, PyObject *lines)
{
	Interface  *self = (Interface *)object;
	Py_ssize_t  count = PySequence_Size(lines);
	const char **texts = count < 0 ? NULL : PyMem_Calloc((size_t)count + 1, sizeof *texts);
	int         r = texts ? 0 : -1;

	for (Py_ssize_t i = 0; r == 0 && i < count; i++) {
		PyObject *line = PySequence_GetItem(lines, i);

		texts[i] = line ? PyUnicode_AsUTF8AndSize(line, NULL) : NULL;
		r = texts[i] ? 0 : -1;
		Py_XDECREF(line); /* lines has it, too */
	}
	if (r == 0)
		r = rh_language_match(self->interface, texts, (unsigned)count);
	PyMem_Free(texts);
	if (PyErr_Occurred())
		return NULL;
	return PyUnicode_FromString(r < 0 ? rh_language_difference() : "");
}

static PyObject *on_serve(PyObject *object, PyObject *args)
{
	PyObject *functions;
	unsigned  threads;

	if (!PyArg_ParseTuple(args, "OI", &functions, &threads))
		return NULL;
	return serve_run((Interface *)object, functions, threads);
}

int interface_ready(PyObject *module)
{
	static PyMethodDef methods[] = {
		{ "function", on_function, METH_O, "The function of that name, to call." },
		{ "describe", on_describe, METH_O,
		  "(flags, reason, takes, gives) of a function; of each value (name, kind, type, "
		  "whether None will do, class of the struct)." },
		{ "match", on_match, METH_O,
		  "How canonical texts differ from the interface: lines, or an empty text." },
		{ "serve", on_serve, METH_VARARGS, "Serves callables, in the interface's order." },
		{ NULL, NULL, 0, NULL },
	};
	static PyGetSetDef attributes[] = {
		{ "name", get_name, NULL, NULL, NULL },
		{ "version", get_version, NULL, NULL, NULL },
		{ "names", get_names, NULL, "Of all functions, in order.", NULL },
		{ "classes", get_classes, NULL, "Of structs that were seen.", NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static PyType_Slot slots[] = {
		{ Py_tp_dealloc, on_dealloc }, { Py_tp_methods, methods },
		{ Py_tp_getset, attributes }, { 0, NULL },
	};
	static PyType_Spec spec = {
		.name = "rhodes._core.Interface", .basicsize = sizeof(Interface),
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, .slots = slots,
	};

	interface_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return interface_type ? PyModule_AddObjectRef(module, "Interface",
	                                              (PyObject *)interface_type) : -1;
}
