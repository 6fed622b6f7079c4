#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

int rh_diag_set(struct rh_diag *diag, int code, const char *format, ...)
{
	va_list args;

	if (!diag)
		return code;
	diag->code = code;
	va_start(args, format);
	vsnprintf(diag->text, sizeof diag->text, format, args);
	va_end(args);
	return code;
}
