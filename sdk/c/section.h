/* section - a section of an ELF file, read without loading the file.
 *
 * A program without a loader learns so what stands in a shadow library.
 *
 * Ownership   The bytes are the caller's, to free.
 * Threads     Any. */
#ifndef RH_SDK_SECTION_H
#define RH_SDK_SECTION_H

#include <stddef.h>

/* The bytes of the section of that name, with a NUL behind them.
 * RH_ENOENT    no file, or it has none.  RH_EPROTO  not a file of this machine, or cut off.
 * RH_EMSGSIZE  the section has more than max bytes.  RH_ENOMEM.
 * RH_EACCES, RH_EIO  it cannot be opened or mapped. */
int rh_section_read(const char *path, const char *name, size_t max, char **ret_bytes);

#endif
