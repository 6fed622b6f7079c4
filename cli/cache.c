#include "cache.h"

#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STAMP "stamp"

int rh_cache_folder(const struct rh_cli *cli, char *view, size_t cap)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int         n;

	if (access(cli->dirs.state, W_OK | X_OK) == 0)
		n = snprintf(view, cap, "%s/view", cli->dirs.state);
	else if (cache && cache[0] == '/')
		n = snprintf(view, cap, "%s/rhodes/%s/view", cache, cli->dirs.system);
	else if (home && home[0] == '/')
		n = snprintf(view, cap, "%s/.cache/rhodes/%s/view", home,
		             cli->dirs.system);
	else
		return RH_ENOENT;
	return n > 0 && (size_t)n < cap ? RH_OK : RH_EMSGSIZE;
}

/* --- stamps -------------------------------------------------------------------- */

struct stamp {
	char               boot[40];
	long               seconds;  /* since it, of the last process that got it */
	unsigned long long earliest; /* start of the first, in ticks since it     */
};

/* As this process would leave it in a new folder. */
static int read_now(struct stamp *now)
{
	struct timespec clock;
	ssize_t         n;
	int             fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return RH_EIO;
	n = read(fd, now->boot, 36);
	close(fd);
	now->earliest = rh_cache_start("self");
	if (n != 36 || clock_gettime(CLOCK_BOOTTIME, &clock) < 0 || now->earliest == 0)
		return RH_EIO;
	now->boot[36] = '\0';
	now->seconds = (long)clock.tv_sec;
	return RH_OK;
}

/* False when there is none, or one that cannot be read. */
static bool read_stamp(int folder, struct stamp *ret_stamp)
{
	char    text[120] = "";
	ssize_t n;
	int     fd = openat(folder, STAMP, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%36s %ld %llu", ret_stamp->boot, &ret_stamp->seconds,
	              &ret_stamp->earliest) == 3;
}

