/* call - a call to another process.
 *
 * The C objects of the arguments lie in a frame: numbers and pointers in cells, structs
 * in its memory.  Bytes that go in are read where Python has them; bytes that come out
 * are written into the object that is given back, or into the caller's buffer. */
#include "native.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR_BYTES 256

_Thread_local int call_errno;

/* A function in Python: the one that a builtin has as its self. */
typedef struct {
	PyObject_HEAD
	Interface         *of;
	const struct plan *plan;
	PyMethodDef        method;
	char              *doc;
} Function;

struct frame {
	Interface         *of;
	const struct plan *plan;
	PyObject *const   *taken;                  /* as the plan's takes        */
	void              *args[RH_PARAMS_MAX];
	void              *pointers[RH_PARAMS_MAX];/* of what C has a pointer to */
	uint64_t           cells[RH_PARAMS_MAX];
	PyObject          *outs[RH_PARAMS_MAX];    /* BYTES out: what is given   */
	size_t             room[RH_PARAMS_MAX];    /* BYTES out: in bytes        */
	uint64_t           ret_cell;
	unsigned char     *records;
	unsigned           told;                   /* lengths that are known     */
	unsigned           held_count, view_count;
	PyObject          *held[RH_PARAMS_MAX];
	Py_buffer          views[RH_PARAMS_MAX];
	_Alignas(RECORD_ALIGN) unsigned char near[NEAR_BYTES];
};

static void *memory_of(struct frame *frame, const struct item *item, uint64_t *cell)
{
	return item->record ? frame->records + item->offset : (void *)cell;
}

static int frame_init(struct frame *frame, const struct plan *plan)
{
	frame->plan = plan;
	frame->told = frame->held_count = frame->view_count = 0;
	frame->records = frame->near;
	frame->ret_cell = 0;
	if (plan->record_bytes > NEAR_BYTES) {
		frame->records = PyMem_Malloc(plan->record_bytes);
		if (!frame->records) {
			PyErr_NoMemory();
			return -1;
		}
	}
	if (plan->record_bytes)
		memset(frame->records, 0, plan->record_bytes);
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		const struct item *item = &plan->items[i];
		void              *at = memory_of(frame, item, &frame->cells[i]);

		frame->cells[i] = 0;
		frame->args[i] = at;
		if (item->param->flags & RH_PARAM_POINTER) {
			frame->pointers[i] = at;
			frame->args[i] = &frame->pointers[i];
		}
	}
	return 0;
}

static void frame_fini(struct frame *frame)
{
	for (unsigned i = 0; i < frame->held_count; i++)
		Py_DECREF(frame->held[i]);
	for (unsigned i = 0; i < frame->view_count; i++)
		PyBuffer_Release(&frame->views[i]);
	if (frame->records != frame->near)
		PyMem_Free(frame->records);
}

static void hold(struct frame *frame, PyObject *object)
{
	if (object)
		frame->held[frame->held_count++] = object;
}

/* --- arguments */

static int tell_length(struct frame *frame, unsigned index, uint64_t count)
{
	const struct item *item = &frame->plan->items[index];

	if (item->role != ROLE_LENGTH)
		return 0;
	if (frame->told >> index & 1 &&
	    (uint64_t)value_get_count(item->param, &frame->cells[index]) != count) {
		PyErr_Format(PyExc_ValueError, "buffers that %s measures are of one length",
		             item->param->name);
		return -1;
	}
	frame->told |= 1u << index;
	return value_put_count(item->param, &frame->cells[index], count);
}

static int check_bytes(const struct item *item, Py_ssize_t len)
{
	if ((uint64_t)len % item->element != 0) {
		PyErr_Format(PyExc_ValueError, "%zd bytes are no whole number of elements of %u",
		             len, item->element);
		return -1;
	}
	if (len > (Py_ssize_t)PAYLOAD_MAX) {
		PyErr_Format(PyExc_ValueError, "%zd bytes are over the limit of 64 MiB", len);
		return -1;
	}
	return 0;
}

/* The buffer of an object; it is released with the frame. */
static Py_buffer *view_of(struct frame *frame, const struct item *item, PyObject *object,
                          int flags)
{
	Py_buffer *view = &frame->views[frame->view_count];

	if (PyObject_GetBuffer(object, view, flags) < 0)
		return NULL;
	frame->view_count++;
	return check_bytes(item, view->len) < 0 ? NULL : view;
}

