/* retell - what is unchanged, but was rejected, and is sent once more.
 *
 * An agent is not sent an item twice.  Who gave an agent what it lacked says so by
 * applying again what is there already: that is the change that the item has been
 * waiting for.  What was rejected is looked for first and sent when the change is staged,
 * so that a change which is refused sends nothing.
 *
 * Ownership   rh_retell_fini ends one in any case.
 * Threads     One.
 * Limits      RH_RETELL_NAMES_MAX agents are named, the others counted. */
#ifndef RH_CENTER_RETELL_H
#define RH_CENTER_RETELL_H

#include "../model/delta.h"

#include <jansson.h>
#include <stddef.h>

#define RH_RETELL_NAMES_MAX 64u

struct rh_center;
struct rh_object;

struct rh_retell {
	struct rh_item_key *keys;
	size_t              count;
	size_t              cap;
};

void rh_retell_fini(struct rh_retell *retell);

/* Adds the items of a rule or a resource that some agent rejected.  *ret_agents is
 * {"total": agents, "agents": [name...]}, or NULL: nobody did.  RH_ENOMEM. */
int rh_retell_find(struct rh_retell *retell, const struct rh_center *center,
                   const struct rh_object *object, json_t **ret_agents);

/* Sends them with the change that is staged now. */
void rh_retell_send(const struct rh_retell *retell, struct rh_center *center);

#endif
