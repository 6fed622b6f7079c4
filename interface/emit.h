/* emit - writes what is generated from a plan.
 *
 * Each function writes one file to out and does not close it; whether writing
 * worked is for the caller to see with ferror.  The C sources include the
 * interface's own headers, so that a compiler compares every generated
 * definition with the real declaration.
 *
 * Ownership   Borrows the plan.
 * Threads     One per plan. */
#ifndef RH_INTERFACE_EMIT_H
#define RH_INTERFACE_EMIT_H

#include "plan.h"

#include <stdio.h>

/* interface.txt: a line for each function that is carried, in the order of the
 * rows; a comment for each that is not. */
void rh_emit_text(FILE *out, const struct rh_plan *plan);

/* interface.json */
void rh_emit_json(FILE *out, const struct rh_plan *plan);

/* shadow.c: the library that callers load. */
void rh_emit_shadow(FILE *out, const struct rh_plan *plan);

/* shadow.map: the symbol versions, for ld --version-script; writes nothing and
 * returns false when the library has none. */
bool rh_emit_map(FILE *out, const struct rh_plan *plan);

/* skeleton.c: calls the real functions in the callee. */
void rh_emit_skeleton(FILE *out, const struct rh_plan *plan);

/* For programs that are linked with the real library itself, statically: the linker's
 * options, and the shadow's names as objcopy changes them. */
void rh_emit_wrap_options(FILE *out, const struct rh_plan *plan);
void rh_emit_wrap_names(FILE *out, const struct rh_plan *plan);

/* In shadow.c: the native methods of the side file's `java` classes. */
void rh_emit_jni(FILE *out, const struct rh_plan *plan);

/* Why a carried function has no native method; NULL: it has one. */
const char *rh_emit_jni_reason(const struct rh_plan *plan, uint32_t index);

/* Shared by the two C sources: opening comment and includes, and the tables. */
void rh_emit_opening(FILE *out, const struct rh_plan *plan, const char *what);
void rh_emit_tables(FILE *out, const struct rh_plan *plan);

/* "TYPE NAME" as C declares it; name may be "". */
void rh_emit_declarator(FILE *out, const struct rh_ctype *type, const char *name);

/* The type of a parameter or result as it is stored: arrays are pointers, and
 * a result is not const. */
void rh_emit_stored(FILE *out, const struct rh_ctype *type);

/* A string in quotes with C (and JSON) escapes. */
void rh_emit_quoted(FILE *out, const char *text);

#endif
