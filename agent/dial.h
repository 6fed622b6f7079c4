/* dial - connects to other processes of the system without ever waiting.
 *
 * Errors  RH_ENOENT nobody listens there; RH_EAGAIN too many already wait there;
 *         RH_EIDENT somebody else listens there; RH_EIO. */
#ifndef RH_AGENT_DIAL_H
#define RH_AGENT_DIAL_H

#include "../model/error.h"

#include <sys/types.h>

struct rh_agent;

/* Connects to the agent of a resource, which must be a process of ours (the same
 * executable, and our user or root).  Returns the socket. */
int rh_dial_agent(struct rh_agent *agent, const char *resource,
                  struct rh_diag *diag);

/* Connects to a socket whose listener is our user or root. */
int rh_dial(const char *path, uid_t uid, struct rh_diag *diag);

#endif