/* New bytes to be written: zeros, or a copy. */
static int make_room(struct frame *frame, unsigned index, const void *from, size_t len)
{
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)len);
	char     *at = bytes ? PyBytes_AsString(bytes) : NULL;

	if (!at)
		return -1;
	if (from)
		memcpy(at, from, len);
	else
		memset(at, 0, len);
	hold(frame, bytes);
	frame->outs[index] = bytes;
	frame->room[index] = len;
	memcpy(&frame->cells[index], &at, sizeof at);
	return 0;
}

static int take_view(struct frame *frame, unsigned index, const Py_buffer *view,
                     PyObject *object)
{
	frame->outs[index] = object;
	frame->room[index] = (size_t)view->len;
	memcpy(&frame->cells[index], &view->buf, sizeof view->buf);
	return 0;
}

static int take_bytes(struct frame *frame, unsigned index, PyObject *object)
{
	const struct item *item = &frame->plan->items[index];
	const Py_buffer   *view = view_of(frame, item, object, PyBUF_SIMPLE);

	if (!view || tell_length(frame, item->param->len_param,
	                         (uint64_t)view->len / item->element) < 0)
		return -1;
	if (is_out(item->param) && view->readonly)
		return make_room(frame, index, view->buf, (size_t)view->len);
	return take_view(frame, index, view, object);
}

static int take_text(struct frame *frame, unsigned index, PyObject *object)
{
	const char *text = NULL;
	size_t      len;
	PyObject   *held = NULL;
	int         r = value_take_text(frame->plan->items[index].param, object, &text, &len,
	                                &held);

	hold(frame, held);
	memcpy(&frame->cells[index], &text, sizeof text);
	return r;
}

static int take_handle(struct frame *frame, unsigned index, PyObject *object)
{
	const struct rh_param *param = frame->plan->items[index].param;
	void                  *pointer = handle_take(frame->of, param, object);

	memcpy(&frame->cells[index], &pointer, sizeof pointer);
	return pointer ? 0 : -1;
}

/* Room for bytes that come out: so many elements, or a buffer that is written. */
static int take_capacity(struct frame *frame, unsigned index, PyObject *object)
{
	const struct item *item = &frame->plan->items[index];
	const struct item *bytes = &frame->plan->items[item->bytes];
	const Py_buffer   *view;

	if (PyLong_Check(object) || !PyObject_CheckBuffer(object))
		return value_take_number(item->param, object, &frame->cells[index]);
	view = view_of(frame, bytes, object, PyBUF_WRITABLE);
	if (!view || value_put_count(item->param, &frame->cells[index],
	                             (uint64_t)view->len / bytes->element) < 0)
		return -1;
	return take_view(frame, item->bytes, view, object);
}

static int take_null(struct frame *frame, unsigned index)
{
	const struct rh_param *param = frame->plan->items[index].param;

	if (param->flags & RH_PARAM_NULLABLE || param->flags & RH_PARAM_STDIN ||
	    (param->kind == RH_KIND_HANDLE && param->direction != RH_IN)) {
		if (param->flags & RH_PARAM_POINTER)
			frame->pointers[index] = NULL;
		frame->outs[index] = NULL;
		return 0; /* the cell is zeros already */
	}
	PyErr_SetString(PyExc_TypeError, "it cannot be None");
	return -1;
}

static int take(struct frame *frame, unsigned index, PyObject *object)
{
	const struct item *item = &frame->plan->items[index];

	if (item->role == ROLE_CAPACITY)
		return take_capacity(frame, index, object);
	if (object == Py_None)
		return take_null(frame, index);
	switch (item->param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return take_text(frame, index, object);
	case RH_KIND_BYTES:
		return take_bytes(frame, index, object);
	case RH_KIND_HANDLE:
		return take_handle(frame, index, object);
	case RH_KIND_STRUCT:
		return record_take(item->record, object, frame->records + item->offset);
	default:
		return value_take_number(item->param, object, &frame->cells[index]);
	}
}

