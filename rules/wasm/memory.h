/* memory - linear memory: a reservation that nothing can be reached beyond.
 *
 * An address of generated code is a 32 bit base plus a 32 bit offset plus the size of
 * the access: all of it lies in the reservation, and all but the memory is unmapped.
 * Growing maps more of it: a memory never moves. */
#ifndef RH_RULES_WASM_MEMORY_H
#define RH_RULES_WASM_MEMORY_H

#include <stdint.h>

#define RH_MEMORY_RESERVED ((2ull << 32) + 65536)

/* NULL: no address space (RLIMIT_AS?), or no memory. */
uint8_t *rh_memory_reserve(uint32_t bytes);

/* Makes `to` bytes of it usable where `from` were.  0, or -1 without memory. */
int rh_memory_extend(uint8_t *at, uint32_t from, uint32_t to);

void rh_memory_release(uint8_t *at);

#endif
