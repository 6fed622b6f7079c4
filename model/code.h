/* code - the codes every function returns.
 *
 * A function that can fail returns int: 0 or a count when it worked, a negative
 * RH_E code when it did not.  The numbers are wire format.  Programs that use the
 * SDK get this header with it. */
#ifndef RH_MODEL_CODE_H
#define RH_MODEL_CODE_H

enum rh_error {
	RH_OK = 0,
#define RH_ERROR(name, code, status, text) RH_##name = -(code),
#include "errors.def"
#undef RH_ERROR
};

#endif
