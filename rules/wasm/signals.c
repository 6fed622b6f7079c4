#include "signals.h"

#include "../../model/error.h"
#include "thread.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ucontext.h>
#include <unistd.h>

/* glibc keeps the first two of the kernel's; programs take them from either end. */
#define KICK (SIGRTMIN + 9)

static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE };
enum { FAULTS = sizeof faults / sizeof faults[0] };

static struct sigaction  before[FAULTS + 1]; /* the last: of KICK */
static pthread_mutex_t   lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct {
	const siginfo_t *info;
	const char      *frame;
} forwarded;

static const uint8_t *stack_pointer(const void *context)
{
#ifdef __x86_64__
	const ucontext_t *user = context;

	return (const uint8_t *)(uintptr_t)user->uc_mcontext.gregs[REG_RSP];
#else
	(void)context;
	return NULL;
#endif
}

/* Who has put a handler over ours, and we another over that, may forward to us what we
 * forward to it.  Such a call has the same signal as before, and is deeper on the stack;
 * a new signal after a handler that jumped away is not. */
static bool is_loop(const siginfo_t *info)
{
	const char *here = __builtin_frame_address(0);
	bool        is = forwarded.info == info && here < forwarded.frame;

	forwarded.info = info;
	forwarded.frame = here;
	return is;
}

/* As if we were not there. */
static void forward(int number, siginfo_t *info, void *context,
                    const struct sigaction *to)
{
	bool has_info = to->sa_flags & SA_SIGINFO;

	if (has_info && to->sa_sigaction && !is_loop(info)) {
		to->sa_sigaction(number, info, context);
	} else if (!has_info && to->sa_handler != SIG_DFL && to->sa_handler != SIG_IGN &&
	           !is_loop(info)) {
		to->sa_handler(number);
	} else {
		/* The instruction runs again and ends the process, with a core of it. */
		signal(number, SIG_DFL);
		if (info->si_code <= 0)
			raise(number);
	}
}

__attribute__((no_sanitize("address")))
static void on_fault(int number, siginfo_t *info, void *context)
{
	/* Somebody's kill() has a code of 0 or less. */
	if (info->si_code > 0)
		rh_thread_fault(number, info->si_code != SI_KERNEL, info->si_addr,
		                stack_pointer(context));
	for (int i = 0; i < FAULTS; i++)
		if (faults[i] == number)
			forward(number, info, context, &before[i]);
}

__attribute__((no_sanitize("address")))
static void on_kick(int number, siginfo_t *info, void *context)
{
	const struct sigaction *to = &before[FAULTS];

	if (info->si_code == SI_QUEUE && info->si_pid == getpid())
		rh_thread_kick((uint64_t)(uintptr_t)info->si_value.sival_ptr,
		               stack_pointer(context));
	else if (to->sa_handler != SIG_DFL && to->sa_handler != SIG_IGN)
		forward(number, info, context, to);
}

typedef void handler(int number, siginfo_t *info, void *context);

static void take(int number, handler *ours, struct sigaction *ret_before)
{
	struct sigaction action, present;

	sigaction(number, NULL, &present);
	if ((present.sa_flags & SA_SIGINFO) && present.sa_sigaction == ours)
		return;
	memset(&action, 0, sizeof action);
	action.sa_sigaction = ours;
	/* Nothing is blocked in the handler, so a jump out of it has nothing to undo. */
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
	sigemptyset(&action.sa_mask);
	*ret_before = present;
	sigaction(number, &action, NULL);
}

void rh_signals_install(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < FAULTS; i++)
		take(faults[i], on_fault, &before[i]);
	take(KICK, on_kick, &before[FAULTS]);
	pthread_mutex_unlock(&lock);
}

void rh_signals_spare(sigset_t *set)
{
	for (int i = 0; i < FAULTS; i++)
		sigdelset(set, faults[i]);
	sigdelset(set, KICK);
}

int rh_signals_kick(pthread_t thread, uint64_t mark)
{
	union sigval value = { .sival_ptr = (void *)(uintptr_t)mark };

	return pthread_sigqueue(thread, KICK, value) == 0 ? RH_OK : RH_EAGAIN;
}
