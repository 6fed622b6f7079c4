/* mark - the last revision that was acknowledged, beside the store: a store that is
 * behind it was put back from a backup.
 *
 * It is written after the store and not synced, so a crash of the machine leaves it
 * behind the store, never ahead of it.  Without one (a full disk, a deleted file)
 * everything works, but a backup is taken for what it was.
 *
 * Ownership   The user opens and closes it.
 * Threads     One. */
#ifndef RH_CENTER_STORE_MARK_H
#define RH_CENTER_STORE_MARK_H

#include "store.h"

struct rh_mark {
	int fd; /* -1: there is none */
};

/* The file dir/store.mark, made when there is none. */
void rh_mark_open(struct rh_mark *mark, const char *dir);
void rh_mark_close(struct rh_mark *mark);

/* The revision that the store of that id had at least; 0 when nothing is known. */
uint64_t rh_mark_read(const struct rh_mark *mark, const unsigned char *id);

void rh_mark_put(const struct rh_mark *mark, const unsigned char *id,
                 uint64_t revision);

#endif
