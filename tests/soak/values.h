/* values - what calls must return: a function of their id and their arguments.  0 is no
 * value.
 *
 * Threads     Pure. */
#ifndef RH_TESTS_SOAK_VALUES_H
#define RH_TESTS_SOAK_VALUES_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t values_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static inline uint64_t values_of(uint64_t id, uint64_t number)
{
	return values_mix(id * 0x9e3779b97f4a7c15u + values_mix(number)) | 1;
}

/* A chain after one more link: depends on all links and on their order. */
static inline uint64_t values_link(uint64_t chain, uint64_t id)
{
	return values_of(id, chain);
}

static inline uint64_t values_sum(uint64_t id, const unsigned char *bytes, size_t len)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3u;
	return values_of(id, sum ^ len);
}

#endif
