/* A thread that is cancelled in a call that sleeps ends there, with its cleanup handlers
 * run, and nobody else notices: passes as it is, and must pass with librhodes-fiber.so
 * before it. */
#include "fiber_kit.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

static int listener, pair[2], full[2], queue, events, other_lock;
static char fifo[64], locked[64];
static mqd_t posts;
static pthread_t sleeper;
static pid_t child;

static void in_read(void) { char byte; (void)!read(pipes[0], &byte, 1); }
static void in_readv(void) { char byte; struct iovec at = {&byte, 1}; (void)!readv(pipes[0], &at, 1); }
static void in_write(void) { char bytes[4096] = ""; for (;;) (void)!write(full[1], bytes, sizeof bytes); }
static void in_recv(void) { char byte; recv(pair[0], &byte, 1, 0); }
static void in_recvfrom(void) { char byte; recvfrom(pair[0], &byte, 1, 0, NULL, NULL); }
static void in_recvmsg(void) { struct msghdr message = {0}; recvmsg(pair[0], &message, 0); }
static void in_accept(void) { accept(listener, NULL, NULL); }
static void in_poll(void) { poll(NULL, 0, -1); }
static void in_ppoll(void) { ppoll(NULL, 0, NULL, NULL); }
static void in_select(void) { select(0, NULL, NULL, NULL, NULL); }
static void in_pselect(void) { pselect(0, NULL, NULL, NULL, NULL, NULL); }
static void in_epoll(void) { struct epoll_event event; epoll_wait(events, &event, 1, -1); }
static void in_epoll_masked(void) { struct epoll_event event; epoll_pwait(events, &event, 1, -1, NULL); }
static void in_msgrcv(void) { long message[2]; msgrcv(queue, message, sizeof message[1], 1, 0); }
static void in_mq(void) { char message[8]; mq_receive(posts, message, sizeof message, NULL); }
static void in_pause(void) { pause(); }
static void in_wait(void) { wait(NULL); }
static void in_waitpid(void) { waitpid(child, NULL, 0); }
static void in_waitid(void) { siginfo_t info; waitid(P_PID, (id_t)child, &info, WEXITED); }
static void in_usleep(void) { usleep(900000000); }
static void in_nanosleep(void) { struct timespec time = {1000, 0}; nanosleep(&time, NULL); }
static void in_clock(void) { struct timespec at = in_ms(CLOCK_MONOTONIC, 1000000); clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL); }
static void in_join(void) { pthread_join(sleeper, NULL); }
static void in_sem(void) { sem_wait(&nobody); }
static void in_sem_timed(void) { struct timespec at = in_ms(CLOCK_REALTIME, 1000000); sem_timedwait(&nobody, &at); }
static void in_open(void) { (void)open(fifo, O_RDONLY); }
static void in_fcntl(void) { struct flock all = {.l_type = F_WRLCK}; fcntl(other_lock, F_OFD_SETLKW, &all); }

static void in_sigwait(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwait(&set, &sig);
}

static void in_sigtimedwait(void)
{
	struct timespec time = {1000, 0};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigtimedwait(&set, &info, &time);
}

static void in_sigsuspend(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigsuspend(&set);
}

static void unlock_it(void *mutex)
{
	assert_int_equal(0, pthread_mutex_unlock(mutex));
}

static void in_cond(void)
{
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlock_it, &lock);
	for (;;)
		pthread_cond_wait(&cond, &lock);
	pthread_cleanup_pop(0);
}

static void in_cond_timed(void)
{
	struct timespec at = in_ms(CLOCK_REALTIME, 1000000);

	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlock_it, &lock);
	for (;;)
		pthread_cond_timedwait(&cond, &lock, &at);
	pthread_cleanup_pop(0);
}

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
	{"read", in_read}, {"readv", in_readv}, {"write", in_write}, {"recv", in_recv},
	{"recvfrom", in_recvfrom}, {"recvmsg", in_recvmsg}, {"accept", in_accept},
	{"poll", in_poll}, {"ppoll", in_ppoll}, {"select", in_select}, {"pselect", in_pselect},
	{"epoll_wait", in_epoll}, {"epoll_pwait", in_epoll_masked}, {"msgrcv", in_msgrcv},
	{"mq_receive", in_mq}, {"pause", in_pause}, {"wait", in_wait}, {"waitpid", in_waitpid},
	{"waitid", in_waitid}, {"usleep", in_usleep}, {"nanosleep", in_nanosleep},
	{"clock_nanosleep", in_clock}, {"pthread_join", in_join}, {"sem_wait", in_sem},
	{"sem_timedwait", in_sem_timed}, {"open", in_open}, {"fcntl", in_fcntl},
	{"sigwait", in_sigwait}, {"sigtimedwait", in_sigtimedwait},
	{"sigsuspend", in_sigsuspend}, {"cond_wait", in_cond}, {"cond_timedwait", in_cond_timed},
};

