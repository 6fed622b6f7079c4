#include "chain.h"

#include "store.h"

#include <sodium.h>

#include <string.h>

_Static_assert(crypto_hash_sha256_BYTES == RH_STORE_HASH_BYTES, "SHA-256");

void rh_chain_next(unsigned char *hash, const char *text)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, hash, RH_STORE_HASH_BYTES);
	crypto_hash_sha256_update(&state, (const unsigned char *)text, strlen(text));
	crypto_hash_sha256_final(&state, hash);
}
