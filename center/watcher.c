#include "watcher.h"

#include "center.h"
#include "conditions.h"
#include "store/store.h"

#include "../base/clock.h"
#include "../model/check.h"
#include "../model/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

static void append(struct rh_watcher *watcher, const char *bytes, size_t len)
{
	if (watcher->len + len > watcher->cap) {
		size_t cap = (watcher->len + len) * 2;
		char  *more = realloc(watcher->bytes, cap);

		if (!more) { /* a stream with a hole would lie */
			watcher->is_ended = 1;
			return;
		}
		watcher->bytes = more;
		watcher->cap = cap;
	}
	memcpy(watcher->bytes + watcher->len, bytes, len);
	watcher->len += len;
}

static void append_text(struct rh_watcher *watcher, const char *text)
{
	append(watcher, text, strlen(text));
}

/* revision 0: the line is none that a client could resume from. */
static void say(struct rh_watcher *watcher, const char *line, uint64_t revision)
{
	char id[48];

	watcher->said_ns = rh_clock_ns();
	if (watcher->is_sse) {
		if (revision) {
			snprintf(id, sizeof id, "id: %llu\n", (unsigned long long)revision);
			append_text(watcher, id);
		}
		append_text(watcher, "data: ");
	}
	append_text(watcher, line);
	append_text(watcher, watcher->is_sse ? "\n\n" : "\n");
}

/* json is stolen. */
static void say_json(struct rh_watcher *watcher, json_t *json, uint64_t revision)
{
	char *line = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(12));

	json_decref(json);
	if (line)
		say(watcher, line, revision);
	else
		watcher->is_ended = 1;
	free(line);
}

static void say_end(struct rh_watcher *watcher, int status, const char *detail)
{
	if (watcher->is_ended)
		return;
	say_json(watcher, json_pack("{s:s, s:i, s:s, s:I}", "type", "error",
		"status", status, "detail", detail, "revision",
		(json_int_t)rh_center_revision(watcher->center)), 0);
	watcher->is_ended = 1;
}

/* ---- changes ---- */

struct batch {
	struct rh_watcher *watcher;
	unsigned           count;
	uint64_t           revision;
};

static json_t *object_of(const struct rh_watcher *watcher, enum rh_object_kind kind,
                         const struct rh_store_record *record, const char *name)
{
	struct rh_center       *center = watcher->center;
	const struct rh_object *object = record->value
		? rh_catalog_find(&center->realm.catalog, kind, name) : NULL;

	if (object)
		return rh_object_json(object, center->store_id,
		                      rh_conditions(center, object));
	return json_pack("{s:s, s:{s:s}}", "kind", rh_object_kind_text(kind), "metadata",
	                 "name", name);
}

/* A batch ends between revisions, never in one. */
static int on_change(void *user, const struct rh_store_record *record)
{
	struct batch       *batch = user;
	struct rh_watcher  *watcher = batch->watcher;
	enum rh_object_kind kind;
	const char         *name = rh_object_key_parse(record->key, &kind);

	if (batch->count >= RH_WATCH_BATCH && record->revision != batch->revision)
		return 1;
	batch->revision = record->revision;
	if (!name || !(watcher->kinds & 1u << kind) ||
	    (watcher->name[0] && strcmp(watcher->name, name) != 0))
		return 0;
	batch->count++;
	say_json(watcher, json_pack("{s:s, s:I, s:o}", "type",
		record->value ? "put" : "delete", "revision",
		(json_int_t)record->revision, "object",
		object_of(watcher, kind, record, name)), record->revision);
	return 0;
}

/* Deletions of what it was told may be forgotten. */
static int is_stale(const struct rh_watcher *watcher)
{
	struct rh_store_info info;

	rh_store_info(watcher->center->store, &info);
	return watcher->revision < info.compacted && watcher->unseen < info.compacted;
}

