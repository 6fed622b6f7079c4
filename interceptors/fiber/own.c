#include "own.h"

#include "carrier.h"
#include "handler.h"
#include "preempt.h"
#include "real.h"
#include "stats.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>

__thread bool rh_own_thread;

struct start {
	void *(*run)(void *);
	void *argument;
};

static _Atomic int count;
static struct sigaction handlers[RH_SIGNALS + 1];
static _Atomic uint64_t signals; /* that have one */

int rh_own_count(void)
{
	return atomic_load(&count);
}

void rh_own_forget(void)
{
	atomic_store(&count, 0);
}

void rh_own_name(const char *name)
{
	rh_sys4(SYS_prctl, PR_SET_NAME, (long)name, 0, 0);
}

_Atomic uint64_t *rh_own_begin(const char *name)
{
	rh_own_thread = true;
	rh_own_name(name);
	return rh_stats_take_other(0);
}

int rh_own_create(rh_own_creator *create, size_t stack, void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	sigset_t all;
	pthread_t thread;
	int result;

	sigfillset(&all);
	sigdelset(&all, RH_PREEMPT_SIGNAL);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, stack);
	result = pthread_attr_setsigmask_np(&attributes, &all);
	if (!result)
		result = create(&thread, &attributes, run, argument);
	pthread_attr_destroy(&attributes);
	return result;
}

uint64_t rh_own_signals(void)
{
	return atomic_load_explicit(&signals, memory_order_relaxed);
}

void rh_own_unblock(void)
{
	static __thread uint64_t unblocked;
	uint64_t own = rh_own_signals();

	if (own == unblocked)
		return;
	rh_sys_mask(SIG_UNBLOCK, &own);
	unblocked = own;
}

static void take_stack(struct rh_carrier *carrier)
{
	stack_t stack = carrier->own_altstack;

	if (!stack.ss_sp)
		stack.ss_flags = SS_DISABLE;
	rh_real.sigaltstack(&stack, NULL);
	carrier->altstack = carrier->own_altstack;
}

void rh_own_ready(struct rh_carrier *carrier)
{
	uint64_t own = rh_own_signals();

	if (!own)
		return;
	if (atomic_load(&carrier->mask) & own) {
		rh_sys_mask(SIG_UNBLOCK, &own);
		atomic_fetch_and(&carrier->mask, ~own);
	}
	if (carrier->altstack.ss_sp != carrier->own_altstack.ss_sp)
		take_stack(carrier);
}

static void *main_of(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	rh_own_begin("rh-helper");
	return start.run(start.argument);
}

/* The names are the linker's. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*run)(void *), void *argument);
int __wrap_sigaction(int sig, const struct sigaction *wanted, struct sigaction *ret_old);
int __wrap_sigaltstack(const stack_t *stack, stack_t *ret_old);
sighandler_t __wrap_signal(int sig, sighandler_t handler);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t members, size_t bytes);
void *__wrap_realloc(void *piece, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
void __wrap_free(void *piece);

/* The C library's own malloc, also where the program brings another: its code is never
 * preempted (code.h), so that nobody who waits for a carrier has its lock. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t members, size_t bytes);
extern void *__libc_realloc(void *piece, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);
extern void __libc_free(void *piece);

void *__wrap_malloc(size_t bytes)
{
	return __libc_malloc(bytes);
}

void *__wrap_calloc(size_t members, size_t bytes)
{
	return __libc_calloc(members, bytes);
}

void *__wrap_realloc(void *piece, size_t bytes)
{
	return __libc_realloc(piece, bytes);
}

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
	return __libc_memalign(align, bytes);
}

void __wrap_free(void *piece)
{
	__libc_free(piece);
}

/* They never end: counted once. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*run)(void *), void *argument)
{
	struct start *start = malloc(sizeof *start);
	int result;

	if (!start)
		return EAGAIN;
	*start = (struct start){run, argument};
	result = rh_real_get()->pthread_create(thread, attributes, main_of, start);
	if (result)
		free(start);
	else
		atomic_fetch_add(&count, 1);
	return result;
}

const struct sigaction *rh_own_handler(int sig)
{
	return handlers[sig].sa_sigaction ? &handlers[sig] : NULL;
}

/* Who asks what there is gets his own word: the program's handler is not for his eyes,
 * and nobody takes his away. */
int __wrap_sigaction(int sig, const struct sigaction *wanted, struct sigaction *ret_old)
{
	if (ret_old)
		*ret_old = handlers[sig];
	if (!wanted)
		return 0;
	handlers[sig] = *wanted;
	atomic_fetch_or(&signals, 1ull << (sig - 1));
	return rh_handler_share(sig);
}

/* The end of the process: by what it did, with a core of it. */
sighandler_t __wrap_signal(int sig, sighandler_t handler)
{
	struct sigaction action = {.sa_handler = handler};

	return rh_real_get()->sigaction(sig, &action, NULL) ? SIG_ERR : SIG_DFL;
}

/* A carrier's own, for as long as no fiber has one there. */
int __wrap_sigaltstack(const stack_t *stack, stack_t *ret_old)
{
	struct rh_carrier *carrier = rh_carrier_of_thread;

	if (!carrier)
		return rh_real_get()->sigaltstack(stack, ret_old);
	if (ret_old) {
		*ret_old = carrier->own_altstack;
		if (!ret_old->ss_sp)
			ret_old->ss_flags = SS_DISABLE;
	}
	if (!stack)
		return 0;
	carrier->own_altstack = *stack;
	carrier->altstack = *stack;
	return rh_real_get()->sigaltstack(stack, NULL);
}
