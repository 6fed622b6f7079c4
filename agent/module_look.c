#include "module_look.h"

#include "module.h"

#include "../base/failpoint.h"
#include "../base/memory.h"
#include "../model/error.h"

#include <jansson.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX     ".manifest"
#define UNFINISHED ".new-" /* of one that is being written; then six letters */
#define SIGNED_LEN (RH_SIGNATURE_HEX - 1) /* then a line end */

/* ---- files -------------------------------------------------------------- */

static int path_of(const struct rh_module_look *look, const char *sha256,
                   const char *suffix, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/modules/%s%s", look->dir, sha256, suffix);

	return look->dir[0] && n > 0 && n < PATH_MAX ? RH_OK : RH_ENOENT;
}

static int read_all(int fd, unsigned char *bytes, size_t len)
{
	for (size_t used = 0; used < len;) {
		ssize_t n = read(fd, bytes + used, len - used);

		if (n <= 0)
			return RH_EIO;
		used += (size_t)n;
	}
	return RH_OK;
}

/* RH_ENOENT: it is not there, or cannot be read, which is no better.  What is no file is
 * not waited for. */
static int read_file(const char *path, size_t max, struct rh_module_bytes *ret_bytes)
{
	struct stat    st;
	unsigned char *bytes = NULL;
	int            r = RH_ENOENT;
	int            fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return RH_ENOENT;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (size_t)st.st_size <= max)
		bytes = malloc((size_t)st.st_size);
	if (bytes)
		r = read_all(fd, bytes, (size_t)st.st_size);
	if (r == RH_OK)
		(void)futimens(fd, NULL); /* what is used is kept longest */
	close(fd);
	if (r < 0) {
		free(bytes);
		return RH_ENOENT;
	}
	*ret_bytes = (struct rh_module_bytes){ bytes, (size_t)st.st_size, 0 };
	return RH_OK;
}

/* Beside its place and renamed: it is whole, or what is there is not looked at long, for
 * its hash is wrong.  Who writes holds a lock, and has a name that nobody else has: another
 * agent, of the same process too, may write the same. */
static int write_file(const struct rh_module_look *look, const char *path,
                      const char *head, const struct rh_module_bytes *bytes)
{
	char temporary[PATH_MAX + sizeof UNFINISHED + 16];
	int  fd, is_ok, why;

	snprintf(temporary, sizeof temporary, "%s/modules/" UNFINISHED "XXXXXX", look->dir);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return RH_EIO;
	is_ok = flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	        (!head || dprintf(fd, "%s\n", head) == (int)strlen(head) + 1) &&
	        write(fd, bytes->at, bytes->len) == (ssize_t)bytes->len;
	rh_failpoint("module-written");
	is_ok = is_ok && rename(temporary, path) == 0;
	rh_failpoint("module-kept");
	why = errno;
	if (!is_ok)
		unlink(temporary);
	close(fd);
	errno = why;
	return is_ok ? RH_OK : RH_EIO;
}

/* Whose writer was killed. */
static void remove_unfinished(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dir, name, 0);
	close(fd);
}

void rh_module_look_sweep(const char *state)
{
	char           path[PATH_MAX];
	struct dirent *entry;
	DIR           *dir;

	snprintf(path, sizeof path, "%s/modules", state);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, UNFINISHED, sizeof UNFINISHED - 1) == 0)
			remove_unfinished(dirfd(dir), entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static void forget(struct rh_module_look *look, struct rh_module_bytes *bytes,
                   const char *sha256, const char *suffix)
{
	char path[PATH_MAX];

	rh_diag_set(&look->note, RH_EIDENT, "module %.12s on the disk is damaged: it is "
	            "fetched anew", sha256);
	if (path_of(look, sha256, suffix, path) == RH_OK)
		unlink(path);
	free(bytes->at);
	*bytes = (struct rh_module_bytes){ .at = NULL };
}

/* ---- room --------------------------------------------------------------- */

struct oldest {
	struct timespec time;
	char            name[NAME_MAX + 1];
	unsigned        count;
};

static int is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static void find_oldest(DIR *dir, struct oldest *oldest)
{
	struct dirent *entry;
	struct stat    st;

	oldest->count = 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (oldest->count++ == 0 || is_before(&st.st_mtim, &oldest->time)) {
			oldest->time = st.st_mtim;
			memcpy(oldest->name, entry->d_name, strlen(entry->d_name) + 1);
		}
	}
}

