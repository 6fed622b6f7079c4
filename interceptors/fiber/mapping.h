/* mapping - whether memory is this process's alone.
 *
 * Futexes that are not said to be private mostly are.  The kernel's list of mappings is read
 * once for each page and believed until the program maps shared memory.
 *
 * Threads     Any. */
#ifndef RH_FIBER_MAPPING_H
#define RH_FIBER_MAPPING_H

#include <stdbool.h>

/* No other process can write there. */
bool rh_mapping_is_private(const void *at);

#endif