#define CALLS (sizeof calls / sizeof *calls)

static void *be_cancelled(void *at)
{
	pthread_cleanup_push(clean, NULL);
	atomic_fetch_add(&reached, 1);
	calls[(uintptr_t)at].call();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *sleep_long(void *none)
{
	sleep(100000);
	return none;
}

static void open_all(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX}; /* the kernel names it */
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
	struct flock all = {.l_type = F_WRLCK};
	char name[64];
	int own;

	assert_int_equal(0, pipe(pipes));
	assert_int_equal(0, pipe(full));
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(0, bind(listener, (void *)&address, sizeof address.sun_family));
	assert_int_equal(0, listen(listener, 1));
	events = epoll_create1(0);
	queue = msgget(IPC_PRIVATE, 0600);
	assert_true(queue >= 0);
	snprintf(name, sizeof name, "/fiber-cancel-%d", getpid());
	posts = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
	assert_true(posts != (mqd_t)-1);
	mq_unlink(name);
	snprintf(fifo, sizeof fifo, "/tmp/rh-fifo-%d", getpid());
	assert_int_equal(0, mkfifo(fifo, 0600));
	snprintf(locked, sizeof locked, "/tmp/rh-lock-%d", getpid());
	own = open(locked, O_CREAT | O_RDWR, 0600);
	assert_int_equal(0, fcntl(own, F_OFD_SETLK, &all));
	other_lock = open(locked, O_RDWR);
	sem_init(&nobody, 0, 0);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(0, pthread_create(&sleeper, NULL, sleep_long, NULL));
}

static void close_all(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	msgctl(queue, IPC_RMID, NULL);
	unlink(fifo);
	unlink(locked);
	pthread_cancel(sleeper);
	pthread_join(sleeper, NULL);
}

static void end_all(pthread_t *threads, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *value;

		assert_int_equal(0, pthread_cancel(threads[i]));
		assert_int_equal(0, pthread_join(threads[i], &value));
		assert_ptr_equal(PTHREAD_CANCELED, value);
	}
	assert_int_equal(count, cleaned);
}

/* Soon, when it may not sleep yet, and late. */
static void *cancel_each(void *none)
{
	for (size_t i = 0; i < 3 * CALLS; i++) {
		pthread_t thread;

		cleaned = 0;
		atomic_store(&reached, 0);
		assert_int_equal(0, pthread_create(&thread, NULL, be_cancelled,
						   (void *)(uintptr_t)(i % CALLS)));
		await(&reached, 1);
		for (size_t k = 0; k < 20 * (i / CALLS); k++)
			sched_yield();
		end_all(&thread, 1);
	}
	return none;
}

static void each_call_that_sleeps_can_be_cancelled(void **state)
{
	pthread_t thread, burners[3];

	(void)state;
	open_all();
	cancel_each(NULL);
	atomic_store(&enough, false);
	for (int i = 0; i < 3; i++)
		pthread_create(&burners[i], NULL, burn_in_turns, NULL);
	pthread_create(&thread, NULL, cancel_each, NULL);
	join_all(&thread, 1);
	atomic_store(&enough, true);
	join_all(burners, 3);
	close_all();
}

/* All at once: more than there are carriers. */
static void all_calls_that_sleep_are_cancelled_together(void **state)
{
	static pthread_t threads[4 * CALLS];

	(void)state;
	open_all();
	cleaned = 0;
	atomic_store(&reached, 0);
	for (size_t i = 0; i < 4 * CALLS; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, be_cancelled,
						   (void *)(uintptr_t)(i % CALLS)));
	await(&reached, 4 * CALLS);
	end_all(threads, 4 * CALLS);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_that_sleeps_can_be_cancelled),
		cmocka_unit_test(all_calls_that_sleep_are_cancelled_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
