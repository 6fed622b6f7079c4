/* dwarf - the C declarations that a binary carries in its debug data, read with libdw.
 *
 * For binaries without BTF: what gcc -g and clang -g write, also of C++ (extern "C")
 * and of Rust's `extern "C"` items.  What a pointer inside of a struct leads to is not
 * read: one pointer is enough to know that the struct cannot be carried, and a list
 * node would never end.  A struct that holds itself, types nested too deeply and what
 * points nowhere become RH_CTYPE_OTHER, which nothing can carry.
 *
 * Ownership   Tables and names are taken from the caller's pool.
 * Threads     One per pool.
 * Limits      RH_CTYPE_DEPTH_MAX deep, RH_DWARF_FUNCTIONS_MAX functions.  No file but
 *             the one that is named is looked for.
 * Errors      RH_ENOENT  it carries no such data.  RH_EPROTO  libdw refuses it, with
 *             its reason.  RH_ENOSPC.  RH_ENOMEM. */
#ifndef RH_INTERFACE_DWARF_H
#define RH_INTERFACE_DWARF_H

#include "btf.h"

#define RH_DWARF_FUNCTIONS_MAX (1u << 16)

/* Reads the functions whose symbols are exported, ordered by name. */
int rh_dwarf_read(struct rh_pool *pool, const char *path,
                  const struct rh_elf_exports *exports, struct rh_btf *ret,
                  struct rh_diag *diag);

#endif
