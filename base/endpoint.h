/* endpoint - where something listens by TCP, as people write it.
 *
 *   127.0.0.1:5432    [::1]:5432    *:5432
 *
 * Threads  Any; no state. */
#ifndef RH_BASE_ENDPOINT_H
#define RH_BASE_ENDPOINT_H

#include <stdint.h>

/* As rules of eBPF have it: an address of IPv4 as ::ffff:a.b.c.d, all zero for any. */
struct rh_endpoint {
	uint8_t  address[16];
	uint16_t port;
	uint16_t zero[3];
};

_Static_assert(sizeof(struct rh_endpoint) == 24, "rules/library/ebpf/endpoint.h");

/* RH_EINVAL. */
int rh_endpoint_read(const char *text, struct rh_endpoint *ret_endpoint);

#endif
