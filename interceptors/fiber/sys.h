/* sys - the system calls of this runtime, made directly.
 *
 * Threads     Any.  Nothing here touches errno or any other thread-local storage: a
 *             parked home thread and the carrier that borrows its storage may both be
 *             in here at the same time. */
#ifndef RH_FIBER_SYS_H
#define RH_FIBER_SYS_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#define RH_KERNEL_SET_BYTES 8u /* of a set of signals, to the kernel */

/* A signal in such a set. */
static inline uint64_t rh_sys_bit(int sig)
{
	return 1ull << (sig - 1);
}

static inline long rh_sys6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long rh_sys4(long number, long a, long b, long c, long d)
{
	return rh_sys6(number, a, b, c, d, 0, 0);
}

/* Waits while *word is seen; until may be NULL, otherwise a time of CLOCK_MONOTONIC.
 * 0, -EAGAIN, -EINTR or -ETIMEDOUT. */
static inline int rh_sys_wait(const _Atomic uint32_t *word, uint32_t seen,
			      const struct timespec *until)
{
	return (int)rh_sys6(SYS_futex, (long)word,
			    FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, (long)seen,
			    (long)until, 0, (long)FUTEX_BITSET_MATCH_ANY);
}

static inline void rh_sys_wake(const _Atomic uint32_t *word, int most)
{
	rh_sys4(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, most, 0);
}

static inline int rh_sys_tid(void)
{
	return (int)rh_sys4(SYS_gettid, 0, 0, 0, 0);
}

static inline int rh_sys_pid(void)
{
	return (int)rh_sys4(SYS_getpid, 0, 0, 0, 0);
}

static inline int rh_sys_tgkill(int pid, int tid, int sig)
{
	return (int)rh_sys4(SYS_tgkill, pid, tid, sig, 0);
}

/* Sets the mask of the calling kernel thread; returns the former. */
static inline uint64_t rh_sys_mask(int how, const uint64_t *set)
{
	uint64_t old = 0;

	rh_sys4(SYS_rt_sigprocmask, how, (long)set, (long)&old, RH_KERNEL_SET_BYTES);
	return old;
}

static inline struct timespec rh_sys_time(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};
}

#endif
