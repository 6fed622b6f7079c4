/* last_error - why the calling thread's last call failed. */
#include "kept.h"
#include "rhodes.h"
#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define TLS    static _Thread_local __attribute__((tls_model("initial-exec")))

TLS struct rh_diag last;
TLS int            last_ran;
TLS int            is_long; /* the whole of it is kept */

int rh_fail(int code, const char *format, ...)
{
	va_list args;

	is_long = 0;
	last.code = code;
	va_start(args, format);
	vsnprintf(last.text, sizeof last.text, format, args);
	va_end(args);
	return code;
}

int rh_fail_long(int code, char *text)
{
	rh_fail(code, "%s", text);
	is_long = strlen(text) >= sizeof last.text;
	rh_kept_put(RH_KEPT_ERROR, text);
	return code;
}

void rh_set_ran(int may_have_run)
{
	last_ran = may_have_run;
}

EXPORT const char *rh_last_error(void)
{
	const char *all = is_long ? rh_kept_get(RH_KEPT_ERROR) : NULL;

	return last.code == 0 ? "no error" : all ? all : last.text;
}

EXPORT int rh_last_code(void)
{
	return last.code;
}

EXPORT int rh_last_ran(void)
{
	return last_ran;
}