/* What comes out without a buffer gets one. */
static int prepare_out(struct frame *frame, unsigned index)
{
	const struct item     *item = &frame->plan->items[index];
	const struct item     *len;
	int64_t                count = 0;

	if (frame->outs[index])
		return 0;
	if (item->param->len_param < RH_PARAMS_MAX) {
		len = &frame->plan->items[item->param->len_param];
		count = value_get_count(len->param, &frame->cells[item->param->len_param]);
	}
	if (count < 0 || (uint64_t)count > PAYLOAD_MAX / item->element) {
		PyErr_Format(PyExc_ValueError, "room for %lld elements is not between 0 and"
		             " 64 MiB", (long long)count);
		return -1;
	}
	return make_room(frame, index, NULL, (size_t)count * item->element);
}

static int is_bytes_out(const struct item *item)
{
	return item->param->kind == RH_KIND_BYTES && item->param->direction == RH_OUT;
}

static int take_all(struct frame *frame)
{
	const struct plan *plan = frame->plan;
	unsigned           count = plan->function->param_count;

	for (unsigned i = 0; i < count; i++) {
		if (plan->items[i].param->kind == RH_KIND_BYTES)
			frame->outs[i] = NULL;
	}
	for (unsigned i = 0; i < count; i++) {
		const struct item *item = &plan->items[i];

		if (item->takes != NO_PLACE && take(frame, i, frame->taken[item->takes]) < 0) {
			core_explain(plan, item);
			return -1;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (is_bytes_out(&plan->items[i]) && prepare_out(frame, i) < 0) {
			core_explain(plan, &plan->items[i]);
			return -1;
		}
	}
	return 0;
}

/* --- results */

/* How many bytes a length tells; what is beyond the room was never written. */
static size_t used_bytes(const struct frame *frame, const struct item *item, size_t room)
{
	unsigned              used = item->param->used_param;
	const struct rh_param *param = NULL;
	const void            *at = NULL;
	int64_t                count;

	if (used == RH_USED_RETURN) {
		param = frame->plan->ret.param;
		at = &frame->ret_cell;
	} else if (used < RH_PARAMS_MAX) {
		param = frame->plan->items[used].param;
		at = &frame->cells[used];
	}
	if (!param)
		return room;
	count = value_get_count(param, at);
	if (count < 0)
		return 0;
	return (uint64_t)count > room / item->element ? room : (size_t)count * item->element;
}

static PyObject *give_part(PyObject *buffer, size_t used)
{
	PyObject *view = PyMemoryView_FromObject(buffer), *flat, *part = NULL;

	flat = view ? PyObject_CallMethod(view, "cast", "s", "B") : NULL;
	if (flat)
		part = PySequence_GetSlice(flat, 0, (Py_ssize_t)used);
	Py_XDECREF(flat);
	Py_XDECREF(view);
	return part;
}

static PyObject *give_bytes_out(struct frame *frame, unsigned index)
{
	PyObject *out = frame->outs[index];
	size_t    room = frame->room[index];
	size_t    used;

	if (!out)
		Py_RETURN_NONE;
	used = used_bytes(frame, &frame->plan->items[index], room);
	if (!PyBytes_Check(out))
		return give_part(out, used);
	if (used == room)
		return Py_NewRef(out);
	return PyBytes_FromStringAndSize(PyBytes_AsString(out), (Py_ssize_t)used);
}

static void *pointer_in(const void *cell)
{
	void *pointer;

	memcpy(&pointer, cell, sizeof pointer);
	return pointer;
}

static PyObject *give_returned_bytes(struct frame *frame, const struct item *item)
{
	char *bytes = pointer_in(&frame->ret_cell);

	if (!bytes)
		Py_RETURN_NONE;
	return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)used_bytes(frame, item,
	                                                               PAYLOAD_MAX));
}

/* A value that is no bytes; index is of the parameter, or of the result. */
static PyObject *give_value(struct frame *frame, const struct item *item, const void *at)
{
	switch (item->param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return value_give_text(pointer_in(at));
	case RH_KIND_HANDLE:
		return handle_give(frame->of, item->param, pointer_in(at));
	case RH_KIND_STRUCT:
		return record_give(item->record, at);
	default:
		return value_give_number(item->param, at);
	}
}

static PyObject *give_ret(struct frame *frame)
{
	const struct item *item = &frame->plan->ret;
	PyObject          *object;

	object = item->param->kind == RH_KIND_BYTES ? give_returned_bytes(frame, item)
	         : give_value(frame, item, memory_of(frame, item, &frame->ret_cell));
	if (item->param->flags & RH_PARAM_TRANSFER)
		free(pointer_in(&frame->ret_cell));
	return object;
}

