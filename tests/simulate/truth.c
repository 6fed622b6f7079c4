#include "truth.h"

#include "../../center/center.h"
#include "../../center/item.h"
#include "../../center/push.h"
#include "../../model/check.h"
#include "../../model/error.h"
#include "../../model/map.h"
#include "../../model/registry.h"
#include "../../wire/frame.h"

#include <stdlib.h>
#include <string.h>

const char *const protocol_names[PROTOCOLS] = { "msgqueue", "shm", "semaphore", "bind",
                                                "teleport" };

/* The push knows only the center; there is one in a process. */
static struct truth *the_truth;

/* ---- what center/push*.c asks of a center ------------------------------- */

uint64_t rh_center_revision(const struct rh_center *center)
{
	RH_CHECK(the_truth && center == the_truth->center);
	return the_truth->revision;
}

void rh_item_encoder_init(struct rh_item_encoder *encoder,
                          const struct rh_center *center)
{
	*encoder = (struct rh_item_encoder){ .center = center };
}

void rh_item_encoder_fini(struct rh_item_encoder *encoder)
{
	encoder->center = NULL;
}

/* The bytes of an item depend on what it is alone. */
static void put_filling(struct rh_record_writer *writer, const struct truth_item *item)
{
	static unsigned char bytes[BODY_MAX];

	for (uint32_t i = 0; i < item->len; i++)
		bytes[i] = (unsigned char)('a' + (item->filling + i) % 26);
	rh_record_put_u32(writer, RH_TAG_COUNT, item->filling);
	rh_record_put(writer, RH_TAG_TEXT, bytes, item->len);
}

int rh_item_body(struct rh_item_encoder *encoder, const struct rh_item_key *key,
                 struct rh_record_writer *writer)
{
	const struct truth_item *item = truth_find(the_truth, key);
	int                      is_edge = key->callee.len > 0;

	RH_CHECK(encoder->center == the_truth->center);
	if (!item->is_there)
		return 0;
	size_t place = rh_record_open(writer, is_edge ? RH_TAG_EDGE_ITEM : RH_TAG_SELF);
	rh_record_put_text(writer, RH_TAG_PROTOCOL, protocol_names[item->protocol]);
	put_filling(writer, item);
	rh_record_close(writer, place);
	int used = rh_record_end(writer);
	return used < 0 ? used : 1;
}

struct rh_item_key rh_item_key_of(const char *caller, const char *callee)
{
	struct rh_item_key key = { .caller = { .len = 0 } };

	RH_CHECK(rh_name_init(&key.caller, caller, strlen(caller)) == RH_OK);
	if (callee)
		RH_CHECK(rh_name_init(&key.callee, callee, strlen(callee)) == RH_OK);
	return key;
}

void rh_item_wrap(struct rh_record_writer *writer, const struct rh_item_key *key,
                  uint64_t revision, const void *body, size_t body_bytes)
{
	rh_record_put_text(writer, RH_TAG_CALLER, key->caller.text);
	if (key->callee.len)
		rh_record_put_text(writer, RH_TAG_CALLEE, key->callee.text);
	rh_record_put_u64(writer, RH_TAG_REVISION, revision);
	if (body_bytes == 0)
		return;
	if (writer->failed || writer->cap - writer->used < body_bytes) {
		writer->failed = 1;
		return;
	}
	memcpy(writer->bytes + writer->used, body, body_bytes);
	writer->used += body_bytes;
}

/* ---- making one --------------------------------------------------------- */

static struct rh_name name_at(unsigned i)
{
	struct rh_name name;

	RH_CHECK(rh_name_init(&name, sim_names[i], strlen(sim_names[i])) == RH_OK);
	return name;
}

static void make_items(struct truth *truth)
{
	unsigned names = truth->sim->shape.names;

	truth->count = names * names;
	for (unsigned i = 0; i < names; i++) {
		for (unsigned k = 0; k < names; k++) {
			struct truth_item *item = &truth->items[i * names + k];

			item->key.caller = name_at(i);
			if (i != k)
				item->key.callee = name_at(k);
		}
	}
}

/* Everybody is registered and refers to everybody: which edges there are, bodies say. */
static void make_registry(struct truth *truth)
{
	struct rh_registry *registry = &truth->center->realm.registry;
	unsigned            names = truth->sim->shape.names;
	struct rh_limits    limits = { .resources = NAMES_MAX, .edges = KEYS_MAX,
	                               .instances = 1, .exceptions = 1 };
	size_t              bytes = rh_aligned(rh_registry_bytes(&limits));
	struct rh_moment    at = { .now_ms = 1 };

	truth->memory = aligned_alloc(RH_ALIGN, bytes);
	if (!truth->memory)
		abort();
	memset(truth->memory, 0, bytes);
	RH_CHECK(rh_registry_init(registry, &limits, truth->memory, bytes) == RH_OK);
	for (unsigned i = 0; i < names; i++) {
		struct rh_name references[NAMES_MAX];
		struct rh_spec spec = { .name = name_at(i), .references = references };

		for (unsigned k = 0; k < names; k++) {
			if (k != i)
				references[spec.reference_count++] = name_at(k);
		}
		RH_CHECK(rh_registry_load(registry, &spec, &at, NULL) == RH_OK);
	}
}

static void new_store(struct truth *truth)
{
	memset(truth->store, 0, sizeof truth->store);
	truth->store[0] = (unsigned char)++truth->stores;
	truth->store[15] = 0xee;
}

