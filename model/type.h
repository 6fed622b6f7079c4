/* type - the four kinds of resource, and where an instance may be placed.
 *
 * The resources of each type form the sets A, S, D and H of the papers.  The
 * numbers are stored and sent: never renumber.
 *
 * Threads  Any; there is no state. */
#ifndef RH_MODEL_TYPE_H
#define RH_MODEL_TYPE_H

#include <stddef.h>

enum rh_type {
	RH_TYPE_APPLICATION,
	RH_TYPE_SERVICE,
	RH_TYPE_DRIVER,
	RH_TYPE_HARDWARE,
	RH_TYPES            /* the count; also "no type": not registered */
};

enum rh_privilege {
	RH_PRIVILEGE_USER,   /* the default */
	RH_PRIVILEGE_KERNEL,
	RH_PRIVILEGES
};

/* The type with that name ("driver"), text needs no NUL.
 * RH_EINVAL  no type has that name. */
int rh_type_parse(const char *text, size_t len);

/* "application", ...; "unregistered" for any other number.  Static text. */
const char *rh_type_text(int type);

/* 'A', 'S', 'D' or 'H': the set of the type; '?' for any other number. */
char rh_type_set(int type);

/* The privilege with that name ("user", "kernel"), text needs no NUL.
 * RH_EINVAL  no privilege has that name. */
int rh_privilege_parse(const char *text, size_t len);

/* "user" or "kernel"; "unknown" for any other number.  Static text. */
const char *rh_privilege_text(int privilege);

#endif
