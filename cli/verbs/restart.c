#include "../cli.h"
#include "../client.h"
#include "../verb.h"

#include "../../base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESTART_TIMEOUT_S 60
#define LOOK_AGAIN_MS     50
#define INSTANCES_MAX     1024u

struct restart {
	struct rh_cli *cli;
	const char    *resource;
	uint64_t       end_ns;
	bool           is_served; /* `rhodes up` starts instances */
};

/* The pids of the instances that its agent knows. */
static int list_pids(const struct restart *restart, pid_t *pids, size_t *ret_count)
{
	json_t *agents = NULL, *agent, *instance;
	size_t  i, k, count = 0;
	int     result = rh_client_list(restart->cli, "/apis/v1/agents", "items", &agents);

	json_array_foreach(agents, i, agent) {
		const char *name = json_string_value(json_object_get(agent, "resource"));

		if (!name || strcmp(name, restart->resource) != 0)
			continue;
		json_array_foreach(json_object_get(agent, "instances"), k, instance) {
			json_int_t pid = json_integer_value(
				json_object_get(instance, "pid"));

			if (pid > 0 && count < INSTANCES_MAX)
				pids[count++] = (pid_t)pid;
		}
	}
	json_decref(agents);
	*ret_count = count;
	return result;
}

static bool is_among(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

static int left_ms(const struct restart *restart)
{
	uint64_t now = rh_clock_ns();

	return now < restart->end_ns ? (int)((restart->end_ns - now) / RH_NS_PER_MS) + 1
	                             : 0;
}

/* --- one of them -------------------------------------------------------------------- */

static int end(const struct restart *restart, int pidfd, pid_t pid)
{
	struct pollfd look = { .fd = pidfd, .events = POLLIN };
	int           n;

	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return rh_cli_fail(restart->cli, RH_EXIT_REFUSED,
		                   "cannot end instance %d of %s: %s; its user or root"
		                   " can", (int)pid, restart->resource, strerror(errno));
	do {
		n = poll(&look, 1, left_ms(restart));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return rh_cli_fail(restart->cli, RH_EXIT_REFUSED,
		                   "instance %d of %s still runs a call; it ends after it,"
		                   " and --timeout waits longer", (int)pid,
		                   restart->resource);
	return RH_EXIT_OK;
}

/* One that was not there before. */
static pid_t newcomer(const pid_t *before, size_t before_count, const pid_t *now,
                      size_t now_count)
{
	for (size_t i = 0; i < now_count; i++) {
		if (!is_among(before, before_count, now[i]))
			return now[i];
	}
	return 0;
}

/* Until as many serve as before. */
static int await_another(const struct restart *restart, pid_t pid, const pid_t *before,
                         size_t count)
{
	pid_t  now[INSTANCES_MAX];
	size_t now_count = 0;

	for (;;) {
		pid_t next;
		int   result = list_pids(restart, now, &now_count);

		if (result != RH_EXIT_OK)
			return result;
		next = newcomer(before, count, now, now_count);
		if (next && !is_among(now, now_count, pid)) {
			fprintf(restart->cli->out, "%s: %d serves in the place of %d\n",
			        restart->resource, (int)next, (int)pid);
			fflush(restart->cli->out);
			return RH_EXIT_OK;
		}
		if (left_ms(restart) == 0)
			return rh_cli_fail(restart->cli, RH_EXIT_REFUSED,
			                   "instance %d of %s ended, and none serves in its"
			                   " place yet; `rhodes logs %s` tells why", (int)pid,
			                   restart->resource, restart->resource);
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

static int restart_one(const struct restart *restart, pid_t pid)
{
	int    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	pid_t  before[INSTANCES_MAX];
	size_t count = 0;
	int    result;

	if (pidfd < 0)
		return RH_EXIT_OK; /* it has ended by itself meanwhile */
	/* Still an instance after the descriptor was made: then it is the instance's. */
	result = list_pids(restart, before, &count);
	if (result == RH_EXIT_OK && is_among(before, count, pid)) {
		result = end(restart, pidfd, pid);
		if (result == RH_EXIT_OK)
			result = await_another(restart, pid, before, count);
	}
	close(pidfd);
	return result;
}

/* --- all of them --------------------------------------------------------------------- */

/* Who ends by himself is started again only when the manifest says so. */
static int check_policy(struct restart *restart)
{
	char        path[160];
	json_t     *resource = NULL, *serve;
	const char *policy;
	int         result;

	snprintf(path, sizeof path, "/apis/v1/resources/");
	rh_http_escape(path, sizeof path, restart->resource);
	result = rh_client_get(restart->cli, path, &resource);
	if (result != RH_EXIT_OK)
		return result;
	serve = json_object_get(json_object_get(resource, "spec"), "serve");
	policy = json_string_value(json_object_get(serve, "restart"));
	restart->is_served = serve != NULL;
	if (policy && strcmp(policy, "always") != 0)
		result = rh_cli_fail(restart->cli, RH_EXIT_REFUSED,
		                     "%s has serve.restart: %s, so that what ends is not"
		                     " started again; apply it with restart: always first",
		                     restart->resource, policy);
	json_decref(resource);
	return result;
}

static int tell_nobody(const struct restart *restart)
{
	if (restart->is_served)
		return rh_cli_fail(restart->cli, RH_EXIT_DOWN,
		                   "no instance of %s serves; `rhodes logs %s` tells why",
		                   restart->resource, restart->resource);
	return rh_cli_fail(restart->cli, RH_EXIT_REFUSED,
	                   "%s has no instances and its manifest starts none; programs"
	                   " that run as it are ended and started by who runs them",
	                   restart->resource);
}

int rh_verb_restart(struct rh_cli *cli)
{
	struct restart restart = { .cli = cli, .resource = cli->args.words[0] };
	long           timeout_s = RESTART_TIMEOUT_S;
	struct rh_diag diag = { 0 };
	pid_t          pids[INSTANCES_MAX];
	size_t         count = 0;
	int            result;

	if (rh_args_number(&cli->args, "timeout", 1, 86400, &timeout_s, &diag) ==
	    RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	restart.end_ns = rh_clock_ns() + (uint64_t)timeout_s * RH_NS_PER_S;
	result = check_policy(&restart);
	if (result == RH_EXIT_OK)
		result = list_pids(&restart, pids, &count);
	if (result == RH_EXIT_OK && count == 0)
		return tell_nobody(&restart);
	for (size_t i = 0; i < count && result == RH_EXIT_OK; i++)
		result = restart_one(&restart, pids[i]);
	return result;
}
