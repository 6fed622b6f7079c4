/* view - what a program of a resource is to find in front of the real libraries.
 *
 * For every reference of the resource whose interface is registered: its shadow
 * library, from the cache.  A reference that the hierarchy refuses has one too, so
 * that the call fails with the rule's name instead of running in process.  The tables of
 * these interfaces, and of the resource's own, are named for runtimes of languages.
 *
 * Ownership   rh_view_fini frees the texts. */
#ifndef RH_CLI_VIEW_H
#define RH_CLI_VIEW_H

#include "cli.h"

#include <jansson.h>

struct rh_view {
	json_t *resource;      /* as the center has it, or had it (known.h)       */
	char   *library_path;  /* LD_LIBRARY_PATH, with what stood there before   */
	char   *interfaces;    /* RHODES_INTERFACES: see sdk/c/language.c         */
	char    agent[RH_SOCKET_PATH_MAX + 1];
};

/* Asks the center and fetches what is missing.  Returns an enum rh_exit; tells on
 * err, also what is not in front and why. */
int rh_view_init(struct rh_cli *cli, const char *resource, struct rh_view *ret_view);
void rh_view_fini(struct rh_view *view);

/* Sets RHODES_AGENT, RHODES_RESOURCE, RHODES_SYSTEM, RHODES_INTERFACES and
 * LD_LIBRARY_PATH here. */
void rh_view_enter(const struct rh_cli *cli, const struct rh_view *view,
                   const char *resource);

#endif
