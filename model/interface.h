/* interface - what a library offers, as tables that both generated sides share.
 *
 * The generator writes one struct rh_interface into the shadow library and the
 * same one into the skeleton.  The marshaller in the SDK walks the tables; no
 * generated code packs a byte.  The canonical text and the hash of a function
 * are made here, so that the generator, the agent and a reader of BTF agree.
 *
 *   text   <function>, <type>|<name>, ..., <return type>
 *   hash   FNV-1a, 64 bit, over <function>(<type>,...)<return type>: parameter
 *          names do not count.
 *
 * Ownership   All tables are static and borrowed for ever.
 * Limits      RH_PARAMS_MAX parameters, RH_TEXT_MAX bytes of text. */
#ifndef RH_MODEL_INTERFACE_H
#define RH_MODEL_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

#define RH_INTERFACE_ABI 1u
#define RH_PARAMS_MAX    16u
#define RH_TEXT_MAX      1024u
#define RH_NO_PARAM      0xffu

/* In a shadow library: a line of canonical text for each function that is carried, so that
 * who does not load it can compare. */
#define RH_INTERFACE_SECTION ".rhodes.interface"

/* Some programs look into an object that their headers call opaque.  A handle of
 * such a type points at memory in the caller that holds a copy of these bytes,
 * renewed by every call that takes or makes the handle; what the program writes
 * there is not seen by the callee. */
#define RH_MIRROR_MAX    4096u

/* What a parameter or a return value is.  In the comment: the canonical type. */
enum rh_kind {
	RH_KIND_VOID,    /* void                                               */
	RH_KIND_INT,     /* i8 i16 i32 i64: size tells; sign extended          */
	RH_KIND_UINT,    /* u8 u16 u32 u64, bool is u8                         */
	RH_KIND_FLOAT,   /* f32 f64                                            */
	RH_KIND_STRUCT,  /* struct name{type field@offset;...}:size            */
	RH_KIND_STRING,  /* string: NUL-terminated                             */
	RH_KIND_PATH,    /* path: a string that names a file; the callee works
	                    in the caller's directory                          */
	RH_KIND_BYTES,   /* bytes: pointer + a length parameter, in elements   */
	RH_KIND_HANDLE,  /* handle name: an object that stays in the callee    */
	RH_KIND_FD,      /* fd: an open descriptor                             */
	RH_KIND_COUNT
};

enum rh_direction { RH_IN, RH_OUT, RH_INOUT };

enum {
	RH_PARAM_POINTER  = 1 << 0, /* C passes a pointer to the value         */
	RH_PARAM_NULLABLE = 1 << 1, /* the pointer may be NULL                 */
	RH_PARAM_STDIN    = 1 << 2, /* PATH: NULL means descriptor 0           */
	RH_PARAM_DESTROYS = 1 << 3, /* HANDLE: gone after the call             */
	RH_PARAM_TRANSFER = 1 << 4, /* STRING/BYTES out: the caller frees it
	                               with free(), so the shadow allocates    */
	RH_PARAM_INPLACE  = 1 << 5, /* BYTES in: the callee may read the shared
	                               page itself, without a copy             */
	RH_PARAM_CREATES  = 1 << 6, /* HANDLE return or out: a new object      */
};

struct rh_param {
	const char *name;       /* parameter name; "" for a return value       */
	const char *type;       /* canonical type, counts for the hash         */
	uint8_t     kind;       /* enum rh_kind                                */
	uint8_t     direction;  /* enum rh_direction; a return value is RH_OUT */
	uint16_t    flags;      /* RH_PARAM_*                                  */
	uint8_t     len_param;  /* BYTES: parameter holding the length (in) or
	                           capacity (out), in elements                 */
	uint8_t     used_param; /* BYTES out: where the used length stands
	                           afterwards: a parameter, RH_USED_RETURN, or
	                           RH_NO_PARAM (all of the capacity)           */
	uint16_t    handle;     /* HANDLE: index into rh_interface.handles     */
	uint16_t    mirror_off; /* HANDLE: bytes of the object that programs   */
	uint16_t    mirror_len; /* read themselves, or 0: see RH_MIRROR_MAX    */
	uint32_t    size;       /* bytes of one element of the C object        */
};

