/* listing - where RHODES_INTERFACES says that interfaces are.
 *
 * The variable holds <resource>=<interface>=<path of the shadow library>, with colons
 * between, references first; a set-user-id program does not read it.
 *
 * Ownership   The caller's memory.
 * Threads     Any. */
#ifndef RH_SDK_LISTING_H
#define RH_SDK_LISTING_H

#include "../../model/limits.h"

#include <limits.h>

/* One entry. */
struct rh_listing {
	char resource[RH_NAME_MAX + 1];
	char interface[RH_NAME_MAX + 1];
	char path[PATH_MAX];
};

/* The variable; NULL without it. */
const char *rh_listing_text(void);

/* Reads the entry at *at and moves on; 0 at the end or where it makes no sense. */
int rh_listing_next(const char **at, struct rh_listing *ret_listing);

/* The entry of that resource.  RH_ENOENT. */
int rh_listing_find(const char *resource, struct rh_listing *ret_listing);

#endif
