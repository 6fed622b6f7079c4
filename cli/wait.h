/* wait - until the system runs, the resource is registered and its agent listens.
 *
 * What --wait allows is an end in the struct rh_cli, and holds for every later question
 * to the center too: one that dies between two of them is awaited like one that was
 * not there yet.  Only the kernel's clock and events are looked at.
 *
 * Threads     One. */
#ifndef RH_CLI_WAIT_H
#define RH_CLI_WAIT_H

#include "cli.h"

/* At once when all is there; else up to --wait seconds.  Returns an enum rh_exit
 * and tells on err what is missing. */
int rh_wait_for(struct rh_cli *cli, const char *resource);

/* Sleeps until something may have changed; false, at once, when no time is left or
 * nothing is to be awaited. */
bool rh_wait_more(struct rh_cli *cli);

#endif
