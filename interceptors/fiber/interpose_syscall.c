/* System calls that a program makes by number, past the C library's names. */
#include "evict.h"
#include "futex.h"
#include "real.h"
#include "waitqueue.h"

#include <errno.h>
#include <stdarg.h>

static long answer(int error)
{
	if (!error)
		return 0;
	errno = error;
	return -1;
}

/* Of the calls that are about one kernel thread, those that have a name here. */
static bool served(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_gettid:
		*ret = gettid();
		return true;
	case SYS_tgkill:
		*ret = tgkill((pid_t)a[0], (pid_t)a[1], (int)a[2]);
		return true;
	case SYS_tkill:
		*ret = tgkill(getpid(), (pid_t)a[0], (int)a[1]);
		return true;
	case SYS_execve:
		*ret = execve((const char *)a[0], (char *const *)a[1], (char *const *)a[2]);
		return true;
	case SYS_execveat:
		*ret = execveat((int)a[0], (const char *)a[1], (char *const *)a[2],
				(char *const *)a[3], (int)a[4]);
		return true;
	case SYS_sched_yield:
		*ret = sched_yield();
		return true;
	case SYS_nanosleep:
		*ret = nanosleep((const struct timespec *)a[0], (struct timespec *)a[1]);
		return true;
	case SYS_clock_nanosleep:
		*ret = answer(clock_nanosleep((clockid_t)a[0], (int)a[1],
					      (const struct timespec *)a[2],
					      (struct timespec *)a[3]));
		return true;
	default:
		return false;
	}
}

/* Those that change, or ask for, what the kernel has by thread. */
static const char *reason(long number)
{
	switch (number) {
	case SYS_sched_setaffinity:
	case SYS_sched_getaffinity:
	case SYS_sched_setscheduler:
	case SYS_sched_setattr:
	case SYS_sched_setparam:
	case SYS_setpriority:
	case SYS_ioprio_set:
		return "it schedules itself by a system call of its own";
	case SYS_rt_sigprocmask:
	case SYS_sigaltstack:
	case SYS_rt_sigtimedwait:
	case SYS_rt_sigsuspend:
		return "it sets signals by a system call of its own";
	case SYS_rseq:
	case SYS_set_robust_list:
	case SYS_arch_prctl:
	case SYS_set_tid_address:
		return "it registers its storage with the kernel";
	case SYS_prctl:
	case SYS_seccomp:
	case SYS_capset:
	case SYS_unshare:
	case SYS_setns:
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_setgroups:
	case SYS_landlock_restrict_self:
		return RH_EVICT_RIGHTS;
	case SYS_personality:
	case SYS_ptrace:
	case SYS_set_mempolicy:
		return RH_EVICT_KEPT;
	default:
		return NULL;
	}
}

RH_INTERPOSED long syscall(long number, ...)
{
	long a[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (rh_fiber_current()) {
		if (served(number, a, &result))
			return result;
		if (reason(number))
			rh_evict_self(reason(number));
	} else if (number == SYS_tgkill && a[0] == getpid()) {
		return tgkill((pid_t)a[0], (pid_t)a[1], (int)a[2]);
	}
	result = number == SYS_futex ?
			 rh_futex(a) :
			 rh_sys6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}
