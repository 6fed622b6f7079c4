/* memory - sealed memfds that processes share.
 *
 * Ownership   The caller owns descriptors and mappings.
 * Errors      RH_ENOMEM no memory; RH_EPROTO the descriptor is not a sealed
 *             memfd of the expected size. */
#ifndef RH_BASE_MEMORY_H
#define RH_BASE_MEMORY_H

#include <stddef.h>

/* Makes a zeroed memfd of that size, sealed against resizing, and maps it for
 * reading and writing.  A child of fork does not inherit the mapping. */
int rh_memory_create(const char *name, size_t bytes, int *ret_fd, void **ret_at);

/* Maps a received memfd after checking seals and size. */
int rh_memory_map(int fd, size_t bytes, void **ret_at);

/* Makes a memfd with this content, sealed against every change.  Returns the
 * descriptor. */
int rh_memory_freeze(const void *bytes, size_t len);

/* Maps a frozen memfd for reading; at least len bytes. */
int rh_memory_map_frozen(int fd, size_t len, const void **ret_at);

void rh_memory_unmap(const void *at, size_t bytes);

#endif
