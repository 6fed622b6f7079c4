/* hosted - the library that a worker says it loaded, and what became of the file since.
 *
 *   CURRENT --another file--> STALE --would serve--> APPROVED --restarted--> (told anew)
 *      ^                        |
 *      |                        +--would not, or may not--> REFUSED
 *      +---the former file------+----------------------------+--another file--> STALE
 *
 * Ownership   A plain value.
 * Threads     Any. */
#ifndef RH_SUPERVISE_HOSTED_H
#define RH_SUPERVISE_HOSTED_H

#include "../../base/identity.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum rh_hosted_state {
	RH_HOSTED_UNKNOWN, RH_HOSTED_CURRENT, RH_HOSTED_STALE, RH_HOSTED_APPROVED,
	RH_HOSTED_REFUSED,
};

struct rh_hosted {
	enum rh_hosted_state state;
	bool                 keeps;      /* objects that nobody can make anew     */
	bool                 is_watched;
	char                 loaded[RH_IDENTITY_MAX];
	char                 seen[RH_IDENTITY_MAX];  /* the last time it was looked at */
	char                 path[PATH_MAX];
};

/* Reads "library IDENTITY new|keep PATH" (base/ready.h); false when it is none. */
bool rh_hosted_read(struct rh_hosted *ret_hosted, const char *line, size_t len);

/* Looks at the file; true when the state changed.  One that is gone is no change:
 * another one is about to come. */
bool rh_hosted_look(struct rh_hosted *hosted);

#endif
