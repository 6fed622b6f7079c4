/* module - code by its SHA-256: read from a file, sent to the center, fetched from
 * it into a cache.
 *
 * What lies in the cache (cache.h) is hashed again before it is used.
 *
 * Ownership   As noted per function.
 * Limits      RH_MODULE_MAX bytes. */
#ifndef RH_CLI_MODULE_H
#define RH_CLI_MODULE_H

#include "cli.h"

#include <limits.h>
#include <stddef.h>

#define RH_MODULE_MAX  (8u << 20)
#define RH_SHA256_TEXT 65

/* Writes the hash of bytes as 64 hex digits and a NUL. */
void rh_module_hash(const void *bytes, size_t len, char text[RH_SHA256_TEXT]);

/* Reads a whole file; the caller frees.
 * RH_ENOENT, RH_EMSGSIZE, RH_EIO with the path in diag. */
int rh_module_bytes(const char *path, char **ret_bytes, size_t *ret_len,
                   struct rh_diag *diag);

/* Makes sure that <cache>/<sha256>/<file> is there and has that hash, fetching it
 * from the center if not; writes the folder.  With a link the folder also has that
 * symbolic link to file.  Returns an enum rh_exit; tells on err. */
int rh_module_ensure(struct rh_cli *cli, const char *sha256, const char *file,
                     const char *link, char folder[PATH_MAX]);

/* Sends the bytes to the center under their hash.  Returns an enum rh_exit. */
int rh_module_send(struct rh_cli *cli, const char *sha256, const char *bytes,
                   size_t len);

#endif
