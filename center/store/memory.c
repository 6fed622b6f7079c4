#include "store.h"

#include "chain.h"

#include "../../model/check.h"
#include "../../model/error.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One key, object or blob.  Never changed in place: a change puts another entry
 * there, so that undoing is putting the old one back. */
struct entry {
	uint64_t revision;
	uint64_t generation;
	uint64_t created;
	size_t   value_bytes;
	int      is_live;
	char    *key;
	char     value[];
};

struct table {
	struct entry **at;   /* by key */
	size_t         count;
};

/* What stood at a key before a change that is not synced. */
struct undo {
	struct table *table;
	struct entry *entry;   /* NULL: nothing */
	char         *key;
};

struct log_entry {
	char         *text;
	unsigned char hash[RH_STORE_HASH_BYTES];
};

struct memory {
	struct rh_store   store;
	struct table      objects;
	struct table      blobs;
	struct undo      *undos;
	size_t            undo_count;
	struct log_entry *log;
	size_t            log_count;
	size_t            log_durable;
	uint64_t          revision;
	uint64_t          durable;
	int               fail;
	unsigned char     id[RH_STORE_ID_BYTES];
};

static const struct rh_store_ops memory_ops;

static struct memory *self(struct rh_store *store)
{
	RH_CHECK(store->ops == &memory_ops);
	return (struct memory *)store;
}

static void *must(void *memory)
{
	RH_CHECK(memory); /* a store for tests */
	return memory;
}

/* The place of key, or where it would stand. */
static size_t place(const struct table *table, const char *key, int *ret_found)
{
	size_t low = 0, high = table->count;

	*ret_found = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int    order = strcmp(table->at[middle]->key, key);

		if (order == 0) {
			*ret_found = 1;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *find(const struct table *table, const char *key)
{
	int    found;
	size_t at = place(table, key, &found);

	return found ? table->at[at] : NULL;
}

/* Puts entry (NULL: nothing) at key and returns what was there. */
static struct entry *replace(struct table *table, const char *key,
                             struct entry *entry)
{
	int           found;
	size_t        at = place(table, key, &found);
	struct entry *old = found ? table->at[at] : NULL;

	if (!found && entry) {
		table->at = must(realloc(table->at,
		                         (table->count + 1) * sizeof *table->at));
		memmove(&table->at[at + 1], &table->at[at],
		        (table->count - at) * sizeof *table->at);
		table->count++;
	}
	if (entry) {
		table->at[at] = entry;
	} else if (found) {
		table->count--;
		memmove(&table->at[at], &table->at[at + 1],
		        (table->count - at) * sizeof *table->at);
	}
	return old;
}

static void free_entry(struct entry *entry)
{
	if (entry)
		free(entry->key);
	free(entry);
}

static void set(struct memory *memory, struct table *table, const char *key,
                struct entry *entry)
{
	memory->undos = must(realloc(memory->undos, (memory->undo_count + 1) *
	                             sizeof *memory->undos));
	memory->undos[memory->undo_count++] = (struct undo){
		.table = table, .key = must(strdup(key)),
		.entry = replace(table, key, entry),
	};
}

static void forget_undos(struct memory *memory)
{
	for (size_t i = 0; i < memory->undo_count; i++) {
		free(memory->undos[i].key);
		free_entry(memory->undos[i].entry);
	}
	memory->undo_count = 0;
}

static void roll_back(struct memory *memory)
{
	while (memory->undo_count > 0) {
		struct undo *undo = &memory->undos[--memory->undo_count];

		free_entry(replace(undo->table, undo->key, undo->entry));
		free(undo->key);
	}
	while (memory->log_count > memory->log_durable)
		free(memory->log[--memory->log_count].text);
	memory->revision = memory->durable;
}

static struct rh_store_record record_of(const struct entry *entry)
{
	return (struct rh_store_record){
		.key = entry->key,
		.value = entry->is_live ? entry->value : NULL,
		.value_bytes = entry->value_bytes, .revision = entry->revision,
		.generation = entry->generation, .created = entry->created,
	};
}

static int get_from(const struct table *table, const char *key,
                    rh_store_visit *visit, void *user)
{
	const struct entry *entry = find(table, key);

	if (!entry || !entry->is_live)
		return RH_ENOENT;
	struct rh_store_record record = record_of(entry);
	int stop = visit(user, &record);
	return stop ? stop : 1;
}

static int memory_get(struct rh_store *store, const char *key,
                      rh_store_visit *visit, void *user)
{
	return get_from(&self(store)->objects, key, visit, user);
}

static int memory_blob_get(struct rh_store *store, const char *hash,
                           rh_store_visit *visit, void *user)
{
	return get_from(&self(store)->blobs, hash, visit, user);
}

static int memory_list(struct rh_store *store, const char *prefix,
                       const char *after, size_t limit, rh_store_visit *visit,
                       void *user)
{
	struct table *table = &self(store)->objects;
	size_t        prefix_len = strlen(prefix);
	int           count = 0, found;
	size_t        i = place(table, after ? after : prefix, &found);

	for (i += after && found; i < table->count && (size_t)count < limit; i++) {
		struct rh_store_record record = record_of(table->at[i]);

		if (strncmp(record.key, prefix, prefix_len) != 0)
			break;
		if (!record.value)
			continue;
		int stop = visit(user, &record);
		if (stop)
			return stop;
		count++;
	}
	return count;
}

/* The entry that follows (revision, key) in that order, or NULL. */
static const struct entry *next_change(const struct table *table,
                                       uint64_t revision, const char *key)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < table->count; i++) {
		const struct entry *entry = table->at[i];

		if (entry->revision < revision ||
		    (entry->revision == revision &&
		     (!key || strcmp(entry->key, key) <= 0)))
			continue;
		if (!best || entry->revision < best->revision)
			best = entry;
	}
	return best;
}

