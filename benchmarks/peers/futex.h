/* futex - sleeping on a shared word.
 *
 * The flag next to a word says that its waiter sleeps or is about to.  Only the
 * waiter clears it: a signaller that did could clear the flag of the next sleep. */
#ifndef BENCH_FUTEX_H
#define BENCH_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void bench_futex_sleep(_Atomic uint32_t *word, uint32_t seen)
{
	syscall(SYS_futex, word, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static inline void bench_futex_wake(_Atomic uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

/* Sleeps until *word is wanted. */
static inline void bench_futex_wait(_Atomic uint32_t *word, uint32_t wanted,
                                    _Atomic uint32_t *asleep)
{
	for (;;) {
		atomic_store(asleep, 1);
		uint32_t seen = atomic_load(word);
		if (seen == wanted) {
			atomic_store_explicit(asleep, 0, memory_order_relaxed);
			return;
		}
		bench_futex_sleep(word, seen);
	}
}

static inline void bench_futex_post(_Atomic uint32_t *word, uint32_t value,
                                    _Atomic uint32_t *asleep)
{
	atomic_store(word, value);
	if (atomic_load(asleep))
		bench_futex_wake(word, 1);
}

#endif
