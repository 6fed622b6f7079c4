/* What a thread says about its own scheduling, and what it is called by: its number is
 * that of its home thread. */
#include "clock.h"
#include "evict.h"
#include "real.h"
#include "seat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>

#define WHY_TIMER    "a timer of the kernel is bound to it"

/* Of whom a call speaks: 0 is the caller. */
static struct rh_fiber *spoken_of(pid_t tid)
{
	struct rh_fiber *fiber = tid ? rh_fiber_of_tid(tid) : rh_fiber_current();

	return fiber && fiber->governed ? fiber : NULL;
}

static pid_t number_of(pid_t tid)
{
	struct rh_fiber *fiber = rh_fiber_current();

	return tid == 0 && fiber ? atomic_load(&fiber->tid) : tid;
}

static void send_home(struct rh_fiber *fiber, const char *reason)
{
	if (fiber && fiber == rh_fiber_current())
		rh_evict_self(reason);
	else if (fiber)
		rh_evict(fiber, reason);
}

RH_INTERPOSED int sched_yield(void)
{
	struct rh_fiber *fiber = rh_fiber_current();

	if (!fiber)
		return rh_real_get()->sched_yield();
	rh_fiber_leave(RH_LEAVE_YIELD, NULL);
	return 0;
}

RH_INTERPOSED pid_t gettid(void)
{
	struct rh_fiber *fiber = rh_fiber_current();

	return fiber ? atomic_load(&fiber->tid) : rh_sys_tid();
}

RH_INTERPOSED int sched_getcpu(void)
{
	unsigned cpu = 0;
	long result = rh_sys4(SYS_getcpu, (long)&cpu, 0, 0, 0);

	return result ? -1 : (int)cpu;
}

RH_INTERPOSED int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	int result = rh_real_get()->sched_setaffinity(number_of(tid), size, set);

	if (!result)
		send_home(spoken_of(tid), RH_EVICT_AFFINITY);
	return result;
}

RH_INTERPOSED int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	return rh_real_get()->sched_getaffinity(number_of(tid), size, set);
}

RH_INTERPOSED int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
	int result = rh_real_get()->pthread_setaffinity_np(thread, size, set);
	struct rh_fiber *fiber = rh_fiber_of(thread);

	if (!result && fiber && fiber->governed)
		send_home(fiber, RH_EVICT_AFFINITY);
	return result;
}

static bool is_kernel_class(int class)
{
	return class != SCHED_OTHER && class != SCHED_BATCH && class != SCHED_IDLE;
}

RH_INTERPOSED int sched_setscheduler(pid_t tid, int class, const struct sched_param *param)
{
	int result = rh_real_get()->sched_setscheduler(number_of(tid), class, param);

	if (result >= 0 && is_kernel_class(class & ~SCHED_RESET_ON_FORK))
		send_home(spoken_of(tid), RH_EVICT_CLASS);
	return result;
}

RH_INTERPOSED int sched_getscheduler(pid_t tid)
{
	return rh_real_get()->sched_getscheduler(number_of(tid));
}

RH_INTERPOSED int sched_setparam(pid_t tid, const struct sched_param *param)
{
	return rh_real_get()->sched_setparam(number_of(tid), param);
}

RH_INTERPOSED int sched_getparam(pid_t tid, struct sched_param *param)
{
	return rh_real_get()->sched_getparam(number_of(tid), param);
}

RH_INTERPOSED int pthread_setschedparam(pthread_t thread, int class,
					const struct sched_param *param)
{
	int result = rh_real_get()->pthread_setschedparam(thread, class, param);
	struct rh_fiber *fiber = rh_fiber_of(thread);

	if (!result && is_kernel_class(class) && fiber && fiber->governed)
		send_home(fiber, RH_EVICT_CLASS);
	return result;
}

/* The kernel judges whether it is allowed; the weight is the rule's. */
static void have_nice(pid_t tid)
{
	struct rh_fiber *fiber = spoken_of(tid);
	int saved = errno, value;

	if (!fiber)
		return;
	value = rh_real.getpriority(PRIO_PROCESS, (id_t)atomic_load(&fiber->tid));
	atomic_store(&fiber->nice, value);
	atomic_store(&fiber->changed, true);
	errno = saved;
}

RH_INTERPOSED int setpriority(__priority_which_t which, id_t who, int value)
{
	const struct rh_real *real = rh_real_get();
	int result;

	if (which != PRIO_PROCESS)
		return real->setpriority(which, who, value);
	result = real->setpriority(which, (id_t)number_of((pid_t)who), value);
	if (!result)
		have_nice((pid_t)who);
	return result;
}

RH_INTERPOSED int getpriority(__priority_which_t which, id_t who)
{
	if (which == PRIO_PROCESS)
		who = (id_t)number_of((pid_t)who);
	return rh_real_get()->getpriority(which, who);
}

RH_INTERPOSED int nice(int more)
{
	struct rh_fiber *fiber = rh_fiber_current();
	int value;

	if (!fiber)
		return rh_real_get()->nice(more);
	errno = 0;
	value = getpriority(PRIO_PROCESS, 0);
	if (value == -1 && errno)
		return -1;
	if (setpriority(PRIO_PROCESS, 0, value + more)) {
		errno = EPERM;
		return -1;
	}
	return getpriority(PRIO_PROCESS, 0);
}

