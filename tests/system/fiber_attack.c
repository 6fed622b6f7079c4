/* What programs do with threads that few think of: processes, libraries, contexts, stacks
 * and timers made by threads while others run.  Passes as it is, and must pass with
 * librhodes-fiber.so before it. */
#include "by_hand.h"
#include "fiber_kit.h"

#include "../../base/fiber_layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <ucontext.h>

extern char **environ;

static void end_burners(pthread_t *threads, int count)
{
	atomic_store(&enough, true);
	join_all(threads, count);
}

/* ---- processes ---- */

static void *hold_locks(void *none)
{
	while (!atomic_load(&enough)) {
		void *some[16];

		pthread_mutex_lock(&lock);
		for (int i = 0; i < 16; i++)
			some[i] = malloc((size_t)(i + 1) * 100);
		fprintf(stderr, "%s", "");
		for (int i = 0; i < 16; i++)
			free(some[i]);
		pthread_mutex_unlock(&lock);
	}
	return none;
}

/* A child uses what the C library keeps locks for, and has threads of its own. */
static void *fork_while_locked(void *none)
{
	for (int i = 0; i < 25; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t threads[3];

			free(malloc(1000));
			fprintf(stderr, "%s", "");
			pthread_mutex_init(&lock, NULL);
			counter = 0;
			for (int k = 0; k < 3; k++)
				pthread_create(&threads[k], NULL, add_many, NULL);
			for (int k = 0; k < 3; k++)
				pthread_join(threads[k], NULL);
			_exit(counter == 3 * 20000 ? 0 : 9);
		}
		expect_end(pid, 0);
	}
	return none;
}

static void forks_while_others_hold_locks(void **state)
{
	pthread_t holders[4], forkers[3];

	(void)state;
	pthread_mutex_init(&lock, NULL);
	atomic_store(&enough, false);
	start_all(holders, 4, hold_locks, NULL);
	start_all(forkers, 3, fork_while_locked, NULL);
	join_all(forkers, 3);
	end_burners(holders, 4);
}

static void *exit_now(void *none)
{
	exit(5);
	return none;
}

static void a_thread_that_exits_ends_all_others(void **state)
{
	(void)state;
	end_by(exit_now, 5);
}

static void *spawn_some(void *none)
{
	char name[] = "sh", option[] = "-c", script[] = "exit 3", text[8] = "";
	char *words[] = {name, option, script, NULL};

	for (int i = 0; i < 15; i++) {
		pid_t pid;
		FILE *pipe;

		assert_int_equal(0, posix_spawn(&pid, "/bin/sh", NULL, NULL, words, environ));
		expect_end(pid, 3 << 8);
		pid = vfork();
		if (pid == 0) {
			execve("/bin/sh", words, environ);
			_exit(9);
		}
		expect_end(pid, 3 << 8);
		pipe = popen("echo text", "r");
		assert_non_null(fgets(text, sizeof text, pipe));
		assert_string_equal("text\n", text);
		assert_int_equal(0, pclose(pipe));
	}
	return none;
}

static void threads_start_programs(void **state)
{
	pthread_t burners[3], threads[4];

	(void)state;
	have_burners(burners, 3);
	start_all(threads, 4, spawn_some, NULL);
	join_all(threads, 4);
	end_burners(burners, 3);
}

/* ---- libraries ---- */

static void *load_and_leave(void *none)
{
	static const char *const names[] = {"libm.so.6", "libz.so.1", "libresolv.so.2",
					    "libanl.so.1", "libcrypt.so.1", "libstdc++.so.6"};

	for (int i = 0; i < 150; i++) {
		void *handle = dlopen(names[i % 6], i % 2 ? RTLD_NOW : RTLD_LAZY);

		if (!handle)
			continue;
		assert_null(dlsym(handle, "there_is_no_such_name"));
		assert_non_null(dlerror());
		if (i % 6 == 0)
			assert_non_null(dlsym(handle, "cos"));
		assert_int_equal(0, dlclose(handle));
	}
	return none;
}

