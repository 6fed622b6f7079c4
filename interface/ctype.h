/* ctype - a C declaration, told apart from where it was read.
 *
 * libclang (header.h) and BTF (btf.h) both fill these tables; map.h turns them
 * into the rows of an interface.  So a function gets the same canonical text
 * and hash from its header as from the binary that holds it.
 *
 * Ownership   All of it lives in the pool of the reader that made it.
 * Limits      Types nest at most RH_CTYPE_DEPTH_MAX deep and hold at most
 *             RH_CTYPE_PARTS_MAX parts; larger ones count as not plain.
 *
 * Canonical types (docs/interface-text.md):
 *   void i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
 *   struct NAME{TYPE FIELD@OFFSET;...}:SIZE      union the same
 *   TYPE[N]                                       array
 * An enum is i32 (i8..i64 by its size): its sign is not the same in DWARF, BTF
 * and libclang, and a C caller passes an int. */
#ifndef RH_INTERFACE_CTYPE_H
#define RH_INTERFACE_CTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RH_CTYPE_DEPTH_MAX 32u
#define RH_CTYPE_PARTS_MAX 4096u

enum rh_ctype_kind {
	RH_CTYPE_VOID,
	RH_CTYPE_INT,      /* size tells; is_signed                            */
	RH_CTYPE_FLOAT,
	RH_CTYPE_STRUCT,
	RH_CTYPE_UNION,
	RH_CTYPE_POINTER,
	RH_CTYPE_ARRAY,
	RH_CTYPE_FUNCTION,
	RH_CTYPE_OTHER,    /* what no call can carry: long double, __int128... */
	RH_CTYPE_COUNT
};

struct rh_cfield;

struct rh_ctype {
	const char             *name;     /* tag of a struct or union, else "" */
	const char             *alias;    /* outermost typedef, or ""          */
	const char             *spelling; /* as C wrote it, or ""              */
	const struct rh_ctype  *target;   /* pointee or element                */
	const struct rh_cfield *fields;
	uint32_t                count;    /* fields, or elements of an array   */
	uint32_t                size;     /* bytes                             */
	uint8_t                 kind;     /* enum rh_ctype_kind                */
	bool                    is_const;
	bool                    is_signed;
	bool                    is_char;  /* plain char                        */
	bool                    is_complete; /* the fields are known           */
};

struct rh_cfield {
	const char            *name;
	const struct rh_ctype *type;
	uint32_t               bit_offset;
	uint32_t               bit_width;   /* 0: no bit-field                */
};

struct rh_cparam {
	const char            *name;        /* "" when the header has none    */
	const struct rh_ctype *type;
};

struct rh_cfunction {
	const char             *name;       /* as C calls it                  */
	const char             *symbol;     /* as the linker calls it         */
	const struct rh_cparam *params;
	const struct rh_ctype  *ret;
	uint32_t                param_count;
	bool                    is_variadic;
	bool                    is_inline;  /* defined in the header          */
	bool                    is_endless; /* never returns                  */
	bool                    is_macro;   /* a macro hides the name         */
};

/* Whether the type holds a pointer, a function or something that no call can
 * carry; too deep a nesting counts as that. */
bool rh_ctype_is_plain(const struct rh_ctype *type);

/* A struct or a union. */
bool rh_ctype_is_record(const struct rh_ctype *type);

/* The field that spoils a plain type, "" if there is none. */
const char *rh_ctype_spoiler(const struct rh_ctype *type);

/* Writes the canonical text of a plain type with a NUL; returns its length.
 * RH_EMSGSIZE  it does not fit cap; nothing useful is in text. */
int rh_ctype_text(const struct rh_ctype *type, char *text, size_t cap);

#endif
