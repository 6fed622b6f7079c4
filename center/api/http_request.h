/* http_request - a request while the HTTP library reads it.
 *
 *   READING --whole--> WAITING (suspended, in the turn) --run--> READY --> ANSWERED
 *      |                       ^                       |                      ^
 *      |                       +-- unpark -- PARKED <--+                      |
 *      +-- refused by its head or size --> REFUSED --whole--------------------+
 *
 * A parked request waits, suspended, for something that the center has others do, and
 * is run again when that ended.
 *
 * A refused request is read to its end, within a limit, because a client that is
 * still sending would see a broken pipe instead of the answer.
 *
 * Used by http.c; who the client is, is http_client.c's.
 *
 * Ownership   destroy frees it with body and reply.
 * Threads     One. */
#ifndef RH_CENTER_API_HTTP_REQUEST_H
#define RH_CENTER_API_HTTP_REQUEST_H

#include "route.h"

#include <microhttpd.h>

enum rh_http_state {
	RH_HTTP_READING, RH_HTTP_REFUSED, RH_HTTP_WAITING, RH_HTTP_PARKED,
	RH_HTTP_READY, RH_HTTP_ANSWERED
};

struct rh_http_request {
	struct rh_request       request;
	struct MHD_Connection  *connection;
	struct rh_http_request *next;       /* in the turn                      */
	enum rh_http_state      state;
	int                     is_overfull;  /* too many query parameters      */
	int                     is_polite;    /* waits for 100 Continue           */
	size_t                  content_length;
	size_t                  body_max;
	size_t                  body_cap;
	size_t                  discarded;
	size_t                  reply_bytes;  /* being sent                     */
	const char             *host;
	const char             *authorization;
};

/* Takes what is needed out of the head.  NULL when there is no memory. */
struct rh_http_request *rh_http_request_create(struct MHD_Connection *connection,
                                               const char *path);
void rh_http_request_destroy(struct rh_http_request *own);

/* Adds to the body.  RH_EMSGSIZE  it is too large.  RH_ENOMEM. */
int rh_http_request_append(struct rh_http_request *own, const char *bytes,
                           size_t len);

/* Who is at the other end of a connection: by SO_PEERCRED, or over TCP the center's
 * own user. */
void rh_http_identify(struct rh_client *client, int fd, int is_tcp);

/* RH_EACCES  the Host header is not this server's, or (401) the token is missing. */
int rh_http_check_tcp(const struct rh_http_request *own, const char *token,
                      unsigned port, struct rh_problem *problem);

#endif
