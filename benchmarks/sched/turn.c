/* Before the C library's `syscall`, which libwgdb calls.  Its lock (0.7.3) takes each end of
 * its wait on a futex for its turn.  But a wake-up that is meant for who waited at that word
 * before comes late when the waker loses its processor just before the call, whoever orders
 * the threads; then two of them had the lock, and records were lost.  Here a wait goes on
 * until the word is another, or its time is over. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long call(long number, ...);

enum { WORD, OPERATION, VALUE, ARGUMENTS = 6 };

/* It may be called before main. */
static call *next(void)
{
	static call *_Atomic known;

	if (!atomic_load_explicit(&known, memory_order_relaxed))
		atomic_store(&known, (call *)dlsym(RTLD_NEXT, "syscall"));
	return atomic_load_explicit(&known, memory_order_relaxed);
}

static bool is_too_early(const long *a, long result)
{
	const _Atomic uint32_t *word = (const _Atomic uint32_t *)a[WORD];

	return (!result || errno == EINTR) && atomic_load(word) == (uint32_t)a[VALUE];
}

__attribute__((visibility("default"))) long syscall(long number, ...)
{
	long    a[ARGUMENTS], result;
	va_list list;
	bool    waits, was_woken = false;

	va_start(list, number);
	for (int i = 0; i < ARGUMENTS; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	waits = number == SYS_futex && (a[OPERATION] & FUTEX_CMD_MASK) == FUTEX_WAIT;
	do {
		result = next()(number, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (was_woken && result < 0 && errno == EAGAIN)
			result = 0; /* the word is another since it was woken */
		was_woken = was_woken || !result;
	} while (waits && is_too_early(a, result));
	return result;
}
