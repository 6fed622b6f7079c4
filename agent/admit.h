/* admit - who may attach: decisions, without any action.
 *
 * A process is admitted as registered: its user stands in allow.uid and, when
 * allow.exe names executables, its executable is one of them.  A callee may also
 * be our own rhodes-worker, or the program that the resource serves with; a
 * process that serves already may also call.
 *
 * Threads  Any; there is no state. */
#ifndef RH_AGENT_ADMIT_H
#define RH_AGENT_ADMIT_H

#include "../model/error.h"

#include <stdint.h>

struct rh_home;
struct rh_peer;
struct rh_self;

/* RH_EIDENT  with the process, the resource and what is registered.
 * RH_EINVAL  no such role. */
int rh_admit_process(const struct rh_self *self, const struct rh_home *home,
                     const struct rh_peer *peer, uint32_t role, int serves_already,
                     struct rh_diag *diag);

/* A process that asks to be scheduled with the resource, before it becomes the program
 * that it is for: its user must be registered.  RH_EIDENT. */
int rh_admit_governed(const struct rh_self *self, const struct rh_home *home,
                      const struct rh_peer *peer, struct rh_diag *diag);

/* An agent speaks for a resource when it is the program that we are, run by our
 * user or by root.  RH_EIDENT */
int rh_admit_agent(const struct rh_home *home, const struct rh_peer *peer,
                   const char *resource, struct rh_diag *diag);

/* Who may trace: the user of the system, and root.  RH_EPERM */
int rh_admit_observer(const struct rh_home *home, const struct rh_peer *peer,
                      struct rh_diag *diag);

#endif