void truth_store_text(const unsigned char *store, char text[STORE_TEXT])
{
	for (unsigned i = 0; i < 16; i++)
		sprintf(text + 2 * i, "%02x", store[i]);
}

struct truth *truth_create(struct sim *sim)
{
	struct truth *truth = calloc(1, sizeof *truth);
	char          store[STORE_TEXT];

	if (!truth || !(truth->center = calloc(1, sizeof *truth->center)))
		abort();
	truth->sim = sim;
	the_truth = truth;
	make_items(truth);
	make_registry(truth);
	new_store(truth);
	truth_store_text(truth->store, store);
	sim_history(sim, "center", "store", store, 0, "-");
	return truth;
}

void truth_destroy(struct truth *truth)
{
	free(truth->memory);
	free(truth->center);
	free(truth);
	the_truth = NULL;
}

const struct truth_item *truth_find(const struct truth *truth,
                                    const struct rh_item_key *key)
{
	unsigned names = truth->sim->shape.names;
	unsigned caller = sim_number(&key->caller);
	unsigned callee = key->callee.len ? sim_number(&key->callee) : caller;

	RH_CHECK(caller < names && callee < names);
	return &truth->items[caller * names + callee];
}

/* ---- changes ------------------------------------------------------------ */

static void tell_change(struct truth *truth, const struct truth_item *item)
{
	static unsigned char    bytes[BODY_MAX + 200];
	struct rh_item_encoder  encoder;
	struct rh_record_writer writer;
	char                    key[RH_NAME_MAX * 2 + 8], what[17];

	rh_item_encoder_init(&encoder, truth->center);
	rh_record_begin(&writer, bytes, sizeof bytes);
	RH_CHECK(rh_item_body(&encoder, &item->key, &writer) >= 0);
	sim_key_text(&item->key, key);
	sim_what(bytes, writer.used, what);
	sim_history(truth->sim, "center", "change", key, truth->revision, what);
}

static void make_anew(struct truth *truth, struct truth_item *item)
{
	struct sim *sim = truth->sim;
	unsigned    dice = sim_below(sim, 10);

	if (dice == 0)
		return; /* the same bytes again */
	item->is_there = dice != 1;
	item->filling = sim_below(sim, sim->shape.variants);
	item->len = item->filling * 12345u % sim->shape.body_max;
	item->protocol = (uint8_t)(sim_chance(sim, sim->shape.impossible) ?
	                           NO_PROTOCOL : sim_below(sim, NO_PROTOCOL));
}

/* One item mostly; now and then many, as by a rule for everybody. */
static unsigned choose(struct truth *truth, struct truth_item **chosen)
{
	struct sim *sim = truth->sim;
	unsigned    count = sim_chance(sim, 75) ? 1 : 1 + sim_below(sim, truth->count);

	for (unsigned i = 0; i < count; i++)
		chosen[i] = &truth->items[sim_below(sim, truth->count)];
	return count;
}

/* Or somebody resumes a roll-out, and an item comes again though nothing in it changed. */
static void touch(struct truth *truth, struct rh_push *push,
                  const struct rh_item_key *key)
{
	if (!sim_chance(truth->sim, 10)) {
		rh_push_touch(push, key);
		return;
	}
	sim_counts[DID_RETELL]++;
	rh_push_retell(push, key);
}

void truth_change(struct truth *truth, struct rh_push *push)
{
	struct truth_item  before[KEYS_MAX];
	struct truth_item *chosen[KEYS_MAX];
	int                is_refused = sim_chance(truth->sim, 5);
	int                is_for_all = sim_chance(truth->sim, 2);
	unsigned           count = choose(truth, chosen);

	memcpy(before, truth->items, sizeof before);
	for (unsigned i = 0; i < count; i++) {
		/* A rule for everybody is touched as such, and is of edges. */
		if (!is_for_all)
			touch(truth, push, &chosen[i]->key);
		else if (!chosen[i]->key.callee.len)
			continue;
		make_anew(truth, chosen[i]);
	}
	if (is_for_all)
		rh_push_touch(push, NULL);
	if (is_refused) {
		memcpy(truth->items, before, sizeof before);
		rh_push_untouch(push);
		sim_counts[DID_REFUSE]++;
		return;
	}
	truth->revision++;
	sim_counts[DID_CHANGE]++;
	for (unsigned i = 0; i < truth->count; i++) {
		if (memcmp(&before[i], &truth->items[i], sizeof before[i]) != 0)
			tell_change(truth, &truth->items[i]);
	}
	rh_push_publish(push);
}

void truth_back_up(struct truth *truth)
{
	truth->has_backup = 1;
	truth->backup_revision = truth->revision;
	memcpy(truth->backup_store, truth->store, sizeof truth->store);
	memcpy(truth->backup, truth->items, sizeof truth->backup);
}

void truth_restore(struct truth *truth)
{
	char store[STORE_TEXT], from[STORE_TEXT];

	RH_CHECK(truth->has_backup);
	sim_counts[DID_RESTORE]++;
	truth->revision = truth->backup_revision;
	memcpy(truth->items, truth->backup, sizeof truth->items);
	new_store(truth);
	truth_store_text(truth->store, store);
	truth_store_text(truth->backup_store, from);
	sim_history(truth->sim, "center", "store", store, truth->revision, from);
}