/* What was not used for longest goes; it can be fetched again. */
static void make_room(const struct rh_module_look *look)
{
	char          path[PATH_MAX];
	DIR          *dir;
	struct oldest oldest;

	snprintf(path, sizeof path, "%s/modules", look->dir);
	dir = opendir(path);
	if (!dir)
		return;
	find_oldest(dir, &oldest);
	if (oldest.count > RH_MODULES_KEPT)
		unlinkat(dirfd(dir), oldest.name, 0);
	closedir(dir);
}

/* A full disk costs fetching it again, no more. */
static void save(struct rh_module_look *look, struct rh_module_bytes *bytes,
                 const char *sha256, const char *suffix, const char *head)
{
	char path[PATH_MAX];

	if (!bytes->is_new || !look->dir[0])
		return;
	snprintf(path, sizeof path, "%s/modules", look->dir);
	if ((mkdir(path, 0700) < 0 && errno != EEXIST) ||
	    (path_of(look, sha256, suffix, path) == RH_OK &&
	     write_file(look, path, head, bytes) < 0))
		rh_diag_set(&look->note, RH_EIO, "module %.12s is not kept: %s: %s", sha256,
		            path, strerror(errno));
	bytes->is_new = 0;
	make_room(look);
}

/* ---- whom to trust ------------------------------------------------------ */

static int read_keys(struct rh_module_look *look, struct rh_diag *why)
{
	struct rh_module_found *found = &look->found;
	char  path[PATH_MAX], line[RH_SIGNATURE_KEY_HEX + 1];
	FILE *file;

	snprintf(path, sizeof path, "%s/" RH_SIGNATURE_KEY_FILE, look->dir);
	file = look->dir[0] ? fopen(path, "re") : NULL;
	if (!file)
		return rh_diag_set(why, RH_EIDENT, "there is no key to verify module %.12s "
		                   "with: %s is not there", look->module,
		                   look->dir[0] ? path : "the agent has no state directory, and "
		                   RH_SIGNATURE_KEY_FILE);
	found->key_count = 0;
	while (found->key_count < RH_MODULE_KEYS_MAX && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = 0;
		snprintf(found->keys[found->key_count++], RH_SIGNATURE_KEY_HEX, "%.64s", line);
	}
	fclose(file);
	return RH_OK;
}

static int is_signed(struct rh_module_look *look, struct rh_diag *why)
{
	int r = read_keys(look, why);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < look->found.key_count; i++) {
		if (rh_signature_verify(look->found.keys[i], RH_SIGNED_RULE, look->module,
		                        look->signature) == RH_OK)
			return RH_OK;
	}
	return rh_diag_set(why, RH_EIDENT, "module %.12s is not signed by a key that %s/"
	                   RH_SIGNATURE_KEY_FILE " names", look->module, look->dir);
}

/* ---- the manifest ------------------------------------------------------- */

/* The file has the signature in front. */
static int load_manifest(struct rh_module_look *look)
{
	char                   path[PATH_MAX];
	struct rh_module_bytes bytes;

	if (path_of(look, look->module, SUFFIX, path) < 0 ||
	    read_file(path, RH_MODULE_MANIFEST_MAX + RH_SIGNATURE_HEX, &bytes) < 0)
		return RH_ENOENT;
	if (bytes.len <= RH_SIGNATURE_HEX || bytes.at[SIGNED_LEN] != '\n') {
		forget(look, &bytes, look->module, SUFFIX);
		return RH_ENOENT;
	}
	memcpy(look->signature, bytes.at, SIGNED_LEN);
	look->signature[SIGNED_LEN] = 0;
	bytes.len -= RH_SIGNATURE_HEX;
	memmove(bytes.at, bytes.at + RH_SIGNATURE_HEX, bytes.len);
	look->manifest = bytes;
	return RH_OK;
}

static int has_hash(const struct rh_module_bytes *bytes, const char *sha256)
{
	char actual[RH_SHA256_HEX];

	rh_sha256_hex(bytes->at, bytes->len, actual);
	return strcmp(actual, sha256) == 0;
}

static int missing(struct rh_module_look *look, const char *sha256)
{
	memcpy(look->missing, sha256, sizeof look->missing);
	return RH_EAGAIN;
}

