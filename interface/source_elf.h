/* source_elf - a library, program or object whose BTF or DWARF says what it exports.
 *
 * A binary does not say which of its structs callers may look into.  One behind a
 * pointer is an object of the callee if no field of it is known, or if an exported
 * function returns a pointer to it; others wait for a header and a side file.
 *
 * Ownership, errors  As source.h. */
#ifndef RH_INTERFACE_SOURCE_ELF_H
#define RH_INTERFACE_SOURCE_ELF_H

#include "source.h"

/* Whether the file begins as ELF files do. */
bool rh_source_elf_is(const char *path);

int rh_source_elf(struct rh_pool *pool, const char *path, struct rh_source *ret,
                  struct rh_diag *diag);

#endif
