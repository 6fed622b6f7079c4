/* route - which handler answers which method and path.
 *
 * One table; a path ends in {name} or not.  What can be refused from the head of
 * a request alone (path, method, query, rights, size, type) is refused here.
 *
 * Threads  Any; no state. */
#ifndef RH_CENTER_API_ROUTE_H
#define RH_CENTER_API_ROUTE_H

#include "request.h"

typedef void rh_handler(struct rh_center *center, struct rh_request *request);

enum {
	RH_ROUTE_WRITE = 1 << 0,  /* changes something: writers only, own turn   */
	RH_ROUTE_JSON  = 1 << 1,  /* has a JSON body                             */
	RH_ROUTE_BYTES = 1 << 2,  /* has a body of bytes                         */
	RH_ROUTE_OFTEN = 1 << 3,  /* comes each second: logged when it fails     */
};

struct rh_route {
	enum rh_method      method;
	const char         *path;      /* "/apis/v1/resources/{name}"           */
	rh_handler         *handler;
	enum rh_object_kind kind;      /* of the path, or RH_OBJECT_KINDS       */
	unsigned            flags;
	const char         *queries;   /* " limit continue ", known parameters  */
};

/* Sets request->route and name.  method is "GET", "HEAD", ...
 * RH_ENOENT (404), RH_ENOSYS (405; *ret_allow is filled), RH_EINVAL. */
int rh_route_find(struct rh_request *request, const char *method, const char *path,
                  char ret_allow[48], struct rh_problem *problem);

/* Checks rights, query and content type.  RH_EPERM, RH_EINVAL (also 415). */
int rh_route_check(const struct rh_request *request, struct rh_problem *problem);

/* The largest body the route takes, 0 for none. */
size_t rh_route_body_max(const struct rh_route *route);

/* Walks the table: for tests against the OpenAPI file.  NULL at the end. */
const struct rh_route *rh_route_at(size_t i);
const char            *rh_route_method_text(enum rh_method method);

#endif
