/* serve - calls from other processes, run by functions in Python.
 *
 * An object that a caller holds has a number, which librhodes takes for its address; a
 * number is never used again, so one that is gone is known to be. */
#include "native.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RESULT RH_PARAMS_MAX /* the index of the result beside those of parameters */

_Thread_local int serve_errno;

struct server {
	Interface *of;
	PyObject  *functions; /* as the interface's; None: not served        */
	PyObject  *objects;   /* number -> object                            */
	PyObject  *numbers;   /* id of an object -> its latest number        */
	uintptr_t  last;
};

/* One call. */
struct answer {
	struct server     *server;
	const struct plan *plan;
	void *const       *args;
	void              *ret;
	void              *texts[RH_PARAMS_MAX + 1];   /* of malloc, if it fails */
	PyObject          *numbers[RH_PARAMS_MAX + 1]; /* made, if it fails      */
	unsigned           text_count, number_count;
};

/* --- objects */

static PyObject *number_new(struct server *server, PyObject *object)
{
	PyObject *number = PyLong_FromVoidPtr((void *)(server->last += 16));
	PyObject *id = PyLong_FromVoidPtr(object);

	if (!number || !id || PyDict_SetItem(server->objects, number, object) < 0 ||
	    PyDict_SetItem(server->numbers, id, number) < 0)
		Py_CLEAR(number);
	Py_XDECREF(id);
	return number;
}

/* Of an object that the function did not make: the one it was made as. */
static PyObject *number_known(struct server *server, PyObject *object)
{
	PyObject *id = PyLong_FromVoidPtr(object), *number;

	if (!id)
		return NULL;
	number = PyDict_GetItemWithError(server->numbers, id);
	Py_DECREF(id);
	return Py_XNewRef(number);
}

static void number_drop(struct server *server, PyObject *number)
{
	PyObject *object = PyDict_GetItemWithError(server->objects, number);
	PyObject *id = object ? PyLong_FromVoidPtr(object) : NULL;
	PyObject *latest = id ? PyDict_GetItemWithError(server->numbers, id) : NULL;

	if (latest && PyObject_RichCompareBool(latest, number, Py_EQ) == 1)
		PyDict_DelItem(server->numbers, id);
	if (object)
		PyDict_DelItem(server->objects, number);
	Py_XDECREF(id);
	PyErr_Clear();
}

/* --- what the caller sent */

static void *pointer_at(const void *object)
{
	void *pointer;

	memcpy(&pointer, object, sizeof pointer);
	return pointer;
}

/* Where the value lies, or NULL. */
static void *value_at(const struct answer *answer, unsigned index)
{
	void *object = index == RESULT ? answer->ret : answer->args[index];
	const struct item *item = index == RESULT ? &answer->plan->ret
	                                          : &answer->plan->items[index];

	return item->param->flags & RH_PARAM_POINTER ? pointer_at(object) : object;
}

static int64_t count_at(const struct answer *answer, unsigned index)
{
	void *at = index < RH_PARAMS_MAX ? value_at(answer, index) : NULL;

	return at ? value_get_count(answer->plan->items[index].param, at) : 0;
}

static PyObject *give_bytes(const struct answer *answer, const struct item *item,
                            const void *at)
{
	char   *bytes = pointer_at(at);
	int64_t count = count_at(answer, item->param->len_param);

	if (!bytes)
		Py_RETURN_NONE;
	if (count < 0 || (uint64_t)count > PAYLOAD_MAX / item->element)
		return PyBytes_FromStringAndSize(NULL, 0);
	return PyBytes_FromStringAndSize(bytes, (Py_ssize_t)count * item->element);
}

static PyObject *give_object(const struct answer *answer, const void *at)
{
	void     *pointer = pointer_at(at);
	PyObject *number = PyLong_FromVoidPtr(pointer), *object;

	if (!pointer || !number) {
		Py_XDECREF(number);
		return pointer ? NULL : Py_NewRef(Py_None);
	}
	object = PyDict_GetItemWithError(answer->server->objects, number);
	Py_DECREF(number);
	if (!object && !PyErr_Occurred())
		PyErr_SetString(PyExc_ReferenceError, "the object was destroyed");
	return Py_XNewRef(object);
}

static PyObject *give(const struct answer *answer, unsigned index)
{
	const struct item *item = &answer->plan->items[index];
	const void        *at = value_at(answer, index);

	if (!at)
		Py_RETURN_NONE;
	switch (item->param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return value_give_text(pointer_at(at));
	case RH_KIND_BYTES:
		return give_bytes(answer, item, at);
	case RH_KIND_HANDLE:
		return give_object(answer, at);
	case RH_KIND_STRUCT:
		return record_give(item->record, at);
	default:
		return value_give_number(item->param, at);
	}
}

