#include "builder_cache.h"

#include "../base/log.h"
#include "../base/memory.h"
#include "../base/signature.h"
#include "../model/error.h"
#include "../rules/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC    "rhbuilt1"
#define NEW      "new" /* one that is being written */
#define KEY_MAX  64u

struct head {
	char     magic[8];
	char     sha256[64]; /* of the object, in hex */
	uint64_t len;
	uint32_t is_confined;
	uint32_t reserved;
};

_Static_assert(sizeof(struct head) == 88, "as it is on disk");

static void path_of(const char *folder, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3900s/%.80s", folder, name);
}

/* ---- finding ---- */

/* The object, in memory to be freed; NULL: the file is not whole. */
static char *read_object(int fd, struct head *head)
{
	char       *object = NULL;
	char        sha256[RH_SHA256_HEX];
	struct stat status;

	if (fstat(fd, &status) < 0 || read(fd, head, sizeof *head) != sizeof *head ||
	    memcmp(head->magic, MAGIC, sizeof head->magic) != 0 || head->len == 0 ||
	    head->len > RH_BUILT_MAX || (uint64_t)status.st_size != sizeof *head + head->len)
		return NULL;
	object = malloc(head->len);
	if (!object)
		return NULL;
	if (read(fd, object, head->len) == (ssize_t)head->len) {
		rh_sha256_hex(object, head->len, sha256);
		if (memcmp(sha256, head->sha256, sizeof head->sha256) == 0)
			return object;
	}
	free(object);
	return NULL;
}

int rh_builder_cache_find(const char *folder, const char *key,
                          struct rh_builder_kept *ret_kept)
{
	char        path[PATH_MAX];
	struct head head;
	char       *object;
	int         fd, frozen;

	path_of(folder, key, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return RH_ENOENT;
	object = read_object(fd, &head);
	if (object)
		futimens(fd, NULL); /* used now */
	close(fd);
	if (!object) {
		rh_warn("builder: %s is damaged: its object is built anew", path);
		unlink(path);
		return RH_ENOENT;
	}
	frozen = rh_memory_freeze(object, head.len);
	free(object);
	if (frozen < 0)
		return RH_ENOENT;
	*ret_kept = (struct rh_builder_kept){
		.fd = frozen, .len = head.len, .is_confined = head.is_confined,
	};
	return RH_OK;
}

/* ---- making room ---- */

struct used {
	char     oldest[KEY_MAX + 1];
	int64_t  oldest_ns;
	uint64_t bytes;
	unsigned files;
};

static void look_at(const char *folder, const char *name, struct used *used)
{
	char        path[PATH_MAX];
	struct stat status;
	int64_t     ns;

	path_of(folder, name, path);
	if (lstat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return;
	ns = status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
	used->files++;
	used->bytes += (uint64_t)status.st_size;
	if (used->oldest[0] && ns >= used->oldest_ns)
		return;
	used->oldest_ns = ns;
	snprintf(used->oldest, sizeof used->oldest, "%s", name);
}

static struct used look(const char *folder)
{
	struct used    used = { .files = 0 };
	DIR           *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) == KEY_MAX)
			look_at(folder, entry->d_name, &used);
	if (dir)
		closedir(dir);
	return used;
}

static void make_room(const char *folder, uint64_t bytes)
{
	struct used used = look(folder);
	char        path[PATH_MAX];

	while (used.oldest[0] &&
	       (used.files >= RH_BUILT_FILES || used.bytes + bytes > RH_BUILT_BYTES)) {
		path_of(folder, used.oldest, path);
		if (unlink(path) < 0)
			return;
		used = look(folder);
	}
}

/* ---- keeping ---- */

static int write_file(const char *path, const struct head *head, const void *object)
{
	int  fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_written = fd >= 0 && write(fd, head, sizeof *head) == sizeof *head &&
	                  write(fd, object, head->len) == (ssize_t)head->len;

	if (fd >= 0 && close(fd) < 0)
		is_written = false;
	return is_written ? RH_OK : RH_EIO;
}

void rh_builder_cache_keep(const char *folder, const char *key,
                           const struct rh_builder_kept *kept)
{
	struct head head = { .len = kept->len, .is_confined = kept->is_confined };
	const void *object = NULL;
	char        sha256[RH_SHA256_HEX], path[PATH_MAX], unfinished[PATH_MAX];

	if (kept->len > RH_BUILT_MAX || (mkdir(folder, 0700) < 0 && errno != EEXIST) ||
	    rh_memory_map_frozen(kept->fd, kept->len, &object) < 0)
		return;
	memcpy(head.magic, MAGIC, sizeof head.magic);
	rh_sha256_hex(object, kept->len, sha256);
	memcpy(head.sha256, sha256, sizeof head.sha256);
	make_room(folder, sizeof head + kept->len);
	path_of(folder, NEW, unfinished);
	path_of(folder, key, path);
	if (write_file(unfinished, &head, object) < 0 || rename(unfinished, path) < 0) {
		rh_warn("builder: %s cannot be kept: %s", path, strerror(errno));
		unlink(unfinished);
	}
	rh_memory_unmap(object, kept->len);
}

void rh_builder_cache_sweep(const char *folder)
{
	char path[PATH_MAX];

	path_of(folder, NEW, path);
	unlink(path);
}
