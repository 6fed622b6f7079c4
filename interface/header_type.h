/* header_type - a libclang type as struct rh_ctype.  Inside of header.c only. */
#ifndef RH_INTERFACE_HEADER_TYPE_H
#define RH_INTERFACE_HEADER_TYPE_H

#include "ctype.h"
#include "pool.h"

#include <clang-c/Index.h>

#define RH_HEADER_PROBE "rhodes-probe.c"

/* Copies and disposes of a libclang string; NULL when the pool is full. */
const char *rh_header_string(struct rh_pool *pool, CXString string);

/* NULL when the pool is full. */
const struct rh_ctype *rh_header_type(struct rh_pool *pool, CXType type);

#endif
