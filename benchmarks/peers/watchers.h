/* watchers - many who wait for a change, and when each of them had it: what a user could
 * take instead of an agent's rules.
 *
 * A kind is a way to be told.  The watchers are spread over processes; each notes the
 * time at which it had read a change, in memory shared with the one who makes it.
 *
 * Threads     One a process.
 * Errors      As in the harness: say why and end. */
#ifndef BENCH_WATCHERS_H
#define BENCH_WATCHERS_H

#include <stdint.h>

#define WATCHED_BYTES 230 /* about an edge's item of Rhodes */

struct watch_kind {
	const char *name;

	/* In the one who changes, before anybody watches. */
	void (*prepare)(const char *target);

	/* In a process of watchers: a descriptor that gets readable. */
	int (*open)(const char *target, unsigned watcher);

	/* The newest number that can be read there now; 0: none. */
	uint64_t (*take)(int fd, unsigned watcher);

	/* Makes a change; returns when it is durable. */
	void (*change)(const char *target, uint64_t number);
};

extern const struct watch_kind watch_file, watch_etcd;

/* The number, padded to WATCHED_BYTES and ended by NUL. */
void watched_text(char text[WATCHED_BYTES + 1], uint64_t number);

#endif
