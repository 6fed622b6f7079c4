/* Signals and cancellation of threads: passes as it is, and must pass with librhodes-fiber.so
 * before it. */
#include "fiber_kit.h"

/* ---- cancellation ---- */

static void unlock_it(void *mutex)
{
	assert_int_equal(0, pthread_mutex_unlock(mutex));
	atomic_fetch_add(&cleaned, 1);
}

static void *be_cancelled(void *argument)
{
	char byte;

	pthread_cleanup_push(clean, NULL);
	atomic_fetch_add(&reached, 1);
	switch ((intptr_t)argument) {
	case 0:
		pthread_mutex_lock(&lock);
		pthread_cleanup_push(unlock_it, &lock);
		for (;;)
			pthread_cond_wait(&cond, &lock);
		pthread_cleanup_pop(0);
		break;
	case 1:
		for (;;)
			sem_wait(&nobody);
	case 2:
		for (;;)
			sleep(1000);
	case 3:
		assert_int_equal(-1, read(pipes[0], &byte, 1));
		break;
	case 4:
		for (;;)
			pthread_testcancel();
	case 5:
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
		atomic_fetch_add(&reached, 1);
		for (;;)
			__asm__ volatile("" ::: "memory");
	default:
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		await(&reached, 2);
		sched_yield();
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		pthread_testcancel();
	}
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_each(void)
{
	for (intptr_t how = 0; how < 7; how++) {
		pthread_t thread;
		void *value;

		cleaned = 0;
		atomic_store(&reached, 0);
		pthread_create(&thread, NULL, be_cancelled, (void *)how);
		await(&reached, how == 5 ? 2 : 1);
		for (int i = 0; i < 20; i++)
			sched_yield();
		assert_int_equal(0, pthread_cancel(thread));
		atomic_fetch_add(&reached, 1);
		assert_int_equal(0, pthread_join(thread, &value));
		assert_ptr_equal(PTHREAD_CANCELED, value);
		assert_int_equal(how == 0 ? 2 : 1, cleaned);
	}
}

static void *cancel_others(void *none)
{
	cancel_each();
	return none;
}

static void threads_are_cancelled(void **state)
{
	pthread_t thread;

	(void)state;
	sem_init(&nobody, 0, 0);
	assert_int_equal(0, pipe(pipes));
	for (int i = 0; i < 20; i++)
		cancel_each();
	atomic_store(&reached, 0);
	pthread_create(&thread, NULL, cancel_others, NULL);
	join_all(&thread, 1);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- signals ---- */

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

static void *be_signalled(void *argument)
{
	struct timespec long_time = {1000, 0}, left = {0};
	sigset_t set;
	char byte;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	atomic_fetch_add(&reached, 1);
	switch ((intptr_t)argument) {
	case 0: /* runs */
		while (!atomic_load(&handled))
			__asm__ volatile("" ::: "memory");
		break;
	case 1: /* waits for others */
		pthread_mutex_lock(&lock);
		while (!atomic_load(&enough))
			pthread_cond_wait(&cond, &lock);
		pthread_mutex_unlock(&lock);
		break;
	case 2:
		assert_int_equal(-1, nanosleep(&long_time, &left));
		assert_int_equal(EINTR, errno);
		assert_in_range(left.tv_sec, 900, 1000);
		break;
	case 3:
		assert_int_equal(-1, read(pipes[0], &byte, 1));
		assert_int_equal(EINTR, errno);
		break;
	case 4:
		assert_int_equal(-1, sem_wait(&nobody));
		assert_int_equal(EINTR, errno);
		break;
	case 5:
		assert_int_equal(-1, poll(NULL, 0, -1));
		assert_int_equal(EINTR, errno);
		break;
	default:
		assert_int_equal(0, sigwait(&set, &sig));
		assert_int_equal(SIGUSR2, sig);
		return NULL;
	}
	assert_true(pthread_equal(pthread_self(), handled_by));
	return NULL;
}

static void signal_each(void)
{
	for (intptr_t how = 0; how < 7; how++) {
		pthread_t thread;

		handled = 0;
		atomic_store(&enough, false);
		atomic_store(&reached, 0);
		pthread_create(&thread, NULL, be_signalled, (void *)how);
		await(&reached, 1);
		/* Until it has had an effect: it may come before the call that it ends. */
		if (how == 6)
			assert_int_equal(0, pthread_kill(thread, SIGUSR2));
		for (bool ended = false; how != 6 && !ended;) {
			pthread_kill(thread, SIGUSR1);
			for (int i = 0; i < 50; i++)
				sched_yield();
			if (how == 1 && handled) {
				pthread_mutex_lock(&lock);
				enough = true;
				pthread_cond_broadcast(&cond);
				pthread_mutex_unlock(&lock);
			}
			ended = pthread_tryjoin_np(thread, NULL) == 0;
		}
		if (how == 6)
			join_all(&thread, 1);
		else
			assert_true(handled > 0);
	}
}

static void *signal_others(void *none)
{
	signal_each();
	return none;
}

static void a_signal_reaches_its_thread(void **state)
{
	pthread_t thread;

	(void)state;
	have_handler(SIGUSR1, 0);
	sem_init(&nobody, 0, 0);
	assert_int_equal(0, pipe(pipes));
	for (int i = 0; i < 20; i++)
		signal_each();
	pthread_create(&thread, NULL, signal_others, NULL);
	join_all(&thread, 1);
	close(pipes[0]);
	close(pipes[1]);
}

static void *block_some(void *argument)
{
	sigset_t set, now;
	bool blocks = argument != NULL;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(blocks ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
	atomic_fetch_add(&reached, 1);
	for (int i = 0; i < 200; i++) {
		sched_yield();
		pthread_sigmask(SIG_SETMASK, NULL, &now);
		assert_int_equal(blocks, sigismember(&now, SIGUSR1));
	}
	if (!blocks)
		return NULL;
	await(&reached, MANY + 1);
	assert_int_equal(0, sigpending(&now));
	assert_int_equal(1, sigismember(&now, SIGUSR1));
	handled_by = 0;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return NULL;
}

static void each_thread_has_its_mask(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	have_handler(SIGUSR1, SA_RESTART);
	handled = 0;
	atomic_store(&reached, 0);
	for (intptr_t i = 0; i < MANY; i++)
		pthread_create(&threads[i], NULL, block_some, (void *)(i % 2));
	await(&reached, MANY);
	for (int i = 1; i < MANY; i += 2)
		pthread_kill(threads[i], SIGUSR1);
	assert_int_equal(0, handled);
	atomic_fetch_add(&reached, 1);
	join_all(threads, MANY);
	assert_int_equal(MANY / 2, handled);
}

static __thread char *stack_of_mine;
static _Atomic int on_stack;

static _Thread_local int handled_here;

static void count_here(int sig)
{
	(void)sig;
	handled_here++;
}

/* Blocked, it waits for this thread wherever it runs, also while the thread waits for
 * another signal; nobody else gets it. */
static void *send_oneself(void *passed)
{
	const struct timespec short_time = {.tv_nsec = MS};
	intptr_t how = (intptr_t)passed % 4;
	sigset_t set, other, now;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigemptyset(&other);
	sigaddset(&other, SIGUSR2);
	pthread_sigmask(how ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &other, NULL);
	for (int round = 0; round < 10; round++) {
		if (how == 1)
			raise(SIGUSR1);
		else if (how == 2)
			pthread_kill(pthread_self(), SIGUSR1);
		else if (how == 3)
			pthread_sigqueue(pthread_self(), SIGUSR1, (union sigval){0});
		for (int i = 0; i < 20; i++)
			sched_yield();
		assert_int_equal(0, handled_here);
		assert_int_equal(-1, sigtimedwait(&other, NULL, &short_time));
		for (int i = 0; i < 20; i++)
			sched_yield();
		assert_int_equal(0, sigpending(&now));
		assert_int_equal(how > 0, sigismember(&now, SIGUSR1));
		if (!how)
			continue;
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		assert_int_equal(1, handled_here);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		handled_here = 0;
	}
	return NULL;
}

static void what_a_thread_sends_itself_waits_for_it(void **state)
{
	struct sigaction action = {.sa_handler = count_here};
	pthread_t threads[MANY];

	(void)state;
	assert_int_equal(0, sigaction(SIGUSR1, &action, NULL));
	for (intptr_t i = 0; i < MANY; i++)
		pthread_create(&threads[i], NULL, send_oneself, (void *)i);
	join_all(threads, MANY);
}

#define QUEUED 300

/* It blocks them, and looks when all are there. */
static void *take_in_order(void *none)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	assert_int_equal(0, pthread_sigmask(SIG_BLOCK, &set, NULL));
	atomic_store(&reached, 1);
	await(&reached, 2);
	for (int i = 0; i < QUEUED; i++) {
		int at = i % (QUEUED / 2);

		assert_int_equal(SIGRTMIN + 1 + i / (QUEUED / 2), sigwaitinfo(&set, &info));
		assert_int_equal(SI_QUEUE, info.si_code);
		assert_int_equal(2 * at + i / (QUEUED / 2), info.si_value.sival_int);
	}
	assert_int_equal(-1, sigtimedwait(&set, &info, &(struct timespec){0}));
	return none;
}

static void realtime_signals_are_queued(void **state)
{
	pthread_t thread;

	(void)state;
	start_all(&thread, 1, take_in_order, NULL);
	await(&reached, 1);
	for (int i = 0; i < QUEUED; i++) {
		union sigval value = {.sival_int = i};

		assert_int_equal(0, pthread_sigqueue(thread, SIGRTMIN + 1 + i % 2, value));
	}
	atomic_store(&reached, 2);
	join_all(&thread, 1);
}

static void look_where(int sig)
{
	char here;

	(void)sig;
	if (&here >= stack_of_mine && &here < stack_of_mine + 65536)
		atomic_fetch_add(&on_stack, 1);
}

static void *have_a_stack(void *none)
{
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536}, now;

	stack_of_mine = stack.ss_sp;
	assert_int_equal(0, sigaltstack(&stack, NULL));
	for (int i = 0; i < 100; i++) {
		sched_yield();
		raise(SIGUSR1);
	}
	assert_int_equal(0, sigaltstack(NULL, &now));
	assert_ptr_equal(stack_of_mine, now.ss_sp);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	free(stack_of_mine);
	return none;
}

static void each_thread_has_its_alternate_stack(void **state)
{
	struct sigaction action = {.sa_handler = look_where, .sa_flags = SA_ONSTACK};
	pthread_t threads[MANY];

	(void)state;
	on_stack = 0;
	sigaction(SIGUSR1, &action, NULL);
	start_all(threads, MANY, have_a_stack, NULL);
	join_all(threads, MANY);
	assert_int_equal(MANY * 100, on_stack);
}

static void *jump_out(void *none)
{
	static __thread sigjmp_buf at;
	sigset_t now;

	for (volatile int i = 0; i < 50; i++) {
		if (sigsetjmp(at, 1) == 0)
			siglongjmp(at, 1);
		sched_yield();
		pthread_sigmask(SIG_SETMASK, NULL, &now);
		assert_int_equal(0, sigismember(&now, SIGUSR1));
	}
	return none;
}

static void jumps_restore_the_mask(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	start_all(threads, MANY, jump_out, NULL);
	join_all(threads, MANY);
}

static struct {
	sem_t free, full;
	int item[16], in, out;
	_Atomic long sum;
} ring;

static void post(int sig)
{
	(void)sig;
	sem_post(&ring.full);
}

static void *wait_for_posts(void *none)
{
	for (int i = 0; i < 2000; i++)
		while (sem_wait(&ring.full))
			;
	return none;
}

static void *post_by_signal(void *none)
{
	for (int i = 0; i < 500; i++)
		raise(SIGUSR1);
	return none;
}

static void handlers_may_post(void **state)
{
	struct sigaction action = {.sa_handler = post};
	pthread_t threads[5];

	(void)state;
	sem_init(&ring.full, 0, 0);
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, i ? post_by_signal : wait_for_posts, NULL);
	join_all(threads, 5);
}

