/* What the kernel keeps for one kernel thread: who changes it is one from then on. */
#include "evict.h"
#include "real.h"

#include <stdarg.h>
#include <sys/fsuid.h>
#include <sys/personality.h>

/* The C library has it, and no header of its own. */
int capset(void *header, const void *data);

RH_INTERPOSED int capset(void *header, const void *data)
{
	rh_evict_self(RH_EVICT_RIGHTS);
	return (int)rh_real_answer(rh_sys4(SYS_capset, (long)header, (long)data, 0, 0));
}

RH_INTERPOSED int setfsuid(uid_t id)
{
	rh_evict_self(RH_EVICT_RIGHTS);
	return (int)rh_sys4(SYS_setfsuid, (long)id, 0, 0, 0);
}

RH_INTERPOSED int setfsgid(gid_t id)
{
	rh_evict_self(RH_EVICT_RIGHTS);
	return (int)rh_sys4(SYS_setfsgid, (long)id, 0, 0, 0);
}

RH_INTERPOSED int personality(unsigned long kind)
{
	rh_evict_self(RH_EVICT_KEPT);
	return (int)rh_real_answer(rh_sys4(SYS_personality, (long)kind, 0, 0, 0));
}

/* Whom it traces obeys one kernel thread. */
RH_INTERPOSED long ptrace(enum __ptrace_request what, ...)
{
	va_list list;
	pid_t pid;
	void *at, *data;

	va_start(list, what);
	pid = va_arg(list, pid_t);
	at = va_arg(list, void *);
	data = va_arg(list, void *);
	va_end(list);
	rh_evict_self("it traces another process");
	return rh_real_get()->ptrace(what, pid, at, data);
}
