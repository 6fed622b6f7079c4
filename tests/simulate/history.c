#include "history_book.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 160

void *list_add(struct list *list, size_t size)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->at = realloc(list->at, list->room * size);
		if (!list->at)
			abort();
	}
	void *last = (char *)list->at + size * list->count++;
	memset(last, 0, size);
	return last;
}

/* ---- words -------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}

struct word *history_word(const struct history *history, uint32_t id)
{
	return ((struct word **)history->words.at)[id - 1];
}

static struct word *intern(struct history *history, const char *text)
{
	struct word *word = calloc(1, sizeof *word);

	if (!word || !(word->text = strdup(text)))
		abort();
	struct word **found = tsearch(word, &history->index, by_text);
	if (!found)
		abort();
	if (*found != word) {
		free(word->text);
		free(word);
		return *found;
	}
	word->id = (uint32_t)history->words.count + 1;
	*(struct word **)list_add(&history->words, sizeof(struct word *)) = word;
	return word;
}

static void add_end(struct history *history, struct word *key, int end, const char *name)
{
	struct word *word = intern(history, name);

	key->ends[end] = word->id;
	key->places[end] = (uint32_t)word->keys.count;
	*(uint32_t *)list_add(&word->keys, sizeof(uint32_t)) = key->id;
}

/* NULL: it is none. */
static struct word *intern_key(struct history *history, const char *text)
{
	char caller[WORD_MAX], callee[WORD_MAX] = "";
	char rest;

	if (sscanf(text, "resource/%159[^/]%c", caller, &rest) != 1 &&
	    sscanf(text, "edge/%159[^/]/%159[^/]%c", caller, callee, &rest) != 2)
		return NULL;
	struct word *key = intern(history, text);
	if (key->ends[0])
		return key;
	add_end(history, key, 0, caller);
	if (callee[0])
		add_end(history, key, 1, callee);
	return key;
}

/* ---- events ------------------------------------------------------------- */

static const char *const kinds[HISTORY_KINDS] = {
	"store", "change", "quiet", "start", "snapshot", "delta", "bookmark", "put",
	"result", "settled", "end",
};

static int parse_what(const char *text, struct what *what)
{
	char rest;

	*what = (struct what){ .kind = WHAT_UNKNOWN };
	if (strcmp(text, "?") == 0)
		return 0;
	what->kind = strcmp(text, "gone") == 0 ? WHAT_GONE : WHAT_BYTES;
	if (what->kind == WHAT_BYTES &&
	    (strlen(text) != 16 || sscanf(text, "%16lx%c", &what->hash, &rest) != 1))
		return -1;
	return 0;
}

static int parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return end == text || *end || errno ? -1 : 0;
}

static int parse_told(const char *text, enum told *told)
{
	static const char *const names[] = { "", "active", "staged", "rejected" };

	for (int i = TOLD_ACTIVE; i <= TOLD_REJECTED; i++) {
		if (strcmp(text, names[i]) == 0) {
			*told = (enum told)i;
			return 0;
		}
	}
	return -1;
}

/* Reads subject and detail as the kind has them. */
static int fill(struct history *history, struct event *event, const char *subject,
                const char *detail)
{
	int is_of_key = event->kind == CENTER_CHANGE || event->kind == AGENT_PUT ||
	                event->kind == AGENT_RESULT;
	int is_every = event->kind == CENTER_CHANGE && strcmp(subject, "*") == 0;

	if (is_of_key && !is_every) {
		struct word *key = intern_key(history, subject);

		if (!key)
			return -1;
		event->subject = key->id;
	} else if (!is_every && strcmp(subject, "-") != 0) {
		event->subject = intern(history, subject)->id;
	}
	switch (event->kind) {
	case CENTER_STORE:
		if (strcmp(detail, "-") != 0)
			event->parent = intern(history, detail)->id;
		return 0;
	case CENTER_CHANGE: case AGENT_PUT:
		return parse_what(detail, &event->what);
	case AGENT_DELTA: case AGENT_BOOKMARK:
		return parse_number(detail, &event->prev);
	case AGENT_RESULT:
		return parse_told(detail, &event->told);
	default:
		return strcmp(detail, "-") == 0 ? 0 : -1;
	}
}

static void serve_store(struct history *history, const struct event *event)
{
	struct word *store = history_word(history, event->subject);

	history->store = store->id;
	if (event->parent && !store->parent) {
		store->parent = event->parent;
		store->base = event->revision;
	}
	if (!event->parent && event->revision == 0)
		store->is_whole = 1;
}