static void *wait_for_the_end(void *none)
{
	atomic_fetch_add(&reached, 1);
	pthread_mutex_lock(&lock);
	while (!enough)
		pthread_cond_wait(&cond, &lock);
	pthread_mutex_unlock(&lock);
	return none;
}

/* Also when all threads that could take it wait. */
static void a_signal_to_the_process_is_handled(void **state)
{
	pthread_t threads[3];
	sigset_t set;

	(void)state;
	have_handler(SIGUSR1, SA_RESTART);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	enough = false;
	handled = 0;
	start_all(threads, 3, wait_for_the_end, NULL);
	await(&reached, 3);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (int i = 1; i <= 200; i++) {
		assert_int_equal(0, kill(getpid(), SIGUSR1));
		await(&handled, i);
	}
	pthread_mutex_lock(&lock);
	enough = true;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	join_all(threads, 3);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_cancelled),
		cmocka_unit_test(a_signal_reaches_its_thread),
		cmocka_unit_test(each_thread_has_its_mask),
		cmocka_unit_test(what_a_thread_sends_itself_waits_for_it),
		cmocka_unit_test(realtime_signals_are_queued),
		cmocka_unit_test(each_thread_has_its_alternate_stack),
		cmocka_unit_test(jumps_restore_the_mask),
		cmocka_unit_test(handlers_may_post),
		cmocka_unit_test(a_signal_to_the_process_is_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
