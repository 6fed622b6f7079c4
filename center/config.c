#include "config.h"

#include "../base/diag.h"
#include "../model/error.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: rhodes-center [options]\n"
	"  --system NAME     the system's name (RHODES_SYSTEM, rhodes)\n"
	"  --run-dir DIR     where sockets are (RHODES_RUN_DIR)\n"
	"  --state-dir DIR   where the store and the key are (RHODES_STATE_DIR)\n"
	"  --tcp ADDRESS     also listen on 127.0.0.1:PORT, with a token\n"
	"  --ring N,BYTES    how many recent changes are kept for agents (16384,8388608)\n"
	"  --ready-fd N      write \"ready\" to this descriptor once serving\n"
	"  --help, --version\n";

const char *rh_config_usage(void)
{
	return usage;
}

static int read_fd(const char *text, int *ret_fd, struct rh_diag *diag)
{
	char *end;
	long  fd = strtol(text, &end, 10);

	if (*text == '\0' || *end || fd < 0 || fd > 1 << 20 ||
	    fcntl((int)fd, F_GETFD) < 0)
		return rh_diag_set(diag, RH_EINVAL, "--ready-fd %s: not an open descriptor",
		                   text);
	*ret_fd = (int)fd;
	return RH_OK;
}

/* A ring that holds no item of the largest size would never be of use. */
static int read_ring(const char *text, struct rh_push_sizes *sizes,
                     struct rh_diag *diag)
{
	char         *end, *after = NULL;
	unsigned long deltas = strtoul(text, &end, 10);
	unsigned long bytes = *end == ',' ? strtoul(end + 1, &after, 10) : 0;

	if (*text < '0' || *text > '9' || bytes < RH_FRAME_MAX || *after ||
	    bytes > 1u << 30 || deltas == 0 || deltas > 1u << 24 ||
	    (deltas & (deltas - 1)) != 0)
		return rh_diag_set(diag, RH_EINVAL, "--ring %s: must be a power of two up to "
			"%u, a comma, and a number of bytes from %u to %u", text, 1u << 24,
			RH_FRAME_MAX, 1u << 30);
	sizes->deltas = (uint32_t)deltas;
	sizes->bytes = (uint32_t)bytes;
	return RH_OK;
}

static int set_dir(char to[RH_DIR_MAX], const char *from, const char *option,
                   struct rh_diag *diag)
{
	if (from[0] != '/' || strlen(from) >= RH_DIR_MAX)
		return rh_diag_set(diag, RH_EINVAL, "%s %s: must be an absolute path below "
		                   "%d bytes", option, from, RH_DIR_MAX);
	snprintf(to, RH_DIR_MAX, "%s", from);
	return RH_OK;
}

int rh_config_read(struct rh_config *config, int argc, char **argv,
                   struct rh_diag *diag)
{
	static const struct option options[] = {
		{ "system",    required_argument, NULL, 's' },
		{ "run-dir",   required_argument, NULL, 'r' },
		{ "state-dir", required_argument, NULL, 'd' },
		{ "tcp",       required_argument, NULL, 't' },
		{ "ring",      required_argument, NULL, 'g' },
		{ "ready-fd",  required_argument, NULL, 'f' },
		{ "help",      no_argument,       NULL, 'h' },
		{ "version",   no_argument,       NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *system = NULL, *run = NULL, *state = NULL;
	int         option, err = RH_OK;

	*config = (struct rh_config){ .ready_fd = -1, .push = rh_push_sizes_default };
	opterr = 0;
	optind = 1;
	while (!err && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's': system = optarg; break;
		case 'r': run = optarg; break;
		case 'd': state = optarg; break;
		case 't': config->tcp = optarg; break;
		case 'g': err = read_ring(optarg, &config->push, diag); break;
		case 'f': err = read_fd(optarg, &config->ready_fd, diag); break;
		case 'h': config->is_help = 1; break;
		case 'v': config->is_version = 1; break;
		default:
			err = rh_diag_set(diag, RH_EINVAL, "%s: not known, or its value is "
			                  "missing", argv[optind - 1]);
		}
	}
	if (!err && optind < argc)
		err = rh_diag_set(diag, RH_EINVAL, "%s: not expected", argv[optind]);
	if (!err)
		err = rh_dirs_find(system, &config->dirs, diag);
	if (!err && run)
		err = set_dir(config->dirs.run, run, "--run-dir", diag);
	if (!err && state)
		err = set_dir(config->dirs.state, state, "--state-dir", diag);
	return err;
}
