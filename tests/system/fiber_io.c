/* Reading and writing pipes, sockets and their like, whoever waits for them: as Linux does. */
#include "fiber_kit.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LARGE (1u << 20)

struct ends {
	int in, out; /* to read from, to write to */
};

static struct ends open_pipe(void)
{
	int fds[2];

	assert_int_equal(0, pipe(fds));
	return (struct ends){fds[0], fds[1]};
}

static struct ends open_sockets(int kind)
{
	int fds[2];

	assert_int_equal(0, socketpair(AF_UNIX, kind, 0, fds));
	return (struct ends){fds[0], fds[1]};
}

static void close_both(struct ends ends)
{
	close(ends.in);
	close(ends.out);
}

/* What one thread does in a call, and what came of it. */
struct call {
	struct ends ends;
	ssize_t result;
	int error;
	char bytes[16];
};

static void *read_once(void *user)
{
	struct call *call = user;

	atomic_fetch_add(&reached, 1);
	call->result = read(call->ends.in, call->bytes, sizeof call->bytes);
	call->error = call->result < 0 ? errno : 0;
	return NULL;
}

/* Its thread waits in the call by then, or is about to. */
static pthread_t begin(void *(*run)(void *), struct call *call)
{
	pthread_t thread;

	start_all(&thread, 1, run, call);
	await(&reached, 1);
	for (int i = 0; i < 100; i++)
		sched_yield();
	return thread;
}

static void who_reads_is_woken(void **state)
{
	struct ends all[] = {open_pipe(), open_sockets(SOCK_STREAM), open_sockets(SOCK_SEQPACKET)};

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct call call = {.ends = all[i]};
		pthread_t thread = begin(read_once, &call);

		assert_int_equal(3, write(all[i].out, "abc", 3));
		join_all(&thread, 1);
		assert_int_equal(3, call.result);
		assert_memory_equal("abc", call.bytes, 3);
		thread = begin(read_once, &call);
		close(all[i].out);
		join_all(&thread, 1);
		assert_int_equal(0, call.result);
		close(all[i].in);
	}
}

/* Each byte goes to one of them. */
static void many_read_one_pipe(void **state)
{
	struct call calls[MANY];
	pthread_t threads[MANY];
	struct ends ends = open_pipe();

	(void)state;
	atomic_store(&reached, 0);
	for (int i = 0; i < MANY; i++) {
		calls[i] = (struct call){.ends = ends};
		assert_int_equal(0, pthread_create(&threads[i], NULL, read_once, &calls[i]));
	}
	await(&reached, MANY);
	for (int i = 0; i < MANY - 1; i++) {
		char byte = (char)i;
		size_t came = 0;

		assert_int_equal(1, write(ends.out, &byte, 1));
		while (came < (size_t)i + 1) { /* one was read before the next is written */
			came = 0;
			sched_yield();
			for (int at = 0; at < MANY; at++)
				came += __atomic_load_n(&calls[at].result, __ATOMIC_ACQUIRE) == 1;
		}
	}
	close(ends.out);
	join_all(threads, MANY);
	close(ends.in);
}

static void *write_large(void *user)
{
	struct call *call = user;
	char *bytes = malloc(LARGE);

	for (unsigned i = 0; i < LARGE; i++)
		bytes[i] = (char)(i % 251);
	atomic_fetch_add(&reached, 1);
	call->result = write(call->ends.out, bytes, LARGE);
	free(bytes);
	return NULL;
}

/* A call that writes more than there is room for ends when all is written. */
static void what_is_large_is_written_whole(void **state)
{
	struct ends all[] = {open_pipe(), open_sockets(SOCK_STREAM)};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct call call = {.ends = all[i]};
		pthread_t thread = begin(write_large, &call);
		char bytes[777];
		unsigned at = 0;

		while (at < LARGE) {
			ssize_t got = read(all[i].in, bytes, sizeof bytes);

			assert_in_range(got, 1, sizeof bytes);
			for (ssize_t n = 0; n < got; n++, at++)
				assert_int_equal(bytes[n], (char)(at % 251));
		}
		join_all(&thread, 1);
		assert_int_equal(LARGE, call.result);
		close_both(all[i]);
	}
}

static _Atomic int handled;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static void handle_with(int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};

	atomic_store(&handled, 0);
	assert_int_equal(0, sigaction(SIGUSR1, &action, NULL));
}

