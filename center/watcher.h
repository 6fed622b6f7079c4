/* watcher - somebody who follows the changes of objects, and the news, as a stream of
 * lines.
 *
 *   {"type": "put",      "revision", "object"}         made or changed
 *   {"type": "delete",   "revision", "object"}         kind and metadata.name only
 *   {"type": "bookmark", "revision"}                    all up to here was told
 *   {"type": "missed",   "count"}                       news that were too many
 *   {"type": "error",    ... as a problem}              the last line: 410, begin anew
 *   any other type: a line of the news (news.h)
 *
 * A watcher has no queue: a cursor in the store and one in the news, and the bytes of
 * one batch.  So one that does not read costs a batch; when the store has compacted
 * what it still needs, it is told and ended.
 *
 * One that begins from revision 0 is told all there is; what was deleted before it
 * began, and is forgotten, it need not know.
 *
 * Several changes of one object that it has not read yet are told as one, the latest.
 *
 * Ownership   A watcher is its HTTP request's; the set borrows them.
 * Threads     One.
 * Limits      RH_WATCHERS_MAX, RH_WATCHING_STRANGERS, RH_WATCH_BATCH. */
#ifndef RH_CENTER_WATCHER_H
#define RH_CENTER_WATCHER_H

#include "limits.h"
#include "object.h"

#include <stddef.h>
#include <stdint.h>

struct rh_center;
struct rh_watcher;

typedef void rh_watcher_wake(struct rh_watcher *watcher);

struct rh_watcher {
	struct rh_center *center;
	unsigned          kinds;        /* bits by enum rh_object_kind          */
	int               is_sse;       /* server-sent events, else lines       */
	int               is_stranger;  /* may not write                        */
	int               is_ended;     /* nothing comes after what is in bytes */
	uint64_t          revision;     /* all up to it was told                */
	uint64_t          unseen;       /* what was deleted up to there it never
	                                   heard of: it began from nothing      */
	uint64_t          news;         /* number of the next line              */
	uint64_t          said_ns;      /* when something was told              */
	char              name[RH_OBJECT_NAME_MAX + 1]; /* "": every name       */
	char             *bytes;
	size_t            len;
	size_t            cap;
	rh_watcher_wake  *wake;         /* set by who waits for it; may be NULL */
	void             *connection;   /* of who waits                         */
	void             *server;       /* ... and what must run for it         */
	unsigned          index;        /* in the set                           */
};

struct rh_watchers {
	struct rh_watcher *at[RH_WATCHERS_MAX];
	unsigned           count;
};

/* Adds a watcher of everything above revision (0: from nothing), and of the news from
 * now on.
 * RH_ENOSPC  there are RH_WATCHERS_MAX, or RH_WATCHING_STRANGERS.  RH_ENOMEM. */
int rh_watcher_create(struct rh_center *center, unsigned kinds, uint64_t revision,
                      int is_stranger, struct rh_watcher **ret_watcher);
void rh_watcher_destroy(struct rh_watcher *watcher); /* NULL is accepted */

/* Appends what is new to bytes; a bookmark when is_due.  Nothing while a turn is open.
 * Returns how many bytes there are. */
size_t rh_watcher_fill(struct rh_watcher *watcher, int is_due);

/* The first len bytes were taken. */
void rh_watcher_take(struct rh_watcher *watcher, size_t len);

/* Something is new: calls wake of everybody who waits. */
void rh_watchers_wake(struct rh_watchers *watchers);

/* The center stops: each gets its last line. */
void rh_watchers_end(struct rh_watchers *watchers);

#endif
