/* name - what a resource, a system, a rule or an interface is called.
 *
 * A name is copied, checked and hashed once, where it enters; from then on it
 * is compared by hash, length and bytes and never parsed again.
 *
 *   resource, system   [a-z][a-z0-9_]{0,62}
 *   rule, interface    [a-z][a-z0-9_.-]{0,62}
 *
 * Ownership   A struct rh_name is a plain value; copy it freely.
 * Threads     Any; there is no state.
 * Invariants  N1  1 <= len <= RH_NAME_MAX, text[len] is NUL, and all bytes
 *                 after it are zero - or the name is empty: all fields zero.
 *             N2  hash is FNV-1a, 64 bit, of text[0, len). */
#ifndef RH_MODEL_NAME_H
#define RH_MODEL_NAME_H

#include "limits.h"

#include <stddef.h>
#include <stdint.h>

struct rh_name {
	uint64_t hash;
	uint8_t  len;
	char     text[RH_NAME_MAX + 1]; /* NUL-terminated */
};

/* Checks the grammar of a resource's name; text needs no NUL.
 * RH_EINVAL  it is empty, too long, or has a byte that may not stand there. */
int rh_name_check(const char *text, size_t len);

/* The same for the name of a rule or an interface.
 * RH_EINVAL  as above. */
int rh_name_check_rule(const char *text, size_t len);

/* Makes a resource's name of text[0, len).
 * RH_EINVAL  the grammar; *ret_name is untouched. */
int rh_name_init(struct rh_name *ret_name, const char *text, size_t len);

/* Makes the name of a rule or an interface of text[0, len).
 * RH_EINVAL  the grammar; *ret_name is untouched. */
int rh_name_init_rule(struct rh_name *ret_name, const char *text, size_t len);

/* 1 when both are the same name, else 0. */
int rh_name_equal(const struct rh_name *a, const struct rh_name *b);

/* Below, at or above 0, in the order of the bytes: for sorted lists. */
int rh_name_compare(const struct rh_name *a, const struct rh_name *b);

#endif
