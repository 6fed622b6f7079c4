/* The life of threads, and what they are to the kernel: passes as it is, and must pass with librhodes-fiber.so
 * before it. */
#include "fiber_kit.h"

/* ---- the end of threads ---- */

static pthread_key_t key;
static _Atomic int destroyed;

static void destroy(void *value)
{
	assert_int_equal(17, (intptr_t)value);
	atomic_fetch_add(&destroyed, 1);
}

static void *leave_by_exit(void *argument)
{
	pthread_setspecific(key, (void *)17);
	pthread_cleanup_push(clean, NULL);
	sched_yield();
	if (argument)
		pthread_exit(argument);
	pthread_cleanup_pop(1);
	return (void *)5;
}

static void *join_others(void *none)
{
	struct timespec at;
	pthread_t thread;
	void *value;

	for (intptr_t i = 0; i < 200; i++) {
		pthread_create(&thread, NULL, leave_by_exit, (void *)i);
		at = in_ms(CLOCK_REALTIME, 100000);
		if (i % 2)
			assert_int_equal(0, pthread_timedjoin_np(thread, &value, &at));
		else
			assert_int_equal(0, pthread_join(thread, &value));
		assert_int_equal(i ? i : 5, (intptr_t)value);
	}
	atomic_store(&enough, false);
	pthread_create(&thread, NULL, burn, NULL);
	assert_int_equal(EBUSY, pthread_tryjoin_np(thread, &value));
	at = in_ms(CLOCK_REALTIME, 5);
	assert_int_equal(ETIMEDOUT, pthread_timedjoin_np(thread, &value, &at));
	atomic_store(&enough, true);
	assert_int_equal(0, pthread_join(thread, &value));
	return none;
}

static void threads_end_and_are_joined(void **state)
{
	pthread_t thread;

	(void)state;
	destroyed = cleaned = 0;
	pthread_key_create(&key, destroy);
	start_all(&thread, 1, join_others, NULL);
	join_all(&thread, 1);
	join_others(NULL);
	assert_int_equal(400, destroyed);
	assert_int_equal(400, cleaned);
	pthread_key_delete(key);
}

static void *detach_self(void *none)
{
	pthread_detach(pthread_self());
	sched_yield();
	atomic_fetch_add(&reached, 1);
	return none;
}

static void detached_threads_end(void **state)
{
	pthread_t thread;

	(void)state;
	atomic_store(&reached, 0);
	for (int i = 0; i < 300; i++)
		while (pthread_create(&thread, NULL, detach_self, NULL))
			sched_yield();
	await(&reached, 300);
}

/* ---- what a thread is to the kernel ---- */

static _Atomic int handled;
static pthread_t handled_by;

static void handle(int sig)
{
	(void)sig;
	handled_by = pthread_self();
	atomic_fetch_add(&handled, 1);
}

static void have_handler(int sig, int flags)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = flags};

	assert_int_equal(0, sigaction(sig, &action, NULL));
}

static pthread_barrier_t all_numbered;
static _Atomic int numbers[MANY];

/* Each its own, while all of them live. */
static void check_number(pid_t tid)
{
	int alike = 0;

	numbers[atomic_fetch_add(&reached, 1)] = tid;
	pthread_barrier_wait(&all_numbered);
	for (int i = 0; i < MANY; i++)
		alike += numbers[i] == tid;
	assert_int_equal(1, alike);
	pthread_barrier_wait(&all_numbered);
}

static void *be_numbered(void *none)
{
	char path[64], name[16] = "", wanted[16];
	pid_t tid = gettid();

	check_number(tid);

	for (int i = 0; i < 50; i++) {
		assert_int_equal(tid, gettid());
		assert_int_equal(tid, syscall(SYS_gettid));
		sched_yield();
	}
	assert_in_range(sched_getcpu(), 0, sysconf(_SC_NPROCESSORS_CONF) - 1);
	snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
	assert_int_equal(0, access(path, F_OK));
	snprintf(wanted, sizeof wanted, "t%d", tid);
	assert_int_equal(0, pthread_setname_np(pthread_self(), wanted));
	sched_yield();
	assert_int_equal(0, pthread_getname_np(pthread_self(), name, sizeof name));
	assert_string_equal(wanted, name);
	return none;
}