static PyObject *give(struct frame *frame, unsigned index)
{
	const struct item *item = &frame->plan->items[index];
	PyObject          *object;

	if (item->param->kind == RH_KIND_BYTES)
		return give_bytes_out(frame, index);
	if (item->param->flags & RH_PARAM_POINTER && !frame->pointers[index])
		Py_RETURN_NONE; /* None was given for it */
	object = give_value(frame, item, memory_of(frame, item, &frame->cells[index]));
	if (item->param->flags & RH_PARAM_TRANSFER)
		free(pointer_in(&frame->cells[index]));
	return object;
}

/* All are taken over, also when one cannot be told, so that none is lost. */
static PyObject *give_several(struct frame *frame)
{
	const struct plan *plan = frame->plan;
	PyObject          *all = PyTuple_New(plan->gives);
	unsigned           place = 0;
	int                is_whole = all != NULL;

	for (int i = plan->ret.gives ? -1 : 0; i < plan->function->param_count; i++) {
		PyObject *object;

		if (i >= 0 && !plan->items[i].gives)
			continue;
		object = i < 0 ? give_ret(frame) : give(frame, (unsigned)i);
		if (!object || !all || PyTuple_SetItem(all, place++, object) < 0)
			is_whole = 0;
	}
	if (!is_whole)
		Py_CLEAR(all);
	return all;
}

static PyObject *give_all(struct frame *frame)
{
	const struct plan *plan = frame->plan;

	if (plan->gives == 0)
		Py_RETURN_NONE;
	if (plan->gives == 1 && plan->ret.gives)
		return give_ret(frame);
	for (unsigned i = 0; plan->gives == 1; i++) {
		if (plan->items[i].gives)
			return give(frame, i);
	}
	return give_several(frame);
}

/* --- the call */

/* Handles that the function destroys are closed for others from now on. */
static void close_handles(struct frame *frame, int is_again)
{
	for (unsigned i = 0; i < frame->plan->function->param_count; i++) {
		const struct item *item = &frame->plan->items[i];
		PyObject          *handle;

		if (!(item->param->flags & RH_PARAM_DESTROYS) || item->takes == NO_PLACE)
			continue;
		handle = frame->taken[item->takes];
		if (handle == Py_None)
			continue;
		if (is_again)
			handle_reopen(handle, pointer_in(&frame->cells[i]));
		else
			handle_close(handle);
	}
}

static int fly(struct frame *frame)
{
	const struct plan *plan = frame->plan;
	void  *ret = memory_of(frame, &plan->ret, &frame->ret_cell);
	int    before = errno, r;
	PyThreadState *state = PyEval_SaveThread();

	errno = 0;
	r = rh_language_call(frame->of->library, plan->index, frame->args, ret);
	call_errno = errno;
	errno = before;
	PyEval_RestoreThread(state);
	return r;
}

static PyObject *run(struct frame *frame)
{
	const struct plan *plan = frame->plan;
	int                destroys = plan->function->flags & RH_FUNCTION_EVENT ? 0 : 1;
	int                r;

	if (take_all(frame) < 0)
		return NULL;
	if (destroys)
		close_handles(frame, 0);
	r = fly(frame);
	if (r >= 0)
		return give_all(frame);
	if (r == RH_EAGAIN && !destroys)
		Py_RETURN_NONE; /* no event waits */
	close_handles(frame, 1);
	return core_fail(r);
}

/* --- arguments by name */

static int place_of(const struct plan *plan, PyObject *name)
{
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		if (plan->items[i].takes != NO_PLACE &&
		    PyUnicode_CompareWithASCIIString(name, plan->items[i].param->name) == 0)
			return plan->items[i].takes;
	}
	return -1;
}

static int take_names(const struct plan *plan, PyObject *const *argv, Py_ssize_t count,
                      PyObject *names, PyObject **ret_taken)
{
	Py_ssize_t name_count = PyTuple_Size(names);

	for (Py_ssize_t i = 0; i < count && i < RH_PARAMS_MAX; i++)
		ret_taken[i] = argv[i];
	for (Py_ssize_t i = 0; i < name_count; i++) {
		PyObject *name = PyTuple_GetItem(names, i);
		int       place = place_of(plan, name);

		if (place < 0 || place < count || ret_taken[place]) {
			PyErr_Format(PyExc_TypeError, place < 0 ? "%s() has no argument %R"
			             : "%s() has two values for %R", plan->function->name, name);
			return -1;
		}
		ret_taken[place] = argv[count + i];
	}
	return 0;
}

