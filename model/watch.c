#include "watch.h"

#include "check.h"
#include "error.h"
#include "interface.h"
#include "map.h"

#include <string.h>

#define NO_WATCH UINT32_MAX

static uint32_t buckets_for(uint32_t capacity)
{
	uint32_t count = 1;

	while (count < capacity)
		count *= 2;
	return count;
}

size_t rh_watch_bytes(uint32_t capacity, uint32_t subscribers)
{
	return rh_aligned(capacity * sizeof(struct rh_watch)) +
	       rh_aligned(buckets_for(capacity) * sizeof(uint32_t)) +
	       rh_aligned(subscribers * sizeof(uint32_t));
}

static void lay_out(struct rh_watch_table *table, void *memory)
{
	char *at = memory;

	RH_CHECK((uintptr_t)memory % RH_ALIGN == 0);
	table->slots = (void *)at;
	at += rh_aligned(table->capacity * sizeof(struct rh_watch));
	table->buckets = (void *)at;
	at += rh_aligned(table->bucket_count * sizeof(uint32_t));
	table->first = (void *)at;
}

void rh_watch_init(struct rh_watch_table *table, uint32_t capacity,
                   uint32_t subscribers, uint64_t seed, void *memory)
{
	RH_CHECK(capacity <= INT32_MAX);
	*table = (struct rh_watch_table){
		.seed = seed, .bucket_count = buckets_for(capacity),
		.capacity = capacity, .subscribers = subscribers,
		.free_first = NO_WATCH,
	};
	lay_out(table, memory);
	/* NO_WATCH everywhere. */
	memset(table->buckets, 0xff, table->bucket_count * sizeof table->buckets[0]);
	memset(table->first, 0xff, subscribers * sizeof table->first[0]);
}

/* FNV-1a can be continued byte by byte along a name; the seed goes in first. */
static uint64_t hash_start(const struct rh_watch_table *table)
{
	return rh_fnv1a(RH_FNV_SEED, &table->seed, sizeof table->seed);
}

/* The low bits of FNV-1a depend on few bits of the text: fold the high ones in. */
static uint32_t *bucket_of(const struct rh_watch_table *table, uint64_t hash)
{
	hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93ull;
	return &table->buckets[(hash >> 32) & (table->bucket_count - 1)];
}

static int is_watch(const struct rh_watch *watch, uint64_t hash, const char *prefix,
                    size_t len)
{
	return watch->hash == hash && watch->len == len &&
	       memcmp(watch->prefix, prefix, len) == 0;
}

static uint32_t find(const struct rh_watch_table *table, uint32_t subscriber,
                     uint64_t hash, const char *prefix, size_t len)
{
	uint32_t slot = *bucket_of(table, hash);

	for (; slot != NO_WATCH; slot = table->slots[slot].next) {
		const struct rh_watch *watch = &table->slots[slot];

		if (watch->subscriber == subscriber && is_watch(watch, hash, prefix, len))
			break;
	}
	return slot;
}

static uint32_t take_free(struct rh_watch_table *table)
{
	uint32_t slot = table->free_first;

	RH_CHECK(table->used < table->capacity); /* W1 */
	if (slot == NO_WATCH)
		slot = table->high++;
	else
		table->free_first = table->slots[slot].next;
	table->used++;
	return slot;
}

int rh_watch_add(struct rh_watch_table *table, uint32_t subscriber,
                 const char *prefix, size_t len)
{
	if (len == 0 || len > RH_WATCH_NAME_MAX || subscriber >= table->subscribers)
		return RH_EINVAL;

	uint64_t hash = rh_fnv1a(hash_start(table), prefix, len);
	if (find(table, subscriber, hash, prefix, len) != NO_WATCH)
		return RH_EEXIST; /* W3 */
	if (table->used == table->capacity)
		return RH_ENOSPC;

	uint32_t         slot = take_free(table);
	struct rh_watch *watch = &table->slots[slot];
	uint32_t        *bucket = bucket_of(table, hash);
	*watch = (struct rh_watch){
		.hash = hash, .subscriber = subscriber, .next = *bucket,
		.sibling = table->first[subscriber], .len = (uint8_t)len,
	};
	memcpy(watch->prefix, prefix, len);
	*bucket = slot; /* W2 */
	table->first[subscriber] = slot;
	return RH_OK;
}

/* Takes the slot out of its bucket (its subscriber's list no longer has it). */
static void release(struct rh_watch_table *table, uint32_t slot)
{
	struct rh_watch *watch = &table->slots[slot];
	uint32_t        *link = bucket_of(table, watch->hash);

	while (*link != slot) {
		RH_CHECK(*link != NO_WATCH); /* W2 */
		link = &table->slots[*link].next;
	}
	*link = watch->next;
	watch->len = 0;
	watch->next = table->free_first;
	table->free_first = slot;
	RH_CHECK(table->used > 0);
	table->used--;
}

