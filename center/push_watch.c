#include "push.h"

#include "center.h"

#include "../base/diag.h"
#include "../model/check.h"
#include "../model/error.h"
#include "../wire/frame.h"

#include <stdio.h>
#include <string.h>

#define RESOURCE "resource/"
#define OUT      "out/"
#define IN       "in/"

/* ---- coming and going ---- */

int rh_push_join(struct rh_push *push, struct rh_subscriber *subscriber,
                 const struct rh_name *resource)
{
	for (uint32_t id = 0; id < RH_LINK_PEERS_MAX; id++) {
		if (push->subscribers[id])
			continue;
		*subscriber = (struct rh_subscriber){ .id = id };
		rh_feed_init(&subscriber->feed, resource);
		push->subscribers[id] = subscriber; /* U1 */
		return RH_OK;
	}
	return RH_ENOSPC;
}

static void stop_waiting(struct rh_push *push, struct rh_subscriber *subscriber)
{
	struct rh_subscriber **at = &push->waiting;

	while (*at && *at != subscriber)
		at = &(*at)->next;
	if (*at) {
		*at = subscriber->next;
		if (!*at)
			push->waiting_last = at;
	}
	subscriber->is_waiting = 0;
}

void rh_push_leave(struct rh_push *push, struct rh_subscriber *subscriber)
{
	RH_CHECK(push->subscribers[subscriber->id] == subscriber); /* U1 */
	rh_push_give_up(push, subscriber);
	stop_waiting(push, subscriber);
	rh_watch_remove_all(&push->watches, subscriber->id);
	rh_results_fini(&subscriber->results);
	push->subscribers[subscriber->id] = NULL;
}

/* ---- who watches ---- */

static void found(void *user, uint32_t id)
{
	struct rh_push *push = user;

	RH_CHECK(push->found_count < sizeof push->found / sizeof push->found[0]);
	push->found[push->found_count++] = id;
}

/* Writes what the item is called for watches of that end. */
static size_t name_item(const struct rh_item_key *key, int is_of_caller,
                        char name[RH_WATCH_NAME_MAX + 1])
{
	const char *caller = key->caller.text, *callee = key->callee.text;
	size_t      cap = RH_WATCH_NAME_MAX + 1;

	if (!key->callee.len)
		snprintf(name, cap, RESOURCE "%s", caller);
	else if (is_of_caller)
		snprintf(name, cap, OUT "%s/%s", caller, callee);
	else
		snprintf(name, cap, IN "%s/%s", callee, caller);
	return strlen(name);
}

unsigned rh_push_find(struct rh_push *push, const struct rh_item_key *key)
{
	char name[RH_WATCH_NAME_MAX + 1];

	push->found_count = 0;
	rh_watch_match(&push->watches, name, name_item(key, 1, name), found, push);
	if (key->callee.len)
		rh_watch_match(&push->watches, name, name_item(key, 0, name), found, push);
	return push->found_count;
}

int rh_push_watches(const struct rh_push *push, const struct rh_subscriber *subscriber,
                    const struct rh_item_key *key)
{
	const struct rh_name *own = &subscriber->feed.resource;
	char                  name[RH_WATCH_NAME_MAX + 1];
	int                   is_caller = rh_name_equal(own, &key->caller);

	if (!rh_item_concerns(key, own))
		return 0;
	return rh_watch_has(&push->watches, subscriber->id, name,
	                    name_item(key, is_caller, name));
}

/* Nothing was noted: as of the last revision at which it may have changed.  (What was
 * touched and undone may have noted a revision to come.) */
static uint64_t missed_revision(const struct rh_push *push,
                                const struct rh_item_key *key)
{
	uint64_t at = rh_missed_revision(&push->missed, &key->caller);
	uint64_t other = key->callee.len ? rh_missed_revision(&push->missed, &key->callee)
	                                 : 0;

	if (at < other)
		at = other;
	return at < push->head ? at : push->head;
}

uint64_t rh_push_item_revision(const struct rh_push *push,
                               const struct rh_item_key *key)
{
	uint64_t noted = rh_published_revision(&push->published, key);

	return noted ? noted : missed_revision(push, key);
}

int rh_push_is_latest(const struct rh_push *push, const struct rh_subscriber *subscriber,
                      const struct rh_item_key *key, uint64_t settled)
{
	uint64_t now = rh_push_item_revision(push, key);
	uint64_t sent = subscriber->target ? subscriber->target : subscriber->feed.sent;

	/* A change was told to all who watch; a guess for somebody's snapshot only to him. */
	return settled >= now || now > sent ||
	       (settled >= subscriber->whole &&
	        !rh_published_is_exact(&push->published, key));
}

