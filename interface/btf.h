/* btf - the C declarations that a binary carries in its section .BTF.
 *
 * The reader needs no library and trusts nothing: every record, string and type
 * number is checked before it is used, and what points nowhere becomes
 * RH_CTYPE_OTHER, which nothing can carry.
 *
 * The float trap: pahole 1.24 writes float and double as integers unless it is
 * asked for floats.  An integer called "float" or "double" is read as what it is.
 *
 * Ownership   Tables are taken from the caller's pool; names point into the bytes.
 * Threads     One per pool.
 * Limits      RH_BTF_TYPES_MAX types.
 * Errors      RH_EPROTO  the section breaks the format.  RH_ENOMEM. */
#ifndef RH_INTERFACE_BTF_H
#define RH_INTERFACE_BTF_H

#include "ctype.h"
#include "elf.h"

#define RH_BTF_TYPES_MAX (1u << 20)

struct rh_btf {
	struct rh_cfunction *functions;   /* ordered by name                  */
	uint32_t             function_count;
};

/* Reads the functions whose names are exported (NULL: all). */
int rh_btf_read(struct rh_pool *pool, const void *bytes, size_t len,
                const struct rh_elf_exports *exports, struct rh_btf *ret,
                struct rh_diag *diag);

/* The function of that name, or NULL. */
const struct rh_cfunction *rh_btf_find(const struct rh_btf *btf, const char *name);

#endif