int rh_watch_remove(struct rh_watch_table *table, uint32_t subscriber,
                    const char *prefix, size_t len)
{
	if (len == 0 || len > RH_WATCH_NAME_MAX || subscriber >= table->subscribers)
		return RH_ENOENT;

	uint64_t hash = rh_fnv1a(hash_start(table), prefix, len);
	uint32_t slot = find(table, subscriber, hash, prefix, len);
	if (slot == NO_WATCH)
		return RH_ENOENT;

	uint32_t *link = &table->first[subscriber];
	while (*link != slot) {
		RH_CHECK(*link != NO_WATCH); /* W2 */
		link = &table->slots[*link].sibling;
	}
	*link = table->slots[slot].sibling;
	release(table, slot);
	return RH_OK;
}

int rh_watch_remove_all(struct rh_watch_table *table, uint32_t subscriber)
{
	int count = 0;

	if (subscriber >= table->subscribers)
		return 0;
	while (table->first[subscriber] != NO_WATCH) {
		uint32_t slot = table->first[subscriber];

		table->first[subscriber] = table->slots[slot].sibling;
		release(table, slot);
		count++;
	}
	return count;
}

static int visit_all(const struct rh_watch_table *table, uint64_t hash,
                     const char *prefix, size_t len, rh_watch_visit *visit, void *user)
{
	uint32_t slot = *bucket_of(table, hash);
	int      count = 0;

	for (; slot != NO_WATCH; slot = table->slots[slot].next) {
		if (!is_watch(&table->slots[slot], hash, prefix, len))
			continue;
		visit(user, table->slots[slot].subscriber);
		count++;
	}
	return count;
}

/* Is name[0, len) a prefix that a watch can be on? */
static int is_stop(const char *name, size_t len, size_t whole)
{
	return len == whole || name[len - 1] == '/';
}

int rh_watch_match(const struct rh_watch_table *table, const char *name, size_t len,
                   rh_watch_visit *visit, void *user)
{
	uint64_t hash = hash_start(table);
	int      count = 0;

	for (size_t i = 1; i <= len && i <= RH_WATCH_NAME_MAX; i++) {
		hash = rh_fnv1a(hash, name + i - 1, 1);
		if (is_stop(name, i, len))
			count += visit_all(table, hash, name, i, visit, user);
	}
	return count;
}

int rh_watch_has(const struct rh_watch_table *table, uint32_t subscriber,
                 const char *name, size_t len)
{
	uint64_t hash = hash_start(table);

	for (size_t i = 1; i <= len && i <= RH_WATCH_NAME_MAX; i++) {
		hash = rh_fnv1a(hash, name + i - 1, 1);
		if (is_stop(name, i, len) &&
		    find(table, subscriber, hash, name, i) != NO_WATCH)
			return 1;
	}
	return 0;
}

/* How many watches the bucket has, each where it belongs. */
static uint32_t verify_bucket(const struct rh_watch_table *table, uint32_t bucket)
{
	uint32_t count = 0;
	uint32_t slot = table->buckets[bucket];

	for (; slot != NO_WATCH; slot = table->slots[slot].next) {
		const struct rh_watch *watch = &table->slots[slot];

		RH_CHECK(slot < table->high && watch->subscriber < table->subscribers);
		RH_CHECK(watch->len > 0 && watch->len <= RH_WATCH_NAME_MAX);
		RH_CHECK(watch->hash == rh_fnv1a(hash_start(table), watch->prefix,
		                                 watch->len));
		RH_CHECK(bucket_of(table, watch->hash) == &table->buckets[bucket]);
		RH_CHECK(find(table, watch->subscriber, watch->hash, watch->prefix,
		              watch->len) == slot); /* W3: the first is the only one */
		RH_CHECK(++count <= table->used);
	}
	return count;
}

static uint32_t verify_list(const struct rh_watch_table *table, uint32_t subscriber)
{
	uint32_t count = 0;
	uint32_t slot = table->first[subscriber];

	for (; slot != NO_WATCH; slot = table->slots[slot].sibling) {
		RH_CHECK(slot < table->high && table->slots[slot].len > 0);
		RH_CHECK(table->slots[slot].subscriber == subscriber);
		RH_CHECK(++count <= table->used);
	}
	return count;
}

void rh_watch_verify(const struct rh_watch_table *table)
{
	uint32_t in_buckets = 0, in_lists = 0, in_free = 0;

	RH_CHECK(table->used <= table->high && table->high <= table->capacity); /* W1 */
	for (uint32_t i = 0; i < table->bucket_count; i++)
		in_buckets += verify_bucket(table, i);
	for (uint32_t i = 0; i < table->subscribers; i++)
		in_lists += verify_list(table, i);
	for (uint32_t slot = table->free_first; slot != NO_WATCH;
	     slot = table->slots[slot].next) {
		RH_CHECK(table->slots[slot].len == 0);
		RH_CHECK(++in_free <= table->high);
	}
	RH_CHECK(in_buckets == table->used && in_lists == table->used); /* W2 */
	RH_CHECK(in_free == table->high - table->used);
}
