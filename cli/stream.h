/* stream - an answer of the center that is read as it comes, and may never end.
 *
 * Begun with a path; rh_stream_wait lets bytes come, rh_stream_line gives them a line
 * at a time.  An answer that is no stream (a list, a refusal) is read the same way: when
 * it is over, its body is what no line was taken of.
 *
 * Ownership   The caller destroys it; a line is borrowed until the next call.
 * Threads     One; only rh_stream_wait blocks.
 * Limits      RH_STREAM_BYTES_MAX bytes that nobody took. */
#ifndef RH_CLI_STREAM_H
#define RH_CLI_STREAM_H

#include "../model/error.h"

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define RH_STREAM_BYTES_MAX (64u << 20)
#define RH_STREAM_WATCH_MAX 4u

struct rh_dirs;
struct rh_stream;

/* Makes no connection yet.
 * RH_EMSGSIZE  the path of the socket is too long.
 * RH_ENOMEM    out of memory. */
int rh_stream_create(const struct rh_dirs *dirs, struct rh_stream **ret_stream,
                     struct rh_diag *diag);
void rh_stream_destroy(struct rh_stream *stream);

/* Asks for a path; what was asked before is dropped.  RH_ENOMEM. */
int rh_stream_begin(struct rh_stream *stream, const char *path);

/* Waits until bytes came, the answer is over, one of the watched is ready (its revents
 * say), or the time is up; -1: no end.  Returns how many of the watched are ready. */
int rh_stream_wait(struct rh_stream *stream, struct pollfd *watched, size_t count,
                   int timeout_ms);

/* The next whole line without its end, or NULL when none is there yet. */
char *rh_stream_line(struct rh_stream *stream);

/* The status of the answer; 0 before it came. */
long rh_stream_status(const struct rh_stream *stream);

/* Nothing more comes.  *ret_error is RH_OK when the answer ended as it should, else
 * RH_EDOWN (nobody listens, or it went away), RH_EACCES, RH_EMSGSIZE or RH_EIO. */
bool rh_stream_is_over(const struct rh_stream *stream, int *ret_error);

/* What no line was taken of as JSON, a new reference, or NULL when it is none. */
json_t *rh_stream_json(const struct rh_stream *stream);

#endif
