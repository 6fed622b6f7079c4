/* key - the Ed25519 key of a system, and what it signs.
 *
 * The seed stands in the state directory as `key`: 32 bytes, mode 0600, made at
 * the first start; what is signed says base/signature.h.
 *
 * Ownership   A plain value; rh_key_fini wipes it.
 * Threads     Any may sign. */
#ifndef RH_CENTER_KEY_H
#define RH_CENTER_KEY_H

#include "../base/signature.h"

struct rh_diag;

#define RH_KEY_PUBLIC_BYTES    32
#define RH_KEY_SECRET_BYTES    64
#define RH_KEY_SIGNATURE_BYTES 64
#define RH_KEY_PUBLIC_HEX      (2 * RH_KEY_PUBLIC_BYTES + 1)
#define RH_KEY_SIGNATURE_HEX   (2 * RH_KEY_SIGNATURE_BYTES + 1)

struct rh_key {
	unsigned char public_key[RH_KEY_PUBLIC_BYTES];
	unsigned char secret_key[RH_KEY_SECRET_BYTES];
};

/* Reads dir/key, or makes it when there is none, and writes the public one beside it.
 * RH_EACCES  others may read it, or it is another user's.
 * RH_EINVAL  it is not 32 bytes long.
 * RH_EIO     it can neither be read nor made.  RH_ENOSPC. */
int rh_key_load(struct rh_key *key, const char *dir, struct rh_diag *diag);

void rh_key_fini(struct rh_key *key);

void rh_key_public(const struct rh_key *key, char hex[RH_KEY_PUBLIC_HEX]);

/* Signs that the bytes of that hash may be used so. */
void rh_key_sign(const struct rh_key *key, enum rh_signed use, const char *sha256,
                 char hex[RH_KEY_SIGNATURE_HEX]);

#endif
