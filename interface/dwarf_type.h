/* dwarf_type - a type of DWARF as struct rh_ctype.  Inside of dwarf.c only. */
#ifndef RH_INTERFACE_DWARF_TYPE_H
#define RH_INTERFACE_DWARF_TYPE_H

#include "ctype.h"
#include "pool.h"

#include <elfutils/libdw.h>

/* Records that were read already: each is converted once. */
struct rh_dwarf_records {
	struct rh_pool         *pool;
	const void            **keys;
	const struct rh_ctype **types;
	size_t                  count;
	size_t                  cap;
};

/* A copy of a text of libdw; NULL when the pool is full. */
const char *rh_dwarf_string(struct rh_pool *pool, const char *text);

/* What attribute `type` of the DIE says, void without one; NULL: the pool is full. */
const struct rh_ctype *rh_dwarf_type_of(struct rh_dwarf_records *records,
                                        Dwarf_Die *die);

#endif
