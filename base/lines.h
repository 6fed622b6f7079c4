/* lines - zeroed memory that begins with a line of the cache.
 *
 * For tables of which little may ever be used: what nobody touches of a large one, the
 * kernel does not make. */
#ifndef RH_BASE_LINES_H
#define RH_BASE_LINES_H

#include <stddef.h>

#define RH_LINE 64u

/* NULL: there is no memory. */
void *rh_lines_create(size_t bytes);
void  rh_lines_destroy(void *at);

#endif
