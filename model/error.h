/* error - the codes every function returns.
 *
 * A function that can fail returns int: 0 or a count when it worked, a negative
 * RH_E code when it did not.  The numbers are wire format.  Nothing here
 * allocates. */
#ifndef RH_MODEL_ERROR_H
#define RH_MODEL_ERROR_H

enum rh_error {
	RH_OK = 0,
#define RH_ERROR(name, code, status, text) RH_##name = -(code),
#include "errors.def"
#undef RH_ERROR
};

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