static void libraries_come_and_go(void **state)
{
	pthread_t burners[2], threads[6];

	(void)state;
	have_burners(burners, 2);
	start_all(threads, 6, load_and_leave, NULL);
	join_all(threads, 6);
	end_burners(burners, 2);
}

/* ---- contexts ---- */

static volatile int bottom; /* is at depth 0 */

static __attribute__((noinline)) int deep_at(jmp_buf *at, int depth)
{
	volatile char space[200];

	space[0] = (char)depth;
	if (depth == bottom)
		longjmp(*at, 3);
	return depth < 0 ? 0 : deep_at(at, depth - 1) + space[0];
}

static void *jump_back(void *none)
{
	for (int i = 0; i < 3000; i++) {
		jmp_buf at;
		volatile int kept = i;
		int came = setjmp(at);

		if (!came) {
			if (i % 10 == 0)
				sched_yield();
			deep_at(&at, 10);
		}
		assert_int_equal(3, came);
		assert_int_equal(i, kept);
	}
	return none;
}

static void threads_jump(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, jump_back, NULL);
	join_all(threads, MANY);
}

static __thread ucontext_t outer, inner;
static __thread long turns;

static void take_turns(void)
{
	for (;;) {
		turns++;
		swapcontext(&inner, &outer);
	}
}

static void *switch_contexts(void *none)
{
	size_t size = 64 << 10;
	void *stack = malloc(size);

	assert_int_equal(0, getcontext(&inner));
	inner.uc_stack.ss_sp = stack;
	inner.uc_stack.ss_size = size;
	inner.uc_link = NULL;
	makecontext(&inner, take_turns, 0);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(0, swapcontext(&outer, &inner));
		if (i % 100 == 0)
			sched_yield();
	}
	assert_int_equal(20000, turns);
	free(stack);
	return none;
}

static void threads_have_contexts_of_their_own(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, switch_contexts, NULL);
	join_all(threads, MANY);
}

/* Coroutines that whichever thread is free goes on with. */
#define ROUTINES 16

static struct routine {
	ucontext_t context;
	pthread_mutex_t lock;
	int steps;
	bool is_over;
} routines[ROUTINES];
static __thread ucontext_t *_Atomic scheduler;

static __attribute__((noinline)) ucontext_t *scheduler_now(void)
{
	__asm__ volatile("" ::: "memory");
	return atomic_load(&scheduler);
}

static void be_routine(int at)
{
	for (int i = 0; i < 500; i++) {
		routines[at].steps++;
		for (volatile int k = 0; k < 2000;)
			k++;
		swapcontext(&routines[at].context, scheduler_now());
	}
	routines[at].is_over = true;
	swapcontext(&routines[at].context, scheduler_now());
}

static void *run_routines(void *none)
{
	ucontext_t own;
	bool more = true;

	atomic_store(&scheduler, &own);
	while (more) {
		more = false;
		for (int i = 0; i < ROUTINES; i++) {
			if (pthread_mutex_trylock(&routines[i].lock)) {
				more = true;
				continue;
			}
			if (!routines[i].is_over) {
				swapcontext(&own, &routines[i].context);
				more = true;
			}
			pthread_mutex_unlock(&routines[i].lock);
		}
		sched_yield();
	}
	return none;
}

static void contexts_go_from_thread_to_thread(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < ROUTINES; i++) {
		struct routine *routine = &routines[i];

		pthread_mutex_init(&routine->lock, NULL);
		getcontext(&routine->context);
		routine->context.uc_stack.ss_size = 64 << 10;
		routine->context.uc_stack.ss_sp = malloc(64 << 10);
		makecontext(&routine->context, (void (*)(void))be_routine, 1, i);
	}
	start_all(threads, 4, run_routines, NULL);
	join_all(threads, 4);
	for (int i = 0; i < ROUTINES; i++)
		assert_int_equal(500, routines[i].steps);
}

/* ---- many, and small ones ---- */

static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static int here;
static bool may_go;

