#include "dirs.h"

#include "diag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BASE_BYTES 32

static int is_name(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || len > RH_NAME_MAX || text[0] < 'a' || text[0] > 'z')
		return 0;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static int set_path(char *path, const char *format, const char *base,
                    const char *system, struct rh_diag *diag)
{
	int n = system ? snprintf(path, RH_DIR_MAX, "%s%s%s", base, format, system)
	               : snprintf(path, RH_DIR_MAX, "%s", base);

	if (n < 0 || n >= RH_DIR_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE,
		                   "the directory \"%.80s...\" is longer than %d bytes",
		                   base, RH_DIR_MAX - 1);
	return RH_OK;
}

/* Where a user without a directory for the session has its sockets: in a place where
 * others may make directories as well, also this one. */
static void put_shared_base(char base[BASE_BYTES])
{
	snprintf(base, BASE_BYTES, "/tmp/rhodes-%u", (unsigned)geteuid());
}

static int find_run(struct rh_dirs *dirs, struct rh_diag *diag)
{
	const char *own = getenv("RHODES_RUN_DIR");
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char        base[BASE_BYTES];

	if (own && own[0] == '/')
		return set_path(dirs->run, "", own, NULL, diag);
	if (geteuid() == 0)
		return set_path(dirs->run, "/", "/run/rhodes", dirs->system, diag);
	if (xdg && xdg[0] == '/')
		return set_path(dirs->run, "/rhodes/", xdg, dirs->system, diag);
	put_shared_base(base);
	return set_path(dirs->run, "/", base, dirs->system, diag);
}

static int find_state(struct rh_dirs *dirs, struct rh_diag *diag)
{
	const char *own = getenv("RHODES_STATE_DIR");
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (own && own[0] == '/')
		return set_path(dirs->state, "", own, NULL, diag);
	if (geteuid() == 0)
		return set_path(dirs->state, "/", "/var/lib/rhodes", dirs->system, diag);
	if (xdg && xdg[0] == '/')
		return set_path(dirs->state, "/rhodes/", xdg, dirs->system, diag);
	if (home && home[0] == '/')
		return set_path(dirs->state, "/.local/state/rhodes/", home, dirs->system,
		                diag);
	return rh_diag_set(diag, RH_EINVAL,
	                   "no place for the state: set HOME or RHODES_STATE_DIR");
}

int rh_dirs_find(const char *system, struct rh_dirs *ret_dirs, struct rh_diag *diag)
{
	struct rh_dirs dirs = { 0 };
	const char    *from_env = getenv("RHODES_SYSTEM");
	int            r;

	if (!system)
		system = from_env && from_env[0] ? from_env : RH_SYSTEM_DEFAULT;
	if (!is_name(system))
		return rh_diag_set(diag, RH_EINVAL,
		                   "\"%.80s\" is no name for a system: use [a-z][a-z0-9_]*,"
		                   " at most %u bytes", system, RH_NAME_MAX);
	memcpy(dirs.system, system, strlen(system) + 1);
	if ((r = find_run(&dirs, diag)) < 0 || (r = find_state(&dirs, diag)) < 0)
		return r;
	*ret_dirs = dirs;
	return RH_OK;
}

/* Makes every part of the path that is missing. */
static int make_all(const char *path, mode_t mode, struct rh_diag *diag)
{
	char part[RH_DIR_MAX];

	for (size_t i = 1; path[i - 1]; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return rh_diag_set(diag, RH_EIO, "cannot make the directory %s: %s",
			                   part, strerror(errno));
	}
	return RH_OK;
}

