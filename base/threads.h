/* threads - the threads of a process, and the processes that it started, as /proc has them.
 *
 * A number may be given to another thread when one has ended: together with the time at
 * which it started it names one thread for good.
 *
 * Threads     Any. */
#ifndef RH_BASE_THREADS_H
#define RH_BASE_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rh_thread_stat {
	char     name[32];   /* of the thread                        */
	char     state;      /* R, S, D, Z, ...                      */
	uint64_t start;      /* ticks since the machine was started  */
	int      cpu;        /* where it runs, or ran last           */
};

/* RH_ENOENT: there is none (any more). */
int rh_thread_stat(pid_t pid, pid_t tid, struct rh_thread_stat *ret_stat);

/* Visits its threads in the order of /proc; stops, and returns, when visit returns other
 * than 0.  RH_ENOENT: there is no such process. */
typedef int rh_threads_visit(void *user, pid_t tid);
int rh_threads(pid_t pid, rh_threads_visit *visit, void *user);

/* Visits the processes that this thread started and that run.  RH_ENOSYS: the kernel does
 * not tell (CONFIG_PROC_CHILDREN). */
int rh_thread_children(pid_t pid, pid_t tid, rh_threads_visit *visit, void *user);

#endif
