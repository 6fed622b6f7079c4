#include "../cli.h"
#include "../client.h"
#include "../show.h"
#include "../supervise/keeper.h"
#include "../supervise/lock.h"
#include "../supervise/pools.h"
#include "../supervise/queues.h"
#include "../supervise/supervisor.h"
#include "../tool.h"
#include "../verb.h"

#include "../../base/loopback.h"
#include "../../base/plural.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_TIMEOUT_S 60

struct tools {
	char self[PATH_MAX];
	char center[PATH_MAX];
	char agent[PATH_MAX];
	char bpf[PATH_MAX]; /* "": rules of mode ebpf cannot run here */
};

/* Has this process what rhodes-bpf keeps of it? */
static bool may_load_ebpf(void)
{
	const uint64_t needed = 1ull << CAP_BPF | 1ull << CAP_PERFMON | 1ull << CAP_NET_ADMIN;
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct   data[2] = { { 0 }, { 0 } };

	return syscall(SYS_capget, &head, data) == 0 &&
	       ((data[0].effective | (uint64_t)data[1].effective << 32) & needed) == needed;
}

static int find_tools(struct rh_cli *cli, struct tools *tools)
{
	struct rh_diag diag = { 0 };

	if (rh_tool_self(tools->self, &diag) < 0 ||
	    rh_tool_find("rhodes-center", tools->center, &diag) < 0 ||
	    rh_tool_find("rhodes-agent", tools->agent, &diag) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	if (!may_load_ebpf() || rh_tool_find("rhodes-bpf", tools->bpf, &diag) < 0)
		tools->bpf[0] = '\0';
	return RH_EXIT_OK;
}

/* argv of `rhodes apply` for the manifests; NULL when there are none. */
static char **apply_argv(struct rh_cli *cli, struct tools *tools)
{
	const struct rh_args *args = &cli->args;
	size_t                count = 0;
	char **argv =
		calloc(8 + 2 * (args->given_count + args->word_count), sizeof *argv);

	if (!argv || (args->word_count == 0 && !rh_args_has(args, "file"))) {
		free(argv);
		return NULL;
	}
	argv[count++] = tools->self;
	argv[count++] = (char *)(uintptr_t)"apply";
	argv[count++] = (char *)(uintptr_t)"--system";
	argv[count++] = cli->dirs.system;
	for (size_t i = 0; i < args->given_count; i++) {
		const struct rh_given *given = &args->given[i];

		if (strcmp(given->option->name, "file") != 0 &&
		    strcmp(given->option->name, "interface-path") != 0)
			continue;
		argv[count++] =
			(char *)(uintptr_t)(given->option->letter == 'f' ? "-f" : "-I");
		argv[count++] = (char *)(uintptr_t)given->value;
	}
	for (size_t i = 0; i < args->word_count; i++) {
		argv[count++] = (char *)(uintptr_t)"-f";
		argv[count++] = args->words[i];
	}
	return argv;
}

static void add_word(char **argv, size_t *count, const char *word)
{
	argv[(*count)++] = (char *)(uintptr_t)word;
}

/* argv of `rhodes observe` as it is to be kept running; NULL when it is not. */
static char **observe_argv(struct rh_cli *cli, struct tools *tools)
{
	const struct rh_args *args = &cli->args;
	char                **argv = calloc(8 + 2 * args->given_count, sizeof *argv);
	const char           *cgroup;
	size_t                count = 0;

	if (!argv || (!rh_args_has(args, "observe") && !rh_args_has(args, "enforce"))) {
		free(argv);
		return NULL;
	}
	add_word(argv, &count, tools->self);
	add_word(argv, &count, "observe");
	add_word(argv, &count, "--system");
	add_word(argv, &count, cli->dirs.system);
	for (size_t i = 0; (cgroup = rh_args_nth(args, "enforce", i)); i++) {
		add_word(argv, &count, "--enforce");
		add_word(argv, &count, cgroup);
	}
	if (rh_args_has(args, "strict"))
		add_word(argv, &count, "--strict");
	return argv;
}

/* Two descriptors a process; agents raise their own limit. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int take_lock(struct rh_cli *cli, struct rh_diag *diag)
{
	pid_t holder;
	int   r = rh_dirs_make(&cli->dirs, diag);
	int   lock = r < 0 ? r : rh_lock_take(&cli->dirs, &holder, diag);

	if (lock < 0 || (r = rh_dirs_sign(&cli->dirs, diag)) == RH_OK)
		return lock;
	close(lock);
	return r;
}

/* What an option says; read and found right before. */
static unsigned number(const struct rh_cli *cli, const char *option)
{
	struct rh_diag diag = { 0 };
	long           value = 0;

	rh_args_number(&cli->args, option, 0, LONG_MAX, &value, &diag);
	return (unsigned)value;
}

static int supervise(struct rh_cli *cli, struct tools *tools, int notify,
                     unsigned timeout_ms)
{
	char              **apply = apply_argv(cli, tools);
	char              **observe = observe_argv(cli, tools);
	struct rh_supervise options = {
		.dirs = &cli->dirs, .center = tools->center, .agent = tools->agent,
		.bpf = tools->bpf[0] ? tools->bpf : NULL, .self = tools->self, .apply = apply,
		.observe = observe, .pool = number(cli, "pool"),
		.tcp = rh_args_value(&cli->args, "tcp"),
		.screen = notify < 0 ? STDOUT_FILENO : -1, .has_color = cli->has_color,
		.notify = notify, .timeout_ms = timeout_ms,
	};
	struct rh_diag diag = { 0 };
	int            lock = take_lock(cli, &diag), result;

	if (lock < 0) {
		free(apply);
		free(observe);
		return rh_cli_fail(cli,
		                   lock == RH_EBUSY ? RH_EXIT_CONFLICT : RH_EXIT_REFUSED,
		                   "%s", diag.text);
	}
	raise_limit();
	rh_queues_sweep(cli->dirs.run); /* of one whose keeper was killed as well */
	result = rh_supervise_run(&options);
	free(apply);
	free(observe);
	close(lock);
	return result;
}

/* The keeper comes back when all is over; the lock is the supervisor's. */
static int keep(struct rh_cli *cli, struct tools *tools, int notify, unsigned timeout_ms)
{
	struct rh_keeper keeper = { .run_dir = cli->dirs.run, .notify = notify };
	struct rh_diag   diag = { 0 };
	int              result = RH_EXIT_REFUSED;
	int              r = rh_keeper_fork(&keeper, &result, &diag);

	if (r < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s", diag.text);
	return r == 1 ? result : supervise(cli, tools, notify, timeout_ms);
}

/* --- in the background ---------------------------------------------------------- */

/* The center knows the port when any free one was wanted. */
static void tell_tcp(struct rh_cli *cli)
{
	json_t     *system = NULL;
	const char *tcp;

	if (rh_client_get(cli, "/apis/v1/system", &system) != RH_EXIT_OK)
		return;
	tcp = rh_show_text(system, "tcp");
	fprintf(cli->out, "REST is also at http://%s, for clients that send the"
	        " token in %s/token:\n    curl -H \"Authorization: Bearer $(cat %s/token)\""
	        " http://%s/apis/v1/resources\n", tcp ? tcp : "?", cli->dirs.run,
	        cli->dirs.run, tcp ? tcp : "?");
	json_decref(system);
}

/* The first process waits for the word of the second. */
static int await(struct rh_cli *cli, pid_t child, int from)
{
	char    text[200];
	size_t  used = 0;
	ssize_t n;
	size_t  resources, processes;
	int     status = 0;

	while (used + 1 < sizeof text) {
		n = read(from, text + used, sizeof text - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
	if (sscanf(text, "ready %zu %zu", &resources, &processes) == 2) {
		fprintf(cli->out,
		        "the system \"%s\" is ready: %zu resource%s, %zu process%s\n",
		        cli->dirs.system, resources, rh_plural(resources), processes,
		        processes == 1 ? "" : "es");
		if (rh_args_has(&cli->args, "tcp"))
			tell_tcp(cli);
		return RH_EXIT_OK;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == RH_EXIT_CONFLICT)
		return RH_EXIT_CONFLICT;
	fprintf(cli->err,
	        "rhodes up: the system did not start; %s/system.log tells why\n",
	        cli->dirs.run);
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status)
	                                                : RH_EXIT_REFUSED;
}

static int detach(struct rh_cli *cli, struct tools *tools, unsigned timeout_ms)
{
	int   fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "no pipe: %s", strerror(errno));
	fflush(NULL);
	child = fork();
	if (child < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot fork: %s",
		                   strerror(errno));
	if (child > 0) {
		close(fds[1]);
		return await(cli, child, fds[0]);
	}
	close(fds[0]);
	setsid();
	return keep(cli, tools, fds[1], timeout_ms);
}

/* Before anything is started. */
static int check_tcp(struct rh_cli *cli)
{
	const char             *tcp = rh_args_value(&cli->args, "tcp");
	struct sockaddr_storage address;
	socklen_t               len;
	struct rh_diag          diag = { 0 };

	if (tcp && rh_loopback_parse(tcp, &address, &len, &diag) < 0)
		return rh_cli_usage(cli, "%s", diag.text);
	return RH_EXIT_OK;
}

int rh_verb_up(struct rh_cli *cli)
{
	static struct tools tools;
	struct rh_diag      diag = { 0 };
	bool                is_detached = rh_args_has(&cli->args, "detach");
	long                timeout_s = is_detached ? READY_TIMEOUT_S : 0, pool = 0;
	int                 result;

	if (rh_args_number(&cli->args, "timeout", 1, 3600, &timeout_s, &diag) ==
	        RH_EINVAL ||
	    rh_args_number(&cli->args, "pool", 1, RH_POOL_NAMES_MAX, &pool, &diag) ==
	        RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	result = check_tcp(cli);
	if (result == RH_EXIT_OK)
		result = find_tools(cli, &tools);
	if (result != RH_EXIT_OK)
		return result;
	if (is_detached)
		return detach(cli, &tools, (unsigned)timeout_s * 1000);
	return keep(cli, &tools, -1, (unsigned)timeout_s * 1000);
}
