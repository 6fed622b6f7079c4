/* rhodes-agent - the agent of a resource on this node, or the agents of many.
 *
 *   rhodes-agent --run-dir DIR [--state-dir DIR] --resource NAME [--ready-fd N]
 *   rhodes-agent --run-dir DIR [--state-dir DIR] --pool FILE [--ready-fd N]
 *   rhodes-agent --help | --version
 *
 * Writes a line to descriptor N, and to RHODES_READY_FD, once its socket (of a pool:
 * each of them that can be there) can be connected to.  Ends with 0 on SIGTERM or SIGINT, 1 when it cannot work, 2 on wrong
 * usage. */
#include "agent.h"
#include "pool.h"

#include "../base/diag.h"
#include "../base/discard.h"
#include "../base/log.h"
#include "../base/ready.h"
#include "../base/tells.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct config {
	const char *run_dir;
	const char *state_dir;
	const char *resource;
	const char *pool;
	int         ready_fd;
};

static const struct option options[] = {
	{ "run-dir", required_argument, NULL, 'd' },
	{ "state-dir", required_argument, NULL, 's' },
	{ "resource", required_argument, NULL, 'r' },
	{ "pool", required_argument, NULL, 'p' },
	{ "ready-fd", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char usage[] =
	"usage: rhodes-agent --run-dir DIR [--state-dir DIR] --resource NAME [--ready-fd N]\n"
	"       rhodes-agent --run-dir DIR [--state-dir DIR] --pool FILE [--ready-fd N]\n"
	"  --run-dir DIR     where the sockets of the system are\n"
	"  --state-dir DIR   where its state is; without it nothing is remembered\n"
	"  --resource NAME   whose agent this is\n"
	"  --pool FILE       be the agents of all resources that FILE names, one a line\n"
	"  --ready-fd N      write \"ready\" to this descriptor once serving\n"
	"  --help, --version\n";

static int read_fd(const char *text)
{
	char *rest;
	long  fd = strtol(text, &rest, 10);

	return *text && !*rest && fd >= 0 && fd < 65536 ? (int)fd : -1;
}

static int read_config(int argc, char **argv, struct config *config)
{
	int option;

	*config = (struct config){ .ready_fd = -1 };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			config->run_dir = optarg;
		else if (option == 's')
			config->state_dir = optarg;
		else if (option == 'r')
			config->resource = optarg;
		else if (option == 'p')
			config->pool = optarg;
		else if (option != 'f' || (config->ready_fd = read_fd(optarg)) < 0)
			return -1;
	}
	return config->run_dir && !config->resource != !config->pool && optind == argc
	       ? 0 : -1;
}

/* Each page and each peer needs descriptors. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		rh_warn("the limit of descriptors stays at its default");
}

/* A pipe that nobody reads must not stop the agent: it gets an open file of its own
 * that does not wait, and lines that find no room are lost. */
static void free_log(void)
{
	struct stat st;
	int         fd;

	if (fstat(STDERR_FILENO, &st) < 0 || !S_ISFIFO(st.st_mode))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	rh_info("ending on a signal");
	uv_stop(handle->loop);
}

/* One of the two. */
struct service {
	struct rh_agent agent;
	struct rh_pool  pool;
};

static int start(struct service *service, const struct config *config, uv_loop_t *loop,
                 struct rh_diag *diag)
{
	static const int      numbers[2] = { SIGTERM, SIGINT };
	static uv_signal_t    handles[2];
	const struct rh_place place = {
		.loop = loop, .run_dir = config->run_dir, .state_dir = config->state_dir,
	};

	if (uv_loop_init(loop) < 0)
		return rh_diag_set(diag, RH_ENOMEM, "the event loop cannot be made");
	for (int i = 0; i < 2; i++) {
		uv_signal_init(loop, &handles[i]);
		uv_signal_start(&handles[i], on_signal, numbers[i]);
	}
	return config->pool
	       ? rh_pool_open(&service->pool, &place, config->pool, diag)
	       : rh_agent_open(&service->agent, &place, config->resource, diag);
}

static void say_ready(int fd)
{
	rh_ready_tell();
	if (fd < 0)
		return;
	if (write(fd, "ready\n", 6) < 0)
		rh_warn("nobody reads the descriptor of --ready-fd");
	close(fd);
}

int main(int argc, char **argv)
{
	static struct service service;
	static uv_loop_t      loop;
	struct config         config;
	struct rh_diag        diag = { .text = "out of memory" };

	if (rh_tells(argc, argv, "rhodes-agent " RH_VERSION, usage))
		return 0;
	if (read_config(argc, argv, &config) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	rh_log_init(config.pool ? "agents" : "agent");
	signal(SIGPIPE, SIG_IGN);
	free_log();
	rh_discard_start();
	raise_descriptor_limit();
	if (start(&service, &config, &loop, &diag) < 0) {
		rh_error("%s", diag.text);
		return 1;
	}
	say_ready(config.ready_fd);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (config.pool)
		rh_pool_close(&service.pool);
	else
		rh_agent_close(&service.agent);
	return 0;
}
