/* await - how a thread waits for another process, that is for a word which they share.
 *
 * By the kernel, as a rule.  A runtime that schedules the threads of a program itself
 * (interceptors/fiber/) defines rh_await_runtime: then a thread that it runs waits by it,
 * and others run meanwhile.  Nothing here depends on one: the symbol is weak.
 *
 * Threads     Any. */
#ifndef RH_BASE_AWAIT_H
#define RH_BASE_AWAIT_H

#include <stdatomic.h>
#include <stdint.h>

#define RH_AWAIT_VERSION 1u

/* What a runtime offers.  All are asked by the thread that is to wait. */
struct rh_await_runtime {
	uint32_t version;
	/* 1 when it runs that thread. */
	int (*lends)(void);
	/* 1 when others wait for the processor of that thread. */
	int (*is_wanted)(void);
	/* As rh_await_word; only after `lends` said 1. */
	void (*sleep)(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns,
	              int fd);
};

extern const struct rh_await_runtime rh_await_runtime
	__attribute__((weak, visibility("default")));

/* 1 when others run while the calling thread sleeps in rh_await_word. */
int rh_await_lends(void);

/* 1 when the calling thread keeps others from running, so that it should not spin. */
int rh_await_is_wanted(void);

/* Sleeps while *word == seen, at most until the time (0: no limit), or for no reason.
 * Who changes it makes a FUTEX_WAKE of it.  fd >= 0: also until that hangs up, where
 * rh_await_lends says 1; elsewhere nobody looks at it. */
void rh_await_word(_Atomic uint32_t *word, uint32_t seen, uint64_t until_ns, int fd);

#endif
