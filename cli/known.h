/* known - what the supervisor was last told of resources and interfaces, so that what it
 * starts again finds its way while the center is away.
 *
 * The file <run>/plan.json is the plan in force, written whole at each change and taken
 * away when the system ends.  It is only believed while a supervisor runs: a system that
 * is down stays down.  Who may call whom is not decided by it; the agents do that, from
 * caches of their own.
 *
 * Ownership   As noted per function.
 * Threads     One. */
#ifndef RH_CLI_KNOWN_H
#define RH_CLI_KNOWN_H

#include "cli.h"

#include <jansson.h>

/* The object "resources" or "interfaces" NAME: from the center, or as it was last known
 * when the center is away, which is told on err.  *ret_json is the caller's, and NULL
 * when there is no such object.
 * RH_EDOWN and what else rh_client_try returns, with diag; an answer that is neither the
 * object nor "not found" is RH_OK with its status in *ret_status. */
int rh_known_find(struct rh_cli *cli, const char *kind, const char *name,
                  json_t **ret_json, long *ret_status, struct rh_diag *diag);

/* The same for verbs: one that must be there.  Tells on err and returns an enum
 * rh_exit. */
int rh_known_get(struct rh_cli *cli, const char *kind, const char *name,
                 json_t **ret_json);

/* For the supervisor: the plan that is followed from now on; NULL takes it away.
 * RH_EIO with the reason. */
int rh_known_save(const struct rh_dirs *dirs, const json_t *plan, struct rh_diag *diag);

#endif