static PyObject *give_all(const struct answer *answer)
{
	const struct plan *plan = answer->plan;
	PyObject          *all = PyTuple_New(plan->takes);

	for (unsigned i = 0; all && i < plan->function->param_count; i++) {
		PyObject *value;

		if (plan->items[i].takes == NO_PLACE)
			continue;
		value = give(answer, i);
		if (!value || PyTuple_SetItem(all, plan->items[i].takes, value) < 0)
			Py_CLEAR(all);
	}
	return all;
}

/* --- what the function returned */

/* Memory for what is returned, as its ownership asks. */
static char *room_for(struct answer *answer, const struct item *item, size_t bytes)
{
	char *room;

	if (!(item->param->flags & RH_PARAM_TRANSFER)) {
		room = rh_language_memory(bytes);
	} else if ((room = malloc(bytes ? bytes : 1)) != NULL) {
		answer->texts[answer->text_count++] = room;
	}
	if (!room)
		PyErr_NoMemory();
	return room;
}

static int take_text(struct answer *answer, const struct item *item, PyObject *object,
                     void *at)
{
	const char *text;
	size_t      len;
	PyObject   *held = NULL;
	char       *room = NULL;

	if (value_take_text(item->param, object, &text, &len, &held) == 0)
		room = room_for(answer, item, len + 1);
	if (room) {
		memcpy(room, text, len);
		room[len] = '\0';
		memcpy(at, &room, sizeof room);
	}
	Py_XDECREF(held);
	return room ? 0 : -1;
}

/* Says how many elements were written, where the function tells that. */
static int tell_used(struct answer *answer, const struct item *item, size_t count)
{
	unsigned used = item->param->used_param;
	void    *at;

	if (used == RH_USED_RETURN && count > 0 &&
	    value_get_count(answer->plan->ret.param, answer->ret) != (int64_t)count) {
		PyErr_Format(PyExc_ValueError, "%zu elements, but the result says another number",
		             count);
		return -1;
	}
	if (used >= RH_PARAMS_MAX)
		return 0;
	at = value_at(answer, used);
	return at ? value_put_count(answer->plan->items[used].param, at, count) : 0;
}

static int put_out(struct answer *answer, const struct item *item, const Py_buffer *view,
                   void *at)
{
	char    *to = pointer_at(at);
	uint64_t room = to ? (uint64_t)count_at(answer, item->param->len_param) * item->element
	                : 0;

	if ((uint64_t)view->len > room) {
		PyErr_Format(PyExc_ValueError, "%zd bytes do not fit the caller's room of %llu",
		             view->len, (unsigned long long)room);
		return -1;
	}
	if (view->len > 0)
		memcpy(to, view->buf, (size_t)view->len);
	if (item->param->used_param == RH_NO_PARAM && room > (uint64_t)view->len)
		memset(to + view->len, 0, (size_t)room - (size_t)view->len);
	return tell_used(answer, item, (size_t)view->len / item->element);
}

static int put_returned(struct answer *answer, const struct item *item,
                        const Py_buffer *view, void *at)
{
	char *room = room_for(answer, item, (size_t)view->len);

	if (!room)
		return -1;
	memcpy(room, view->buf, (size_t)view->len);
	memcpy(at, &room, sizeof room);
	return tell_used(answer, item, (size_t)view->len / item->element);
}

static int take_bytes(struct answer *answer, const struct item *item, PyObject *object,
                      void *at)
{
	Py_buffer view;
	int       r = -1;

	if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0)
		return -1;
	if ((uint64_t)view.len % item->element != 0)
		PyErr_Format(PyExc_ValueError, "%zd bytes are no whole number of elements of %u",
		             view.len, item->element);
	else if (view.len > (Py_ssize_t)PAYLOAD_MAX)
		PyErr_Format(PyExc_ValueError, "%zd bytes are over the limit of 64 MiB", view.len);
	else
		r = item == &answer->plan->ret ? put_returned(answer, item, &view, at)
		    : put_out(answer, item, &view, at);
	PyBuffer_Release(&view);
	return r;
}

/* Tells what callers see of the object, where the interface mirrors bytes of it. */
static int show(const struct item *item, unsigned index, PyObject *object)
{
	PyObject *bytes;
	Py_buffer view;
	int       r = -1;

	if (item->param->kind != RH_KIND_HANDLE || item->param->mirror_len == 0 ||
	    (item->param->flags & RH_PARAM_DESTROYS) || object == Py_None)
		return 0;
	if (!PyObject_HasAttrString(object, "mirror")) {
		PyErr_Format(PyExc_TypeError, "callers look into %R, which has no mirror()", object);
		return -1;
	}
	if (!(bytes = PyObject_CallMethod(object, "mirror", NULL)))
		return -1;
	if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) == 0) {
		if (view.len != item->param->mirror_len)
			PyErr_Format(PyExc_ValueError, "mirror() gives %zd bytes, callers see %u",
			             view.len, item->param->mirror_len);
		else if ((r = rh_language_mirror(index == RESULT ? RH_LANGUAGE_RESULT : index,
		                                 view.buf, (size_t)view.len)) < 0)
			core_fail(r);
		PyBuffer_Release(&view);
	}
	Py_DECREF(bytes);
	return r;
}

