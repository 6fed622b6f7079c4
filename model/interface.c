#include "interface.h"

#include "check.h"
#include "error.h"
#include "text.h"

#include <string.h>

#define FNV_PRIME 0x100000001b3ull

uint64_t rh_fnv1a(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t             hash = seed;

	for (size_t i = 0; i < len; i++) {
		hash ^= at[i];
		hash *= FNV_PRIME;
	}
	return hash;
}

static uint64_t hash_string(uint64_t seed, const char *string)
{
	size_t len = 0;

	while (string[len] != '\0')
		len++;
	return rh_fnv1a(seed, string, len);
}

/* Least significant byte first, so that the hash is the same on every machine. */
static uint64_t hash_u64(uint64_t seed, uint64_t number)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	return rh_fnv1a(seed, bytes, sizeof bytes);
}

int rh_function_text(const struct rh_function *function, char *text, size_t cap)
{
	struct rh_text out;

	RH_CHECK(function->param_count <= RH_PARAMS_MAX);
	if (cap == 0)
		return RH_EMSGSIZE;

	rh_text_init(&out, text, cap);
	rh_text_add(&out, function->name);
	for (size_t i = 0; i < function->param_count; i++) {
		rh_text_add(&out, ", ");
		rh_text_add(&out, function->params[i].type);
		rh_text_add(&out, "|");
		rh_text_add(&out, function->params[i].name);
	}
	rh_text_add(&out, ", ");
	rh_text_add(&out, function->ret.type);
	return rh_text_end(&out);
}

int rh_function_carried(const struct rh_function *function, char *text, size_t cap)
{
	if (function->flags & (RH_FUNCTION_LOCAL | RH_FUNCTION_NOCARRY))
		return RH_ENOCARRY;
	return rh_function_text(function, text, cap);
}

uint64_t rh_function_hash(const struct rh_function *function)
{
	uint64_t hash = hash_string(RH_FNV_SEED, function->name);

	RH_CHECK(function->param_count <= RH_PARAMS_MAX);
	hash = hash_string(hash, "(");
	for (size_t i = 0; i < function->param_count; i++) {
		if (i > 0)
			hash = hash_string(hash, ",");
		hash = hash_string(hash, function->params[i].type);
	}
	hash = hash_string(hash, ")");
	return hash_string(hash, function->ret.type);
}

uint64_t rh_interface_hash(const struct rh_interface *interface)
{
	uint64_t hash = RH_FNV_SEED;

	for (uint32_t i = 0; i < interface->function_count; i++)
		hash = hash_u64(hash, rh_function_hash(&interface->functions[i]));
	return hash;
}