static void *be_there(void *none)
{
	pthread_mutex_lock(&lock);
	here++;
	pthread_cond_signal(&all_here);
	while (!may_go)
		pthread_cond_wait(&cond, &lock);
	here--;
	pthread_mutex_unlock(&lock);
	return none;
}

static void five_thousand_threads(void **state)
{
	static pthread_t threads[5000];
	pthread_attr_t attributes;
	int made = 0;

	(void)state;
	pthread_mutex_init(&lock, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 64 << 10);
	here = 0;
	may_go = false;
	while (made < 5000 && !pthread_create(&threads[made], &attributes, be_there, NULL))
		made++;
	assert_true(made > 1500); /* a user may have a limit */
	pthread_mutex_lock(&lock);
	while (here < made)
		pthread_cond_wait(&all_here, &lock);
	may_go = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	join_all(threads, made);
	assert_int_equal(0, here);
}

static void *fill_stack(void *none)
{
	volatile char space[6000];

	for (int round = 0; round < 3000; round++)
		for (size_t i = 0; i < sizeof space; i += 50)
			space[i] = (char)round;
	return none;
}

static void threads_with_the_smallest_stacks(void **state)
{
	pthread_t threads[MANY];
	pthread_attr_t attributes;

	(void)state;
	pthread_attr_init(&attributes);
	assert_int_equal(0, pthread_attr_setstacksize(&attributes, 16384));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(0, pthread_create(&threads[i], &attributes, fill_stack, NULL));
	join_all(threads, MANY);
}

/* In memory of the program's own: what lies below is somebody's. */
static void threads_on_small_stacks_of_their_own(void **state)
{
	static unsigned char memory[MANY][2][16384] __attribute__((aligned(4096)));
	pthread_t threads[MANY];
	pthread_attr_t attributes;

	(void)state;
	memset(memory, 0x5a, sizeof memory);
	for (int i = 0; i < MANY; i++) {
		pthread_attr_init(&attributes);
		assert_int_equal(0, pthread_attr_setstack(&attributes, memory[i][1], 16384));
		assert_int_equal(0, pthread_create(&threads[i], &attributes, fill_stack, NULL));
	}
	join_all(threads, MANY);
	for (int i = 0; i < MANY; i++)
		for (int k = 0; k < 16384; k++)
			assert_int_equal(0x5a, memory[i][0][k]);
}

static void *memory_of_stack(void *argument)
{
	pthread_attr_t attributes;
	void *at;
	size_t size;

	assert_int_equal(0, pthread_getattr_np(pthread_self(), &attributes));
	assert_int_equal(0, pthread_attr_getstack(&attributes, &at, &size));
	assert_in_range((uintptr_t)&size, (uintptr_t)at, (uintptr_t)at + size);
	assert_true(size >= (size_t)(uintptr_t)argument);
	pthread_attr_destroy(&attributes);
	return NULL;
}

static void a_thread_knows_its_stack(void **state)
{
	pthread_t threads[MANY];
	pthread_attr_t attributes;
	size_t size = 128 << 10;

	(void)state;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, size);
	for (int i = 0; i < MANY; i++)
		pthread_create(&threads[i], &attributes, memory_of_stack, (void *)size);
	join_all(threads, MANY);
	pthread_attr_getstacksize(&attributes, &size);
	assert_int_equal(128 << 10, size);
}

/* ---- faults ---- */

static __thread sigjmp_buf at_fault;
static __thread char *wanted;

static void mend(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	assert_ptr_equal(wanted, info->si_addr);
	assert_int_equal(0, mprotect(wanted, 4096, PROT_READ | PROT_WRITE));
}

static void *fault_often(void *none)
{
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *at = page;

	for (int i = 0; i < 1000; i++) {
		wanted = page;
		*at = (char)i;
		assert_int_equal((char)i, *at);
		assert_int_equal(0, mprotect(page, 4096, PROT_NONE));
		if (i % 50 == 0)
			sched_yield();
	}
	return none;
}

