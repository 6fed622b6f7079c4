/* sched - how the kernel schedules a thread: asked and set.
 *
 * A thread is named by its number; 0 is the one that calls.  glibc has no function for
 * it (and musl other ones): these are the system calls.
 *
 * Threads     Any. */
#ifndef RH_BASE_SCHED_H
#define RH_BASE_SCHED_H

#include <stdint.h>
#include <sys/types.h>

/* As linux/sched.h has them; SCHED_DEADLINE is missing in some headers. */
enum rh_sched_class {
	RH_CLASS_OTHER = 0, RH_CLASS_FIFO = 1, RH_CLASS_RR = 2, RH_CLASS_BATCH = 3,
	RH_CLASS_IDLE = 5, RH_CLASS_DEADLINE = 6, RH_CLASS_EXT = 7
};

/* Threads and processes that it makes begin without its class. */
#define RH_SCHED_RESET_ON_FORK 1u
/* It may use the time that other deadlines leave. */
#define RH_SCHED_RECLAIM       2u

struct rh_sched_attr {
	uint32_t policy;      /* enum rh_sched_class                           */
	uint32_t flags;
	int32_t  nice;        /* of OTHER and BATCH                            */
	uint32_t priority;    /* of FIFO and RR                                */
	uint64_t runtime_ns;  /* of DEADLINE; of OTHER its slice: 0, the kernel's own */
	uint64_t deadline_ns;
	uint64_t period_ns;
};

/* 0, or a negative errno: ESRCH it is gone. */
int rh_sched_get(pid_t tid, struct rh_sched_attr *ret_attr);
int rh_sched_set(pid_t tid, const struct rh_sched_attr *attr);

/* "OTHER", ... */
const char *rh_sched_class_text(uint32_t policy);

/* Has this process the right CAP_SYS_NICE? */
int rh_sched_is_privileged(void);

#endif
