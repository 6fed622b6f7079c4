/* library - finds a shared library as the loader would, but not a shadow.
 *
 * The order is the loader's: LD_LIBRARY_PATH, the loader's cache, the default
 * folders.  A library that this generator made is passed over: it bears a
 * section RH_LIBRARY_SHADOW_SECTION.
 *
 * Ownership   The caller's buffer.
 * Threads     Any. */
#ifndef RH_INTERFACE_LIBRARY_H
#define RH_INTERFACE_LIBRARY_H

#include "../model/error.h"

#include <stddef.h>

#define RH_LIBRARY_SHADOW_SECTION ".rhodes.shadow"

/* Writes the path of the real library to ret.  name without a / is a soname
 * ("libmagic.so.1") or a link name ("libmagic.so"); with one it is taken
 * relative to folder (NULL: the working directory).
 * RH_ENOENT    it stands nowhere.
 * RH_EMSGSIZE  the path does not fit cap. */
int rh_library_find(const char *name, const char *folder, char *ret, size_t cap,
                    struct rh_diag *diag);

/* The Debian package that owns the file, with ":architecture" if dpkg says so.
 * RH_ENOENT  dpkg is not here or knows no owner. */
int rh_library_owner(const char *path, char *ret, size_t cap);

/* The upstream version of the Debian package that owns the file ("5.44" of
 * 1:5.44-3), "" when dpkg is not here or knows no owner. */
int rh_library_version(const char *path, char *ret, size_t cap);

#endif