static int check_ours(const char *path, struct rh_diag *diag)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return rh_diag_set(diag, errno == ENOENT ? RH_ENOENT : RH_EIO, "%s: %s",
		                   path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return rh_diag_set(diag, RH_EIO, "%s is not a directory", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return rh_diag_set(diag, RH_EACCES,
		                   "%s belongs to uid %u, not to uid %u: remove it or set"
		                   " RHODES_RUN_DIR and RHODES_STATE_DIR", path,
		                   (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return rh_diag_set(diag, RH_EACCES,
		                   "%s may be written by others: chmod go-w it", path);
	return RH_OK;
}

/* Somebody else's directory of that name could be exchanged below us at any time. */
int rh_dirs_trust(const struct rh_dirs *dirs, struct rh_diag *diag)
{
	char   base[BASE_BYTES];
	size_t len;
	int    r;

	put_shared_base(base);
	len = strlen(base);
	if (strncmp(dirs->run, base, len) != 0 || dirs->run[len] != '/')
		return RH_OK;
	r = check_ours(base, diag);
	return r == RH_ENOENT ? RH_OK : r;
}

int rh_dirs_make(const struct rh_dirs *dirs, struct rh_diag *diag)
{
	mode_t run_mode = geteuid() == 0 ? 0755 : 0700;
	char   agents[RH_DIR_MAX + 8];
	int    r;

	if ((r = rh_dirs_trust(dirs, diag)) < 0 ||
	    (r = make_all(dirs->run, run_mode, diag)) < 0 ||
	    (r = rh_dirs_trust(dirs, diag)) < 0 || /* made by somebody in between? */
	    (r = check_ours(dirs->run, diag)) < 0 ||
	    (r = make_all(dirs->state, 0700, diag)) < 0)
		return r;
	snprintf(agents, sizeof agents, "%s/agent", dirs->run);
	if (mkdir(agents, run_mode) < 0 && errno != EEXIST)
		return rh_diag_set(diag, RH_EIO, "cannot make the directory %s: %s", agents,
		                   strerror(errno));
	if ((r = check_ours(agents, diag)) < 0)
		return r;
	return check_ours(dirs->state, diag);
}

int rh_dirs_sign(const struct rh_dirs *dirs, struct rh_diag *diag)
{
	char path[RH_DIR_MAX + 16], beside[RH_DIR_MAX + 16], text[RH_NAME_MAX + 2];
	int  len = snprintf(text, sizeof text, "%s\n", dirs->system);
	int  fd, is_whole;

	snprintf(path, sizeof path, "%s/system", dirs->run);
	snprintf(beside, sizeof beside, "%s/system.new", dirs->run);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	is_whole = fd >= 0 && write(fd, text, (size_t)len) == len;
	if (fd >= 0 && close(fd) == 0 && is_whole && rename(beside, path) == 0)
		return RH_OK;
	return rh_diag_set(diag, RH_EIO, "cannot write %s: %s", path, strerror(errno));
}

int rh_dirs_owner(const struct rh_dirs *dirs, char ret_system[RH_NAME_MAX + 1])
{
	char    path[RH_DIR_MAX + 16], text[RH_NAME_MAX + 2];
	ssize_t len = 0;
	int     fd;

	snprintf(path, sizeof path, "%s/system", dirs->run);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		len = read(fd, text, sizeof text);
		close(fd);
	}
	if (len < 2 || text[len - 1] != '\n')
		return RH_ENOENT;
	text[len - 1] = 0;
	if (!is_name(text))
		return RH_ENOENT;
	memcpy(ret_system, text, strlen(text) + 1);
	return RH_OK;
}

int rh_dirs_socket(const struct rh_dirs *dirs, const char *name, char *path,
                   struct rh_diag *diag)
{
	size_t run_len = strlen(dirs->run);
	size_t name_len = strlen(name);

	if (run_len + 1 + name_len > RH_SOCKET_PATH_MAX)
		return rh_diag_set(diag, RH_EMSGSIZE,
		                   "the socket %s/%s is longer than %d bytes: set"
		                   " RHODES_RUN_DIR to a shorter directory", dirs->run,
		                   name, RH_SOCKET_PATH_MAX);
	memcpy(path, dirs->run, run_len);
	path[run_len] = '/';
	memcpy(path + run_len + 1, name, name_len + 1);
	return RH_OK;
}

int rh_dirs_agent(const struct rh_dirs *dirs, const char *resource, char *path,
                  struct rh_diag *diag)
{
	char name[RH_NAME_MAX + 16];

	snprintf(name, sizeof name, "agent/%.*s.sock", (int)RH_NAME_MAX, resource);
	return rh_dirs_socket(dirs, name, path, diag);
}
