/* signature - whose bytes these are: SHA-256 in hex, and Ed25519 over what they may be
 * used as.
 *
 * What is signed is never bytes that somebody sent, but a text with their hash:
 *   "rhodes-module-v1 <sha256 in hex>"   a module of an interface
 *   "rhodes-rule-v1 <sha256 in hex>"     the manifest of a rule's module
 *   "rhodes-order-v1 <sha256 in hex>"    that a rule is to be so somewhere: order.h
 *
 * Ownership   Everything is the caller's.
 * Threads     Any, once rh_signature_start was called. */
#ifndef RH_BASE_SIGNATURE_H
#define RH_BASE_SIGNATURE_H

#define RH_SHA256_HEX          65u  /* with a NUL                    */
#define RH_SIGNATURE_HEX       129u
#define RH_SIGNATURE_KEY_HEX   65u  /* of a public key               */
#define RH_SIGNATURE_TEXT_MAX  96u
#define RH_SIGNATURE_KEY_FILE  "module.pub" /* in the state directory: public keys that
                                               are trusted, in hex, one a line */

/* What the bytes of a hash may be used as. */
enum rh_signed { RH_SIGNED_MODULE, RH_SIGNED_RULE, RH_SIGNED_ORDER };

/* Before anything else here; cheap when called again.  RH_EIO. */
int rh_signature_start(void);

/* The text that is signed; returns its length. */
int rh_signature_text(enum rh_signed use, const char *sha256,
                      char text[RH_SIGNATURE_TEXT_MAX]);

/* RH_OK when the signature is that of the public key for this use of those bytes,
 * RH_EIDENT when it is not. */
int rh_signature_verify(const char *public_hex, enum rh_signed use, const char *sha256,
                        const char *signature_hex);

/* The SHA-256 of bytes in hex: 64 digits and a NUL. */
void rh_sha256_hex(const void *bytes, unsigned long long len, char hex[RH_SHA256_HEX]);

#endif
