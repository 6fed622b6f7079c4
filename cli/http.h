/* http - asks the center, over its Unix socket.
 *
 * Ownership   rh_http_close frees the connection; rh_reply_fini frees a reply.
 * Threads     One.
 * Limits      RH_HTTP_REPLY_MAX bytes of a reply; RH_HTTP_TIMEOUT_S seconds, if who asks does not say. */
#ifndef RH_CLI_HTTP_H
#define RH_CLI_HTTP_H

#include "../model/error.h"

#include <jansson.h>
#include <stddef.h>

#define RH_HTTP_REPLY_MAX (256u << 20)
#define RH_HTTP_TIMEOUT_S 120L
#define RH_HTTP_SIGNATURE 129 /* with a NUL */

struct rh_dirs;
struct rh_http;

/* json or bytes is the body; both NULL: none. */
struct rh_ask {
	const char   *method;   /* "GET"                                */
	const char   *path;     /* "/apis/v1/resources"                 */
	const json_t *json;
	const void   *bytes;
	size_t        len;
	const char   *if_match; /* an ETag, or NULL                     */
	long          seconds;  /* to wait, or 0: RH_HTTP_TIMEOUT_S     */
};

struct rh_reply {
	long    status;
	json_t *json;       /* NULL when the body is not JSON            */
	char   *body;       /* with a NUL after it                       */
	size_t  len;
	char    signature[RH_HTTP_SIGNATURE]; /* of a module, in hex; "" for none */
};

/* Makes no connection yet.
 * RH_EMSGSIZE  the path of the socket is too long.
 * RH_ENOMEM    out of memory. */
int rh_http_open(const struct rh_dirs *dirs, struct rh_http **ret_http,
                 struct rh_diag *diag);
void rh_http_close(struct rh_http *http);

/* Asks and waits.  Any status is a success here.
 * RH_EDOWN     nobody listens, or the center went away before it answered.
 * RH_EACCES    this user may not open the socket.
 * RH_EIO       it does not speak HTTP.
 * RH_EMSGSIZE  the reply is too large. */
int rh_http_ask(struct rh_http *http, const struct rh_ask *ask,
                struct rh_reply *ret_reply, struct rh_diag *diag);

void rh_reply_fini(struct rh_reply *reply);

/* Appends text to the path, percent-encoded. */
void rh_http_escape(char *path, size_t cap, const char *text);

#endif