static int other_bytes(struct rh_module_look *look, const char *sha256)
{
	return rh_diag_set(&look->why, RH_EIDENT, "the center sent other bytes than %.12s for "
	                   "module %.12s", sha256, look->module);
}

static const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

/* What is signed for one hook and mode is not run for another. */
static int read_manifest(struct rh_module_look *look, const json_t *json)
{
	const json_t *parts = json_object_get(json, "parts");
	const char   *sha256 = text_at(json_object_get(parts, look->part), "sha256");

	if (strcmp(text_at(json, "hook"), look->hook) != 0 ||
	    strcmp(text_at(json, "mode"), look->mode) != 0)
		return rh_diag_set(&look->why, RH_EINVAL, "module %.12s was published for hook "
		                   "%s in mode %s, not for %s in mode %s", look->module,
		                   text_at(json, "hook"), text_at(json, "mode"), look->hook,
		                   look->mode);
	if (strspn(sha256, "0123456789abcdef") != RH_SHA256_HEX - 1 ||
	    sha256[RH_SHA256_HEX - 1])
		return rh_diag_set(&look->why, RH_ENOSYS, "module %.12s has no part %s, which "
		                   "this node needs: publish it again", look->module, look->part);
	json_int_t version = json_integer_value(json_object_get(json, "version"));

	memcpy(look->object_sha256, sha256, RH_SHA256_HEX);
	look->found.version = version > 0 ? (uint64_t)version : 0;
	snprintf(look->found.name, sizeof look->found.name, "%s", text_at(json, "name"));
	return RH_OK;
}

static int look_at_manifest(struct rh_module_look *look)
{
	int r, is_here = look->manifest.at || load_manifest(look) == RH_OK;

	if (is_here && !has_hash(&look->manifest, look->module)) {
		if (look->manifest.is_new)
			return other_bytes(look, look->module);
		forget(look, &look->manifest, look->module, SUFFIX);
		is_here = 0;
	}
	if (!is_here)
		return missing(look, look->module);
	if ((r = is_signed(look, &look->why)) < 0)
		return r;
	json_t *json = json_loadb((const char *)look->manifest.at, look->manifest.len,
	                          JSON_REJECT_DUPLICATES, NULL);
	r = json ? read_manifest(look, json)
	  : rh_diag_set(&look->why, RH_EPROTO, "module %.12s has no manifest", look->module);
	json_decref(json);
	if (r == RH_OK)
		save(look, &look->manifest, look->module, SUFFIX, look->signature);
	return r;
}

/* ---- the object --------------------------------------------------------- */

static int look_at_object(struct rh_module_look *look)
{
	char path[PATH_MAX];
	int  is_here = look->object.at != NULL;

	if (!is_here)
		is_here = path_of(look, look->object_sha256, "", path) == RH_OK &&
		          read_file(path, RH_MODULE_FETCH_MAX, &look->object) == RH_OK;
	if (is_here && !has_hash(&look->object, look->object_sha256)) {
		if (look->object.is_new)
			return other_bytes(look, look->object_sha256);
		forget(look, &look->object, look->object_sha256, "");
		is_here = 0;
	}
	if (!is_here)
		return missing(look, look->object_sha256);
	save(look, &look->object, look->object_sha256, "", NULL);
	look->found.fd = rh_memory_freeze(look->object.at, look->object.len);
	return look->found.fd < 0 ? rh_diag_set(&look->why, look->found.fd, "no memory for module %.12s",
	                                  look->module) : RH_OK;
}

void rh_module_look(struct rh_module_look *look)
{
	look->err = look_at_manifest(look);
	if (look->err == RH_OK)
		look->err = look_at_object(look);
	if (look->err == RH_OK)
		rh_failpoint("module-verified");
}

void rh_module_look_give(struct rh_module_look *look, const char *sha256,
                         unsigned char *bytes, size_t len, const char *signature)
{
	struct rh_module_bytes *to = strcmp(sha256, look->module) == 0 ? &look->manifest
	                                                               : &look->object;

	free(to->at);
	*to = (struct rh_module_bytes){ bytes, len, 1 };
	if (to == &look->manifest)
		memcpy(look->signature, signature, sizeof look->signature);
}

void rh_module_look_free(struct rh_module_look *look)
{
	free(look->manifest.at);
	free(look->object.at);
	if (look->found.fd >= 0)
		close(look->found.fd);
	free(look);
}
