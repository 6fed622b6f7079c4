/* push_tracing - listens to the center and to agents while rules are subscribed to and
 * published, and prints each step (push_page.h).
 *
 * The center tells its steps on link.sock, each agent its own on its socket.  An agent
 * that comes later, or again, is found when the center tells that it subscribes; its own
 * first steps are over by then.  A center that goes away is waited for.
 *
 * Ownership   The caller destroys it.
 * Threads     One; run blocks.
 * Limits      RH_PUSH_AGENTS_MAX agents are heard. */
#ifndef RH_CLI_PUSH_TRACING_H
#define RH_CLI_PUSH_TRACING_H

#include "../model/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define RH_PUSH_AGENTS_MAX 64u

struct rh_dirs;
struct rh_push_tracing;

/* only: the one subscriber to hear of, or NULL; borrowed. */
struct rh_push_tracing *rh_push_tracing_create(const struct rh_dirs *dirs,
                                               const char *only);
void rh_push_tracing_destroy(struct rh_push_tracing *tracing);

/* Listens to the center.
 * RH_EDOWN    it is not there.
 * RH_EACCES   this user does not govern the system. */
int rh_push_tracing_start(struct rh_push_tracing *tracing, struct rh_diag *diag);

/* Listens to the agent of a resource too, if it runs and lets us. */
void rh_push_tracing_add(struct rh_push_tracing *tracing, const char *resource);

/* Prints steps until there were count (0: no end), or Ctrl-C, or nobody reads.
 * RH_EACCES, RH_ENOSPC  the center does not want us. */
int rh_push_tracing_run(struct rh_push_tracing *tracing, uint32_t count, FILE *out,
                        bool has_color, struct rh_diag *diag);

#endif
