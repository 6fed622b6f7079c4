/* futex - the system call by its number: waits of fibers are in queues of the runtime.
 *
 * What the C++ library's atomics, barriers and semaphores wait by, and all else that asks
 * the kernel through syscall(2).  A wake-up looks for fibers first and lets the kernel wake
 * the rest, so that both kinds of threads reach each other.
 *
 * Threads     Any. */
#ifndef RH_FIBER_FUTEX_H
#define RH_FIBER_FUTEX_H

/* The six arguments of SYS_futex; what the kernel would say, a negative error included. */
long rh_futex(const long a[6]);

#endif