static void faults_are_mended(void **state)
{
	struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
	pthread_t threads[MANY];

	(void)state;
	sigaction(SIGSEGV, &action, NULL);
	start_all(threads, MANY, fault_often, NULL);
	join_all(threads, MANY);
	signal(SIGSEGV, SIG_DFL);
}

static void jump(int sig)
{
	(void)sig;
	siglongjmp(at_fault, 1);
}

static __attribute__((noinline)) int overflow(int depth)
{
	volatile char space[500];

	space[0] = (char)depth;
	return depth < bottom ? 0 : overflow(depth + 1) + space[0];
}

static void *overflow_often(void *none)
{
	char *own = malloc(64 << 10);
	stack_t stack = {.ss_sp = own, .ss_size = 64 << 10};

	assert_int_equal(0, sigaltstack(&stack, NULL));
	for (volatile int i = 0; i < 20; i++)
		if (!sigsetjmp(at_fault, 1))
			overflow(0);
	stack.ss_flags = SS_DISABLE;
	assert_int_equal(0, sigaltstack(&stack, NULL));
	free(own);
	return none;
}

static void overflows_of_stacks_are_handled(void **state)
{
	struct sigaction action = {.sa_handler = jump, .sa_flags = SA_ONSTACK};
	pthread_t threads[MANY];

	(void)state;
	sigaction(SIGSEGV, &action, NULL);
	start_all(threads, MANY, overflow_often, NULL);
	join_all(threads, MANY);
	signal(SIGSEGV, SIG_DFL);
}

/* ---- timers ---- */

static _Atomic int fired;

static void fire(int sig)
{
	(void)sig;
	atomic_fetch_add(&fired, 1);
}

static void fire_in_thread(union sigval value)
{
	(void)value;
	atomic_fetch_add(&fired, 1);
}

static void *have_timers(void *none)
{
	struct itimerspec often = {{0, MS}, {0, MS}};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD,
				 .sigev_notify_function = fire_in_thread};
	int before;
	timer_t timer;

	assert_int_equal(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	assert_int_equal(0, timer_settime(timer, 0, &often, NULL));
	before = atomic_load(&fired);
	await(&fired, before + 20);
	timer_delete(timer);
	event = (struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	assert_int_equal(0, timer_create(CLOCK_REALTIME, &event, &timer));
	assert_int_equal(0, timer_settime(timer, 0, &often, NULL));
	before = atomic_load(&fired);
	await(&fired, before + 20);
	timer_delete(timer);
	return none;
}

static void timers_of_each_kind(void **state)
{
	struct itimerval often = {{0, 1000}, {0, 1000}}, none = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = fire, .sa_flags = SA_RESTART};
	pthread_t threads[4], burners[2];
	int before;

	(void)state;
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGPROF, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	have_burners(burners, 2);
	start_all(threads, 4, have_timers, NULL);
	join_all(threads, 4);
	setitimer(ITIMER_PROF, &often, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	before = atomic_load(&fired);
	await(&fired, before + 100);
	start_all(threads, 4, add_many, NULL);
	join_all(threads, 4);
	setitimer(ITIMER_PROF, &none, NULL);
	setitimer(ITIMER_REAL, &none, NULL);
	end_burners(burners, 2);
}

/* ---- a flood ---- */

static pthread_t targets[MANY];

static void *flood(void *none)
{
	for (int i = 0; i < 4000; i++) {
		int sig = i % 3 == 0 ? SIGUSR1 : i % 3 == 1 ? SIGUSR2 : SIGRTMIN + 1;
		int result = i % 7 ? pthread_kill(targets[i % MANY], sig) : kill(getpid(), sig);

		assert_true(result == 0 || result == EAGAIN);
	}
	return none;
}

static void *work_on(void *none)
{
	long own = 0;

	while (!atomic_load(&enough)) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		free(malloc((size_t)own % 5000));
		own++;
		if (own % 64 == 0)
			sched_yield();
	}
	assert_null(none);
	return (void *)own;
}

