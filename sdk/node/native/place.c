#include "place.h"

#include "../../../model/error.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int    directory;
	mode_t umask;
} home = { -1, 0 };

bool rh_js_place_matters(const struct rh_function *function)
{
	for (unsigned i = 0; i < function->param_count; i++)
		if (function->params[i].kind == RH_KIND_PATH)
			return true;
	return (function->flags & RH_FUNCTION_UMASK) != 0;
}

/* umask(2) cannot be read without setting it. */
static mode_t read_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

static int open_here(void)
{
	return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void rh_js_place_take(struct rh_js_place *ret)
{
	ret->directory = open_here();
	ret->umask = read_umask();
	ret->uid = (uid_t)syscall(SYS_setfsuid, -1);
	ret->gid = (gid_t)syscall(SYS_setfsgid, -1);
	ret->group_count = (int)syscall(SYS_getgroups, RH_JS_GROUPS, ret->groups);
}

void rh_js_place_fini(struct rh_js_place *place)
{
	if (place->directory >= 0)
		close(place->directory);
	place->directory = -1;
}

/* Whether the directory can be reached by the name that it has. */
static bool is_named(const struct rh_js_place *place, const char *name)
{
	struct stat there, here;

	return stat(name, &there) == 0 && fstat(place->directory, &here) == 0 &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

bool rh_js_place_name(const struct rh_js_place *place, const char *path, char *ret,
                      size_t cap)
{
	char directory[PATH_MAX];
	int  n;

	if (!path[0] || path[0] == '/' || place->directory < 0)
		return false;
	if (getcwd(directory, sizeof directory) && is_named(place, directory))
		n = snprintf(ret, cap, "%s/%s", directory, path);
	else
		n = snprintf(ret, cap, "/proc/self/fd/%d/%s", place->directory, path);
	return n > 0 && (size_t)n < cap;
}

int rh_js_place_home(void)
{
	if (unshare(CLONE_FS) < 0)
		return RH_EACCES;
	rh_js_place_fini(&(struct rh_js_place){ .directory = home.directory });
	home.directory = open_here();
	home.umask = read_umask();
	return RH_OK;
}

void rh_js_place_part(void)
{
	if (home.directory < 0 || unshare(CLONE_FS) < 0)
		return;
	umask(home.umask);
	if (fchdir(home.directory) < 0)
		return; /* names are found from nowhere then, as at home */
}

/* The raw system calls change this thread alone, as in librhodes (serve_context.c). */
static int act_as(const struct rh_js_place *place)
{
	if (place->uid == geteuid())
		return RH_OK;
	if (place->group_count < 0 ||
	    syscall(SYS_setgroups, (size_t)place->group_count, place->groups) < 0)
		return RH_EACCES;
	syscall(SYS_setfsgid, place->gid);
	syscall(SYS_setfsuid, place->uid);
	return (uid_t)syscall(SYS_setfsuid, -1) == place->uid ? RH_OK : RH_EACCES;
}

static void act_as_self(const struct rh_js_place *place)
{
	if (place->uid == geteuid())
		return;
	syscall(SYS_setfsuid, geteuid());
	syscall(SYS_setfsgid, getegid());
	syscall(SYS_setgroups, (size_t)0, NULL);
}

int rh_js_place_enter(const struct rh_js_place *place)
{
	if ((place->directory >= 0 && fchdir(place->directory) < 0) || act_as(place) < 0) {
		rh_js_place_leave(place);
		return RH_EACCES;
	}
	umask(place->umask);
	return RH_OK;
}

void rh_js_place_leave(const struct rh_js_place *place)
{
	act_as_self(place);
	umask(home.umask);
	if (home.directory >= 0 && fchdir(home.directory) < 0)
		return; /* it was taken away from the server: no name is found from there */
}
