/* rhodes-language - what the runtime of another language needs of librhodes.
 *
 * A runtime knows no page and no byte of the wire.  It opens a callee by name, reads
 * its functions from tables (model/interface.h), lays values out as C has them, and
 * calls; a server does the same the other way round.  The tables are those of the shadow
 * libraries that `rhodes run` and `rhodes serve` name in RHODES_INTERFACES.
 *
 * Ownership   Libraries and interfaces live until the process ends.  Texts of an
 *             exception are borrowed until the thread's next call.
 * Threads     Any, but where it says otherwise.
 * Errors      0 or a count, or a negative code; the reason in words from
 *             rh_last_error. */
#ifndef RHODES_LANGUAGE_H
#define RHODES_LANGUAGE_H

#include "rhodes-stub.h"
#include "rhodes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- calling ------------------------------------------------------------------------ */

/* The callee called that among the references of this resource.  A name is that of a
 * resource ("net_driver"), of the interface that one offers ("libnetdriver"), or either
 * without its underscores or its "lib" ("netdriver"); what stands first here wins.
 * Nothing is asked of the agent yet: the first call attaches.
 * RH_EDETACHED  not started by `rhodes run` or `rhodes serve`.
 * RH_ENOEDGE    no reference is called that; the reason lists those that are there.
 * RH_ENOENT     its shadow library cannot be loaded.  RH_EVERSION  made for another
 * librhodes. */
int rh_language_open(const char *name, struct rh_stub_library **ret_library);

/* The index of a function, or RH_EFUNC. */
int rh_language_find(const struct rh_interface *interface, const char *function);

/* rh_stub_invoke that only returns a failure: it prints nothing, and ret and errno stay
 * as they are; after a success errno is what the function set, if it did.  args[i] points
 * at the C object of parameter i, as a caller in C has it.
 * Texts and bytes that are borrowed are the thread's, until its next call of the function:
 * threads may share an object.
 * RH_ERAISED  the callee's function raised; see rh_last_exception. */
int rh_language_call(struct rh_stub_library *library, unsigned index,
                     void *const *args, void *ret);

/* errno as the function left it that the thread called last by rh_language_call, for
 * languages whose runtime uses errno meanwhile; 0: it did not set it, or the call failed. */
int rh_language_errno(void);

/* What a function of another language raised.  UTF-8; no text is NULL. */
struct rh_exception {
	const char *language; /* "python"                                      */
	const char *type;     /* "ValueError"                                  */
	const char *message;
	const char *stack;    /* as that language prints it; may be cut        */
};

#define RH_EXCEPTION_MAX 65536u /* bytes of the four texts; the stack is cut to fit */

/* Of the calling thread's last failed call, when that was RH_ERAISED; else NULL. */
const struct rh_exception *rh_last_exception(void);

/* Compares canonical texts (docs/interface-text.md), of what a program was built for,
 * with the interface: each must be there with the same hash.
 * RH_EINTERFACE  not so; rh_language_difference has the lines. */
int rh_language_match(const struct rh_interface *interface, const char *const *texts,
                      unsigned count);

/* Lines "- wanted" and "+ there" of the thread's last rh_language_match that failed. */
const char *rh_language_difference(void);

/* --- serving ------------------------------------------------------------------------ */

/* The interface of the resource that this process runs as, which its manifest names.
 * RH_ENOENT  it has none.  Else as rh_language_open. */
int rh_language_own(const struct rh_interface **ret_interface);

/* Runs functions[function]; args and ret are as those of a trampoline: *(T *)args[i],
 * ret to be stored through.  Texts and bytes that are returned must live until the
 * reply is packed: rh_language_memory; those of RH_PARAM_TRANSFER come from malloc.
 * Called on any thread of librhodes, also for the destructors of objects whose caller
 * has ended.  Returns 0, what rh_language_raise returned, or another negative code. */
typedef int rh_language_invoke(void *user, unsigned function, void *const *args,
                               void *ret);

/* rh_serve with one function for all of an interface. */
int rh_language_serve(const struct rh_interface *interface, rh_language_invoke *invoke,
                      void *user, unsigned threads);

/* Before serving: for each event of the interface a thread calls invoke, again and again,
 * and sends what the function returned to those who listen; the next one is asked for when
 * all of them have it, and no event comes twice.  invoke waits for the next event.  It
 * returns as ever, and RH_EAGAIN when there is none yet, RH_ECANCELED when there are no
 * more; anything else ends that event, too, and is told on standard error.  The threads,
 * and so user, live as long as the process.
 * RH_ENOCARRY  an event of other things than numbers, structs and RH_PARAM_TRANSFER texts:
 * what it lends is gone when it arrives.  RH_ENOMEM. */
int rh_language_events(const struct rh_interface *interface, rh_language_invoke *invoke,
                       void *user);

/* In an invoke: the caller gets RH_ERAISED and these texts.  Copies them; a text that is
 * NULL is "".  Returns RH_ERAISED. */
int rh_language_raise(const struct rh_exception *exception);

/* In an invoke: memory that lives until the reply has been packed, for the largest
 * alignment; NULL when out of it. */
void *rh_language_memory(size_t bytes);

#define RH_LANGUAGE_RESULT 0xffffffffu /* in the place of a parameter: the result */

/* In an invoke: what callers see of the object behind a handle that the interface mirrors
 * (mirror_len of the table), of a parameter or of the result.  Copies the bytes; for what is
 * not told callers see zeroes.
 * RH_EINVAL  no such handle, or not of that length.  RH_ENOMEM. */
int rh_language_mirror(unsigned parameter, const void *bytes, size_t length);

/* --- types -------------------------------------------------------------------------- */

enum rh_shape_kind {
	RH_SHAPE_INT,
	RH_SHAPE_UINT,
	RH_SHAPE_FLOAT,
	RH_SHAPE_STRUCT,
	RH_SHAPE_UNION,
	RH_SHAPE_ARRAY,
};

struct rh_field;

/* A plain type with its layout.  Numbers have a size alone. */
struct rh_shape {
	enum rh_shape_kind     kind;
	uint32_t               size;    /* bytes                                 */
	uint32_t               count;   /* of fields, or of elements             */
	const char            *name;    /* of the struct or union, "" without    */
	const struct rh_field *fields;  /* STRUCT, UNION                         */
	const struct rh_shape *element; /* ARRAY                                 */
};

struct rh_field {
	const char            *name;
	uint32_t               offset;    /* bytes                               */
	uint8_t                bit;       /* of a bit-field: its first bit       */
	uint8_t                bit_width; /* 0: no bit-field                     */
	const struct rh_shape *shape;
};

/* Reads the type of a parameter ("i32", "in struct point{f64 x@0;f64 y@8}:16"): what
 * stands around a plain type is passed over.  The caller frees it.
 * RH_EINVAL  it has no plain type in it, or is none.  RH_ENOMEM. */
int rh_shape_parse(const char *type, struct rh_shape **ret_shape);

/* NULL is none. */
void rh_shape_free(struct rh_shape *shape);

#ifdef __cplusplus
}
#endif

#endif
