/* governing - a program that is started becomes one whose threads a rule orders.
 *
 * `rhodes run --sched` states the rule for the resource, as applying it would; then the
 * process makes itself known to the agent, before it becomes the program: the agent knows
 * it by its number and start, which an exec does not change, and governs it with all that
 * it starts.
 *
 * Threads     One. */
#ifndef RH_CLI_GOVERNING_H
#define RH_CLI_GOVERNING_H

#include "cli.h"

#include "../model/sched.h"

#include <stdint.h>

/* What is in force for a resource, as its agent says. */
struct rh_governing {
	bool                  is_any;
	enum rh_sched_use     use;
	enum rh_sched_carrier carrier;
};

/* Makes a rule for the resource say this, unless one does: then *ret_revision is 0.
 * carrier: NULL, what the rule says, or host.  Returns an enum rh_exit; what the center
 * refuses is told on err. */
int rh_governing_state(struct rh_cli *cli, const char *resource, const char *use,
                       const char *carrier, uint64_t *ret_revision);

/* Asks the agent that listens there what is in force, when it has that revision (0: any).
 * Nothing is, for one that does not answer or is of before. */
void rh_governing_ask(const char *agent, uint64_t revision, struct rh_governing *ret);

/* Makes this process known to the agent that listens there, as one of that carrier, when
 * the agent has that revision (0: any).  What it refuses of the rule is told on err;
 * asked is the policy that was, "" any.  Returns an enum rh_exit.  asked NULL: nobody asked,
 * nothing is told, and always RH_EXIT_OK: an agent of before knows nothing of it. */
int rh_governing_join(struct rh_cli *cli, const char *agent, const char *carrier,
                      uint64_t revision, const char *asked);

#endif
