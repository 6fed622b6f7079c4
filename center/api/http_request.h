/* http_request - a request while the HTTP library reads it.
 *
 *   READING --whole--> WAITING (suspended, in the turn) --run--> READY --> ANSWERED
 *      +------------ refused by its head or size -----------------^
 *
 * Used by http.c.
 *
 * Ownership   destroy frees it with body and reply.
 * Threads     One. */
#ifndef RH_CENTER_API_HTTP_REQUEST_H
#define RH_CENTER_API_HTTP_REQUEST_H

#include "route.h"

#include <microhttpd.h>

enum rh_http_state {
	RH_HTTP_READING, RH_HTTP_WAITING, RH_HTTP_READY, RH_HTTP_ANSWERED
};

struct rh_http_request {
	struct rh_request       request;
	struct MHD_Connection  *connection;
	struct rh_http_request *next;       /* in the turn                      */
	enum rh_http_state      state;
	int                     is_overfull;  /* too many query parameters      */
	int                     is_too_large;
	int                     has_body;
	size_t                  content_length;
	size_t                  body_max;
	size_t                  body_cap;
	size_t                  discarded;
	const char             *host;
	const char             *authorization;
};

/* Takes what is needed out of the head.  NULL when there is no memory. */
struct rh_http_request *rh_http_request_create(struct MHD_Connection *connection,
                                               const char *path);
void rh_http_request_destroy(struct rh_http_request *own);

/* Adds to the body; what is too much is dropped and remembered.
 * RH_EPROTO  the client goes on sending: cut it off. */
int rh_http_request_append(struct rh_http_request *own, const char *bytes,
                           size_t len);

#endif