static int fail_count(const struct plan *plan, Py_ssize_t count)
{
	PyErr_Format(PyExc_TypeError, "%s() takes %u arguments (%zd given)",
	             plan->function->name, plan->takes, count);
	return -1;
}

static PyObject *run_refused(Function *self)
{
	void *args[RH_PARAMS_MAX] = { NULL };

	return core_fail(rh_language_call(self->of->library, self->plan->index, args, NULL));
}

static PyObject *on_call(PyObject *object, PyObject *const *argv, Py_ssize_t count,
                         PyObject *names)
{
	Function          *self = (Function *)object;
	const struct plan *plan = self->plan;
	PyObject          *taken[RH_PARAMS_MAX] = { NULL };
	Py_ssize_t         all = count + (names ? PyTuple_Size(names) : 0);
	struct frame       frame;
	PyObject          *result = NULL;

	if (plan->function->flags & (RH_FUNCTION_NOCARRY | RH_FUNCTION_LOCAL))
		return run_refused(self);
	if (all != (Py_ssize_t)plan->takes) {
		fail_count(plan, all);
		return NULL;
	}
	if (names && take_names(plan, argv, count, names, taken) < 0)
		return NULL;
	frame.of = self->of;
	frame.taken = names ? taken : argv;
	if (frame_init(&frame, plan) == 0) {
		result = run(&frame);
		frame_fini(&frame);
	}
	return result;
}

/* --- functions */

static void on_dealloc(PyObject *object)
{
	Function     *self = (Function *)object;
	PyTypeObject *type = Py_TYPE(object);

	Py_XDECREF((PyObject *)self->of);
	PyMem_Free(self->doc);
	PyObject_Free(object);
	Py_DECREF(type);
}

static PyTypeObject *function_type(void)
{
	static PyObject  *type;
	static PyType_Slot slots[] = { { Py_tp_dealloc, on_dealloc }, { 0, NULL } };
	static PyType_Spec spec = {
		.name = "rhodes._core.Function", .basicsize = sizeof(Function),
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, .slots = slots,
	};

	if (!type)
		type = PyType_FromSpec(&spec);
	return (PyTypeObject *)type;
}

/* name(a, b), which inspect reads, and the canonical text. */
static char *make_doc(const struct plan *plan)
{
	char   text[RH_TEXT_MAX + 64] = "", *doc = PyMem_Malloc(2 * sizeof text + 64);
	size_t len;

	if (!doc)
		return NULL;
	snprintf(doc, 2 * sizeof text, "%s(", plan->function->name);
	for (unsigned i = 0, count = 0; i < plan->function->param_count; i++) {
		if (!plan->items[i].param || plan->items[i].takes == NO_PLACE)
			continue;
		len = strlen(doc);
		snprintf(doc + len, 2 * sizeof text - len, "%s%s", count++ ? ", " : "",
		         plan->items[i].param->name);
	}
	len = strlen(doc);
	snprintf(doc + len, 64, ")\n--\n\nGoverned by Rhodes.");
	return doc;
}

PyObject *call_function(Interface *self, unsigned index)
{
	const struct plan *plan = interface_plan(self, index);
	PyTypeObject      *type = function_type();
	Function          *function;
	PyObject          *builtin;

	if (!plan || !type)
		return NULL;
	function = PyObject_New(Function, type);
	if (!function)
		return NULL;
	function->of = (Interface *)Py_NewRef((PyObject *)self);
	function->plan = plan;
	function->doc = make_doc(plan);
	function->method = (PyMethodDef){
		.ml_name = plan->function->name, .ml_doc = function->doc,
		.ml_meth = (PyCFunction)(void (*)(void))on_call,
		.ml_flags = METH_FASTCALL | METH_KEYWORDS,
	};
	builtin = PyCFunction_NewEx(&function->method, (PyObject *)function, NULL);
	Py_DECREF(function);
	return builtin;
}
