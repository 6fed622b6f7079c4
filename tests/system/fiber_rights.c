/* What the kernel keeps for one kernel thread is that thread's, and no other's. */
#include "fiber_kit.h"

#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/ptrace.h>

#define NOW    0xffffffffu
#define NOBODY 65534
#define OTHERS 4

int capset(void *header, const void *data);
int capget(void *header, void *data);

static uint32_t capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	assert_int_equal(0, capget(&header, data));
	return data[0].effective;
}

static void drop_all(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	assert_int_equal(0, capset(&header, data));
}

/* One that has it, and others that have not; each looks again and again. */
struct kept {
	void (*take)(void);
	int (*has)(void);
};

static void take_personality(void)
{
	assert_true(personality(ADDR_NO_RANDOMIZE) >= 0);
}

static int has_personality(void)
{
	return (personality(NOW) & ADDR_NO_RANDOMIZE) != 0;
}

static void take_fsuid(void)
{
	setfsuid(NOBODY);
}

static int has_fsuid(void)
{
	return setfsuid((uid_t)-1) == NOBODY;
}

static int has_dropped(void)
{
	return capabilities() == 0;
}

static struct kept kept[] = {
	{take_personality, has_personality},
	{take_fsuid, has_fsuid},
	{drop_all, has_dropped},
};

static void look_often(const struct kept *what, int wanted)
{
	for (int i = 0; i < 500; i++) {
		assert_int_equal(wanted, what->has());
		sched_yield();
	}
}

static void *have_it(void *passed)
{
	const struct kept *what = passed;

	what->take();
	atomic_fetch_add(&reached, 1);
	look_often(what, 1);
	return NULL;
}

/* Not by the same call, which would make it the kernel's. */
static void *have_it_not(void *none)
{
	char line[256] = "", path[64];
	FILE *file;
	unsigned fsuid = 1;
	unsigned long long effective = 0;

	await(&reached, 1);
	for (int i = 0; i < 50; i++) {
		sched_yield();
		snprintf(path, sizeof path, "/proc/thread-self/status");
		assert_non_null(file = fopen(path, "r"));
		while (fgets(line, sizeof line, file)) {
			sscanf(line, "Uid: %*u %*u %*u %u", &fsuid);
			sscanf(line, "CapEff: %llx", &effective);
		}
		fclose(file);
		assert_int_equal(0, fsuid);
		assert_true(effective != 0);
	}
	return none;
}

static void try_each(size_t from, size_t to, void *(*others)(void *))
{
	for (size_t i = from; i < to; i++) {
		pthread_t threads[OTHERS], one;

		start_all(threads, OTHERS, others, NULL);
		assert_int_equal(0, pthread_create(&one, NULL, have_it, &kept[i]));
		assert_int_equal(0, pthread_join(one, NULL));
		join_all(threads, OTHERS);
	}
}

static void *burn_a_while(void *none)
{
	await(&reached, 1);
	for (int i = 0; i < 100; i++)
		sched_yield();
	return none;
}

static void a_personality_is_of_its_thread(void **state)
{
	(void)state;
	try_each(0, 1, burn_a_while);
}

static void rights_are_of_their_thread(void **state)
{
	(void)state;
	if (geteuid() != 0 || capabilities() == 0)
		skip();
	try_each(1, sizeof kept / sizeof *kept, have_it_not);
}

static void *trace_a_child(void *none)
{
	pid_t child = fork();
	int status, stops = 0;

	if (child == 0) {
		alarm(60); /* should the test end before it */
		for (;;)
			syscall(SYS_getppid);
	}
	assert_int_equal(0, ptrace(PTRACE_SEIZE, child, NULL, NULL));
	assert_int_equal(0, ptrace(PTRACE_INTERRUPT, child, NULL, NULL));
	for (; stops < 200; stops++) {
		assert_int_equal(child, waitpid(child, &status, 0));
		assert_true(WIFSTOPPED(status));
		sched_yield();
		assert_int_equal(0, ptrace(PTRACE_SYSCALL, child, NULL, NULL));
	}
	kill(child, SIGKILL);
	while (waitpid(child, &status, 0) == child && !WIFSIGNALED(status))
		;
	return none;
}

static void whom_a_thread_traces_obeys_it(void **state)
{
	pthread_t burners[OTHERS], tracers[2];

	(void)state;
	have_burners(burners, OTHERS);
	start_all(tracers, 2, trace_a_child, NULL);
	join_all(tracers, 2);
	atomic_store(&enough, true);
	join_all(burners, OTHERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whom_a_thread_traces_obeys_it),
		cmocka_unit_test(a_personality_is_of_its_thread),
		cmocka_unit_test(rights_are_of_their_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
