/* Locks, waiting and sleeping of threads: passes as it is, and must pass with librhodes-fiber.so
 * before it. */
#include "fiber_kit.h"

/* ---- locks ---- */

static void a_mutex_excludes(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	counter = 0;
	start_all(threads, MANY, add_many, NULL);
	join_all(threads, MANY);
	assert_int_equal(MANY * 20000, counter);
}

static int turn;

static void *take_turns(void *argument)
{
	int mine = (int)(intptr_t)argument;

	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&lock);
		while (turn != mine)
			pthread_cond_wait(&cond, &lock);
		turn = (turn + 1) % 3;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void no_wake_up_is_lost(void **state)
{
	pthread_t threads[3];

	(void)state;
	turn = 0;
	for (intptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, take_turns, (void *)i);
	join_all(threads, 3);
	assert_int_equal(0, turn);
}

static struct {
	sem_t free, full;
	int item[16], in, out;
	_Atomic long sum;
} ring;

static void *produce(void *none)
{
	for (int i = 1; i <= 4000; i++) {
		sem_wait(&ring.free);
		pthread_mutex_lock(&lock);
		ring.item[ring.in++ % 16] = i;
		pthread_mutex_unlock(&lock);
		sem_post(&ring.full);
	}
	return none;
}

static void *consume(void *none)
{
	for (int i = 1; i <= 4000; i++) {
		sem_wait(&ring.full);
		pthread_mutex_lock(&lock);
		ring.sum += ring.item[ring.out++ % 16];
		pthread_mutex_unlock(&lock);
		sem_post(&ring.free);
	}
	return none;
}

static void semaphores_count(void **state)
{
	pthread_t threads[8];

	(void)state;
	sem_init(&ring.free, 0, 16);
	sem_init(&ring.full, 0, 0);
	ring.sum = 0;
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, i % 2 ? produce : consume, NULL);
	join_all(threads, 8);
	assert_int_equal(4L * 4000 * 4001 / 2, ring.sum);
}

static void *kinds_of_mutexes(void *none)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	struct timespec soon;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&mutex, &attr);
	assert_int_equal(0, pthread_mutex_lock(&mutex));
	assert_int_equal(0, pthread_mutex_lock(&mutex));
	assert_int_equal(0, pthread_mutex_unlock(&mutex));
	assert_int_equal(0, pthread_mutex_unlock(&mutex));
	assert_int_equal(EPERM, pthread_mutex_unlock(&mutex));
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&mutex, &attr);
	assert_int_equal(0, pthread_mutex_lock(&mutex));
	assert_int_equal(EDEADLK, pthread_mutex_lock(&mutex));
	assert_int_equal(0, pthread_mutex_unlock(&mutex));
	assert_int_equal(EPERM, pthread_mutex_unlock(&mutex));
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_NORMAL);
	pthread_mutex_init(&mutex, &attr);
	pthread_mutex_lock(&mutex);
	soon = in_ms(CLOCK_REALTIME, 5);
	assert_int_equal(ETIMEDOUT, pthread_mutex_timedlock(&mutex, &soon));
	soon = in_ms(CLOCK_MONOTONIC, 5);
	assert_int_equal(ETIMEDOUT, pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon));
	pthread_mutex_unlock(&mutex);
	return none;
}

static void mutexes_of_each_kind(void **state)
{
	pthread_t thread;

	(void)state;
	start_all(&thread, 1, kinds_of_mutexes, NULL);
	join_all(&thread, 1);
}

static pthread_mutex_t robust;

static void *die_with_it(void *none)
{
	pthread_mutex_lock(&robust);
	return none;
}

static void *find_it(void *none)
{
	assert_int_equal(EOWNERDEAD, pthread_mutex_lock(&robust));
	assert_int_equal(0, pthread_mutex_consistent(&robust));
	assert_int_equal(0, pthread_mutex_unlock(&robust));
	assert_int_equal(0, pthread_mutex_lock(&robust));
	assert_int_equal(0, pthread_mutex_unlock(&robust));
	return none;
}

static void a_robust_mutex_tells_of_its_owners_end(void **state)
{
	pthread_mutexattr_t attr;
	pthread_t thread;

	(void)state;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	start_all(&thread, 1, die_with_it, NULL);
	join_all(&thread, 1);
	start_all(&thread, 1, find_it, NULL);
	join_all(&thread, 1);
}