RH_INTERPOSED int timer_create(clockid_t clock, struct sigevent *restrict event,
			       timer_t *restrict ret_timer)
{
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		rh_evict_self(WHY_TIMER);
	else if (event && event->sigev_notify == SIGEV_THREAD_ID)
		send_home(spoken_of(event->_sigev_un._tid), WHY_TIMER);
	return rh_real_get()->timer_create(clock, event, ret_timer);
}

/* The fiber of a clock that counts one thread's processor time, or NULL. */
static struct rh_fiber *counted_by(clockid_t clock)
{
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return rh_fiber_current();
	if (clock >= 0 || (clock & 7) != 6)
		return NULL;
	return spoken_of((pid_t)~((unsigned)(clock >> 3)));
}

/* A fiber's processor time is what carriers gave it. */
RH_INTERPOSED int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	const struct rh_real *real = rh_real_get();
	struct rh_fiber *fiber;
	uint64_t ran;

	if (__builtin_expect(clock >= 0 && clock != CLOCK_THREAD_CPUTIME_ID, 1) ||
	    !(fiber = counted_by(clock)))
		return real->clock_gettime(clock, ret_time);
	ran = atomic_load(&fiber->stats->run_ns);
	if (atomic_load(&fiber->stats->state) == RH_THREAD_RUNNING)
		ran += rh_clock() - atomic_load(&fiber->stats->since);
	*ret_time = rh_sys_time(ran);
	return 0;
}

/* ---- what the kernel keeps by thread ---- */

/* The name is the home thread's. */
static int name_thread(const char *name, char *ret_name)
{
	struct rh_fiber *fiber = rh_fiber_current();
	char path[] = "/proc/self/task/0000000000/comm", *at = path + sizeof "/proc/self/task/" - 1;
	unsigned tid = (unsigned)atomic_load(&fiber->tid), power = 1000000000;
	long fd, done;

	for (; power; power /= 10)
		*at++ = (char)('0' + tid / power % 10);
	for (at = path + sizeof "/proc/self/task/" - 1; *at == '0';)
		memmove(at, at + 1, strlen(at));
	fd = rh_sys4(SYS_openat, AT_FDCWD, (long)path, name ? O_WRONLY : O_RDONLY, 0);
	if (fd < 0)
		return (int)fd;
	if (name) {
		strncpy(fiber->name, name, sizeof fiber->name - 1);
		done = rh_sys4(SYS_write, fd, (long)name, (long)strnlen(name, 15), 0);
	} else {
		done = rh_sys4(SYS_read, fd, (long)ret_name, 16, 0);
	}
	rh_sys4(SYS_close, fd, 0, 0, 0);
	if (!name && done > 0)
		ret_name[done - 1] = 0;
	return done < 0 ? (int)done : 0;
}

static int name_other(pthread_t thread, const char *name)
{
	int result = rh_real_get()->pthread_setname_np(thread, name);
	struct rh_fiber *fiber = result ? NULL : rh_fiber_of(thread);

	if (fiber)
		strncpy(fiber->name, name, sizeof fiber->name - 1);
	return result;
}

RH_INTERPOSED int pthread_setname_np(pthread_t thread, const char *name)
{
	if (!rh_fiber_current() || !pthread_equal(thread, pthread_self()))
		return name_other(thread, name);
	return strlen(name) > 15 ? ERANGE : -name_thread(name, NULL);
}

RH_INTERPOSED int pthread_getname_np(pthread_t thread, char *ret_name, size_t size)
{
	char name[16] = "";
	int result;

	if (!rh_fiber_current() || !pthread_equal(thread, pthread_self()))
		return rh_real_get()->pthread_getname_np(thread, ret_name, size);
	if (size < sizeof name)
		return ERANGE;
	result = -name_thread(NULL, name);
	if (!result)
		memcpy(ret_name, name, sizeof name);
	return result;
}

RH_INTERPOSED int prctl(int what, ...)
{
	const struct rh_real *real = rh_real_get();
	unsigned long given[4];
	va_list list;
	int result;

	va_start(list, what);
	for (int i = 0; i < 4; i++)
		given[i] = va_arg(list, unsigned long);
	va_end(list);
	if (rh_fiber_current() && (what == PR_SET_NAME || what == PR_GET_NAME)) {
		result = what == PR_SET_NAME ? name_thread((const char *)given[0], NULL) :
					       name_thread(NULL, (char *)given[0]);
		if (result)
			errno = -result;
		return result ? -1 : 0;
	}
	if (what != PR_SET_DUMPABLE && what != PR_GET_DUMPABLE && what != PR_SET_VMA &&
	    what != PR_SET_PTRACER && what != PR_SET_CHILD_SUBREAPER)
		rh_evict_self("it asks prctl for something of its kernel thread");
	return real->prctl(what, given[0], given[1], given[2], given[3]);
}

RH_INTERPOSED int unshare(int flags)
{
	rh_evict_self("it leaves what threads share");
	return rh_real_get()->unshare(flags);
}

RH_INTERPOSED int setns(int fd, int kind)
{
	rh_evict_self("it leaves what threads share");
	return rh_real_get()->setns(fd, kind);
}

RH_INTERPOSED int getrusage(__rusage_who_t who, struct rusage *ret_usage)
{
	struct rh_fiber *fiber = rh_fiber_current();
	int result = rh_real_get()->getrusage(who, ret_usage);

	if (!result && fiber && who == (__rusage_who_t)RUSAGE_THREAD) {
		struct timespec ran = {0};

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
		ret_usage->ru_utime = (struct timeval){ran.tv_sec, ran.tv_nsec / 1000};
		ret_usage->ru_stime = (struct timeval){0};
	}
	return result;
}
