#include "signature.h"

#include "../model/error.h"

#include <sodium.h>

#include <stdio.h>
#include <string.h>

int rh_signature_start(void)
{
	return sodium_init() < 0 ? RH_EIO : RH_OK;
}

int rh_signature_text(enum rh_signed use, const char *sha256,
                      char text[RH_SIGNATURE_TEXT_MAX])
{
	static const char *const words[] = {
		[RH_SIGNED_MODULE] = "rhodes-module-v1", [RH_SIGNED_RULE] = "rhodes-rule-v1",
		[RH_SIGNED_ORDER] = "rhodes-order-v1",
	};

	return snprintf(text, RH_SIGNATURE_TEXT_MAX, "%s %.64s", words[use], sha256);
}

static int from_hex(const char *hex, unsigned char *bytes, size_t len)
{
	size_t got = 0;

	return sodium_hex2bin(bytes, len, hex, strlen(hex), NULL, &got, NULL) == 0 &&
	       got == len;
}

int rh_signature_verify(const char *public_hex, enum rh_signed use, const char *sha256,
                        const char *signature_hex)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	unsigned char signature[crypto_sign_BYTES];
	char          text[RH_SIGNATURE_TEXT_MAX];
	int           len = rh_signature_text(use, sha256, text);

	if (!from_hex(public_hex, public_key, sizeof public_key) ||
	    !from_hex(signature_hex, signature, sizeof signature) ||
	    crypto_sign_verify_detached(signature, (const unsigned char *)text,
	                                (unsigned long long)len, public_key) != 0)
		return RH_EIDENT;
	return RH_OK;
}

void rh_sha256_hex(const void *bytes, unsigned long long len, char hex[RH_SHA256_HEX])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, bytes, len);
	sodium_bin2hex(hex, RH_SHA256_HEX, hash, sizeof hash);
}