static void a_mutex_with_inheritance_excludes(void **state)
{
	pthread_mutexattr_t attr;
	pthread_t threads[MANY];

	(void)state;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_destroy(&lock);
	pthread_mutex_init(&lock, &attr);
	counter = 0;
	start_all(threads, MANY, add_many, NULL);
	join_all(threads, MANY);
	assert_int_equal(MANY * 20000, counter);
	pthread_mutex_destroy(&lock);
	pthread_mutex_init(&lock, NULL);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static _Atomic int readers, writers;
static long pair[2];

static void *read_or_write(void *argument)
{
	bool writes = argument != NULL;

	for (int i = 0; i < 3000; i++) {
		if (writes) {
			assert_int_equal(0, pthread_rwlock_wrlock(&rwlock));
			assert_int_equal(0, atomic_fetch_add(&writers, 1));
			pair[0]++;
			pair[1]++;
			atomic_fetch_sub(&writers, 1);
		} else {
			assert_int_equal(0, pthread_rwlock_rdlock(&rwlock));
			atomic_fetch_add(&readers, 1);
			assert_int_equal(0, atomic_load(&writers));
			assert_int_equal(pair[0], pair[1]);
			atomic_fetch_sub(&readers, 1);
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void readers_and_writers_exclude(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	pair[0] = pair[1] = 0;
	for (intptr_t i = 0; i < MANY; i++)
		pthread_create(&threads[i], NULL, read_or_write, (void *)(intptr_t)(i % 3 == 0));
	join_all(threads, MANY);
	assert_int_equal(3 * 3000, pair[0]);
}

static pthread_barrier_t barrier;
static _Atomic int serial, rounds[50];

static void *in_step(void *none)
{
	for (int i = 0; i < 50; i++) {
		atomic_fetch_add(&rounds[i], 1);
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			atomic_fetch_add(&serial, 1);
		assert_int_equal(MANY, atomic_load(&rounds[i]));
	}
	return none;
}

static void a_barrier_holds_all(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	memset(rounds, 0, sizeof rounds);
	serial = 0;
	pthread_barrier_init(&barrier, NULL, MANY);
	start_all(threads, MANY, in_step, NULL);
	join_all(threads, MANY);
	assert_int_equal(50, serial);
	assert_int_equal(0, pthread_barrier_destroy(&barrier));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic int onces;

static void do_once(void)
{
	sched_yield();
	onces++;
}

static void *all_once(void *none)
{
	pthread_once(&once, do_once);
	assert_int_equal(1, onces);
	return none;
}

static void once_is_once(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, all_once, NULL);
	join_all(threads, MANY);
}

/* ---- time ---- */

static void *wait_timed(void *none)
{
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	struct timespec at, before, after;
	sem_t sem;

	sem_init(&sem, 0, 0);
	for (int i = 0; i < 10; i++) {
		clock_gettime(CLOCK_MONOTONIC, &before);
		pthread_mutex_lock(&own);
		at = in_ms(CLOCK_REALTIME, 3);
		assert_int_equal(ETIMEDOUT, pthread_cond_timedwait(&never, &own, &at));
		at = in_ms(CLOCK_MONOTONIC, 3);
		assert_int_equal(ETIMEDOUT, pthread_cond_clockwait(&never, &own,
								   CLOCK_MONOTONIC, &at));
		pthread_mutex_unlock(&own);
		at = in_ms(CLOCK_REALTIME, 3);
		assert_int_equal(-1, sem_timedwait(&sem, &at));
		assert_int_equal(ETIMEDOUT, errno);
		assert_int_equal(0, usleep(3000));
		clock_gettime(CLOCK_MONOTONIC, &after);
		assert_true((after.tv_sec - before.tv_sec) * 1000 * MS + after.tv_nsec -
				    before.tv_nsec >= 11 * MS);
	}
	return none;
}

static void timed_waits_end(void **state)
{
	pthread_t threads[32];

	(void)state;
	start_all(threads, 32, wait_timed, NULL);
	join_all(threads, 32);
}

static void *sleep_all_ways(void *none)
{
	struct timespec short_time = {0, 2 * MS};
	struct timeval timeval = {0, 2000};
	struct epoll_event event;
	int epoll = epoll_create1(0);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(0, nanosleep(&short_time, NULL));
		assert_int_equal(0, clock_nanosleep(CLOCK_REALTIME, 0, &short_time, NULL));
		assert_int_equal(0, poll(NULL, 0, 2));
		assert_int_equal(0, ppoll(NULL, 0, &short_time, NULL));
		assert_int_equal(0, epoll_wait(epoll, &event, 1, 2));
		timeval.tv_usec = 2000;
		assert_int_equal(0, select(0, NULL, NULL, NULL, &timeval));
		assert_int_equal(-1, sigtimedwait(&set, NULL, &short_time));
		assert_int_equal(EAGAIN, errno);
	}
	close(epoll);
	atomic_fetch_add(&reached, 1);
	return none;
}

static void sleeping_calls_are_not_interrupted(void **state)
{
	pthread_t burners[4], sleepers[4];

	(void)state;
	atomic_store(&enough, false);
	start_all(burners, 4, burn, NULL);
	start_all(sleepers, 4, sleep_all_ways, NULL);
	join_all(sleepers, 4);
	atomic_store(&enough, true);
	join_all(burners, 4);
}

/* A thread that never leaves by itself does not keep others from running. */
static void busy_threads_are_preempted(void **state)
{
	pthread_t burners[16], thread;

	(void)state;
	atomic_store(&enough, false);
	start_all(burners, 16, burn, NULL);
	start_all(&thread, 1, sleep_all_ways, NULL);
	join_all(&thread, 1);
	atomic_store(&enough, true);
	join_all(burners, 16);
}

/* ---- all carriers sleep in the kernel ---- */

static void *read_one(void *none)
{
	char byte;

	atomic_fetch_add(&reached, 1);
	assert_int_equal(1, read(pipes[0], &byte, 1));
	return none;
}

static void *write_many(void *none)
{
	await(&reached, 24);
	for (int i = 0; i < 24; i++)
		assert_int_equal(1, write(pipes[1], "x", 1));
	return none;
}

static void all_may_sleep_in_the_kernel(void **state)
{
	pthread_t threads[25];

	(void)state;
	assert_int_equal(0, pipe(pipes));
	start_all(threads, 24, read_one, NULL);
	assert_int_equal(0, pthread_create(&threads[24], NULL, write_many, NULL));
	join_all(threads, 25);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- C11 ---- */

static mtx_t mtx;
static cnd_t cnd;
static int c11_turn;

static int c11_thread(void *argument)
{
	int mine = (int)(intptr_t)argument;

	for (int i = 0; i < 1000; i++) {
		mtx_lock(&mtx);
		while (c11_turn != mine)
			cnd_wait(&cnd, &mtx);
		c11_turn = !c11_turn;
		cnd_broadcast(&cnd);
		mtx_unlock(&mtx);
	}
	return mine + 40;
}

static void threads_of_c11(void **state)
{
	thrd_t threads[2];
	int value;

	(void)state;
	assert_int_equal(thrd_success, mtx_init(&mtx, mtx_timed));
	assert_int_equal(thrd_success, cnd_init(&cnd));
	for (intptr_t i = 0; i < 2; i++)
		assert_int_equal(thrd_success, thrd_create(&threads[i], c11_thread, (void *)i));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(thrd_success, thrd_join(threads[i], &value));
		assert_int_equal(40 + i, value);
	}
}

/* ---- storage ---- */

static __thread int of_thread;

static void *use_storage(void *argument)
{
	int mine = (int)(intptr_t)argument;

	for (int i = 0; i < 300; i++) {
		of_thread = mine;
		errno = mine;
		sched_yield();
		assert_int_equal(mine, of_thread);
		assert_int_equal(mine, errno);
		free(malloc(100 + (size_t)mine + (size_t)i));
	}
	return NULL;
}

static void storage_follows_the_thread(void **state)
{
	pthread_t threads[32];

	(void)state;
	for (intptr_t i = 0; i < 32; i++)
		pthread_create(&threads[i], NULL, use_storage, (void *)(i + 1));
	join_all(threads, 32);
}

static void *load_library(void *none)
{
	for (int i = 0; i < 5; i++) {
		void *library = dlopen("libm.so.6", RTLD_NOW);
		double (*cosine)(double);

		assert_non_null(library);
		*(void **)(&cosine) = dlsym(library, "cos");
		assert_true(cosine(0) > 0.99);
		sched_yield();
		dlclose(library);
	}
	return none;
}

static void libraries_are_loaded_by_threads(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, load_library, NULL);
	join_all(threads, MANY);
}

/* More threads than the runtime has places for. */
static void *wait_open(void *none)
{
	pthread_mutex_lock(&lock);
	reached++;
	while (!enough)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	return none;
}

static void more_threads_than_places(void **state)
{
	static pthread_t threads[1100];
	pthread_attr_t attr;

	(void)state;
	enough = false;
	reached = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < 1100; i++)
		assert_int_equal(0, pthread_create(&threads[i], &attr, wait_open, NULL));
	await(&reached, 1100);
	pthread_mutex_lock(&lock);
	enough = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	join_all(threads, 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mutex_excludes),
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(semaphores_count),
		cmocka_unit_test(mutexes_of_each_kind),
		cmocka_unit_test(a_robust_mutex_tells_of_its_owners_end),
		cmocka_unit_test(a_mutex_with_inheritance_excludes),
		cmocka_unit_test(readers_and_writers_exclude),
		cmocka_unit_test(a_barrier_holds_all),
		cmocka_unit_test(once_is_once),
		cmocka_unit_test(timed_waits_end),
		cmocka_unit_test(sleeping_calls_are_not_interrupted),
		cmocka_unit_test(busy_threads_are_preempted),
		cmocka_unit_test(all_may_sleep_in_the_kernel),
		cmocka_unit_test(threads_of_c11),
		cmocka_unit_test(storage_follows_the_thread),
		cmocka_unit_test(libraries_are_loaded_by_threads),
		cmocka_unit_test(more_threads_than_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