static void a_handler_ends_it_or_not(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread;

	(void)state;
	handle_with(0);
	thread = begin(read_once, &call);
	while (!__atomic_load_n(&call.error, __ATOMIC_ACQUIRE)) { /* it may be about to wait */
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	join_all(&thread, 1);
	assert_int_equal(EINTR, call.error);
	handle_with(SA_RESTART);
	call.error = 0;
	thread = begin(read_once, &call);
	pthread_kill(thread, SIGUSR1);
	await(&handled, 1);
	assert_int_equal(1, write(call.ends.out, "a", 1));
	join_all(&thread, 1);
	assert_int_equal(1, call.result);
	close_both(call.ends);
}

static void *read_and_be_cancelled(void *user)
{
	pthread_cleanup_push(clean, NULL);
	read_once(user);
	pthread_cleanup_pop(0);
	return NULL;
}

static void it_is_cancelled(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread = begin(read_and_be_cancelled, &call);
	void *value;
	int before = atomic_load(&cleaned);

	(void)state;
	assert_int_equal(0, pthread_cancel(thread));
	assert_int_equal(0, pthread_join(thread, &value));
	assert_ptr_equal(PTHREAD_CANCELED, value);
	assert_int_equal(before + 1, atomic_load(&cleaned));
	close_both(call.ends);
}

static void *ask_without_waiting(void *user)
{
	struct call *call = user;
	const struct timeval most = {.tv_usec = 2000};
	struct ends sockets = open_sockets(SOCK_STREAM);
	char byte;

	assert_int_equal(0, fcntl(call->ends.in, F_SETFL, O_NONBLOCK));
	assert_int_equal(-1, read(call->ends.in, &byte, 1));
	assert_int_equal(EAGAIN, errno);
	assert_int_equal(-1, recv(sockets.in, &byte, 1, MSG_DONTWAIT));
	assert_int_equal(EAGAIN, errno);
	assert_int_equal(0, setsockopt(sockets.in, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most));
	assert_int_equal(-1, recv(sockets.in, &byte, 1, 0));
	assert_int_equal(EAGAIN, errno);
	assert_int_equal(-1, read(-1, &byte, 1));
	assert_int_equal(EBADF, errno);
	close_both(sockets);
	return NULL;
}

static void who_wants_no_waiting_has_none(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread;

	(void)state;
	start_all(&thread, 1, ask_without_waiting, &call);
	join_all(&thread, 1);
	close_both(call.ends);
}

static void *write_to_nobody(void *user)
{
	struct call *call = user;

	call->result = write(call->ends.out, "a", 1);
	call->error = errno;
	return NULL;
}

static void what_nobody_reads_is_an_error(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close(call.ends.in);
	start_all(&thread, 1, write_to_nobody, &call);
	join_all(&thread, 1);
	assert_int_equal(-1, call.result);
	assert_int_equal(EPIPE, call.error);
	close(call.ends.out);
}

/* Linux waits on, for a pipe that has no number any more; EBADF is right, too. */
static void a_close_leaves_nobody_waiting(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread = begin(read_once, &call);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close(call.ends.in);
	assert_true(write(call.ends.out, "a", 1) == 1 || errno == EPIPE);
	join_all(&thread, 1);
	assert_true(call.result == 1 || call.error == EBADF);
	close(call.ends.out);
}

static void *shut_out(void *user)
{
	struct call *call = user;

	atomic_fetch_add(&reached, 1);
	call->result = recv(call->ends.in, call->bytes, 1, 0);
	return NULL;
}

static void a_shutdown_wakes(void **state)
{
	struct call call = {.ends = open_sockets(SOCK_STREAM), .result = -2};
	pthread_t thread = begin(shut_out, &call);

	(void)state;
	assert_int_equal(0, shutdown(call.ends.in, SHUT_RD));
	join_all(&thread, 1);
	assert_int_equal(0, call.result);
	close_both(call.ends);
}

static void *read_number(void *user)
{
	uint64_t number = 0;

	atomic_fetch_add(&reached, 1);
	assert_int_equal(sizeof number, read(*(int *)user, &number, sizeof number));
	return (void *)(uintptr_t)number;
}

static void an_eventfd_wakes(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t three = 3;
	pthread_t thread;
	void *number;

	(void)state;
	start_all(&thread, 1, read_number, &fd);
	await(&reached, 1);
	assert_int_equal(sizeof three, write(fd, &three, sizeof three));
	assert_int_equal(0, pthread_join(thread, &number));
	assert_int_equal(3, (uintptr_t)number);
	close(fd);
}

/* A descriptor that becomes a file is read as one, whoever closed the pipe that it was. */
static void *read_file(void *user)
{
	struct call *call = user;
	char *bytes = calloc(1, LARGE);
	FILE *file = fdopen(call->ends.in, "r");
	int fd;

	assert_int_equal(1, write(call->ends.out, "a", 1));
	assert_int_equal(1, read(call->ends.in, bytes, 1));
	fclose(file);
	fd = open("/proc/self/exe", O_RDONLY);
	assert_int_equal(call->ends.in, fd);
	call->result = read(fd, bytes, 1000);
	close(fd);
	free(bytes);
	return NULL;
}

static void a_descriptor_becomes_another(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread;

	(void)state;
	start_all(&thread, 1, read_file, &call);
	join_all(&thread, 1);
	assert_int_equal(1000, call.result);
	close(call.ends.out);
}

/* Others read and write meanwhile; the child has threads of its own. */
static void *fork_and_read(void *user)
{
	struct call *call = user;
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct call own = {.ends = open_pipe()};
		pthread_t thread;

		if (pthread_create(&thread, NULL, read_once, &own) != 0 ||
		    write(own.ends.out, "abc", 3) != 3 || pthread_join(thread, NULL) != 0)
			_exit(1);
		_exit(own.result == 3 ? 0 : 2);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
	assert_int_equal(2, write(call->ends.out, "no", 2));
	return NULL;
}

static void children_wait_for_themselves(void **state)
{
	struct call call = {.ends = open_pipe()};
	pthread_t thread = begin(read_once, &call), forking;

	(void)state;
	assert_int_equal(0, pthread_create(&forking, NULL, fork_and_read, &call));
	join_all(&forking, 1);
	join_all(&thread, 1);
	assert_int_equal(2, call.result);
	close_both(call.ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_is_woken),
		cmocka_unit_test(many_read_one_pipe),
		cmocka_unit_test(what_is_large_is_written_whole),
		cmocka_unit_test(a_handler_ends_it_or_not),
		cmocka_unit_test(it_is_cancelled),
		cmocka_unit_test(who_wants_no_waiting_has_none),
		cmocka_unit_test(what_nobody_reads_is_an_error),
		cmocka_unit_test(a_close_leaves_nobody_waiting),
		cmocka_unit_test(a_shutdown_wakes),
		cmocka_unit_test(an_eventfd_wakes),
		cmocka_unit_test(a_descriptor_becomes_another),
		cmocka_unit_test(children_wait_for_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
