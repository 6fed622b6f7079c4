/* watch - a watcher as the body of an HTTP answer that does not end.
 *
 * The answer's bytes are asked for by the HTTP library when the client can take some;
 * without any the connection is suspended, and resumed when the watcher wakes or a
 * bookmark is due.  A client that has gone is noticed at the next bookmark.
 *
 * Ownership   The answer owns the watcher.
 * Threads     One, the loop's. */
#ifndef RH_CENTER_API_WATCH_H
#define RH_CENTER_API_WATCH_H

#include <microhttpd.h>

struct rh_center;
struct rh_http;
struct rh_watcher;

/* Queues the answer and takes the watcher, also on failure. */
enum MHD_Result rh_watch_answer(struct rh_http *http, struct MHD_Connection *connection,
                                struct rh_watcher *watcher);

/* Lets those go on who were told nothing for RH_WATCH_BEAT_MS. */
void rh_watch_beat(struct rh_center *center);

#endif
