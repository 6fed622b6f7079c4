/* text - builds a NUL-terminated text in a buffer of fixed size.
 *
 * Adding past the end adds what fits and is remembered: check once, at the end.
 *
 * Ownership   The caller owns the buffer and the builder.
 * Threads     One.
 * Invariants  T1  len < cap, and buffer[len] is NUL. */
#ifndef RH_MODEL_TEXT_H
#define RH_MODEL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct rh_text {
	char  *buffer;
	size_t cap;
	size_t len;
	int    is_cut;
};

/* cap counts the NUL and is at least 1. */
void rh_text_init(struct rh_text *text, char *buffer, size_t cap);

/* Adds a NUL-terminated string. */
void rh_text_add(struct rh_text *text, const char *string);

/* Adds bytes[0, len). */
void rh_text_add_bytes(struct rh_text *text, const char *bytes, size_t len);

/* Adds the number in decimal. */
void rh_text_add_u64(struct rh_text *text, uint64_t number);

/* The length so far, without the NUL.
 * RH_EMSGSIZE  something was cut off. */
int rh_text_end(const struct rh_text *text);

#endif