static void a_thread_keeps_its_number_and_name(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	pthread_barrier_init(&all_numbered, NULL, MANY);
	start_all(threads, MANY, be_numbered, NULL);
	join_all(threads, MANY);
}

/* As the program is told, and as the kernel has it. */
static void assert_called(const char *wanted)
{
	char path[64], name[16] = "", kernels[17] = "";
	FILE *comm;

	assert_int_equal(0, pthread_getname_np(pthread_self(), name, sizeof name));
	assert_string_equal(wanted, name);
	assert_int_equal(0, prctl(PR_GET_NAME, name));
	assert_string_equal(wanted, name);
	snprintf(path, sizeof path, "/proc/self/task/%d/comm", gettid());
	assert_non_null(comm = fopen(path, "r"));
	assert_non_null(fgets(kernels, sizeof kernels, comm));
	fclose(comm);
	kernels[strcspn(kernels, "\n")] = 0;
	assert_string_equal(wanted, kernels);
}

static void *be_called(void *wanted)
{
	assert_called(wanted);
	return NULL;
}

static void make_called(char *wanted, const pthread_attr_t *attributes)
{
	pthread_t made;

	assert_int_equal(0, pthread_create(&made, attributes, be_called, wanted));
	assert_int_equal(0, pthread_join(made, NULL));
}

static pthread_barrier_t named;

static void *make_others(void *none)
{
	char first[] = "maker", second[] = "another", third[] = "third";
	pthread_attr_t bound;
	cpu_set_t one;
	int status;
	pid_t child;

	assert_int_equal(0, pthread_setname_np(pthread_self(), first));
	make_called(first, NULL);
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	pthread_attr_init(&bound);
	pthread_attr_setaffinity_np(&bound, sizeof one, &one);
	make_called(first, &bound);
	pthread_attr_destroy(&bound);
	child = fork();
	if (child == 0) {
		char name[16] = "";

		prctl(PR_GET_NAME, name);
		_exit(strcmp(name, first) ? 9 : 0);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
	assert_int_equal(0, prctl(PR_SET_NAME, second));
	make_called(second, NULL);
	pthread_barrier_wait(&named);
	pthread_barrier_wait(&named); /* the other one called it otherwise */
	assert_called(third);
	make_called(third, NULL);
	return none;
}

static void who_is_made_is_called_as_its_maker(void **state)
{
	pthread_t maker;

	(void)state;
	pthread_barrier_init(&named, NULL, 2);
	start_all(&maker, 1, make_others, NULL);
	pthread_barrier_wait(&named);
	assert_int_equal(0, pthread_setname_np(maker, "third"));
	pthread_barrier_wait(&named);
	join_all(&maker, 1);
}

static void *bind_self(void *none)
{
	cpu_set_t all, one, now;
	int cpu;

	assert_int_equal(0, sched_getaffinity(0, sizeof all, &all));
	for (cpu = 0; !CPU_ISSET((size_t)cpu, &all);)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	assert_int_equal(0, pthread_setaffinity_np(pthread_self(), sizeof one, &one));
	assert_int_equal(cpu, sched_getcpu());
	assert_int_equal(0, pthread_getaffinity_np(pthread_self(), sizeof now, &now));
	assert_true(CPU_EQUAL(&one, &now));
	for (int i = 0; i < 100; i++) {
		sched_yield();
		assert_int_equal(cpu, sched_getcpu());
	}
	add_many(NULL);
	return none;
}

static void a_bound_thread_stays_there(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, bind_self, NULL);
	join_all(threads, MANY);
}

static void *be_nice(void *none)
{
	int other = getpriority(PRIO_PROCESS, (id_t)getpid());

	assert_int_equal(0, setpriority(PRIO_PROCESS, 0, 7));
	sched_yield();
	assert_int_equal(7, getpriority(PRIO_PROCESS, 0));
	assert_int_equal(7, getpriority(PRIO_PROCESS, (id_t)gettid()));
	assert_int_equal(other, getpriority(PRIO_PROCESS, (id_t)getpid()));
	return none;
}

