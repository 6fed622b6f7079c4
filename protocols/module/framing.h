/* framing - what turns the messages of a channel into bytes and back, given by who makes
 * the channel: a dynamic rule of hook `protocol` (rules/codec.h).
 *
 * A message of the channel goes in pieces of at most RH_FRAMING_MESSAGE_MAX bytes.
 *
 * Ownership  The protocol takes user, also when it fails, and gives it to close.
 * Threads    The channel's. */
#ifndef RH_MODULE_FRAMING_H
#define RH_MODULE_FRAMING_H

#include <stdint.h>

#define RH_FRAMING_MESSAGE_MAX 16384u
#define RH_FRAMING_BYTES_MAX   65536u

struct rh_framing_ops {
	/* Where a piece, and bytes that came, are put; NULL: it failed. */
	void *(*message)(void *user);
	void *(*bytes)(void *user);

	/* The most bytes that a piece of that length becomes.  RH_ERULE. */
	int (*most)(void *user, uint32_t length);

	/* The piece that was put becomes *ret_bytes: how many.  RH_ERULE. */
	int (*send)(void *user, uint32_t length, const void **ret_bytes);

	/* The next piece in the bytes that were put, of those from at to end: its
	 * length, or 0, more are needed; *ret_used are done with.  RH_ERULE. */
	int (*receive)(void *user, uint32_t at, uint32_t end, uint32_t *ret_used,
	               const void **ret_message);

	/* What came out is not what went in. */
	void (*blame)(void *user, const char *why);

	void (*close)(void *user);
};

struct rh_framing {
	const struct rh_framing_ops *ops;
	void                        *user;
	char                         name[64]; /* for people                     */
	uint64_t                     id;       /* the same at both ends          */
};

#endif
