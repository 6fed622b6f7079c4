/* size - numbers of bytes as people write them.
 *
 * Threads  Any; no state. */
#ifndef RH_BASE_SIZE_H
#define RH_BASE_SIZE_H

#include <stdint.h>

/* Bytes of "65536", "64Ki" or "1Mi", at most max.  RH_EINVAL. */
int rh_size_read(const char *text, uint64_t max, uint64_t *ret_bytes);

#endif