static int memory_changes(struct rh_store *store, uint64_t since, size_t limit,
                          rh_store_visit *visit, void *user)
{
	struct table       *table = &self(store)->objects;
	const struct entry *entry = next_change(table, since, NULL);
	int                 count = 0;

	while (entry && (size_t)count < limit) {
		struct rh_store_record record = record_of(entry);
		int stop = visit(user, &record);

		if (stop)
			return stop;
		count++;
		entry = next_change(table, entry->revision, entry->key);
	}
	return count;
}

static int refuse(struct rh_diag *diag, int code, const char *key)
{
	if (diag) {
		diag->code = code;
		snprintf(diag->text, sizeof diag->text, "store memory: %.160s: %s", key,
		         rh_error_text(code));
	}
	return code;
}

static int compare(struct memory *memory, const struct rh_store_op *op,
                   struct rh_diag *diag)
{
	if (op->kind != RH_STORE_PUT && op->kind != RH_STORE_DELETE)
		return RH_OK;

	const struct entry *entry = find(&memory->objects, op->key);
	uint64_t            at = entry && entry->is_live ? entry->revision : 0;

	if (op->kind == RH_STORE_DELETE && at == 0)
		return refuse(diag, RH_ENOENT, op->key);
	if (op->expected == RH_STORE_ANY || op->expected == at)
		return RH_OK;
	return refuse(diag, op->expected == RH_STORE_ABSENT ? RH_EEXIST : RH_ESTALE,
	              op->key);
}

static struct entry *make(const struct memory *memory, const struct rh_store_op *op,
                          const struct entry *old)
{
	struct entry *entry = must(calloc(1, sizeof *entry + op->value_bytes + 1));

	entry->key = must(strdup(op->key));
	entry->is_live = op->kind != RH_STORE_DELETE;
	entry->value_bytes = op->value_bytes;
	if (op->value_bytes)
		memcpy(entry->value, op->value, op->value_bytes);
	if (op->kind == RH_STORE_BLOB_PUT)
		return entry;
	entry->revision = memory->revision;
	entry->created = old ? old->created : memory->revision;
	if (entry->is_live && old && !old->is_live)
		entry->created = memory->revision;
	entry->generation = entry->is_live ? op->generation : old->generation;
	return entry;
}