uint64_t rh_push_note(struct rh_push *push, const struct rh_item_key *key,
                      const void *body, size_t body_bytes)
{
	uint64_t revision = missed_revision(push, key);

	if (rh_published_note(&push->published, key, body, body_bytes, revision))
		rh_published_guess(&push->published, key);
	else
		revision = rh_published_revision(&push->published, key);
	if (push->on_change)
		push->on_change(key, revision, body, body_bytes, RH_PUSH_BYTES);
	return revision;
}

/* ---- subscribing ---- */

/* Is it a watch on something of that resource?  0 no prefix at all, negative: of
 * another one. */
static int judge_prefix(const char *prefix, const struct rh_name *own)
{
	static const char *const roots[] = { OUT, IN };
	size_t                   len = own->len;

	if (strncmp(prefix, RESOURCE, strlen(RESOURCE)) == 0)
		return strcmp(prefix + strlen(RESOURCE), own->text) == 0 ? 1 : RH_EIDENT;
	for (unsigned i = 0; i < 2; i++) {
		const char *rest = prefix + strlen(roots[i]);

		if (strncmp(prefix, roots[i], strlen(roots[i])) != 0)
			continue;
		if (strncmp(rest, own->text, len) != 0 || rest[len] != '/')
			return RH_EIDENT;
		rest += len + 1;
		return *rest == '\0' || rh_name_check(rest, strlen(rest)) == RH_OK;
	}
	return 0;
}

static int add_watch(struct rh_push *push, const struct rh_subscriber *subscriber,
                     const struct rh_record *record, struct rh_diag *diag)
{
	const struct rh_name *own = &subscriber->feed.resource;
	char                  prefix[RH_WATCH_NAME_MAX + 1];
	int err = rh_record_copy_text(record, prefix, sizeof prefix);

	if (err)
		return rh_diag_set(diag, RH_EPROTO, "a prefix is longer than %u bytes",
		                   RH_WATCH_NAME_MAX);
	err = judge_prefix(prefix, own);
	if (err < 0)
		return rh_diag_set(diag, err, "the agent of %s may not watch \"%s\", only "
			"resource/%s, out/%s/ and in/%s/", own->text, prefix, own->text,
			own->text, own->text);
	if (err == 0)
		return rh_diag_set(diag, RH_EPROTO, "\"%s\" is nothing that can be watched",
		                   prefix);
	err = rh_watch_add(&push->watches, subscriber->id, prefix, strlen(prefix));
	return err == RH_EEXIST ? RH_OK : err;
}

static int add_watches(struct rh_push *push, const struct rh_subscriber *subscriber,
                       const struct rh_record_reader *prefixes, struct rh_diag *diag)
{
	struct rh_record_reader reader = *prefixes;
	struct rh_record        record;
	unsigned                count = 0;
	int                     more, err = RH_OK;

	reader.at = 0;
	while (!err && (more = rh_record_next(&reader, &record)) > 0) {
		if (record.tag != RH_TAG_PREFIX)
			continue;
		if (++count > RH_WATCHES_MAX)
			return rh_diag_set(diag, RH_ENOSPC, "more than %u prefixes",
			                   RH_WATCHES_MAX);
		err = add_watch(push, subscriber, &record, diag);
	}
	if (!err && more < 0)
		err = rh_diag_set(diag, RH_EPROTO, "SUBSCRIBE is cut off");
	if (!err && count == 0)
		err = rh_diag_set(diag, RH_EPROTO, "SUBSCRIBE names no prefix");
	return err;
}

int rh_push_subscribe(struct rh_push *push, struct rh_subscriber *subscriber,
                      const struct rh_record_reader *prefixes,
                      const struct rh_feed_ask *ask, struct rh_diag *diag)
{
	struct rh_feed_ask known = *ask;

	rh_watch_remove_all(&push->watches, subscriber->id);
	int err = add_watches(push, subscriber, prefixes, diag);
	if (err)
		return err;
	known.head = push->head;
	known.missed = rh_missed_revision(&push->missed, &subscriber->feed.resource);
	rh_push_give_up(push, subscriber);
	subscriber->target = 0;
	rh_feed_subscribe(&subscriber->feed, &push->ring, &known);
	return RH_OK;
}
