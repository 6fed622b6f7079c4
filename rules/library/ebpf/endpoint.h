/* endpoint - where something listens: the same in the kernel, in rules and in base/.
 *
 * Addresses of IPv4 stand in those of IPv6, ::ffff:1.2.3.4, as the kernel has them. */
#ifndef RHODES_EBPF_ENDPOINT_H
#define RHODES_EBPF_ENDPOINT_H

#include <stdint.h>

#define IS_TCP 6

struct endpoint {
	uint8_t  address[16];
	uint16_t port; /* of this machine's order */
	uint16_t zero[3];
};

/* From words and a port as the kernel has them, in the order of the network. */
static inline __attribute__((always_inline)) void
endpoint_read(struct endpoint *at, uint32_t is_six, const uint32_t address[4],
              uint32_t port)
{
	if (is_six) {
		__builtin_memcpy(at->address, address, sizeof at->address);
	} else {
		at->address[10] = at->address[11] = 0xff;
		__builtin_memcpy(at->address + 12, address, 4);
	}
	at->port = (uint16_t)(port >> 8 & 0xff) | (uint16_t)(port << 8 & 0xff00);
}

#endif
