/* Hundreds of threads that hand things to each other, and signals that land in calls that
 * sleep: no wake-up is lost, and each call ends as Linux ends it.  Passes as it is, and
 * must pass with librhodes-fiber.so before it. */
#include "fiber_kit.h"

#define CROWD 300
#define LAPS  20

/* ---- carriers ---- */

static void *read_byte(void *none)
{
	char byte;

	atomic_fetch_add(&reached, 1);
	assert_int_equal(1, read(pipes[0], &byte, 1));
	return none;
}

/* Those that come while all that run sleep in the kernel. */
static void carriers_that_sleep_are_no_obstacle(void **state)
{
	pthread_t threads[6];

	(void)state;
	assert_int_equal(0, pipe(pipes));
	for (int round = 0; round < 600; round++) {
		int count = 3 + round % 4;

		start_all(threads, count, read_byte, NULL);
		await(&reached, count);
		for (int i = 0; i < count; i++)
			assert_int_equal(1, write(pipes[1], "x", 1));
		join_all(threads, count);
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- hand-overs ---- */

static int turn; /* under lock */
static sem_t places[CROWD];
static int rings[CROWD][2];
static pthread_barrier_t all;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static long laps[CROWD];

static void *by_cond(void *at)
{
	int own = (int)(intptr_t)at;

	for (int i = 0; i < LAPS; i++) {
		pthread_mutex_lock(&lock);
		while (turn % CROWD != own)
			pthread_cond_wait(&cond, &lock);
		turn++;
		laps[own]++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* One cond each: a signal that is lost is not made good by another. */
static pthread_cond_t conds[CROWD];

static void *by_own_cond(void *at)
{
	int own = (int)(intptr_t)at;

	for (int i = 0; i < LAPS; i++) {
		pthread_mutex_lock(&lock);
		while (turn % CROWD != own)
			pthread_cond_wait(&conds[own], &lock);
		turn++;
		laps[own]++;
		pthread_mutex_unlock(&lock);
		pthread_cond_signal(&conds[(own + 1) % CROWD]);
	}
	return NULL;
}

static void *by_semaphore(void *at)
{
	int own = (int)(intptr_t)at;

	for (int i = 0; i < LAPS; i++) {
		while (sem_wait(&places[own]))
			assert_int_equal(EINTR, errno);
		laps[own]++;
		sem_post(&places[(own + 1) % CROWD]);
	}
	return NULL;
}

static void *by_pipe(void *at)
{
	int own = (int)(intptr_t)at;
	char byte;

	for (int i = 0; i < LAPS; i++) {
		assert_int_equal(1, read(rings[own][0], &byte, 1));
		laps[own]++;
		assert_int_equal(1, write(rings[(own + 1) % CROWD][1], &byte, 1));
	}
	return NULL;
}

static void *by_barrier(void *at)
{
	int own = (int)(intptr_t)at;

	for (int i = 0; i < LAPS; i++) {
		pthread_barrier_wait(&all);
		laps[own]++;
	}
	return NULL;
}

static void *by_rwlock(void *at)
{
	int own = (int)(intptr_t)at;

	for (int i = 0; i < LAPS; i++) {
		long before;

		pthread_rwlock_wrlock(&shared);
		counter++;
		laps[own]++;
		pthread_rwlock_unlock(&shared);
		pthread_rwlock_rdlock(&shared);
		before = counter;
		if (own % 16 == 0)
			sched_yield();
		assert_int_equal(before, counter);
		pthread_rwlock_unlock(&shared);
	}
	return NULL;
}

static void go_around(void *(*run)(void *))
{
	static pthread_t threads[CROWD];

	turn = 0;
	counter = 0;
	memset(laps, 0, sizeof laps);
	for (intptr_t i = 0; i < CROWD; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, run, (void *)i));
	join_all(threads, CROWD);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(LAPS, laps[i]);
}

static void nothing_is_lost_by_conditions(void **state)
{
	(void)state;
	for (int i = 0; i < CROWD; i++)
		pthread_cond_init(&conds[i], NULL);
	go_around(by_own_cond);
	go_around(by_cond);
}

static void nothing_is_lost_by_semaphores(void **state)
{
	(void)state;
	for (int i = 0; i < CROWD; i++)
		sem_init(&places[i], 0, i % 100 == 0);
	go_around(by_semaphore);
}

static void nothing_is_lost_by_pipes(void **state)
{
	(void)state;
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(0, pipe(rings[i]));
	assert_int_equal(1, write(rings[0][1], "x", 1));
	assert_int_equal(1, write(rings[100][1], "x", 1));
	go_around(by_pipe);
	for (int i = 0; i < CROWD; i++) {
		close(rings[i][0]);
		close(rings[i][1]);
	}
}

static void nothing_is_lost_by_barriers(void **state)
{
	(void)state;
	pthread_barrier_init(&all, NULL, CROWD);
	go_around(by_barrier);
	pthread_barrier_destroy(&all);
}

static void nothing_is_lost_by_rwlocks(void **state)
{
	(void)state;
	go_around(by_rwlock);
	assert_int_equal(CROWD * LAPS, counter);
}

/* ---- signals that land in calls ---- */

static _Atomic int handled;
static _Atomic bool is_done;

static void handle(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static int in_read(void)
{
	char byte;

	return (int)read(pipes[0], &byte, 1);
}

static void end_read(void)
{
	assert_int_equal(1, write(pipes[1], "x", 1));
}

static int in_sem(void)
{
	return sem_wait(&nobody);
}

static int in_sem_timed(void)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 1000000);

	return sem_timedwait(&nobody, &at);
}

static void end_sem(void)
{
	sem_post(&nobody);
}

static int in_nanosleep(void)
{
	struct timespec time = {1000, 0};

	return nanosleep(&time, NULL);
}

static int in_clock(void)
{
	struct timespec at = in_ms(CLOCK_MONOTONIC, 1000000);

	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	return errno ? -1 : 0;
}

static int in_cond(void)
{
	pthread_mutex_lock(&lock);
	while (!turn)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	return 1;
}

static void end_cond(void)
{
	pthread_mutex_lock(&lock);
	turn = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
}

static int in_mutex(void)
{
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return 1;
}

static int in_poll(void)
{
	struct pollfd all_of = {.fd = pipes[0], .events = POLLIN};

	return poll(&all_of, 1, -1);
}

static int in_pause(void)
{
	return pause();
}

static void end_never(void)
{
	abort();
}

/* Which go on after a handler with SA_RESTART, and which after any. */
static const struct {
	int (*call)(void);
	void (*end)(void);
	bool goes_on, goes_on_always;
} calls[] = {
	{in_read, end_read, true, false},
	{in_sem, end_sem, true, false},
	{in_sem_timed, end_sem, false, false},
	{in_nanosleep, end_never, false, false},
	{in_clock, end_never, false, false},
	{in_cond, end_cond, true, true},
	{in_mutex, NULL, true, true},
	{in_poll, end_read, false, false},
	{in_pause, end_never, false, false},
};

struct victim {
	size_t call;
	bool goes_on; /* is expected */
	int result, error;
};

static void *be_hit(void *argument)
{
	struct victim *victim = argument;

	atomic_store(&reached, 1);
	victim->result = calls[victim->call].call();
	victim->error = errno;
	atomic_store(&is_done, true);
	return NULL;
}

static void end_call(size_t call)
{
	char byte;

	if (calls[call].end)
		calls[call].end();
	else
		pthread_mutex_unlock(&lock);
	if (calls[call].call == in_poll)
		assert_int_equal(1, read(pipes[0], &byte, 1));
}

/* Until it has ended, or was handled so often. */
static void hit(pthread_t thread, bool goes_on)
{
	for (int i = 1; goes_on ? i <= 8 : !atomic_load(&is_done); i++) {
		int before = atomic_load(&handled);

		if (pthread_kill(thread, SIGUSR1))
			break; /* it ended */
		while (atomic_load(&handled) == before && !atomic_load(&is_done))
			sched_yield();
		for (int k = 0; k < i * 10; k++)
			sched_yield();
	}
}

static void check(const struct victim *victim)
{
	bool went_on = victim->result >= 0;

	if (went_on != victim->goes_on || (!went_on && victim->error != EINTR))
		fail_msg("call %zu: %d, %s", victim->call, victim->result,
			 strerror(victim->error));
}

static void hit_each(int flags)
{
	struct sigaction action = {.sa_handler = handle, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
	for (size_t call = 0; call < sizeof calls / sizeof *calls; call++) {
		struct victim victim = {.call = call,
			.goes_on = calls[call].goes_on_always ||
				   (flags && calls[call].goes_on)};
		pthread_t thread;

		turn = 0;
		atomic_store(&is_done, false);
		atomic_store(&reached, 0);
		if (calls[call].call == in_mutex)
			pthread_mutex_lock(&lock);
		pthread_create(&thread, NULL, be_hit, &victim);
		await(&reached, 1);
		hit(thread, victim.goes_on);
		if (victim.goes_on || !calls[call].end)
			end_call(call);
		pthread_join(thread, NULL);
		check(&victim);
	}
}

static void *hit_all(void *none)
{
	hit_each(0);
	hit_each(SA_RESTART);
	return none;
}

static void signals_end_calls_as_on_linux(void **state)
{
	pthread_t thread, burners[3];

	(void)state;
	assert_int_equal(0, pipe(pipes));
	sem_init(&nobody, 0, 0);
	for (int i = 0; i < 10; i++)
		hit_all(NULL);
	atomic_store(&enough, false);
	for (int i = 0; i < 3; i++)
		pthread_create(&burners[i], NULL, burn_in_turns, NULL);
	pthread_create(&thread, NULL, hit_all, NULL);
	pthread_join(thread, NULL);
	atomic_store(&enough, true);
	join_all(burners, 3);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- all asleep ---- */

static void *wait_for_signal(void *none)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	atomic_fetch_add(&reached, 1);
	assert_int_equal(0, sigwait(&set, &sig));
	return none;
}

/* One more that works while as many as ever sleep in the kernel, and who wakes them. */
static void *wake_sleepers(void *argument)
{
	pthread_t *threads = argument;

	add_many(NULL);
	for (int i = 0; i < 40; i++)
		if (i % 2)
			assert_int_equal(1, write(pipes[1], "x", 1));
		else
			assert_int_equal(0, pthread_kill(threads[i], SIGRTMIN + 2));
	return NULL;
}

static void threads_go_on_while_others_sleep(void **state)
{
	pthread_t threads[40], worker;

	(void)state;
	assert_int_equal(0, pipe(pipes));
	for (int round = 0; round < 20; round++) {
		atomic_store(&reached, 0);
		for (int i = 0; i < 40; i++)
			pthread_create(&threads[i], NULL, i % 2 ? read_byte : wait_for_signal,
				       NULL);
		await(&reached, 40);
		pthread_create(&worker, NULL, wake_sleepers, threads);
		join_all(threads, 40);
		pthread_join(worker, NULL);
	}
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carriers_that_sleep_are_no_obstacle),
		cmocka_unit_test(nothing_is_lost_by_conditions),
		cmocka_unit_test(nothing_is_lost_by_semaphores),
		cmocka_unit_test(nothing_is_lost_by_pipes),
		cmocka_unit_test(nothing_is_lost_by_barriers),
		cmocka_unit_test(nothing_is_lost_by_rwlocks),
		cmocka_unit_test(signals_end_calls_as_on_linux),
		cmocka_unit_test(threads_go_on_while_others_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