static void fill_changes(struct rh_watcher *watcher)
{
	struct batch batch = { .watcher = watcher, .revision = watcher->revision };
	uint64_t     head = rh_center_revision(watcher->center);

	if (watcher->revision >= head)
		return;
	int r = is_stale(watcher) ? RH_ESTALE
	      : rh_store_kept(watcher->center->store, watcher->revision, SIZE_MAX,
	                      on_change, &batch);
	if (r == RH_ESTALE)
		say_end(watcher, 410, "what changed since that revision is no longer "
		        "known: get the list, then watch from its revision");
	else if (r < 0)
		say_end(watcher, 500, "the store cannot be read");
	else
		watcher->revision = r == 1 ? batch.revision : head;
}

/* ---- news ---- */

static void fill_news(struct rh_watcher *watcher)
{
	const struct rh_news *news = &watcher->center->news;
	uint64_t              next = rh_news_next(news);

	if (next - watcher->news > RH_NEWS_MAX) {
		uint64_t first = next - RH_NEWS_MAX;

		say_json(watcher, json_pack("{s:s, s:I}", "type", "missed", "count",
			(json_int_t)(first - watcher->news)), 0);
		watcher->news = first;
	}
	for (unsigned i = 0; i < RH_WATCH_BATCH && watcher->news < next; i++) {
		const struct rh_news_line *line = rh_news_line(news, watcher->news++);

		if (line && watcher->kinds & 1u << line->kind &&
		    (!watcher->name[0] || strcmp(watcher->name, line->name) == 0))
			say(watcher, line->text, 0);
	}
}

size_t rh_watcher_fill(struct rh_watcher *watcher, int is_due)
{
	if (watcher->len > 0 || watcher->is_ended || watcher->center->staged)
		return watcher->len;
	fill_changes(watcher);
	if (!watcher->is_ended)
		fill_news(watcher);
	if (watcher->len == 0 && is_due)
		say_json(watcher, json_pack("{s:s, s:I}", "type", "bookmark", "revision",
			(json_int_t)watcher->revision), watcher->revision);
	return watcher->len;
}

void rh_watcher_take(struct rh_watcher *watcher, size_t len)
{
	RH_CHECK(len <= watcher->len);
	watcher->len -= len;
	memmove(watcher->bytes, watcher->bytes + len, watcher->len);
}

/* ---- the set ---- */

/* They may not keep out who governs. */
static int has_room(const struct rh_watchers *watchers, int is_stranger)
{
	unsigned strangers = 0;

	for (unsigned i = 0; i < watchers->count; i++)
		strangers += watchers->at[i]->is_stranger != 0;
	return watchers->count < RH_WATCHERS_MAX &&
	       (!is_stranger || strangers < RH_WATCHING_STRANGERS);
}

int rh_watcher_create(struct rh_center *center, unsigned kinds, uint64_t revision,
                      int is_stranger, struct rh_watcher **ret_watcher)
{
	struct rh_watchers *watchers = &center->watchers;
	struct rh_watcher  *watcher;

	if (!has_room(watchers, is_stranger))
		return RH_ENOSPC;
	watcher = calloc(1, sizeof *watcher);
	if (!watcher)
		return RH_ENOMEM;
	watcher->center = center;
	watcher->kinds = kinds;
	watcher->is_stranger = is_stranger;
	watcher->revision = revision;
	if (revision == 0) {
		struct rh_store_info info;

		rh_store_info(center->store, &info);
		watcher->unseen = info.compacted;
	}
	watcher->news = rh_news_next(&center->news);
	watcher->index = watchers->count;
	watchers->at[watchers->count++] = watcher;
	*ret_watcher = watcher;
	return RH_OK;
}

void rh_watcher_destroy(struct rh_watcher *watcher)
{
	struct rh_watchers *watchers;

	if (!watcher)
		return;
	watchers = &watcher->center->watchers;
	watchers->at[watcher->index] = watchers->at[--watchers->count];
	watchers->at[watcher->index]->index = watcher->index;
	free(watcher->bytes);
	free(watcher);
}

void rh_watchers_wake(struct rh_watchers *watchers)
{
	for (unsigned i = 0; i < watchers->count; i++) {
		if (watchers->at[i]->wake)
			watchers->at[i]->wake(watchers->at[i]);
	}
}

void rh_watchers_end(struct rh_watchers *watchers)
{
	for (unsigned i = 0; i < watchers->count; i++)
		say_end(watchers->at[i], 503, "the center is stopping");
	rh_watchers_wake(watchers);
}
