#include "chronicle.h"

#include "center.h"
#include "item.h"
#include "link_peer.h"
#include "store/store.h"

#include "../base/log.h"
#include "../model/interface.h"
#include "../model/view.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>

#define RECORD_HEAD 8u /* of the SELF or EDGE_ITEM that a body is */

static void key_text(const struct rh_item_key *key, char *text, size_t cap)
{
	if (!key)
		snprintf(text, cap, "*");
	else if (key->callee.len)
		snprintf(text, cap, "edge/%s/%s", key->caller.text, key->callee.text);
	else
		snprintf(text, cap, "resource/%s", key->caller.text);
}

/* Several revisions may be published as one; nobody ever sees those in between. */
static uint64_t published;

static const struct rh_revocations *revocations;

/* Its deadline is of this process: an agent keeps the one that it was told. */
static int is_revoking(const struct rh_item_key *key)
{
	return key && key->callee.len &&
	       rh_revocation_find(revocations, &key->caller, &key->callee) != NULL;
}

static void tell(const struct rh_item_key *key, uint64_t head, const void *body,
                 size_t bytes, enum rh_push_known known)
{
	uint64_t    revision = head > published ? published + 1 : head;
	const char *text = body;
	char        name[2 * RH_NAME_MAX + 8], what[17] = "?";

	key_text(key, name, sizeof name);
	if (known == RH_PUSH_GONE)
		snprintf(what, sizeof what, "gone");
	else if (known == RH_PUSH_BYTES && bytes > RECORD_HEAD && !is_revoking(key))
		snprintf(what, sizeof what, "%016llx",
		         (unsigned long long)rh_fnv1a(RH_FNV_SEED, text + RECORD_HEAD,
		                                      bytes - RECORD_HEAD));
	rh_debug("history center change %s %llu %s", name, (unsigned long long)revision,
	         what);
}

/* What changed and was encoded for nobody: told when it is published. */
static struct {
	struct rh_item_key *keys;
	size_t              count;
	size_t              cap;
	int                 is_all;
} missed;

static void miss(const struct rh_item_key *key)
{
	struct rh_item_key *more;
	size_t              cap = missed.cap ? missed.cap * 2 : 64;

	if (key && missed.count == missed.cap) {
		more = realloc(missed.keys, cap * sizeof *more);
		if (more) {
			missed.keys = more;
			missed.cap = cap;
		}
	}
	if (key && missed.count < missed.cap)
		missed.keys[missed.count++] = *key;
	else
		missed.is_all = 1;
}

static void on_change(const struct rh_item_key *key, uint64_t revision, const void *body,
                      size_t bytes, enum rh_push_known known)
{
	if (known == RH_PUSH_UNKNOWN)
		miss(key);
	else
		tell(key, revision, body, bytes, known);
}

void rh_chronicle_store(struct rh_store *store)
{
	struct rh_store_info info;
	char                 id[2 * sizeof info.id + 1];

	if (!rh_log_is(RH_LEVEL_DEBUG))
		return;
	rh_store_info(store, &info);
	sodium_bin2hex(id, sizeof id, info.id, sizeof info.id);
	rh_debug("history center store %s %llu -", id, (unsigned long long)info.revision);
}

/* ---- all there is ---- */

struct dump {
	struct rh_item_encoder  encoder;
	const struct rh_center *center;
};

static void tell_item(struct dump *dump, const struct rh_item_key *key)
{
	static unsigned char    bytes[RH_ITEM_BYTES_MAX];
	struct rh_record_writer body;
	int                     is_there;

	rh_record_begin(&body, bytes, sizeof bytes);
	is_there = rh_item_body(&dump->encoder, key, &body);
	if (is_there < 0)
		return;
	tell(key, dump->center->push->head, bytes, body.used,
	     is_there ? RH_PUSH_BYTES : RH_PUSH_GONE);
}

static void tell_edge(void *user, const struct rh_edge_report *report)
{
	struct dump              *dump = user;
	const struct rh_registry *registry = &dump->center->realm.registry;

	tell_item(dump, &(struct rh_item_key){
		.caller = rh_registry_get(registry, report->caller)->name,
		.callee = rh_registry_get(registry, report->callee)->name,
	});
}

static void tell_all(const struct rh_center *center)
{
	struct dump              dump = { .center = center };
	size_t                   count;
	struct rh_object *const *at = rh_catalog_after(&center->realm.catalog,
		RH_OBJECT_RESOURCE, NULL, &count);
	struct rh_id             id;

	tell(NULL, center->push->head, NULL, 0, RH_PUSH_GONE); /* but for these: */
	rh_item_encoder_init(&dump.encoder, center);
	for (size_t i = 0; i < count; i++) {
		struct rh_item_key key = { .callee = { .len = 0 } };

		if (rh_realm_find(&center->realm, at[i]->name, &id) != RH_OK)
			continue;
		key.caller = rh_registry_get(&center->realm.registry, id)->name;
		tell_item(&dump, &key);
		rh_view_row(&center->realm.registry, id, 0, tell_edge, &dump);
	}
	rh_item_encoder_fini(&dump.encoder);
}

void rh_chronicle_begin(struct rh_link *link)
{
	if (!rh_log_is(RH_LEVEL_DEBUG))
		return;
	published = link->push.head;
	revocations = &link->center->revocations;
	tell_all(link->center);
	link->push.on_change = on_change;
}

void rh_chronicle_published(struct rh_link *link)
{
	struct dump dump = { .center = link->center };

	if (!link->push.on_change)
		return;
	if (missed.is_all) {
		tell_all(link->center);
	} else {
		rh_item_encoder_init(&dump.encoder, link->center);
		for (size_t i = 0; i < missed.count; i++)
			tell_item(&dump, &missed.keys[i]);
		rh_item_encoder_fini(&dump.encoder);
	}
	missed.count = 0;
	missed.is_all = 0;
	published = link->push.head;
}