/* In the order of revisions: a snapshot may tell late of an item that changed early. */
static void insert(struct list *list, const struct change *change)
{
	struct change *last = list_add(list, sizeof *last), *first = list->at;

	while (last > first && last[-1].store == change->store &&
	       last[-1].revision > change->revision) {
		*last = last[-1];
		last--;
	}
	*last = *change;
}

/* A center that begins, and a snapshot, tell of what was so before. */
static uint64_t kept_since(const struct history *history, const struct word *key,
                           const struct event *event)
{
	uint64_t    since = event->revision;
	struct what before;

	if (!history->store || event->what.kind == WHAT_UNKNOWN || event->revision == 0)
		return since;
	before = history_truth(history, history->store, key, event->revision - 1, &since);
	return before.kind == event->what.kind && before.hash == event->what.hash
	       ? since : event->revision;
}

static void note_change(struct history *history, const struct event *event)
{
	struct word *key = event->subject ? history_word(history, event->subject) : NULL;
	struct list *list = key ? &key->changes : &history->all;
	uint64_t     since = key ? kept_since(history, key, event) : event->revision;

	insert(list, &(struct change){
		.store = history->store, .revision = event->revision,
		.what = event->what, .since = since,
	});
}

int history_event(struct history *history, const char *who, const char *name,
                  const char *subject, uint64_t revision, const char *detail)
{
	struct event event = { .revision = revision };
	int          is_center = strcmp(who, "center") == 0;
	int          kind = 0;

	while (kind < HISTORY_KINDS && strcmp(name, kinds[kind]) != 0)
		kind++;
	if (kind == HISTORY_KINDS || is_center != (kind <= CENTER_QUIET))
		return -1;
	event.kind = (enum history_kind)kind;
	if (!is_center)
		event.who = intern(history, who)->id;
	if (fill(history, &event, subject, detail) < 0)
		return -1;
	if (kind == CENTER_STORE && event.subject)
		serve_store(history, &event);
	if (kind == CENTER_CHANGE)
		note_change(history, &event);
	*(struct event *)list_add(&history->events, sizeof event) = event;
	return 1;
}

int history_line(struct history *history, const char *line)
{
	static const char *const marks[] = { ": history ", "debug history " };
	char              who[WORD_MAX], name[WORD_MAX], subject[WORD_MAX];
	char              revision[WORD_MAX], detail[WORD_MAX], rest[2];
	uint64_t          number;
	const char       *at = NULL;

	/* As a process writes it, and as `rhodes up` puts it into its log. */
	for (int i = 0; i < 2 && !at; i++) {
		at = strstr(line, marks[i]);
		at = at ? at + strlen(marks[i]) : NULL;
	}
	if (!at)
		return 0;
	if (sscanf(at, "%159s %159s %159s %159s %159s %1s", who, name,
	           subject, revision, detail, rest) != 5 ||
	    parse_number(revision, &number) < 0)
		return -1;
	return history_event(history, who, name, subject, number, detail);
}

/* ---- the whole ---------------------------------------------------------- */

struct history *history_create(void)
{
	struct history *history = calloc(1, sizeof *history);

	if (!history)
		abort();
	return history;
}

static void free_word(void *text)
{
	struct word *word = text;

	free(word->keys.at);
	free(word->changes.at);
	free(word->text);
	free(word);
}

void history_destroy(struct history *history)
{
	if (!history)
		return;
	tdestroy(history->index, free_word);
	free(history->words.at);
	free(history->events.at);
	free(history->all.at);
	free(history);
}

size_t history_count(const struct history *history)
{
	return history->events.count;
}

/* The last change of the list in that store up to the revision, or NULL. */
static const struct change *last_change(const struct list *list, uint32_t store,
                                        uint64_t revision)
{
	const struct change *changes = list->at;

	for (size_t i = list->count; i-- > 0;) {
		if (changes[i].store == store && changes[i].revision <= revision)
			return &changes[i];
	}
	return NULL;
}

struct what history_truth(const struct history *history, uint32_t store,
                          const struct word *key, uint64_t revision,
                          uint64_t *ret_since)
{
	const struct word   *word = history_word(history, store);
	const struct change *own = last_change(&key->changes, store, revision);
	const struct change *all = last_change(&history->all, store, revision);

	if (own && (!all || own->revision >= all->revision)) {
		*ret_since = own->since;
		return own->what;
	}
	if (all) {
		*ret_since = all->revision;
		return all->what;
	}
	if (word->parent)
		return history_truth(history, word->parent, key,
		                     revision < word->base ? revision : word->base,
		                     ret_since);
	*ret_since = 0;
	return (struct what){ .kind = word->is_whole ? WHAT_GONE : WHAT_UNKNOWN };
}