/* The folder is locked: the first one that got it stays the first. */
static int write_stamp(int folder)
{
	struct stamp now, before;
	char         text[120];
	int          n, fd;
	bool         is_written;

	if (read_now(&now) < 0)
		return RH_EIO;
	if (read_stamp(folder, &before) && strcmp(before.boot, now.boot) == 0 &&
	    before.earliest < now.earliest)
		now.earliest = before.earliest;
	n = snprintf(text, sizeof text, "%s %ld %llu\n", now.boot, now.seconds,
	             now.earliest);
	fd = openat(folder, STAMP, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return RH_EIO;
	is_written = pwrite(fd, text, (size_t)n, 0) == n && ftruncate(fd, n) == 0;
	close(fd);
	return is_written ? RH_OK : RH_EIO;
}

int rh_cache_hold(const char *view, const char sha256[RH_SHA256_TEXT])
{
	int hold = open(view, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int folder = -1, r = RH_EIO;

	if (hold >= 0 && flock(hold, LOCK_SH) == 0 &&
	    (mkdirat(hold, sha256, 0755) == 0 || errno == EEXIST))
		folder = openat(hold, sha256, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0) {
		if (flock(folder, LOCK_EX) == 0)
			r = write_stamp(folder);
		close(folder);
	}
	if (r < 0 && hold >= 0)
		close(hold);
	return r < 0 ? r : hold;
}

/* --- what may go ----------------------------------------------------------------- */

struct sweep {
	int                   view;  /* locked against everybody else */
	struct stamp          now;
	size_t                count;
	struct rh_cache_entry entries[RH_CACHE_SWEEP_MAX];
};

static bool is_hash(const char *name)
{
	return strlen(name) == RH_SHA256_TEXT - 1 &&
	       strspn(name, "0123456789abcdef") == RH_SHA256_TEXT - 1;
}

/* Its last user may just be about to become a program that shows it.  Without a stamp
 * it gets one now. */
static bool has_rested(const struct sweep *sweep, const char *name,
                       struct rh_cache_entry *ret_entry)
{
	struct stamp stamp = sweep->now;
	int          folder = openat(sweep->view, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return false;
	if (!read_stamp(folder, &stamp)) {
		stamp = sweep->now;
		write_stamp(folder);
	}
	close(folder);
	ret_entry->earliest = stamp.earliest;
	ret_entry->is_old = strcmp(stamp.boot, sweep->now.boot) != 0;
	return ret_entry->is_old || sweep->now.seconds - stamp.seconds >= RH_CACHE_REST_S;
}

static void gather(struct sweep *sweep)
{
	int            copy = dup(sweep->view);
	DIR           *folders = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	while (folders && (entry = readdir(folders)) &&
	       sweep->count < RH_CACHE_SWEEP_MAX) {
		struct rh_cache_entry *next = &sweep->entries[sweep->count];

		if (!is_hash(entry->d_name) || !has_rested(sweep, entry->d_name, next))
			continue;
		memcpy(next->hash, entry->d_name, RH_SHA256_TEXT);
		sweep->count++;
	}
	if (folders)
		closedir(folders);
}

static void remove_folder(const struct sweep *sweep, const char *name)
{
	int            folder = openat(sweep->view, name,
	                               O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR           *files = folder < 0 ? NULL : fdopendir(folder);
	struct dirent *entry;

	while (files && (entry = readdir(files))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(folder, entry->d_name, 0);
	}
	if (files)
		closedir(files);
	else if (folder >= 0)
		close(folder);
	unlinkat(sweep->view, name, AT_REMOVEDIR);
}

static void drop(struct sweep *sweep, const char *hash)
{
	for (size_t i = 0; hash && i < sweep->count; i++) {
		if (strcmp(sweep->entries[i].hash, hash) != 0)
			continue;
		sweep->entries[i] = sweep->entries[--sweep->count];
		return;
	}
}

/* Drops what a registered interface names; false when nobody can tell. */
static bool drop_registered(struct sweep *sweep, const struct rh_cli *cli)
{
	struct rh_cli quiet = *cli; /* borrows the connection */
	json_t       *items = NULL, *item, *hash;
	const char   *key;
	size_t        i;

	quiet.wait_until = 0;
	quiet.err = fopen("/dev/null", "we");
	if (!quiet.err)
		return false;
	if (rh_client_list(&quiet, "/apis/v1/interfaces", "items", &items) != RH_EXIT_OK)
		items = NULL;
	fclose(quiet.err);
	if (!cli->http)
		rh_client_close(&quiet);
	json_array_foreach(items, i, item) {
		json_t *spec = json_object_get(item, "spec");

		json_object_foreach(json_object_get(spec, "modules"), key, hash)
			drop(sweep, json_string_value(hash));
	}
	json_decref(items);
	return items != NULL;
}

static void sweep_view(struct sweep *sweep, const struct rh_cli *cli)
{
	if (read_now(&sweep->now) < 0)
		return;
	gather(sweep);
	if (sweep->count == 0 || !drop_registered(sweep, cli))
		return;
	rh_cache_users(sweep->entries, sweep->count);
	for (size_t i = 0; i < sweep->count; i++) {
		if (sweep->entries[i].is_old || !sweep->entries[i].in_use)
			remove_folder(sweep, sweep->entries[i].hash);
	}
}

void rh_cache_sweep(const struct rh_cli *cli)
{
	struct sweep *sweep = calloc(1, sizeof *sweep);
	char          view[PATH_MAX];

	if (!sweep)
		return;
	sweep->view = rh_cache_folder(cli, view, sizeof view) < 0
	              ? -1 : open(view, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Whoever hands something out at this moment sweeps, or the next one does. */
	if (sweep->view >= 0 && flock(sweep->view, LOCK_EX | LOCK_NB) == 0)
		sweep_view(sweep, cli);
	if (sweep->view >= 0)
		close(sweep->view);
	free(sweep);
}
