/* link - the supervisor's connection to the center: says hello, receives plans.
 *
 * A plan comes in parts of at most one frame each and replaces the one before it.
 *
 * Ownership   The caller owns the struct; the plan given to the callback is
 *             borrowed.
 * Threads     The loop's.
 * Limits      RH_LINK_PLAN_MAX bytes of a plan. */
#ifndef RH_SUPERVISE_LINK_H
#define RH_SUPERVISE_LINK_H

#include "poll.h"

#include "../../model/error.h"

#include <jansson.h>

#define RH_LINK_PLAN_MAX (64u << 20)

struct rh_link {
	int             fd;        /* -1 when there is no connection */
	struct rh_poll *poll;
	char           *parts;     /* of the plan that is arriving   */
	size_t          parts_len;
	void          (*on_plan)(void *user, const json_t *plan);
	void          (*on_lost)(void *user, const char *reason);
	void           *user;
};

/* Connects to path and says hello.
 * RH_ENOENT  nobody listens there; RH_EIO the rest. */
int rh_link_open(struct rh_link *link, uv_loop_t *loop, const char *path,
                 struct rh_diag *diag);

/* Also on one that is not open. */
void rh_link_close(struct rh_link *link);

/* Adds a part; 1 and the plan when it was the last one.  For tests.
 * RH_EMSGSIZE, RH_EPROTO (not JSON), RH_ENOMEM: the parts are dropped. */
int rh_link_part(struct rh_link *link, const void *bytes, size_t len, int is_last,
                 json_t **ret_plan);

#endif
