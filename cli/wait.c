#include "wait.h"

#include "known.h"

#include "../base/clock.h"
#include "../base/diag.h"

#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 200

/* What is missing, in diag; RH_OK when nothing is. */
static int look(struct rh_cli *cli, const char *resource, struct rh_diag *diag)
{
	char    agent[RH_SOCKET_PATH_MAX + 1];
	json_t *known = NULL;
	long    status = 0;
	int     r = rh_known_find(cli, "resources", resource, &known, &status, diag);

	json_decref(known);
	if (r < 0)
		return r;
	if (status == 404)
		return rh_diag_set(diag, RH_ENOENT,
		                   "no resource \"%.63s\" is registered in the system"
		                   " \"%s\"; `rhodes get resources` lists them", resource,
		                   cli->dirs.system);
	if (status != 200)
		return RH_OK; /* the verb asks again and tells */
	r = rh_dirs_agent(&cli->dirs, resource, agent, diag);
	if (r < 0)
		return r;
	if (access(agent, F_OK) < 0)
		return rh_diag_set(diag, RH_EDETACHED,
		                   "the agent of %.63s does not run; `rhodes logs"
		                   " agent/%.63s` tells why", resource, resource);
	return RH_OK;
}

/* A socket that appears is told by the kernel.  A registration, and a center whose
 * socket stayed behind, are looked for from time to time. */
bool rh_wait_more(struct rh_cli *cli)
{
	uint64_t      now = rh_clock_ns();
	uint64_t      left_ms;
	struct pollfd change = { .fd = cli->wait_watch, .events = POLLIN };
	char          events[4096];

	if (now >= cli->wait_until)
		return false;
	left_ms = (cli->wait_until - now) / RH_NS_PER_MS;
	poll(&change, 1, left_ms < LOOK_AGAIN_MS ? (int)left_ms + 1 : LOOK_AGAIN_MS);
	while (cli->wait_watch >= 0 &&
	       read(cli->wait_watch, events, sizeof events) > 0)
		;
	return true;
}

static int watch_folders(const struct rh_cli *cli)
{
	char agents[RH_DIR_MAX + 8];
	int  watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0)
		return watch;
	snprintf(agents, sizeof agents, "%s/agent", cli->dirs.run);
	inotify_add_watch(watch, cli->dirs.run, IN_CREATE | IN_MOVED_TO);
	inotify_add_watch(watch, agents, IN_CREATE | IN_MOVED_TO);
	return watch;
}

int rh_wait_for(struct rh_cli *cli, const char *resource)
{
	long           wait_s = 0;
	struct rh_diag diag = { 0 };
	int            r;

	if (rh_args_number(&cli->args, "wait", 0, 86400, &wait_s, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (wait_s > 0) {
		cli->wait_until = rh_clock_ns() + (uint64_t)wait_s * RH_NS_PER_S;
		cli->wait_watch = watch_folders(cli);
	}
	do {
		r = look(cli, resource, &diag);
	} while (r < 0 && rh_wait_more(cli));
	if (r < 0)
		return rh_cli_fail(cli, rh_cli_exit_of(r), "%s", diag.text);
	return RH_EXIT_OK;
}
