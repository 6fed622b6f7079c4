/* kept - texts of the calling thread that are as long as they need, and end with it.
 *
 * Ownership   As noted.
 * Threads     Each has its own. */
#ifndef RH_SDK_KEPT_H
#define RH_SDK_KEPT_H

enum rh_kept {
	RH_KEPT_DIFFERENCE, /* of two interfaces                              */
	RH_KEPT_ERROR,      /* of a call, when RH_DIAG_MAX is too short for it */
	RH_KEPT_COUNT
};

/* Takes over text, which is of malloc; the one before is freed. */
void rh_kept_put(enum rh_kept kept, char *text);

/* Borrowed until the thread's next rh_kept_put; NULL without one. */
const char *rh_kept_get(enum rh_kept kept);

#endif
