/* error - what the codes of code.h mean, in words, and a reason beside a code.
 *
 * Nothing here allocates. */
#ifndef RH_MODEL_ERROR_H
#define RH_MODEL_ERROR_H

#include "code.h"

#define RH_DIAG_MAX 240

/* A reason for a person, beside the code.  The caller owns it; it is always
 * passed last and may be NULL; only those who know the reason fill it. */
struct rh_diag {
	int  code;
	char text[RH_DIAG_MAX];
};

/* Borrowed static text, never NULL, also for codes from a newer peer. */
const char *rh_error_text(int err);

/* The name as in errors.def ("ELAYER"), or "EUNKNOWN". */
const char *rh_error_name(int err);

/* The REST status for the code; 500 for an unknown one. */
int rh_error_status(int err);

#endif
