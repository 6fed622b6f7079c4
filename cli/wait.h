/* wait - until the system runs, the resource is registered and its agent listens. */
#ifndef RH_CLI_WAIT_H
#define RH_CLI_WAIT_H

#include "cli.h"

/* At once when all is there; else up to --wait seconds.  Returns an enum rh_exit
 * and tells on err what is missing. */
int rh_wait_for(struct rh_cli *cli, const char *resource);

#endif
