/* handle - objects that stay in the callee.
 *
 * One that this program made is destroyed with its Handle, unless the program ends: then
 * the kernel tells the callee.  A child of fork has its parent's objects in its hands,
 * and leaves them to it. */
#include "native.h"

#include <structmember.h>

#include <string.h>
#include <unistd.h>

typedef struct {
	PyObject_HEAD
	Interface *of;
	void      *pointer; /* NULL: closed                          */
	uint16_t   type;
	uint8_t    is_own;  /* made by this program, so destroyed    */
	pid_t      pid;
	PyObject  *weak;
} Handle;

PyTypeObject *handle_type;

static const struct rh_handle_type *type_of(const Handle *self)
{
	return &self->of->interface->handles[self->type];
}

/* --- which pointer is which Handle */

static Handle *find(Interface *of, PyObject *key)
{
	PyObject *address = PyDict_GetItemWithError(of->handles, key);

	return address ? PyLong_AsVoidPtr(address) : NULL;
}

static int remember(Handle *self)
{
	PyObject *key = PyLong_FromVoidPtr(self->pointer);
	PyObject *address = PyLong_FromVoidPtr(self);
	int       r = key && address ? PyDict_SetItem(self->of->handles, key, address) : -1;

	Py_XDECREF(key);
	Py_XDECREF(address);
	return r;
}

static void forget(Handle *self)
{
	PyObject *key = self->pointer ? PyLong_FromVoidPtr(self->pointer) : NULL;

	if (key && find(self->of, key) == self && PyDict_DelItem(self->of->handles, key) < 0)
		PyErr_Clear();
	Py_XDECREF(key);
	self->pointer = NULL;
}

/* --- closing */

/* The index of the function that destroys it and takes nothing else, or -1. */
static int32_t destructor_of(const Handle *self)
{
	const struct rh_interface *interface = self->of->interface;
	int32_t                    index = type_of(self)->destructor;

	if (index < 0 || interface->functions[index].param_count != 1)
		return -1;
	return index;
}

/* What the destructor says; RH_OK when there is none. */
static int destroy(Handle *self)
{
	int32_t        index = destructor_of(self);
	void          *pointer = self->pointer;
	void          *args[] = { &pointer };
	uint64_t       ret[2];
	PyThreadState *state;
	int            r;

	forget(self);
	if (index < 0 || !pointer || self->pid != getpid())
		return RH_OK;
	state = PyEval_SaveThread();
	r = rh_language_call(self->of->library, (unsigned)index, args, ret);
	PyEval_RestoreThread(state);
	return r;
}

/* The last that held it let it go: nobody else sees it any more. */
static void end(Handle *self)
{
	PyObject *type, *value, *trace;

	if (core_has_ended || !self->pointer)
		return;
	PyErr_Fetch(&type, &value, &trace);
	if (self->is_own)
		destroy(self); /* nobody is left to hear that it failed */
	else
		forget(self);
	PyErr_Restore(type, value, trace);
}

static void on_dealloc(PyObject *object)
{
	Handle       *self = (Handle *)object;
	PyTypeObject *type = Py_TYPE(object);

	if (self->weak)
		PyObject_ClearWeakRefs(object);
	end(self);
	Py_XDECREF((PyObject *)self->of);
	PyObject_Free(object);
	Py_DECREF(type);
}

static PyObject *on_close(PyObject *object, PyObject *unused)
{
	Handle *self = (Handle *)object;
	int     r = self->pointer ? destroy(self) : RH_OK;

	(void)unused;
	if (r < 0)
		return core_fail(r);
	Py_RETURN_NONE;
}

static PyObject *on_enter(PyObject *object, PyObject *unused)
{
	(void)unused;
	return Py_NewRef(object);
}

static PyObject *on_exit(PyObject *object, PyObject *unused)
{
	return on_close(object, unused);
}

static PyObject *on_repr(PyObject *object)
{
	Handle *self = (Handle *)object;

	return PyUnicode_FromFormat("<%s %s of %s>", self->pointer ? "handle" : "closed handle",
	                            type_of(self)->name, self->of->interface->name);
}

static PyObject *get_closed(PyObject *object, void *unused)
{
	(void)unused;
	return PyBool_FromLong(((Handle *)object)->pointer == NULL);
}

static PyObject *get_kind(PyObject *object, void *unused)
{
	(void)unused;
	return PyUnicode_FromString(type_of((Handle *)object)->name);
}

/* --- for calls */

PyObject *handle_give(Interface *of, const struct rh_param *param, void *pointer)
{
	PyObject *key;
	Handle   *handle;

	if (!pointer)
		Py_RETURN_NONE;
	key = PyLong_FromVoidPtr(pointer);
	handle = key ? find(of, key) : NULL;
	Py_XDECREF(key);
	if (handle && handle->type == param->handle)
		return Py_NewRef((PyObject *)handle);
	handle = PyObject_New(Handle, handle_type);
	if (!handle)
		return NULL;
	handle->of = (Interface *)Py_NewRef((PyObject *)of);
	handle->pointer = pointer;
	handle->type = param->handle;
	handle->is_own = (param->flags & RH_PARAM_CREATES) != 0;
	handle->pid = getpid();
	handle->weak = NULL;
	if (remember(handle) < 0)
		Py_CLEAR(handle);
	return (PyObject *)handle;
}

void *handle_take(Interface *of, const struct rh_param *param, PyObject *object)
{
	Handle *handle = (Handle *)object;

	if (Py_TYPE(object) != handle_type || handle->of->library != of->library ||
	    handle->type != param->handle) {
		PyErr_Format(PyExc_TypeError, "a handle %s of %s is wanted, not %R",
		             of->interface->handles[param->handle].name, of->interface->name,
		             object);
		return NULL;
	}
	if (!handle->pointer)
		PyErr_Format(PyExc_ValueError, "the handle %s was closed", type_of(handle)->name);
	return handle->pointer;
}

void handle_close(PyObject *object)
{
	forget((Handle *)object);
}

void handle_reopen(PyObject *object, void *pointer)
{
	Handle *self = (Handle *)object;

	self->pointer = pointer;
	if (remember(self) < 0)
		PyErr_Clear(); /* it can be used all the same */
}

int handle_ready(PyObject *module)
{
	static PyMethodDef methods[] = {
		{ "close", on_close, METH_NOARGS, "Destroys the object, if that is still there." },
		{ "__enter__", on_enter, METH_NOARGS, NULL },
		{ "__exit__", on_exit, METH_VARARGS, NULL },
		{ NULL, NULL, 0, NULL },
	};
	static PyGetSetDef attributes[] = {
		{ "closed", get_closed, NULL, "Whether the object was destroyed.", NULL },
		{ "kind", get_kind, NULL, "The name of the type, as the interface has it.", NULL },
		{ NULL, NULL, NULL, NULL, NULL },
	};
	static PyMemberDef members[] = {
		{ "__weaklistoffset__", T_PYSSIZET, offsetof(Handle, weak), READONLY, NULL },
		{ NULL, 0, 0, 0, NULL },
	};
	static PyType_Slot slots[] = {
		{ Py_tp_dealloc, on_dealloc }, { Py_tp_methods, methods }, { Py_tp_getset, attributes },
		{ Py_tp_members, members }, { Py_tp_repr, on_repr },
		{ 0, NULL },
	};
	static PyType_Spec spec = {
		.name = "rhodes.Handle", .basicsize = sizeof(Handle),
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, .slots = slots,
	};

	handle_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return handle_type ? PyModule_AddObjectRef(module, "Handle", (PyObject *)handle_type)
	                   : -1;
}