static void nice_is_of_the_thread(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, be_nice, NULL);
	join_all(threads, MANY);
}

static void *own_timer(void *none)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec soon = {.it_value = {0, 2 * MS}};
	timer_t timer;

	event._sigev_un._tid = gettid();
	handled = 0;
	assert_int_equal(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
	assert_int_equal(0, timer_settime(timer, 0, &soon, NULL));
	while (!atomic_load(&handled))
		sched_yield();
	assert_true(pthread_equal(pthread_self(), handled_by));
	timer_delete(timer);
	return none;
}

static void a_timer_reaches_its_thread(void **state)
{
	pthread_t thread;

	(void)state;
	have_handler(SIGUSR1, SA_RESTART);
	start_all(&thread, 1, own_timer, NULL);
	join_all(&thread, 1);
}

static void *count_time(void *none)
{
	struct timespec before, after;
	volatile unsigned long x = 1;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	for (long i = 0; i < 20000000; i++)
		x = x * 3 + 1;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	assert_true(after.tv_sec > before.tv_sec ||
		    after.tv_nsec - before.tv_nsec > 2 * MS);
	return none;
}

static void a_thread_knows_its_processor_time(void **state)
{
	pthread_t threads[4];

	(void)state;
	start_all(threads, 4, count_time, NULL);
	join_all(threads, 4);
}

static void *have_ids(void *none)
{
	for (int i = 0; i < 4; i++) {
		assert_int_equal(0, setuid(getuid()));
		assert_int_equal(0, setgid(getgid()));
		sched_yield();
	}
	return none;
}

static void setting_ids_does_not_hang(void **state)
{
	pthread_t burners[4], threads[2];

	(void)state;
	atomic_store(&enough, false);
	start_all(burners, 4, burn, NULL);
	start_all(threads, 2, have_ids, NULL);
	join_all(threads, 2);
	atomic_store(&enough, true);
	join_all(burners, 4);
}

/* ---- processes ---- */

static void *fork_some(void *none)
{
	int status;

	for (int i = 0; i < 10; i++) {
		pid_t child = fork();

		if (child == 0) {
			pthread_t threads[4];

			counter = 0;
			for (int k = 0; k < 4; k++)
				pthread_create(&threads[k], NULL, add_many, NULL);
			for (int k = 0; k < 4; k++)
				pthread_join(threads[k], NULL);
			if (i % 2)
				pthread_exit(NULL); /* the last thread: ends with 0 */
			_exit(counter == 4 * 20000 ? 0 : 9);
		}
		assert_int_equal(child, waitpid(child, &status, 0));
		assert_int_equal(0, status);
	}
	assert_int_equal(0, system("exit 0"));
	return none;
}

static void *exec_one(void *none)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(8);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
	return none;
}

static void a_child_goes_on_alone(void **state)
{
	pthread_t burners[3], threads[2];

	(void)state;
	pthread_mutex_init(&lock, NULL);
	atomic_store(&enough, false);
	start_all(burners, 3, burn, NULL);
	start_all(threads, 1, fork_some, NULL);
	join_all(threads, 1);
	start_all(threads, 2, exec_one, NULL);
	join_all(threads, 2);
	atomic_store(&enough, true);
	join_all(burners, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_end_and_are_joined),
		cmocka_unit_test(detached_threads_end),
		cmocka_unit_test(a_thread_keeps_its_number_and_name),
		cmocka_unit_test(who_is_made_is_called_as_its_maker),
		cmocka_unit_test(a_bound_thread_stays_there),
		cmocka_unit_test(nice_is_of_the_thread),
		cmocka_unit_test(a_timer_reaches_its_thread),
		cmocka_unit_test(a_thread_knows_its_processor_time),
		cmocka_unit_test(setting_ids_does_not_hang),
		cmocka_unit_test(a_child_goes_on_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
