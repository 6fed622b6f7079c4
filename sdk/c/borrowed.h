/* borrowed - texts and bytes that calls returned, and that the program does not free.
 *
 * One stays as it is until the same thread calls that function again: of an object, on that
 * object.  Threads may share an object.  What a thread was given of an object outlives the
 * thread, for others may have it by now, up to RH_BORROWED_LEFT of each function.
 *
 * Ownership   An object has a list, NULL at first; a thread's own is here.
 * Threads     Any. */
#ifndef RH_SDK_BORROWED_H
#define RH_SDK_BORROWED_H

#include "../../model/interface.h"

/* Of one function of one object, given to threads that have ended: beyond it the oldest
 * one is used again. */
#define RH_BORROWED_LEFT 64u

struct rh_borrowed;

/* A copy of the bytes.  list: an object's, or NULL for what belongs to none.  NULL without
 * memory. */
void *rh_borrowed_keep(struct rh_borrowed **list, const struct rh_function *function,
                       const void *bytes, size_t len);

/* The object is gone. */
void rh_borrowed_free(struct rh_borrowed *list);

#endif
