#include "fiber_end.h"

#include "../../interceptors/fiber/sys.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

int __sigaction(int sig, const struct sigaction *wanted, struct sigaction *ret_old); /* glibc's own name */

static void say(const char *text)
{
	rh_sys4(SYS_write, STDERR_FILENO, (long)text, (long)strlen(text), 0);
}

static void say_number(const char *name, unsigned long value, unsigned base)
{
	char text[24], *at = &text[sizeof text - 1];

	*at = '\0';
	do
		*--at = "0123456789abcdef"[value % base];
	while (value /= base);
	say(name);
	say(at);
}

static void say_registers(const ucontext_t *at)
{
	static const struct {
		const char *name;
		int index;
	} registers[] = {
		{"\nrip ", REG_RIP}, {" rsp ", REG_RSP}, {" rbp ", REG_RBP}, {" cr2 ", REG_CR2},
		{"\nrax ", REG_RAX}, {" rbx ", REG_RBX}, {" rcx ", REG_RCX}, {" rdx ", REG_RDX},
		{"\nrsi ", REG_RSI}, {" rdi ", REG_RDI}, {" r8 ", REG_R8},   {" r9 ", REG_R9},
		{"\nr10 ", REG_R10}, {" r11 ", REG_R11}, {" r12 ", REG_R12}, {" r13 ", REG_R13},
		{"\nr14 ", REG_R14}, {" r15 ", REG_R15},
	};

	for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
		say_number(registers[i].name,
			   (unsigned long)at->uc_mcontext.gregs[registers[i].index], 16);
	say("\n");
}

/* What the child has of the parent's is a copy; it prints where its parent's threads are. */
static void be_debugger(char *pid)
{
	const char *words[] = {"/usr/bin/gdb", "-q", "-nx", "-batch", "-p", pid, "-ex",
			       "thread apply all bt 16", NULL};
	const char *none[] = {NULL};
	uint64_t nothing = 0;

	rh_sys_mask(SIG_SETMASK, &nothing);
	rh_sys4(SYS_dup2, STDERR_FILENO, STDOUT_FILENO, 0, 0);
	rh_sys4(SYS_execve, (long)words[0], (long)words, (long)none, 0);
	rh_sys4(SYS_exit_group, 1, 0, 0, 0);
}

static void say_where_all_are(void)
{
	char text[12], *at = &text[sizeof text - 1];
	int own = rh_sys_pid();
	long child;

	*at = '\0';
	for (int left = own; left; left /= 10)
		*--at = (char)('0' + left % 10);
	rh_sys4(SYS_prctl, PR_SET_PTRACER, (long)PR_SET_PTRACER_ANY, 0, 0);
	child = rh_sys4(SYS_fork, 0, 0, 0, 0);
	if (child == 0)
		be_debugger(at);
	rh_sys4(SYS_wait4, child, 0, 0, 0);
}

/* The next one of its process waits for the end. */
static void say_how_it_ends(int sig, siginfo_t *info, void *context)
{
	static _Atomic int speaks_of;
	struct sigaction action = {.sa_handler = SIG_DFL};
	int own = rh_sys_pid(), other = 0;

	while (!atomic_compare_exchange_strong(&speaks_of, &other, own) && other == own)
		rh_sys4(SYS_pause, 0, 0, 0, 0);
	say_number("\nsignal ", (unsigned long)sig, 10);
	say_number(" ends process ", (unsigned long)own, 10);
	say_number(" in thread ", (unsigned long)rh_sys_tid(), 10);
	say_registers(context);
	say_where_all_are();
	__sigaction(sig, &action, NULL);
	if (info->si_code <= 0) /* otherwise the instruction runs again */
		rh_sys_tgkill(own, rh_sys_tid(), sig);
}

static void have_handlers(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT};
	struct sigaction action = {.sa_sigaction = say_how_it_ends,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		__sigaction(signals[i], &action, NULL);
}

/* Before there are threads. */
static __attribute__((constructor)) void say_what_failed_at_once(void)
{
	setenv("CMOCKA_TEST_ABORT", "1", 0);
}

void fiber_end_test(void **state)
{
	const struct fiber_end_test *test = *state;
	void *none = NULL;

	have_handlers();
	test->run(&none);
}