static void perform(struct memory *memory, const struct rh_store_op *op)
{
	struct table *table = op->kind == RH_STORE_PUT || op->kind == RH_STORE_DELETE
	                    ? &memory->objects : &memory->blobs;
	struct entry *old = find(table, op->key);

	if (op->kind == RH_STORE_BLOB_PUT && old)
		return;
	set(memory, table, op->key,
	    op->kind == RH_STORE_BLOB_DELETE ? NULL : make(memory, op, old));
}

static void append(struct memory *memory, const char *text)
{
	struct log_entry entry = { .text = must(strdup(text)) };

	if (memory->log_count > 0)
		memcpy(entry.hash, memory->log[memory->log_count - 1].hash,
		       sizeof entry.hash);
	rh_chain_next(entry.hash, text);
	memory->log = must(realloc(memory->log, (memory->log_count + 1) *
	                           sizeof *memory->log));
	memory->log[memory->log_count++] = entry;
}

static int memory_write(struct rh_store *store,
                        const struct rh_store_change *change,
                        uint64_t *ret_revision, struct rh_diag *diag)
{
	struct memory *memory = self(store);
	int            takes_revision = 0;

	for (size_t i = 0; i < change->op_count; i++) {
		int err = compare(memory, &change->ops[i], diag);
		if (err)
			return err;
		takes_revision |= change->ops[i].kind == RH_STORE_PUT ||
		                  change->ops[i].kind == RH_STORE_DELETE;
	}
	memory->revision += (uint64_t)takes_revision;
	for (size_t i = 0; i < change->op_count; i++)
		perform(memory, &change->ops[i]);
	for (size_t i = 0; i < change->audit_count; i++)
		append(memory, change->audits[i]);
	*ret_revision = memory->revision;
	return RH_OK;
}

static int memory_sync(struct rh_store *store, struct rh_diag *diag)
{
	struct memory *memory = self(store);

	if (memory->fail != RH_OK) {
		roll_back(memory);
		return refuse(diag, memory->fail, "sync");
	}
	forget_undos(memory);
	memory->durable = memory->revision;
	memory->log_durable = memory->log_count;
	return RH_OK;
}

static int memory_audit_list(struct rh_store *store, uint64_t before, size_t limit,
                             rh_store_audit_visit *visit, void *user)
{
	struct memory *memory = self(store);
	int            count = 0;

	for (size_t i = memory->log_count; i > 0 && (size_t)count < limit; i--) {
		if (i >= before)
			continue;
		int stop = visit(user, &(struct rh_store_audit){
			.seq = i, .text = memory->log[i - 1].text,
			.hash = memory->log[i - 1].hash,
		});
		if (stop)
			return stop;
		count++;
	}
	return count;
}

static void memory_info(struct rh_store *store, struct rh_store_info *ret_info)
{
	struct memory *memory = self(store);

	*ret_info = (struct rh_store_info){
		.revision = memory->revision, .audit_seq = memory->log_count,
		.path = "memory",
	};
	memcpy(ret_info->id, memory->id, sizeof ret_info->id);
}

static void free_table(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free_entry(table->at[i]);
	free(table->at);
}

static void memory_close(struct rh_store *store)
{
	struct memory *memory = self(store);

	roll_back(memory);
	free_table(&memory->objects);
	free_table(&memory->blobs);
	free(memory->undos);
	for (size_t i = 0; i < memory->log_count; i++)
		free(memory->log[i].text);
	free(memory->log);
	free(memory);
}

static const struct rh_store_ops memory_ops = {
	.name = "memory", .abi = RH_STORE_ABI,
	.get = memory_get, .list = memory_list, .changes = memory_changes,
	.write = memory_write, .sync = memory_sync, .blob_get = memory_blob_get,
	.audit_list = memory_audit_list, .info = memory_info, .close = memory_close,
};

int rh_store_memory_open(struct rh_store **ret_store, struct rh_diag *diag)
{
	struct memory *memory = calloc(1, sizeof *memory);

	if (!memory || sodium_init() < 0) {
		free(memory);
		return refuse(diag, RH_ENOMEM, "open");
	}
	memory->store.ops = &memory_ops;
	randombytes_buf(memory->id, sizeof memory->id);
	*ret_store = &memory->store;
	return RH_OK;
}

void rh_store_memory_fail(struct rh_store *store, int code)
{
	self(store)->fail = code;
}
