/* key - the Ed25519 key of a system, and what it signs.
 *
 * The seed stands in the state directory as `key`: 32 bytes, mode 0600, made at
 * the first start.  A module's signature is over the text
 *   "rhodes-module-v1 <sha256 in hex>"
 * and that of the manifest of a rule's module, which agents run the parts of, over
 *   "rhodes-rule-v1 <sha256 in hex>"
 *
 * Ownership   A plain value; rh_key_fini wipes it.
 * Threads     Any may sign. */
#ifndef RH_CENTER_KEY_H
#define RH_CENTER_KEY_H

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

/* Reads dir/key, or makes it when there is none.
 * RH_EACCES  others may read it, or it is another user's.
 * RH_EINVAL  it is not 32 bytes long.
 * RH_EIO     it can neither be read nor made. */
int rh_key_load(struct rh_key *key, const char *dir, struct rh_diag *diag);

void rh_key_fini(struct rh_key *key);

void rh_key_public(const struct rh_key *key, char hex[RH_KEY_PUBLIC_HEX]);

/* What the bytes of that hash may be used as. */
enum rh_key_use { RH_KEY_MODULE, RH_KEY_RULE };

void rh_key_sign(const struct rh_key *key, enum rh_key_use use, const char *sha256,
                 char hex[RH_KEY_SIGNATURE_HEX]);

/* RH_OK when the signature is that of the public key for this use of those bytes,
 * RH_EIDENT when it is not. */
int rh_key_verify(const char *public_hex, enum rh_key_use use, const char *sha256,
                  const char *signature_hex);

/* The SHA-256 of bytes in hex: 64 digits and a NUL. */
void rh_key_sha256(const void *bytes, unsigned long long len, char hex[65]);

#endif
