/* source - the canonical text of a file that is no C header.
 *
 * Python, TypeScript, Go and Rust are read by programs of Python that this
 * one carries (source/): they parse, and never run or import what they read.
 * Binaries with BTF or DWARF and Java's class files are read here.
 *
 * Ownership   Texts are taken from the caller's pool.
 * Threads     Any.
 * Limits      RH_SOURCE_BYTES_MAX of text, RH_SOURCE_TEXT_MAX of canonical text.
 * Errors      RH_EINVAL with file, place and reason; RH_ENOENT, RH_EACCES, RH_EIO,
 *             RH_EMSGSIZE the file is too large, RH_ENOMEM. */
#ifndef RH_INTERFACE_SOURCE_H
#define RH_INTERFACE_SOURCE_H

#include "../model/error.h"
#include "pool.h"

#include <stdbool.h>

#define RH_SOURCE_BYTES_MAX ((size_t)1 << 20)
#define RH_SOURCE_TEXT_MAX  ((size_t)4 << 20)

/* A reader of one language, as it is built into the program. */
struct rh_source_reader {
	const char *name;
	const char *program;
};

extern const struct rh_source_reader rh_source_readers[];

struct rh_source {
	const char *text;      /* canonical: all it offers, and a # line for what
	                          is not carried                               */
	const char *soname;    /* of a library, else NULL                      */
	const char *library;   /* absolute path of a library, else NULL        */
};

/* Whether the file is such a source, by what its name ends in or, for binaries, by
 * what it begins with. */
bool rh_source_is(const char *path);

int rh_source_read(struct rh_pool *pool, const char *path, struct rh_source *ret,
                   struct rh_diag *diag);

#endif
