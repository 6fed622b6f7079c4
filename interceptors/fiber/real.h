/* real - the C library's own functions, past those that this runtime puts before them.
 *
 * Threads     Filled once, before main or at the first use; read by any. */
#ifndef RH_FIBER_REAL_H
#define RH_FIBER_REAL_H

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#define RH_REAL_FUNCTIONS(F) \
	F(pthread_create) F(pthread_join) F(pthread_tryjoin_np) F(pthread_timedjoin_np) \
	F(pthread_clockjoin_np) F(pthread_detach) F(pthread_cancel) F(pthread_kill) F(raise) \
	F(pthread_sigqueue) F(pthread_setcanceltype) F(pthread_testcancel) \
	F(pthread_setaffinity_np) F(pthread_setschedparam) F(pthread_setschedprio) \
	F(pthread_setname_np) F(pthread_getcpuclockid) \
	F(pthread_mutex_lock) F(pthread_mutex_trylock) F(pthread_mutex_unlock) \
	F(pthread_mutex_timedlock) F(pthread_mutex_clocklock) \
	F(pthread_cond_wait) F(pthread_cond_timedwait) F(pthread_cond_clockwait) \
	F(pthread_cond_signal) F(pthread_cond_broadcast) \
	F(pthread_rwlock_rdlock) F(pthread_rwlock_wrlock) F(pthread_rwlock_tryrdlock) \
	F(pthread_rwlock_trywrlock) F(pthread_rwlock_timedrdlock) \
	F(pthread_rwlock_timedwrlock) F(pthread_rwlock_clockrdlock) \
	F(pthread_rwlock_clockwrlock) F(pthread_rwlock_unlock) \
	F(pthread_barrier_wait) F(pthread_barrier_destroy) \
	F(sem_wait) F(sem_trywait) F(sem_timedwait) F(sem_clockwait) F(sem_post) \
	F(sched_yield) F(sched_setaffinity) F(sched_getaffinity) F(sched_setscheduler) \
	F(sched_getscheduler) F(sched_setparam) F(sched_getparam) F(getrusage) \
	F(read) F(write) F(recvfrom) F(sendto) F(close) F(dup2) F(dup3) \
	F(accept) F(accept4) F(connect) F(recvmsg) F(sendmsg) F(readv) F(writev) F(flock) \
	F(execv) F(execve) F(execvp) F(execvpe) F(fexecve) F(execveat) \
	F(fsync) F(fdatasync) F(waitpid) F(wait4) F(waitid) \
	F(prctl) F(unshare) F(setns) F(pthread_getname_np) \
	F(setpriority) F(getpriority) F(nice) \
	F(nanosleep) F(clock_nanosleep) F(clock_gettime) F(timer_create) F(timer_settime) \
	F(timer_delete) F(sigaction) F(pthread_sigmask) F(sigprocmask) F(sigaltstack) \
	F(sigwait) F(sigwaitinfo) F(sigtimedwait) F(sigsuspend) F(sigpending) F(pause) \
	F(poll) F(ppoll) F(select) F(pselect) F(epoll_wait) F(epoll_pwait) \
	F(semop) F(semtimedop) F(msgrcv) F(msgsnd) F(tgkill) F(dlopen) F(dlmopen) F(dlclose) F(dl_iterate_phdr) \
	F(syscall) F(ptrace) \
	F(setuid) F(setgid) F(setreuid) F(setregid) F(setresuid) F(setresgid) F(seteuid) \
	F(setegid) F(setgroups)
/* clang-format on */

struct rh_real {
	void (*pthread_exit)(void *value);
	void (*siglongjmp)(sigjmp_buf at, int value);
#define RH_REAL_FIELD(name) __typeof__(&name) name;
	RH_REAL_FUNCTIONS(RH_REAL_FIELD)
#undef RH_REAL_FIELD
};

extern struct rh_real rh_real;
extern bool rh_real_ready;

/* Looks them up. */
void rh_real_load(void);

static inline const struct rh_real *rh_real_get(void)
{
	if (__builtin_expect(!rh_real_ready, 0))
		rh_real_load();
	return &rh_real;
}

/* What a system call said, as the C library's function says it. */
static inline long rh_real_answer(long result)
{
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}

/* A function that stands before the C library's. */
#define RH_INTERPOSED __attribute__((visibility("default")))

#endif