static int take_object(struct answer *answer, const struct item *item, PyObject *object,
                       void *at)
{
	PyObject *number = item->param->flags & RH_PARAM_CREATES ? NULL
	                   : number_known(answer->server, object);
	void     *pointer;

	if (!number && !PyErr_Occurred()) {
		number = number_new(answer->server, object);
		if (number)
			answer->numbers[answer->number_count++] = Py_NewRef(number);
	}
	if (!number)
		return -1;
	pointer = PyLong_AsVoidPtr(number);
	memcpy(at, &pointer, sizeof pointer);
	Py_DECREF(number);
	return 0;
}

static int take_none(struct answer *answer, const struct item *item, void *at)
{
	if (item->param->kind == RH_KIND_BYTES && item != &answer->plan->ret)
		return tell_used(answer, item, 0);
	if (item->param->kind == RH_KIND_STRING || item->param->kind == RH_KIND_PATH ||
	    item->param->kind == RH_KIND_BYTES || item->param->kind == RH_KIND_HANDLE) {
		memset(at, 0, sizeof(void *));
		return 0;
	}
	PyErr_Format(PyExc_TypeError, "None is no %s", item->param->type);
	return -1;
}

static int take(struct answer *answer, unsigned index, PyObject *object)
{
	const struct item *item = index == RESULT ? &answer->plan->ret
	                                          : &answer->plan->items[index];
	void              *at = value_at(answer, index);

	if (!at)
		return 0; /* the caller does not want it */
	if (object == Py_None)
		return take_none(answer, item, at);
	switch (item->param->kind) {
	case RH_KIND_STRING:
	case RH_KIND_PATH:
		return take_text(answer, item, object, at);
	case RH_KIND_BYTES:
		return take_bytes(answer, item, object, at);
	case RH_KIND_HANDLE:
		return show(item, index, object) < 0 ? -1
		       : take_object(answer, item, object, at);
	case RH_KIND_STRUCT:
		return record_take(item->record, object, at);
	default:
		return value_take_number(item->param, object, at);
	}
}

/* The value at that place of what was returned; borrowed from result. */
static PyObject *part_of(const struct plan *plan, PyObject *result, unsigned place)
{
	if (plan->gives == 1)
		return result;
	return PyTuple_GetItem(result, place);
}

static int take_all(struct answer *answer, PyObject *result)
{
	const struct plan *plan = answer->plan;
	unsigned           place = 0;

	if (plan->gives > 1 && (!PyTuple_Check(result) ||
	                        PyTuple_Size(result) != (Py_ssize_t)plan->gives)) {
		PyErr_Format(PyExc_TypeError, "%s() has to return a tuple of %u, not %R",
		             plan->function->name, plan->gives, result);
		return -1;
	}
	if (plan->ret.gives && take(answer, RESULT, part_of(plan, result, place++)) < 0) {
		core_explain(plan, &plan->ret);
		return -1;
	}
	for (unsigned i = 0; i < plan->function->param_count; i++) {
		if (!plan->items[i].gives)
			continue;
		if (take(answer, i, part_of(plan, result, place++)) < 0) {
			core_explain(plan, &plan->items[i]);
			return -1;
		}
	}
	return 0;
}

/* --- a call */

static const char *text_at(PyObject *texts, Py_ssize_t place)
{
	PyObject *text = texts ? PyTuple_GetItem(texts, place) : NULL;

	return text ? PyBytes_AsString(text) : NULL;
}

/* Tells the caller what was raised here. */
static int raise_there(void)
{
	PyObject *type, *value, *trace, *texts;
	struct rh_exception exception = { .language = FUNCTION_KIND };
	int       r;

	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	if (trace)
		PyException_SetTraceback(value, trace);
	texts = PyObject_CallMethod(core_python, "describe", "O", value);
	PyErr_Clear();
	exception.type = text_at(texts, 0);
	exception.message = text_at(texts, 1);
	exception.stack = text_at(texts, 2);
	r = rh_language_raise(&exception);
	Py_XDECREF(texts);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
	return r;
}

/* Of the objects that the function was given, and did not put another one in the place of. */
static int show_all(const struct answer *answer, PyObject *taken)
{
	for (unsigned i = 0; i < answer->plan->function->param_count; i++) {
		const struct item *item = &answer->plan->items[i];

		if (item->takes != NO_PLACE && !item->gives &&
		    show(item, i, PyTuple_GetItem(taken, item->takes)) < 0) {
			core_explain(answer->plan, item);
			return -1;
		}
	}
	return 0;
}

