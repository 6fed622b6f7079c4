/* diag - fills a caller's struct rh_diag and returns the code. */
#ifndef RH_BASE_DIAG_H
#define RH_BASE_DIAG_H

#include "../model/error.h"

/* diag may be NULL.  Always returns code. */
int rh_diag_set(struct rh_diag *diag, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
