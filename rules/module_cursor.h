/* module_cursor - reads the numbers of a WebAssembly binary; for module.c only.
 *
 * One that failed stays failed, and reads zeros. */
#ifndef RH_RULES_MODULE_CURSOR_H
#define RH_RULES_MODULE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

struct cursor {
	const uint8_t *at, *end;
	bool           failed;
};

static inline uint8_t cursor_byte(struct cursor *c)
{
	if (c->failed || c->at == c->end) {
		c->failed = true;
		return 0;
	}
	return *c->at++;
}

/* LEB128: at most five bytes, and no bits beyond the 32nd. */
static inline uint32_t cursor_u32(struct cursor *c)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		uint8_t byte = cursor_byte(c);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (value > UINT32_MAX)
				c->failed = true;
			return c->failed ? 0 : (uint32_t)value;
		}
	}
	c->failed = true;
	return 0;
}

/* The next len bytes, apart. */
static inline struct cursor cursor_part(struct cursor *c, uint32_t len)
{
	struct cursor part = { c->at, c->at, false };

	if (c->failed || (uint64_t)(c->end - c->at) < len) {
		c->failed = part.failed = true;
		return part;
	}
	part.end = c->at += len;
	return part;
}

#endif
