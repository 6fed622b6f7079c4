/* native - the parts of the extension module rhodes._core.
 *
 *   module.c    the module: opening, errors, what is called when the interpreter ends
 *   interface.c an interface in Python: functions, classes of structs and handles
 *   plan.c      what a function takes and gives in Python, read once from its table
 *   value.c     one value: Python to C and back
 *   record.c    structs, arrays and unions, by their shape
 *   call.c      a call to another process
 *   handle.c    objects that stay in the callee
 *   serve.c     calls from other processes
 *
 * It is written against Python's limited interface of 3.11, so that one file does for
 * that and later ones.
 *
 * Threads  Everything here holds the interpreter's lock (GIL), but what waits for the
 *          other process: rh_language_call and rh_language_serve. */
#ifndef RHODES_PYTHON_NATIVE_H
#define RHODES_PYTHON_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "sdk/c/rhodes-language.h"

#define NO_PLACE      0xffu
#define RECORD_ALIGN  16u
#define PAYLOAD_MAX   (64u << 20) /* rhodes.h, Limits */
#define FUNCTION_KIND "python"

/* What a parameter is for. */
enum role {
	ROLE_VALUE,
	ROLE_LENGTH,   /* tells the length of bytes that go in: not seen in Python     */
	ROLE_CAPACITY, /* the room for bytes that come out: a number, or a buffer      */
	ROLE_USED,     /* how much of that was used: not seen in Python                */
};

struct record;

/* A parameter or the result, as Python has it. */
struct item {
	const struct rh_param *param;
	uint8_t                role;     /* enum role                                  */
	uint8_t                takes;    /* its place among the arguments, or NO_PLACE */
	uint8_t                gives;    /* whether it is in what is returned          */
	uint8_t                bytes;    /* CAPACITY: of which parameter               */
	uint32_t               element;  /* BYTES: of one                              */
	uint32_t               offset;   /* STRUCT: in the frame's memory              */
	const struct record   *record;   /* STRUCT                                     */
};

/* A function. */
struct plan {
	const struct rh_function *function;
	unsigned                  index;
	unsigned                  takes, gives; /* how many                            */
	uint32_t                  record_bytes; /* of all structs                      */
	struct item               items[RH_PARAMS_MAX];
	struct item               ret;
};

typedef struct {
	PyObject_HEAD
	const struct rh_interface *interface;
	struct rh_stub_library    *library;  /* NULL: it is served here          */
	struct plan               *plans;    /* made when first asked for        */
	PyObject                  *functions;/* name -> callable                 */
	PyObject                  *classes;  /* key of a shape -> class          */
	PyObject                  *handles;  /* pointer -> address of the Handle */
} Interface;

/* --- module.c */

extern PyObject *core_python;            /* the module rhodes._glue           */
extern int       core_has_ended;         /* the interpreter is ending         */

/* Raises what belongs to a negative code of this thread's last call; NULL. */
PyObject *core_fail(int code);

/* Puts "add(): argument a: " before what was raised. */
void core_explain(const struct plan *plan, const struct item *item);

/* --- interface.c */

extern PyTypeObject *interface_type;
int       interface_ready(PyObject *module);
PyObject *interface_new(const struct rh_interface *interface,
                        struct rh_stub_library *library);
const struct plan *interface_plan(Interface *self, unsigned index);

/* --- plan.c */

int  plan_init(struct plan *plan, Interface *of, unsigned index);
void plan_fini(struct plan *plan);

static inline int is_in(const struct rh_param *param)
{
	return param->direction != RH_OUT;
}

static inline int is_out(const struct rh_param *param)
{
	return param->direction != RH_IN;
}

/* --- value.c */

/* The C object at `at` of a number or descriptor.  -1: raised. */
int value_take_number(const struct rh_param *param, PyObject *object, void *at);

/* Text of a str or, as it is, of bytes; *ret_held keeps it and is the caller's. */
int value_take_text(const struct rh_param *param, PyObject *object, const char **ret_text,
                    size_t *ret_len, PyObject **ret_held);

PyObject *value_give_number(const struct rh_param *param, const void *at);
PyObject *value_give_text(const char *text);

/* A count as the C object of a length parameter, and read from one; -1: raised. */
int     value_put_count(const struct rh_param *param, void *at, uint64_t count);
int64_t value_get_count(const struct rh_param *param, const void *at);

/* --- record.c */

const struct record *record_new(Interface *of, const char *type);
void                 record_free(const struct record *record);
uint32_t             record_size(const struct record *record);
PyObject            *record_class(const struct record *record);
int                  record_take(const struct record *record, PyObject *object, void *at);
PyObject            *record_give(const struct record *record, const void *at);

/* --- handle.c */

extern PyTypeObject *handle_type;
int       handle_ready(PyObject *module);
PyObject *handle_give(Interface *of, const struct rh_param *param, void *pointer);

/* The pointer of an open handle of that type; NULL: raised. */
void *handle_take(Interface *of, const struct rh_param *param, PyObject *object);

/* Closes it before a call that destroys its object, and opens it again when that failed. */
void handle_close(PyObject *handle);
void handle_reopen(PyObject *handle, void *pointer);

/* --- call.c */

extern _Thread_local int call_errno;  /* of the last call            */
PyObject *call_function(Interface *self, unsigned index);

/* --- serve.c */

extern _Thread_local int serve_errno; /* for the caller of the call   */
PyObject *serve_run(Interface *self, PyObject *functions, unsigned threads);

#endif
