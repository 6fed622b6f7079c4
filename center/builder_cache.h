/* builder_cache - objects that were built, kept in a folder of the builder's: one file
 * each, named by the SHA-256 of all that the object depends on.
 *
 * A file begins with the SHA-256 of its object: one that is damaged is thrown away, and
 * its object is built anew.  Nothing here fails: what cannot be kept is built again.
 *
 * Threads     One.
 * Limits      RH_BUILT_FILES files, RH_BUILT_BYTES in all: what was not used for the
 *             longest time goes. */
#ifndef RH_CENTER_BUILDER_CACHE_H
#define RH_CENTER_BUILDER_CACHE_H

#include <stddef.h>
#include <stdint.h>

#define RH_BUILT_FILES 512u
#define RH_BUILT_BYTES (256u << 20)

/* What was kept of it, or is to be. */
struct rh_builder_kept {
	int      fd;          /* a frozen memfd */
	size_t   len;
	uint32_t is_confined; /* when it was built */
};

/* key is 64 hexadecimal digits.  RH_OK: ret_kept->fd is the caller's.
 * RH_ENOENT  there is none, or none that is whole. */
int rh_builder_cache_find(const char *folder, const char *key,
                          struct rh_builder_kept *ret_kept);

/* fd is borrowed. */
void rh_builder_cache_keep(const char *folder, const char *key,
                           const struct rh_builder_kept *kept);

/* Takes away what was not written to its end; nobody writes meanwhile. */
void rh_builder_cache_sweep(const char *folder);

#endif
