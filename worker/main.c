/* rhodes-worker - one instance of a library: loads it, loads the skeleton of its
 * interface, attaches to the resource's agent, serves, and emits the library's events.
 *
 *   rhodes-worker --interface-dir DIR [--library NAME] [--threads N] [--check]
 *   rhodes-worker --help | --version
 *
 * NAME is a soname or a path; without it the interface's own soname.  Ends with 0
 * on SIGTERM, 1 when it cannot serve, 2 on wrong usage.  With --check it ends after the
 * comparison, with 0 when it would serve. */
#include "check.h"
#include "events.h"

#include "../base/log.h"
#include "../base/ready.h"
#include "../base/tells.h"
#include "../sdk/c/rhodes-stub.h"
#include "../sdk/c/rhodes.h"

#include <dlfcn.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64u /* as librhodes serves at most */

struct config {
	const char *interface_dir;
	const char *library;
	unsigned    threads;
	int         is_check;
};

static const struct option options[] = {
	{ "interface-dir", required_argument, NULL, 'i' },
	{ "library", required_argument, NULL, 'l' },
	{ "threads", required_argument, NULL, 't' },
	{ "check", no_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char usage[] =
	"usage: rhodes-worker --interface-dir DIR [--library NAME] [--threads N]"
	" [--check]\n"
	"  --interface-dir DIR  where the skeleton.so of the interface is\n"
	"  --library NAME       the library, a soname or a path (default: the soname\n"
	"                       of the interface)\n"
	"  --threads N          so many calls at once, 1 to 64 (default 1)\n"
	"  --check              load and compare, then end: 0 it would serve\n"
	"  --help, --version\n";

static int read_threads(const char *text, unsigned *ret_threads)
{
	char         *rest;
	unsigned long threads = strtoul(text, &rest, 10);

	if (text[0] < '0' || text[0] > '9' || *rest || threads < 1 ||
	    threads > THREADS_MAX)
		return -1;
	*ret_threads = (unsigned)threads;
	return 0;
}

static int read_config(int argc, char **argv, struct config *config)
{
	int option;

	*config = (struct config){ .threads = 1 };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'i')
			config->interface_dir = optarg;
		else if (option == 'l')
			config->library = optarg;
		else if (option == 'c')
			config->is_check = 1;
		else if (option != 't' || read_threads(optarg, &config->threads) < 0)
			return -1;
	}
	return config->interface_dir && optind == argc ? 0 : -1;
}

/* An object that is not replayed goes with the worker that made it. */
static int keeps_objects(const struct rh_interface *interface)
{
	for (uint32_t i = 0; i < interface->handle_count; i++) {
		if (!(interface->handles[i].flags & RH_HANDLE_REPLAY))
			return 1;
	}
	return 0;
}

static int check(const struct rh_interface *interface, void *library, int is_check)
{
	char           path[PATH_MAX];
	struct rh_diag diag = { 0 };

	if (rh_check_library(interface, library, &diag) < 0) {
		rh_error("the library is not what the interface %s was made from: %s",
		         interface->name, diag.text);
		return -1;
	}
	if (!is_check && rh_check_path(interface, library, path, NULL) >= 0)
		rh_ready_library(path, keeps_objects(interface));
	return 0;
}

/* The library comes first and globally, so that the skeleton binds to it. */
static const struct rh_skeleton *load(const struct config *config)
{
	char                      path[PATH_MAX];
	void                     *loaded, *library = NULL;
	const struct rh_skeleton *skeleton;

	if (config->library &&
	    !(library = dlopen(config->library, RTLD_NOW | RTLD_GLOBAL))) {
		rh_error("the library cannot be loaded: %s", dlerror());
		return NULL;
	}
	snprintf(path, sizeof path, "%s/skeleton.so", config->interface_dir);
	loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!loaded) {
		rh_error("the skeleton cannot be loaded: %s", dlerror());
		return NULL;
	}
	skeleton = dlsym(loaded, "rh_skeleton");
	if (!skeleton) {
		rh_error("%s is no skeleton: %s", path, dlerror());
		return NULL;
	}
	return check(skeleton->interface, library, config->is_check) < 0 ? NULL : skeleton;
}

int main(int argc, char **argv)
{
	struct config             config;
	const struct rh_skeleton *skeleton;
	const char               *resource = getenv("RHODES_RESOURCE");
	char                      name[80];

	snprintf(name, sizeof name, "worker %s", resource ? resource : "?");
	rh_log_init(name);
	if (rh_tells(argc, argv, "rhodes-worker " RH_VERSION, usage))
		return 0;
	if (read_config(argc, argv, &config) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (!(skeleton = load(&config)))
		return 1;
	if (config.is_check)
		return 0;
	if (rh_events_start(skeleton) < 0) {
		rh_error("no thread for the events of %s", skeleton->interface->name);
		return 1;
	}
	if (rh_serve(skeleton, config.threads) < 0) {
		rh_error("cannot serve %s: %s", skeleton->interface->name,
		         rh_last_error());
		return 1;
	}
	return 0;
}
