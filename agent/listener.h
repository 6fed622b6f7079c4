/* listener - the agent's socket, and visitors: connections whose first frame has
 * not decided yet what they are.
 *
 * Before the first view nobody is judged: visitors wait, unread, until it comes.
 *
 * Ownership   The agent's; visitors are freed when they become something else, are
 *             refused, or hang up.
 * Threads     The loop's.
 * Limits      RH_VISITORS_MAX visitors at once, RH_VISITORS_PER_UID of a user, so
 *             that nobody keeps others out; RH_VISITOR_MS for the first frame,
 *             counted from the first view. */
#ifndef RH_AGENT_LISTENER_H
#define RH_AGENT_LISTENER_H

#include "../model/error.h"

#include <stdint.h>

#define RH_VISITORS_MAX 512u
#define RH_VISITORS_PER_UID 256u
#define RH_VISITOR_MS   5000u

struct rh_agent;

/* Listens; the socket file is there, and answers, when this returns. */
int rh_listener_open(struct rh_agent *agent, struct rh_diag *diag);

/* A view has come: lets waiting visitors speak. */
void rh_listener_admit(struct rh_agent *agent);

/* Sends away who said nothing in time. */
void rh_listener_expire(struct rh_agent *agent, uint64_t now);

/* Stops listening and takes the socket file away. */
void rh_listener_close(struct rh_agent *agent);

/* The same, and closes what it has of the loop; leave.h. */
void rh_listener_leave(struct rh_agent *agent);
void rh_listener_free(struct rh_agent *agent);

#endif
