/* What threads may rely on when they ask the kernel for a futex by number: as it is, and
 * under the carrier `fiber`, whose threads wait in queues of its own.  The first thread is
 * never governed: it stands for those that the kernel schedules. */
#include "fiber_kit.h"

#include <linux/futex.h>

#define ROUNDS 4000

static _Atomic uint32_t word, other_word;

static long futex(_Atomic uint32_t *at, int operation, uint32_t value,
		  const struct timespec *time, _Atomic uint32_t *other, uint32_t value3)
{
	return syscall(SYS_futex, at, operation | FUTEX_PRIVATE_FLAG, value, time, other,
		       value3);
}

static void on_a_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	start_all(&thread, 1, run, argument);
	join_all(&thread, 1);
}

/* ---- a wait that is none ---- */

static void *ask_wrongly(void *none)
{
	struct timespec bad = {0, 1000 * MS}, soon = in_ms(CLOCK_MONOTONIC, 5);
	struct timespec real = in_ms(CLOCK_REALTIME, 5), part = {0, 5 * MS};

	atomic_store(&word, 7);
	assert_int_equal(-1, futex(&word, FUTEX_WAIT, 8, NULL, NULL, 0));
	assert_int_equal(EAGAIN, errno);
	assert_int_equal(-1, futex(&word, FUTEX_WAIT, 7, &bad, NULL, 0));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(-1, futex(&word, FUTEX_WAIT_BITSET, 7, NULL, NULL, 0));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(-1, futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(-1, futex(&word, FUTEX_WAIT, 7, &part, NULL, 0));
	assert_int_equal(ETIMEDOUT, errno);
	assert_int_equal(-1, futex(&word, FUTEX_WAIT_BITSET, 7, &soon, NULL, ~0u));
	assert_int_equal(ETIMEDOUT, errno);
	assert_int_equal(-1, futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 7, &real,
				   NULL, ~0u));
	assert_int_equal(ETIMEDOUT, errno);
	assert_int_equal(0, futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	return none;
}

static void what_is_no_wait_is_told(void **state)
{
	(void)state;
	on_a_thread(ask_wrongly, NULL);
	ask_wrongly(NULL);
}

/* ---- no wake-up is lost ---- */

/* The lock of three states: 0 free, 1 held, 2 held and somebody waits. */
static void take(_Atomic uint32_t *at)
{
	uint32_t is = 0;

	if (atomic_compare_exchange_strong(at, &is, 1))
		return;
	while (atomic_exchange(at, 2))
		futex(at, FUTEX_WAIT, 2, NULL, NULL, 0);
}

static void give(_Atomic uint32_t *at)
{
	if (atomic_exchange(at, 0) == 2)
		futex(at, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void *count_under_it(void *none)
{
	for (int i = 0; i < ROUNDS; i++) {
		take(&word);
		counter++;
		if (i % 64 == 0)
			sched_yield();
		give(&word);
	}
	return none;
}

static void a_lock_of_futexes_excludes(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	atomic_store(&word, 0);
	counter = 0;
	start_all(threads, MANY, count_under_it, NULL);
	count_under_it(NULL);
	join_all(threads, MANY);
	assert_int_equal((MANY + 1) * ROUNDS, counter);
}

/* A word goes around: each waits until it has its number. */
static void pass_on(uint32_t own, uint32_t count)
{
	for (int i = 0; i < ROUNDS / 4; i++) {
		for (uint32_t is; (is = atomic_load(&word)) % count != own;)
			futex(&word, FUTEX_WAIT, is, NULL, NULL, 0);
		atomic_fetch_add(&word, 1);
		futex(&word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	}
}

static void *pass_on_here(void *own)
{
	pass_on((uint32_t)(uintptr_t)own, 3);
	return NULL;
}

static void fibers_and_others_wake_each_other(void **state)
{
	pthread_t threads[2];

	(void)state;
	atomic_store(&word, 0);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, pass_on_here, (void *)i);
	pass_on(2, 3);
	join_all(threads, 2);
	assert_int_equal(3 * (ROUNDS / 4), atomic_load(&word));
}

/* ---- who is woken ---- */

static void *wait_for_bits(void *bits)
{
	atomic_fetch_add(&reached, 1);
	while (futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, (uint32_t)(uintptr_t)bits))
		assert_int_equal(EINTR, errno);
	atomic_fetch_add(&cleaned, 1);
	return NULL;
}

/* Wakes until it was so many: who is to be woken may not wait yet. */
static void wake_so_many(_Atomic uint32_t *at, uint32_t bits, long count)
{
	while (count > 0) {
		long woken = futex(at, FUTEX_WAKE_BITSET, (uint32_t)count, NULL, NULL, bits);

		assert_in_range(woken, 0, count);
		count -= woken;
		sched_yield();
	}
}

static void only_those_of_its_bits_are_woken(void **state)
{
	pthread_t ones[3], twos[3];

	(void)state;
	atomic_store(&word, 0);
	atomic_store(&cleaned, 0);
	start_all(ones, 3, wait_for_bits, (void *)1);
	start_all(twos, 3, wait_for_bits, (void *)2);
	wake_so_many(&word, 2, 3);
	join_all(twos, 3);
	assert_int_equal(3, atomic_load(&cleaned));
	assert_int_equal(0, futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 4));
	wake_so_many(&word, 5, 3);
	join_all(ones, 3);
}

static void *wait_for_change(void *none)
{
	atomic_fetch_add(&reached, 1);
	while (atomic_load(&word) == 0)
		futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return none;
}

/* Wherever they wait afterwards, a wake-up of both words reaches all. */
static void who_is_moved_is_woken(void **state)
{
	pthread_t threads[MANY];
	struct timespec *all = (struct timespec *)(uintptr_t)INT32_MAX;

	(void)state;
	atomic_store(&word, 0);
	start_all(threads, MANY, wait_for_change, NULL);
	await(&reached, MANY);
	assert_int_equal(-1, futex(&word, FUTEX_CMP_REQUEUE, 1, all, &other_word, 5));
	assert_int_equal(EAGAIN, errno);
	assert_true(futex(&word, FUTEX_CMP_REQUEUE, 1, all, &other_word, 0) >= 0);
	atomic_store(&word, 1);
	futex(&word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	futex(&other_word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	join_all(threads, MANY);
}

/* ---- signals ---- */

static _Atomic int handled;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static void handle(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(SIGUSR1, &action, NULL);
}

static _Atomic long said;

static void *wait_once(void *time)
{
	atomic_store(&reached, 1);
	said = futex(&word, FUTEX_WAIT, 0, time, NULL, 0) ? -errno : 0;
	atomic_store(&reached, 2);
	return NULL;
}

/* Signals come until one ends the wait. */
static void interrupt_until_it_ends(struct timespec *time)
{
	pthread_t thread;

	atomic_store(&word, 0);
	start_all(&thread, 1, wait_once, time);
	await(&reached, 1);
	while (atomic_load(&reached) < 2) {
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	join_all(&thread, 1);
	assert_int_equal(-EINTR, said);
}

static void a_handler_ends_a_wait(void **state)
{
	struct timespec long_time = {1000, 0};

	(void)state;
	handle(0);
	interrupt_until_it_ends(NULL);
	handle(SA_RESTART);
	interrupt_until_it_ends(&long_time);
}

/* With SA_RESTART a wait without a time goes on, and sees that the word changed. */
static void a_handler_that_restarts_does_not(void **state)
{
	pthread_t thread;

	(void)state;
	handle(SA_RESTART);
	atomic_store(&handled, 0);
	atomic_store(&word, 0);
	start_all(&thread, 1, wait_once, NULL);
	await(&reached, 1);
	for (int i = 0; i < 20; i++) {
		pthread_kill(thread, SIGUSR1);
		await(&handled, i + 1);
	}
	assert_int_equal(1, atomic_load(&reached));
	wake_so_many(&word, ~0u, 1);
	join_all(&thread, 1);
	assert_int_equal(0, said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_wait_is_told),
		cmocka_unit_test(a_lock_of_futexes_excludes),
		cmocka_unit_test(fibers_and_others_wake_each_other),
		cmocka_unit_test(only_those_of_its_bits_are_woken),
		cmocka_unit_test(who_is_moved_is_woken),
		cmocka_unit_test(a_handler_ends_a_wait),
		cmocka_unit_test(a_handler_that_restarts_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
