/* A file that is put in place whole, and watched by inotify. */
#include "watchers.h"

#include "../harness/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static const char *watched; /* by this process */

static void put(const char *target, uint64_t number)
{
	char text[WATCHED_BYTES + 1], beside[256];
	int  fd;

	watched_text(text, number);
	snprintf(beside, sizeof beside, "%s.new", target);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, WATCHED_BYTES) != WATCHED_BYTES || fsync(fd) < 0 ||
	    close(fd) < 0 || rename(beside, target) < 0)
		bench_die(target);
}

static void prepare(const char *target)
{
	put(target, 0);
}

/* The folder: the file is another one each time. */
static int open_watch(const char *target, unsigned watcher)
{
	char        dir[256];
	const char *slash = strrchr(target, '/');
	int         fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	(void)watcher;
	if (fd < 0)
		bench_die("inotify_init1 (fs.inotify.max_user_instances of this user)");
	snprintf(dir, sizeof dir, "%.*s", (int)(slash - target), target);
	if (inotify_add_watch(fd, dir, IN_MOVED_TO) < 0)
		bench_die(dir);
	watched = target;
	return fd;
}

static uint64_t take(int fd, unsigned watcher)
{
	char    text[WATCHED_BYTES + 1] = "", events[4096];
	int     file;
	ssize_t n = read(fd, events, sizeof events);

	(void)watcher;
	if (n <= 0)
		return 0;
	file = open(watched, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, text, WATCHED_BYTES) < 0)
		bench_die(watched);
	close(file);
	return strtoull(text, NULL, 10);
}

const struct watch_kind watch_file = {
	.name = "file", .prepare = prepare, .open = open_watch, .take = take, .change = put,
};
