/* rhodes-bpf - loads rules of eBPF for the agents of a system: the one process that may.
 *
 *   rhodes-bpf --run-dir DIR [--uid UID] [--grace MS]
 *   rhodes-bpf --help | --version
 *
 * Listens on DIR/bpf.sock; root and UID (by default who owns DIR) may ask.  Writes
 * "ready" to RHODES_READY_FD.  Ends with 0 on SIGTERM or SIGINT, and every rule leaves; 1
 * when it cannot work, 2 on wrong usage. */
#include "confine.h"
#include "frame.h"
#include "opener.h"
#include "server.h"

#include "../../base/diag.h"
#include "../../base/dirs.h"
#include "../../base/log.h"
#include "../../base/ready.h"
#include "../../base/socket.h"
#include "../../base/tells.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

struct config {
	const char *run_dir;
	uid_t       uid;
	int         has_uid;
	unsigned    grace_ms;
};

static const struct option options[] = {
	{ "run-dir", required_argument, NULL, 'd' },
	{ "uid", required_argument, NULL, 'u' },
	{ "grace", required_argument, NULL, 'g' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char usage[] =
	"usage: rhodes-bpf --run-dir DIR [--uid UID] [--grace MS]\n"
	"  --run-dir DIR   where the sockets of the system are; bpf.sock is made there\n"
	"  --uid UID       who may load rules, beside root; by default the owner of DIR\n"
	"  --grace MS      how long a rule outlives its agent, 5000 by default\n"
	"  --help, --version\n";

static int read_number(const char *text, unsigned long max, unsigned long *ret_number)
{
	char *rest;

	*ret_number = strtoul(text, &rest, 10);
	return text[0] >= '0' && text[0] <= '9' && !*rest && *ret_number <= max ? 0 : -1;
}

static int read_option(int option, struct config *config)
{
	unsigned long number;

	switch (option) {
	case 'd':
		config->run_dir = optarg;
		return 0;
	case 'u':
		config->has_uid = 1;
		if (read_number(optarg, (uid_t)-2, &number) < 0)
			return -1;
		config->uid = (uid_t)number;
		return 0;
	case 'g':
		if (read_number(optarg, RH_BPF_GRACE_MS_MAX, &number) < 0)
			return -1;
		config->grace_ms = (unsigned)number;
		return 0;
	default:
		return -1;
	}
}

static int read_config(int argc, char **argv, struct config *config)
{
	int option;

	*config = (struct config){ .grace_ms = RH_BPF_GRACE_MS };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (read_option(option, config) < 0)
			return -1;
	}
	return config->run_dir && optind == argc ? 0 : -1;
}

/* In the order of STYLE.md: open, give up rights, say so, loop. */
static int open_socket(struct config *config, struct rh_diag *diag)
{
	char        path[RH_SOCKET_PATH_MAX + 1];
	struct stat st;

	if (snprintf(path, sizeof path, "%s/" RH_BPF_SOCKET, config->run_dir) >=
	    (int)sizeof path)
		return rh_diag_set(diag, RH_EMSGSIZE, "the path %.100s is too long",
		                   config->run_dir);
	if (stat(config->run_dir, &st) < 0)
		return rh_diag_set(diag, RH_ENOENT, "%.160s is not there", config->run_dir);
	if (!config->has_uid)
		config->uid = st.st_uid;
	int listener = rh_socket_listen(path, diag);
	if (listener < 0)
		return listener;
	/* Nobody else gets as far as sending a descriptor, which may take long to close. */
	if (chown(path, config->uid, (gid_t)-1) < 0 || chmod(path, 0600) < 0) {
		close(listener);
		return rh_diag_set(diag, RH_EIO, "%s: %s", path, strerror(errno));
	}
	rh_socket_pass_fds(listener, 1);
	return listener;
}

static int open_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

/* Each link, map and client needs a descriptor. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		rh_warn("the limit of descriptors stays at its default");
}

/* Where it cannot be, points that need it are refused, each with its reason. */
static void start_opener(struct rh_bpf_machine *machine)
{
	struct rh_diag diag = { 0 };

	machine->opener = rh_bpf_event_is_for_admins() ? rh_bpf_opener_start(&diag) : -1;
	if (diag.text[0])
		rh_warn("%s: rules cannot be attached to events of perf", diag.text);
}

static int fail(const struct rh_diag *diag)
{
	rh_error("cannot work: %s", diag->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct config         config;
	struct rh_bpf_machine machine;
	struct rh_diag        diag = { 0 };

	if (rh_tells(argc, argv, "rhodes-bpf " RH_VERSION, usage))
		return 0;
	if (read_config(argc, argv, &config) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	rh_log_init("bpf");
	raise_descriptor_limit();
	if (sodium_init() < 0)
		return fail(&(struct rh_diag){ .text = "no random numbers" });
	int listener = open_socket(&config, &diag), stop = open_signals();
	if (listener < 0)
		return fail(&diag);
	rh_bpf_machine_init(&machine);
	start_opener(&machine);
	if (rh_bpf_confine(&diag) < 0)
		return fail(&diag);
	struct rh_bpf_server *server = rh_bpf_server_create(listener, config.uid,
	                                                    config.grace_ms, &machine);
	if (!server || stop < 0)
		return fail(&(struct rh_diag){ .text = "out of memory" });
	rh_info("serving run-dir=%s uid=%u", config.run_dir, config.uid);
	rh_ready_tell();
	rh_bpf_server_run(server, stop);
	rh_info("stopping");
	rh_bpf_server_destroy(server);
	return 0;
}
