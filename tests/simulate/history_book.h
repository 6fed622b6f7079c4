/* history_book - names, keys and changes of a history; for history*.c only. */
#ifndef RH_TESTS_HISTORY_BOOK_H
#define RH_TESTS_HISTORY_BOOK_H

#include "history.h"

enum history_kind { CENTER_STORE, CENTER_CHANGE, CENTER_QUIET, AGENT_START,
                    AGENT_SNAPSHOT, AGENT_DELTA, AGENT_BOOKMARK, AGENT_PUT,
                    AGENT_RESULT, AGENT_SETTLED, AGENT_END, HISTORY_KINDS };

enum what_kind { WHAT_UNKNOWN, WHAT_GONE, WHAT_BYTES };

struct what {
	enum what_kind kind;
	uint64_t       hash;     /* of WHAT_BYTES */
};

enum told { TOLD_NOTHING, TOLD_ACTIVE, TOLD_STAGED, TOLD_REJECTED };

struct event {
	enum history_kind kind;
	uint32_t          who;      /* name; of the center 0              */
	uint32_t          subject;  /* store (0: none) or key             */
	uint64_t          revision;
	uint64_t          prev;
	uint32_t          parent;   /* store; 0: none                     */
	struct what       what;
	enum told         told;
};

struct change {
	uint32_t    store;
	uint64_t    revision;
	struct what what;
	uint64_t    since;       /* it has been so; revision, or an earlier one  */
};

struct list {
	void  *at;
	size_t count;
	size_t room;
};

/* NULL when there is no memory: the caller aborts, it is a test. */
void *list_add(struct list *list, size_t size);

/* A word, interned: a name, a store or a key. */
struct word {
	uint32_t    id;          /* 1 ... */
	char       *text;
	struct list keys;        /* of a name: uint32_t, those that concern it  */
	uint32_t    ends[2];     /* of a key: names; the second 0: a resource   */
	uint32_t    places[2];   /* ... its place in the keys of that name      */
	struct list changes;     /* of a key: struct change, in order           */
	uint32_t    parent;      /* of a store: restored from it (0: none)      */
	uint64_t    base;        /* ... as of that revision                     */
	int         is_whole;    /* ... all its changes are known               */
};

struct history {
	void       *index;       /* tsearch, by text             */
	struct list words;       /* struct word *, by id - 1     */
	struct list events;      /* struct event                 */
	struct list all;         /* struct change: of every item */
	uint32_t    store;       /* the center's                 */
};

struct word *history_word(const struct history *history, uint32_t id);

/* What the store held of the key at that revision, and since when (0: it began so). */
struct what history_truth(const struct history *history, uint32_t store,
                          const struct word *key, uint64_t revision,
                          uint64_t *ret_since);

#endif