static void undo(struct answer *answer)
{
	for (unsigned i = 0; i < answer->text_count; i++)
		free(answer->texts[i]);
	for (unsigned i = 0; i < answer->number_count; i++)
		number_drop(answer->server, answer->numbers[i]);
}

/* An object that was to be destroyed is gone, whatever its function said. */
static void drop_destroyed(struct answer *answer)
{
	for (unsigned i = 0; i < answer->plan->function->param_count; i++) {
		const struct item *item = &answer->plan->items[i];
		PyObject          *number;

		if (!(item->param->flags & RH_PARAM_DESTROYS))
			continue;
		number = PyLong_FromVoidPtr(pointer_at(answer->args[i]));
		if (number)
			number_drop(answer->server, number);
		Py_XDECREF(number);
	}
}

/* The generator of an event has ended. */
static int no_more_events(const struct plan *plan)
{
	if (!plan || !(plan->function->flags & RH_FUNCTION_EVENT) ||
	    !PyErr_ExceptionMatches(PyExc_StopIteration))
		return 0;
	PyErr_Clear();
	return 1;
}

static int answer(struct server *server, unsigned index, void *const *args, void *ret)
{
	struct answer answer = { .server = server, .args = args, .ret = ret,
		                 .plan = interface_plan(server->of, index) };
	PyObject *function = PyList_GetItem(server->functions, index);
	PyObject *taken = answer.plan && function ? give_all(&answer) : NULL;
	PyObject *result = taken ? PyObject_Call(function, taken, NULL) : NULL;
	int       r = result ? take_all(&answer, result) : -1;

	if (r == 0)
		r = show_all(&answer, taken);
	Py_XDECREF(taken);
	Py_XDECREF(result);
	if (r < 0) {
		undo(&answer);
		r = no_more_events(answer.plan) ? RH_ECANCELED : raise_there();
	}
	for (unsigned i = 0; i < answer.number_count; i++)
		Py_DECREF(answer.numbers[i]);
	if (answer.plan)
		drop_destroyed(&answer);
	return r;
}

/* --- threads of librhodes, which Python comes to know at their first call */

static pthread_key_t  thread_key;
static pthread_once_t thread_once = PTHREAD_ONCE_INIT;

/* Python's own word of which state this thread has may be gone by now, as this one is:
 * PyGILState_Release would end the process for it. */
static void thread_ends(void *value)
{
	PyThreadState *state = value;

	PyEval_RestoreThread(state);
	PyThreadState_Clear(state);
	PyEval_SaveThread();
	PyThreadState_Delete(state);
}

static void make_key(void)
{
	pthread_key_create(&thread_key, thread_ends);
}

/* Python would make the thread's state anew for each call. */
static void thread_begins(void)
{
	pthread_once(&thread_once, make_key);
	if (pthread_getspecific(thread_key))
		return;
	PyGILState_Ensure();
	pthread_setspecific(thread_key, PyEval_SaveThread());
}

static int on_invoke(void *user, unsigned function, void *const *args, void *ret)
{
	PyGILState_STATE state;
	int              r;

	thread_begins();
	state = PyGILState_Ensure();
	serve_errno = 0;
	r = answer(user, function, args, ret);
	PyGILState_Release(state);
	errno = serve_errno;
	return r;
}

/* NULL with an exception. */
static struct server *server_new(Interface *of, PyObject *functions)
{
	struct server *server = PyMem_Calloc(1, sizeof *server);

	if (!server) {
		PyErr_NoMemory();
		return NULL;
	}
	server->of = of;
	server->objects = PyDict_New();
	server->numbers = PyDict_New();
	if (!server->objects || !server->numbers) {
		Py_XDECREF(server->objects);
		Py_XDECREF(server->numbers);
		PyMem_Free(server);
		return NULL;
	}
	Py_INCREF((PyObject *)of);
	server->functions = Py_NewRef(functions);
	return server;
}

PyObject *serve_run(Interface *self, PyObject *functions, unsigned threads)
{
	struct server *server;
	PyThreadState *state;
	int            r;

	if (!PyList_Check(functions) ||
	    PyList_Size(functions) != (Py_ssize_t)self->interface->function_count) {
		PyErr_SetString(PyExc_TypeError, "a list of a callable for each function is wanted");
		return NULL;
	}
	/* Threads of events may use it until the process ends. */
	if (!(server = server_new(self, functions)))
		return NULL;
	state = PyEval_SaveThread();
	r = rh_language_events(self->interface, on_invoke, server);
	if (r == RH_OK)
		r = rh_language_serve(self->interface, on_invoke, server, threads);
	PyEval_RestoreThread(state);
	if (r < 0)
		return core_fail(r);
	Py_RETURN_NONE;
}
