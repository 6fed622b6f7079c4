/* request - one HTTP request, taken out of the HTTP library, and its reply.
 *
 * Handlers read the request and set the reply; they know nothing of sockets.
 *
 * Ownership   http.c makes and frees requests; a reply owns what was put in.
 * Threads     One. */
#ifndef RH_CENTER_API_REQUEST_H
#define RH_CENTER_API_REQUEST_H

#include "../audit.h"
#include "../problem.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define RH_PATH_MAX   256u
#define RH_HEADER_MAX 160u

struct rh_center;
struct rh_route;
struct rh_watcher;

enum rh_method { RH_METHOD_GET, RH_METHOD_PUT, RH_METHOD_POST, RH_METHOD_DELETE,
                 RH_METHODS };

struct rh_query {
	const char *key;
	const char *value;
};

struct rh_reply {
	int         status;
	char       *body;          /* malloc'ed                                 */
	size_t      body_bytes;
	const char *content_type;  /* static                                    */
	uint64_t    etag;          /* 0: none                                   */
	char        allow[48];     /* of a 405                                  */
	char        signature[160];
	char        public_key[80];
	char        range[80];     /* Content-Range                             */
};

struct rh_request {
	const struct rh_route *route;
	enum rh_method         method;
	const char            *path;       /* borrowed from the HTTP library    */
	char                   name[RH_OBJECT_NAME_MAX + 1]; /* of {name}       */
	struct rh_query        query[RH_QUERY_MAX];
	unsigned               query_count;
	char                   if_match[RH_HEADER_MAX];
	char                   if_none_match[RH_HEADER_MAX];
	char                   content_type[RH_HEADER_MAX];
	char                   accept[RH_HEADER_MAX];
	char                   last_event_id[RH_HEADER_MAX];
	char                   range[RH_HEADER_MAX];
	const struct rh_client *client;
	char                  *body;
	size_t                 body_bytes;
	struct rh_reply        reply;
	struct rh_watcher     *watcher;    /* the reply is its stream           */
	int                    is_parked;  /* run the handler again, later      */
};

/* The value of a query parameter, or NULL. */
const char *rh_request_query(const struct rh_request *request, const char *key);

/* A number in a query parameter; absent: *ret_number is untouched.
 * RH_EINVAL  not a number from 1 to max; the problem says so. */
int rh_request_number(const struct rh_request *request, const char *key,
                      uint64_t max, uint64_t *ret_number,
                      struct rh_problem *problem);

/* true or 1, false or 0; absent is false.  RH_EINVAL. */
int rh_request_flag(const struct rh_request *request, const char *key,
                    int *ret_flag, struct rh_problem *problem);

/* The revision in an ETag list of one ("\"7\""); RH_EINVAL. */
int rh_request_etag(const char *header, uint64_t *ret_revision);

/* The part of len bytes that a Range header asks for, all of them when it is one that
 * is not understood: 1 when it is a part.  RH_EINVAL  it begins behind the end. */
int rh_request_range(const char *header, size_t len, size_t *ret_from,
                     size_t *ret_count);

/* Each forgets what the reply held.  json is stolen. */
void rh_reply_json(struct rh_reply *reply, int status, json_t *json);
void rh_reply_problem(struct rh_reply *reply, const struct rh_problem *problem);
void rh_reply_bytes(struct rh_reply *reply, int status, const char *content_type,
                    const void *bytes, size_t len);
void rh_reply_fini(struct rh_reply *reply);

#endif
