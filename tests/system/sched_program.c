/* A program with threads, as others make them that do not use libpthread: raw clone, own
 * stacks, linked statically too.  It does what its input says, a word a line, and says what
 * became of it:
 *
 *   thread   one more thread, which waits for ever    -> "thread TID"
 *   spin     one that never sleeps                    -> "spin TID"
 *   child    a process, which waits for ever          -> "child PID"
 *
 * When its input ends it ends, with its children. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES 65536u
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	CLONE_SYSVSEM)

static int wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		syscall(SYS_pause);
	return 0;
}

static int never_sleep(void *unused)
{
	(void)unused;
	for (volatile unsigned long i = 0;; i++)
		;
	return 0;
}

static int make_thread(int (*body)(void *))
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return stack == MAP_FAILED ? -1 : clone(body, stack + STACK_BYTES, THREAD_FLAGS, NULL);
}

/* Ends with the program, however that ends. */
static void be_child(pid_t program)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (getppid() != program)
		_exit(1);
	wait_for_ever(NULL);
}

static pid_t make_child(void)
{
	pid_t program = getpid(), pid = fork();

	if (pid == 0)
		be_child(program);
	return pid;
}

int main(void)
{
	char line[32];

	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "thread") == 0)
			printf("thread %d\n", make_thread(wait_for_ever));
		else if (strcmp(line, "spin") == 0)
			printf("spin %d\n", make_thread(never_sleep));
		else if (strcmp(line, "child") == 0)
			printf("child %d\n", (int)make_child());
		fflush(stdout);
	}
	syscall(SYS_exit_group, 0);
}