static void a_flood_of_signals(void **state)
{
	struct sigaction action = {.sa_handler = fire, .sa_flags = SA_RESTART};
	pthread_t floods[3];
	long sum = 0;

	(void)state;
	pthread_mutex_init(&lock, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGRTMIN + 1, &action, NULL);
	counter = 0;
	fired = 0;
	atomic_store(&enough, false);
	for (int i = 0; i < MANY; i++)
		pthread_create(&targets[i], NULL, work_on, NULL);
	start_all(floods, 3, flood, NULL);
	join_all(floods, 3);
	atomic_store(&enough, true);
	for (int i = 0; i < MANY; i++) {
		void *own;

		pthread_join(targets[i], &own);
		sum += (long)own;
	}
	assert_int_equal(counter, sum);
	assert_true(fired > 0);
}

/* ---- a thread that is sent more than it has time for ---- */

#define PILE 300 /* frames of signals on one stack would be more than a megabyte */

static void each_other_task(void (*visit)(long tid))
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;

	while ((entry = readdir(tasks)))
		if (atoi(entry->d_name) && atoi(entry->d_name) != gettid())
			visit(atoi(entry->d_name));
	closedir(tasks);
}

static cpu_set_t allowed, one;

/* All kernel threads of the process share a processor, and run when nobody else wants it. */
static void hold_up(long tid)
{
	struct sched_param none = {0};

	by_hand(SYS_sched_setaffinity, tid, sizeof one, (long)&one, 0);
	assert_int_equal(0, by_hand(SYS_sched_setscheduler, tid, SCHED_IDLE, (long)&none, 0));
}

static void let_go(long tid)
{
	struct sched_param none = {0};

	by_hand(SYS_sched_setscheduler, tid, SCHED_OTHER, (long)&none, 0);
	by_hand(SYS_sched_setaffinity, tid, sizeof allowed, (long)&allowed, 0);
}

static void pile_up(long tid)
{
	for (int i = 0; i < PILE; i++)
		by_hand(SYS_tgkill, getpid(), tid, RH_STATS_SIGNAL, 0);
}

/* Each kernel thread of the process answers. */
static void *set_ids(void *none)
{
	assert_int_equal(0, setuid(getuid()));
	return none;
}

static void be_overrun(void)
{
	struct sigaction action = {.sa_handler = fire}; /* the runtime keeps its own */
	pthread_t burners[3], thread;

	sigaction(RH_STATS_SIGNAL, &action, NULL);
	sched_getaffinity(0, sizeof allowed, &allowed);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	have_burners(burners, 3);
	start_all(&thread, 1, set_ids, NULL); /* all there are have begun */
	join_all(&thread, 1);
	by_hand(SYS_sched_setaffinity, 0, sizeof one, (long)&one, 0);
	each_other_task(hold_up);
	each_other_task(pile_up);
	each_other_task(let_go);
	start_all(&thread, 1, set_ids, NULL);
	join_all(&thread, 1);
	end_burners(burners, 3);
}

static void signals_do_not_pile_up_on_a_stack(void **state)
{
	pid_t pid;

	(void)state;
	for (int i = 0; i < 5; i++) {
		if ((pid = fork()) == 0) {
			be_overrun();
			_exit(0);
		}
		expect_end(pid, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forks_while_others_hold_locks),
		cmocka_unit_test(a_thread_that_exits_ends_all_others),
		cmocka_unit_test(threads_start_programs),
		cmocka_unit_test(libraries_come_and_go),
		cmocka_unit_test(threads_jump),
		cmocka_unit_test(threads_have_contexts_of_their_own),
		cmocka_unit_test(contexts_go_from_thread_to_thread),
		cmocka_unit_test(five_thousand_threads),
		cmocka_unit_test(threads_with_the_smallest_stacks),
		cmocka_unit_test(threads_on_small_stacks_of_their_own),
		cmocka_unit_test(a_thread_knows_its_stack),
		cmocka_unit_test(faults_are_mended),
		cmocka_unit_test(overflows_of_stacks_are_handled),
		cmocka_unit_test(timers_of_each_kind),
		cmocka_unit_test(a_flood_of_signals),
		cmocka_unit_test(signals_do_not_pile_up_on_a_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