#define RH_USED_RETURN 0xfeu

enum {
	RH_FUNCTION_IDEMPOTENT = 1 << 0, /* may run twice                      */
	RH_FUNCTION_STATE      = 1 << 1, /* sets state of a handle: replayed   */
	RH_FUNCTION_CREATES    = 1 << 2, /* makes a handle: replayed           */
	RH_FUNCTION_STDIO      = 1 << 3, /* uses descriptors 0, 1, 2           */
	RH_FUNCTION_UMASK      = 1 << 4, /* creates files                      */
	RH_FUNCTION_LOCAL      = 1 << 5, /* runs in the real library, in place */
	RH_FUNCTION_NOCARRY    = 1 << 6, /* exported, fails by its on_error    */
	RH_FUNCTION_EVENT      = 1 << 7, /* one-way, upward                    */
};

enum rh_on_error { RH_ON_ERROR_DEFAULT, RH_ON_ERROR_RETURN, RH_ON_ERROR_ABORT };

struct rh_function {
	const char            *name;
	const char            *version;     /* symbol version or NULL          */
	const char            *reason;      /* why LOCAL or NOCARRY, or NULL   */
	uint64_t               hash;
	const struct rh_param *params;
	struct rh_param        ret;
	uint8_t                param_count;
	uint8_t                on_error;    /* enum rh_on_error                */
	uint16_t               flags;       /* RH_FUNCTION_*                   */
	int32_t                error_errno; /* errno of a failed call          */
	int64_t                error_value; /* returned by a failed call       */
};

enum { RH_HANDLE_REPLAY = 1 << 0 };

struct rh_handle_type {
	const char *name;
	uint32_t    flags;       /* RH_HANDLE_*                                */
	int32_t     destructor;  /* function index that frees it, or -1        */
};

struct rh_interface {
	uint32_t                     abi;     /* RH_INTERFACE_ABI              */
	uint32_t                     function_count;
	uint64_t                     hash;    /* over the functions' hashes    */
	const char                  *name;    /* "libmagic"                    */
	const char                  *soname;  /* "libmagic.so.1"               */
	const char                  *version; /* package or library version    */
	const struct rh_function    *functions;
	const struct rh_handle_type *handles;
	uint32_t                     handle_count;
	uint32_t                     reserved;
};

/* One trampoline per function: reads *(T *)args[i], stores through ret. */
typedef void rh_trampoline(void *const *args, void *ret);

/* What a skeleton exports under the name rh_skeleton.  trampolines[i] is NULL
 * for a function that is LOCAL or NOCARRY. */
struct rh_skeleton {
	uint32_t                   abi;
	uint32_t                   reserved;
	const struct rh_interface *interface;
	rh_trampoline *const      *trampolines;
};

/* FNV-1a, 64 bit (Fowler, Noll, Vo), continued from seed. */
#define RH_FNV_SEED 0xcbf29ce484222325ull
uint64_t rh_fnv1a(uint64_t seed, const void *bytes, size_t len);

/* Writes the canonical text with a NUL; returns its length.
 * RH_EMSGSIZE  it does not fit cap. */
int rh_function_text(const struct rh_function *function, char *text, size_t cap);

/* The same of a function that is carried.  RH_ENOCARRY  it is LOCAL or NOCARRY. */
int rh_function_carried(const struct rh_function *function, char *text, size_t cap);

/* The hash that belongs to the function's name and types. */
uint64_t rh_function_hash(const struct rh_function *function);

/* The hash over all functions in order. */
uint64_t rh_interface_hash(const struct rh_interface *interface);

#endif
