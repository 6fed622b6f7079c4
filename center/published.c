#include "published.h"

#include "../model/check.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 256u

_Static_assert(RH_PUBLISHED_KEY_BYTES == crypto_shorthash_KEYBYTES, "libsodium");

void rh_published_init(struct rh_published *published)
{
	*published = (struct rh_published){ 0 };
	randombytes_buf(published->secret, sizeof published->secret);
}

void rh_published_fini(struct rh_published *published)
{
	free(published->at);
	*published = (struct rh_published){ 0 };
}

static uint64_t hash_of(const struct rh_published *published, const void *bytes,
                        size_t len)
{
	unsigned char short_hash[crypto_shorthash_BYTES];
	uint64_t      hash;

	_Static_assert(sizeof hash == sizeof short_hash, "libsodium");
	crypto_shorthash(short_hash, bytes, len, published->secret);
	memcpy(&hash, short_hash, sizeof hash);
	return hash;
}

/* '/' is in no name: no two keys have the same text. */
static uint64_t key_of(const struct rh_published *published,
                       const struct rh_item_key *key)
{
	char   text[2 * RH_NAME_MAX + 2];
	size_t len = key->caller.len;

	memcpy(text, key->caller.text, len);
	text[len++] = '/';
	memcpy(text + len, key->callee.text, key->callee.len);
	uint64_t hash = hash_of(published, text, len + key->callee.len);
	return hash ? hash : 1;
}

/* Where the key stands, or would; cap is not 0. */
static size_t place(const struct rh_published *published, uint64_t key)
{
	size_t mask = published->cap - 1, at = key & mask;

	while (published->at[at].key != 0 && published->at[at].key != key)
		at = (at + 1) & mask;
	return at;
}

static struct rh_published_entry *find(const struct rh_published *published,
                                       const struct rh_item_key *key)
{
	if (published->used == 0)
		return NULL;
	size_t at = place(published, key_of(published, key));
	return published->at[at].key ? &published->at[at] : NULL;
}

/* 1 when there is room for one more. */
static int grow(struct rh_published *published)
{
	struct rh_published larger = *published;

	if (published->cap && published->used < published->cap / 2)
		return 1;
	larger.cap = published->cap ? published->cap * 2 : CAP_FIRST;
	larger.at = calloc(larger.cap, sizeof *larger.at);
	if (!larger.at)
		return 0;
	for (size_t i = 0; i < published->cap; i++) {
		if (published->at[i].key)
			larger.at[place(&larger, published->at[i].key)] =
				published->at[i];
	}
	free(published->at);
	*published = larger;
	return 1;
}

int rh_published_note(struct rh_published *published, const struct rh_item_key *key,
                      const void *bytes, size_t len, uint64_t revision)
{
	uint64_t hash = hash_of(published, bytes, len);
	struct rh_published_entry *entry = find(published, key);

	if (entry && entry->hash == hash)
		return 0;
	if (!entry && !grow(published))
		return 1;
	if (!entry) {
		entry = &published->at[place(published, key_of(published, key))];
		entry->key = key_of(published, key);
		published->used++;
	}
	entry->hash = hash;
	entry->revision = revision;
	entry->is_anew = entry->is_guess = 0;
	return 1;
}

void rh_published_renew(struct rh_published *published, const struct rh_item_key *key)
{
	struct rh_published_entry *entry = find(published, key);

	if (entry)
		entry->is_anew = 1;
}

int rh_published_renewed(struct rh_published *published, const struct rh_item_key *key,
                         uint64_t revision)
{
	struct rh_published_entry *entry = find(published, key);

	if (!entry || !entry->is_anew)
		return 0;
	entry->is_anew = entry->is_guess = 0;
	entry->revision = revision;
	return 1;
}

/* Linear probing without tombstones: what follows moves back into the hole. */
void rh_published_forget(struct rh_published *published, const struct rh_item_key *key)
{
	struct rh_published_entry *entry = find(published, key);
	size_t                     mask = published->cap - 1;

	if (!entry)
		return;
	size_t hole = (size_t)(entry - published->at), at = hole;
	for (;;) {
		at = (at + 1) & mask;
		if (published->at[at].key == 0)
			break;
		size_t home = published->at[at].key & mask;
		if (((at - home) & mask) >= ((at - hole) & mask)) {
			published->at[hole] = published->at[at];
			hole = at;
		}
	}
	published->at[hole] = (struct rh_published_entry){ 0 };
	RH_CHECK(published->used > 0);
	published->used--;
}

uint64_t rh_published_revision(const struct rh_published *published,
                               const struct rh_item_key *key)
{
	const struct rh_published_entry *entry = find(published, key);

	return entry ? entry->revision : 0;
}

void rh_published_guess(struct rh_published *published, const struct rh_item_key *key)
{
	struct rh_published_entry *entry = find(published, key);

	if (entry)
		entry->is_guess = 1;
}

int rh_published_is_exact(const struct rh_published *published,
                          const struct rh_item_key *key)
{
	const struct rh_published_entry *entry = find(published, key);

	return entry && !entry->is_guess;
}
