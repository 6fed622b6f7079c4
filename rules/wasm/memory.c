#include "memory.h"

#include <stddef.h>
#include <sys/mman.h>

int rh_memory_extend(uint8_t *at, uint32_t from, uint32_t to)
{
	return from == to ? 0 : mprotect(at + from, to - from, PROT_READ | PROT_WRITE);
}

uint8_t *rh_memory_reserve(uint32_t bytes)
{
	void *at = mmap(NULL, RH_MEMORY_RESERVED, PROT_NONE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (rh_memory_extend(at, 0, bytes) < 0) {
		rh_memory_release(at);
		return NULL;
	}
	return at;
}

void rh_memory_release(uint8_t *at)
{
	if (at)
		munmap(at, RH_MEMORY_RESERVED);
}
