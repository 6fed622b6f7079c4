/* main - arguments, the server process, and the sizes in turn. */
#include "machine.h"
#include "measure.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];

void bench_die(const char *what)
{
	bench_fail("%s: %s", what, strerror(errno));
}

void bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

const char *bench_dir(void)
{
	const char *base = getenv("TMPDIR");

	if (directory[0])
		return directory;
	snprintf(directory, sizeof directory, "%.40s/bench-XXXXXX", base ? base : "/tmp");
	if (mkdtemp(directory) == NULL)
		bench_die(directory);
	return directory;
}

void *bench_shared(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (at == MAP_FAILED)
		bench_die("mmap");
	return at;
}

void bench_count(struct bench_run *run, pid_t pid)
{
	if (run->pid_count == BENCH_PIDS_MAX)
		bench_fail("too many processes to count");
	run->pids[run->pid_count++] = pid;
}

void bench_adopt(struct bench_run *run, pid_t pid)
{
	bench_count(run, pid);
	bench_place_process(pid, run->place, 1);
}

static enum bench_place place_named(const char *name)
{
	for (enum bench_place i = BENCH_FREE; i <= BENCH_TWO; i++) {
		if (strcmp(name, bench_place_name(i)) == 0)
			return i;
	}
	bench_fail("no such placement: %s (free, one, two)", name);
}

static void read_sizes(struct bench_run *run, char *list)
{
	char *rest = list;

	for (char *one; (one = strsep(&rest, ",")) != NULL;) {
		size_t size = strtoul(one, NULL, 10);

		if (size < 8 || run->size_count == BENCH_SIZES_MAX)
			bench_fail("bad size: %s", one);
		run->sizes[run->size_count++] = size;
	}
}

static void read_arguments(struct bench_run *run, int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "t:p:s:n:d:j:")) != -1;) {
		switch (c) {
		case 't': run->transport = optarg; break;
		case 'p': run->place = place_named(optarg); break;
		case 's': read_sizes(run, optarg); break;
		case 'n': run->calls = atol(optarg); break;
		case 'd': run->seconds = atof(optarg); break;
		case 'j':
			run->lanes = (unsigned)atoi(optarg);
			run->is_rate = 1;
			break;
		default:
			bench_fail("usage: %s -t transport [-p free|one|two] "
			           "[-s size,...] [-n calls] [-d seconds] [-j lanes]",
			           argv[0]);
		}
	}
	if (run->lanes < 1 || run->lanes > BENCH_LANES_MAX || run->calls < 10)
		bench_fail("lanes 1-%u, at least 10 calls", BENCH_LANES_MAX);
	if (run->size_count == 0)
		run->sizes[run->size_count++] = 64;
}

static const struct bench_transport *find(const struct bench_run *run,
                                          const struct bench_transport *list)
{
	for (; list->name; list++) {
		if (run->transport && strcmp(list->name, run->transport) == 0)
			return list;
	}
	bench_fail("no such transport: %s", run->transport ? run->transport : "(none)");
}

/* Leaves out the sizes that the transport cannot carry. */
static void cut_sizes(struct bench_run *run, const struct bench_transport *transport)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < run->size_count; i++) {
		size_t size = run->sizes[i];

		if (transport->size_max && size > transport->size_max)
			continue;
		run->sizes[kept++] = size;
		if (size > run->size_max)
			run->size_max = size;
	}
	run->size_count = kept;
}

struct service {
	const struct bench_transport *transport;
	struct bench_run             *run;
	unsigned                      lane;
};

static void *serve_main(void *arg)
{
	struct service *service = arg;

	service->transport->serve(service->run, service->lane);
	_exit(0);
}

static _Noreturn void be_server(struct bench_run *run,
                                const struct bench_transport *transport)
{
	static struct service services[BENCH_LANES_MAX];

	bench_place(run->place, 1);
	for (unsigned i = 0; i < run->lanes; i++) {
		pthread_t thread;

		services[i] = (struct service){ transport, run, i };
		if (i + 1 == run->lanes)
			serve_main(&services[i]);
		if (pthread_create(&thread, NULL, serve_main, &services[i]))
			bench_fail("no thread for the server of lane %u", i);
	}
	_exit(1);
}

static pid_t start_server(struct bench_run *run,
                          const struct bench_transport *transport)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		bench_die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		be_server(run, transport);
	}
	bench_count(run, pid);
	return pid;
}

static void measure(struct bench_run *run, const struct bench_transport *transport)
{
	for (unsigned i = 0; i < run->size_count; i++) {
		if (run->is_rate)
			bench_rate(run, transport, run->sizes[i]);
		else
			bench_latency(run, transport, run->sizes[i]);
	}
}

int bench_main(int argc, char **argv, const struct bench_transport *list)
{
	struct bench_run run = { .lanes = 1, .calls = 20000, .seconds = 1 };
	const struct bench_transport *transport;
	pid_t server = 0;

	read_arguments(&run, argc, argv);
	transport = find(&run, list);
	cut_sizes(&run, transport);
	if (run.size_count == 0 || (transport->is_spinning && run.place == BENCH_ONE))
		return 0;
	if (transport->make)
		transport->make(&run);
	if (transport->serve)
		server = start_server(&run, transport);
	bench_place(run.place, 0);
	if (transport->join)
		transport->join(&run);
	measure(&run, transport);
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	if (transport->end)
		transport->end(&run);
	if (directory[0] && rmdir(directory))
		fprintf(stderr, "%s is not empty\n", directory);
	fflush(stdout);
	_exit(0); /* past the exit handlers of the libraries under test */
}
