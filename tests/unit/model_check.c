#include "model_check.h"

#include "../../model/check.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf back;
static int     is_awaited;

_Noreturn void rh_check_failed(const char *text, const char *file, int line)
{
	if (is_awaited)
		longjmp(back, 1);
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, text);
	abort();
}

int check_stops(void (*act)(void *user), void *user)
{
	volatile int stopped = 1;

	is_awaited = 1;
	if (setjmp(back) == 0) {
		act(user);
		stopped = 0;
	}
	is_awaited = 0;
	return stopped;
}
