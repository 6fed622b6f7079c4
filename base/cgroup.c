#include "cgroup.h"

#include "../model/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define SHARES_LEAST   2
#define DRAINS         16 /* processes that are born meanwhile */

/* ---- files ------------------------------------------------------------------ */

/* 1 when it fits. */
static int place(const struct rh_cgroup *cgroup, const char *path, const char *file,
                 char *ret_place, size_t cap)
{
	size_t      top = strcmp(cgroup->top, "/") == 0 ? 0 : strlen(cgroup->top);
	const char *below = strncmp(path, cgroup->top, top) == 0 ? path + top : NULL;

	if (!below || (*below && *below != '/') || strstr(path, "/.."))
		return 0;
	return snprintf(ret_place, cap, "%s%s%s%s", cgroup->mount,
	                strcmp(below, "/") == 0 ? "" : below, *file ? "/" : "", file) <
	       (int)cap;
}

static int write_text(const struct rh_cgroup *cgroup, const char *path, const char *file,
                      const char *text)
{
	char at[2 * RH_CGROUP_PATH];
	int  fd, r = 0;

	if (!place(cgroup, path, file, at, sizeof at))
		return -ENOENT;
	fd = open(at, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* Is that one of the words of the file? */
static int has_word(const struct rh_cgroup *cgroup, const char *path, const char *file,
                    const char *word)
{
	char  at[2 * RH_CGROUP_PATH], found[64];
	FILE *stream;
	int   has = 0;

	if (!place(cgroup, path, file, at, sizeof at) || !(stream = fopen(at, "re")))
		return 0;
	while (!has && fscanf(stream, "%63s", found) == 1)
		has = strcmp(found, word) == 0;
	fclose(stream);
	return has;
}

/* ---- the hierarchy ---------------------------------------------------------- */

static int is_in_list(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return 1;
	}
	return 0;
}

/* "4:cpu,cpuacct:/path" for version 1, "0::/path" for version 2: the path, or NULL. */
static char *path_of_line(char *line, int version)
{
	char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;

	line[strcspn(line, "\n")] = '\0';
	if (!path)
		return NULL;
	*path++ = '\0';
	names++;
	return (version == 2 ? *names == '\0' : is_in_list(names, "cpu")) ? path : NULL;
}

static int read_path(const char *file, int version, char path[RH_CGROUP_PATH])
{
	char  line[LINE_MAX_BYTES], *found = NULL;
	FILE *stream = fopen(file, "re");

	if (!stream)
		return -errno;
	while (!found && fgets(line, sizeof line, stream))
		found = path_of_line(line, version);
	fclose(stream);
	if (!found)
		return -ENOENT;
	return snprintf(path, RH_CGROUP_PATH, "%s", found) < (int)RH_CGROUP_PATH
	     ? 0 : -ENAMETOOLONG;
}

/* "36 35 0:27 /top /mount rw,... - cgroup cgroup rw,cpu" */
static int read_mount(const char *line, int version, struct rh_cgroup *cgroup)
{
	const char *rest = strstr(line, " - ");
	char        type[32], options[LINE_MAX_BYTES];

	if (!rest || sscanf(rest, " - %31s %*s %4095s", type, options) != 2 ||
	    strcmp(type, version == 2 ? "cgroup2" : "cgroup") != 0 ||
	    (version == 1 && !is_in_list(options, "cpu")))
		return 0;
	return sscanf(line, "%*s %*s %*s %1023s %1023s", cgroup->top, cgroup->mount) == 2;
}

static int find_mount(const char *self, int version, struct rh_cgroup *cgroup)
{
	char  file[RH_CGROUP_PATH], line[LINE_MAX_BYTES];
	FILE *stream;
	int   found = 0;

	snprintf(file, sizeof file, "%s/mountinfo", self);
	stream = fopen(file, "re");
	while (stream && !found && fgets(line, sizeof line, stream))
		found = read_mount(line, version, cgroup);
	if (stream)
		fclose(stream);
	cgroup->version = version;
	return found;
}

int rh_cgroup_find(const char *self, struct rh_cgroup *ret_cgroup, struct rh_diag *diag)
{
	struct rh_cgroup found = { 0 };
	char             file[RH_CGROUP_PATH], own[RH_CGROUP_PATH];

	snprintf(file, sizeof file, "%s/cgroup", self);
	if (read_path(file, 1, own) == 0 && find_mount(self, 1, &found)) {
		*ret_cgroup = found;
		return RH_OK;
	}
	if (read_path(file, 2, own) < 0 || !find_mount(self, 2, &found))
		return rh_diag_set(diag, RH_ENOENT, "no hierarchy of cgroups with the "
		                   "controller cpu is mounted");
	if (!has_word(&found, found.top, "cgroup.controllers", "cpu"))
		return rh_diag_set(diag, RH_ENOENT, "%s has no controller cpu", found.mount);
	*ret_cgroup = found;
	return RH_OK;
}

int rh_cgroup_of(const struct rh_cgroup *cgroup, pid_t pid, char path[RH_CGROUP_PATH])
{
	char file[64] = "/proc/self/cgroup";

	if (pid)
		snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
	return read_path(file, cgroup->version, path);
}

/* ---- making one ------------------------------------------------------------- */

static int hands_on(const struct rh_cgroup *cgroup, const char *path, int is_own)
{
	if (cgroup->version == 1)
		return 1;
	if (has_word(cgroup, path, "cgroup.subtree_control", "cpu"))
		return 1;
	return is_own && write_text(cgroup, path, "cgroup.subtree_control", "+cpu") == 0;
}

static int make_below(const struct rh_cgroup *cgroup, const char *path, const char *name,
                      char ret_path[RH_CGROUP_PATH])
{
	char at[2 * RH_CGROUP_PATH];

	if (snprintf(ret_path, RH_CGROUP_PATH, "%s/%s", strcmp(path, "/") == 0 ? "" : path,
	             name) >= (int)RH_CGROUP_PATH ||
	    !place(cgroup, ret_path, "", at, sizeof at))
		return -ENAMETOOLONG;
	return mkdir(at, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

/* 0: there is none above it that is seen here. */
static int go_up(const struct rh_cgroup *cgroup, char *path)
{
	char *last = strrchr(path, '/');

	if (!last || strcmp(path, cgroup->top) == 0 || strcmp(path, "/") == 0)
		return 0;
	last[last == path] = '\0';
	return 1;
}

int rh_cgroup_make(const struct rh_cgroup *cgroup, const char *own, const char *name,
                   char ret_path[RH_CGROUP_PATH], struct rh_diag *diag)
{
	char path[RH_CGROUP_PATH], made[RH_CGROUP_PATH];
	int  r = 0, is_handed = 0;

	snprintf(path, sizeof path, "%s", own);
	do {
		if (!hands_on(cgroup, path, strcmp(path, own) == 0))
			continue;
		is_handed = 1;
		r = make_below(cgroup, path, name, made);
		if (r == 0) {
			memcpy(ret_path, made, sizeof made);
			return RH_OK;
		}
	} while (cgroup->version == 2 && go_up(cgroup, path));
	if (!is_handed)
		return rh_diag_set(diag, RH_EPERM, "no cgroup from %.120s upwards hands cpu "
		                   "on: delegate one to the agent", own);
	return rh_diag_set(diag, RH_EPERM, "it may make no cgroup below %.120s: %s", own,
	                   strerror(-r));
}

/* ---- using one -------------------------------------------------------------- */

/* As the kernel computes it: 100 is 1024. */
int rh_cgroup_weigh(const struct rh_cgroup *cgroup, const char *path, int weight)
{
	const char *file = cgroup->version == 1 ? "cpu.shares" : "cpu.weight";
	int         number = weight;
	char        text[16];

	if (cgroup->version == 1)
		number = (weight * 1024 + 50) / 100;
	if (cgroup->version == 1 && number < SHARES_LEAST)
		number = SHARES_LEAST;
	snprintf(text, sizeof text, "%d", number);
	return has_word(cgroup, path, file, text) ? 0 : write_text(cgroup, path, file, text);
}

int rh_cgroup_move(const struct rh_cgroup *cgroup, const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof text, "%d", (int)pid);
	return write_text(cgroup, path, "cgroup.procs", text);
}

static void drain(const struct rh_cgroup *cgroup, const char *path, const char *back)
{
	char  at[2 * RH_CGROUP_PATH];
	FILE *stream;
	int   pid;

	if (!place(cgroup, path, "cgroup.procs", at, sizeof at) || !(stream = fopen(at, "re")))
		return;
	while (fscanf(stream, "%d", &pid) == 1)
		rh_cgroup_move(cgroup, back, pid);
	fclose(stream);
}

int rh_cgroup_remove(const struct rh_cgroup *cgroup, const char *path, const char *back)
{
	char at[2 * RH_CGROUP_PATH];

	if (!place(cgroup, path, "", at, sizeof at))
		return -ENOENT;
	for (int i = 0; rmdir(at) < 0 && errno != ENOENT; i++) {
		if (errno != EBUSY || i == DRAINS)
			return -errno;
		drain(cgroup, path, back);
	}
	return 0;
}
