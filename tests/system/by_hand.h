/* by_hand - a system call past the C library, and past whatever stands before it. */
#ifndef RH_TESTS_BY_HAND_H
#define RH_TESTS_BY_HAND_H

#include <sys/syscall.h>

/* Returns what the kernel does: -errno, or the result. */
static inline long by_hand(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long          result;

	__asm__ volatile("syscall" : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
	                 : "rcx", "r11", "memory");
	return result;
}

#endif
