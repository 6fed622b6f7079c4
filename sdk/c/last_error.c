/* last_error - why the calling thread's last call failed. */
#include "rhodes.h"
#include "session.h"

#include <stdarg.h>
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))
#define TLS    static _Thread_local __attribute__((tls_model("initial-exec")))

TLS struct rh_diag last;
TLS int            last_ran;

int rh_fail(int code, const char *format, ...)
{
	va_list args;

	last.code = code;
	va_start(args, format);
	vsnprintf(last.text, sizeof last.text, format, args);
	va_end(args);
	return code;
}

void rh_set_ran(int may_have_run)
{
	last_ran = may_have_run;
}

EXPORT const char *rh_last_error(void)
{
	return last.code == 0 ? "no error" : last.text;
}

EXPORT int rh_last_code(void)
{
	return last.code;
}

EXPORT int rh_last_ran(void)
{
	return last_ran;
}
