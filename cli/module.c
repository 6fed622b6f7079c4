#include "module.h"

#include "cache.h"
#include "client.h"

#include "../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void rh_module_hash(const void *bytes, size_t len, char text[RH_SHA256_TEXT])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, bytes, len);
	sodium_bin2hex(text, RH_SHA256_TEXT, hash, sizeof hash);
}

/* --- files -------------------------------------------------------------------- */

static int read_open(int fd, char **ret_bytes, size_t *ret_len)
{
	struct stat st;
	size_t      len = 0;
	char       *bytes;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return RH_EIO;
	if (st.st_size > RH_MODULE_MAX)
		return RH_EMSGSIZE;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return RH_ENOMEM;
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, bytes + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	bytes[len] = '\0';
	*ret_bytes = bytes;
	*ret_len = len;
	return RH_OK;
}

int rh_module_bytes(const char *path, char **ret_bytes, size_t *ret_len,
                   struct rh_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return rh_diag_set(diag, errno == ENOENT ? RH_ENOENT : RH_EIO,
		                   "%.180s: %s", path, strerror(errno));
	r = read_open(fd, ret_bytes, ret_len);
	close(fd);
	if (r == RH_EMSGSIZE)
		return rh_diag_set(diag, r, "%.160s: larger than %u MiB, the limit of a"
		                   " module", path, RH_MODULE_MAX >> 20);
	if (r < 0)
		return rh_diag_set(diag, r, "%.180s: cannot be read", path);
	return r;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Appears under its name at once and whole, or not at all. */
static int write_file(const char *path, const char *bytes, size_t len)
{
	char temporary[PATH_MAX];
	int  fd, n = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	bool is_written;

	if (n < 0 || (size_t)n >= sizeof temporary)
		return RH_EMSGSIZE;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return RH_EIO;
	is_written = write_all(fd, bytes, len) && fchmod(fd, 0755) == 0;
	close(fd);
	if (is_written && rename(temporary, path) == 0)
		return RH_OK;
	unlink(temporary);
	return RH_EIO;
}

/* --- the cache ----------------------------------------------------------------- */

static int make_path(char *path)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return RH_EIO;
		*slash = '/';
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? RH_EIO : RH_OK;
}

static bool is_good(const char *path, const char *sha256)
{
	char   text[RH_SHA256_TEXT];
	char  *bytes;
	size_t len;

	if (rh_module_bytes(path, &bytes, &len, NULL) < 0)
		return false;
	rh_module_hash(bytes, len, text);
	free(bytes);
	return strcmp(text, sha256) == 0;
}

static int fetch(struct rh_cli *cli, const char *sha256, const char *path)
{
	struct rh_reply reply;
	char            address[160], text[RH_SHA256_TEXT];
	struct rh_ask   ask = { .method = "GET", .path = address };
	int             result;

	snprintf(address, sizeof address, "/apis/v1/modules/");
	rh_http_escape(address, sizeof address, sha256);
	result = rh_client_ask(cli, &ask, &reply);
	if (result != RH_EXIT_OK)
		return result;
	rh_module_hash(reply.body ? reply.body : "", reply.len, text);
	if (strcmp(text, sha256) != 0)
		result = rh_cli_fail(cli, RH_EXIT_REFUSED,
		                     "the center sent other bytes than module %.16s...",
		                     sha256);
	else if (write_file(path, reply.body, reply.len) < 0)
		result = rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot write %s: %s", path,
		                     strerror(errno));
	rh_reply_fini(&reply);
	return result;
}

/* Writes the cache's path and makes it; told on err. */
static int make_view(struct rh_cli *cli, char view[PATH_MAX])
{
	if (rh_cache_folder(cli, view, PATH_MAX - RH_SHA256_TEXT - 1) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED,
		                   "no place for libraries: set HOME or XDG_CACHE_HOME");
	if (strchr(view, ':'))
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "%s: a ':' cannot stand in"
		                   " LD_LIBRARY_PATH; set RHODES_STATE_DIR", view);
	if (make_path(view) < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", view,
		                   strerror(errno));
	return RH_EXIT_OK;
}

/* The cache is held; *ret_is_new tells of a module that had to be fetched. */
static int fill(struct rh_cli *cli, const char *sha256, const char *file,
                const char *link, const char *folder, bool *ret_is_new)
{
	char path[PATH_MAX + 256], other[PATH_MAX + 256];
	int  result = RH_EXIT_OK;

	snprintf(path, sizeof path, "%s/%s", folder, file);
	*ret_is_new = !is_good(path, sha256);
	if (*ret_is_new)
		result = fetch(cli, sha256, path);
	if (result == RH_EXIT_OK && link) {
		snprintf(other, sizeof other, "%s/%s", folder, link);
		if (symlink(file, other) < 0 && errno != EEXIST)
			result = rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s",
			                     other, strerror(errno));
	}
	return result;
}

int rh_module_ensure(struct rh_cli *cli, const char *sha256, const char *file,
                     const char *link, char folder[PATH_MAX])
{
	bool is_new = false;
	int  hold, result;

	if (strlen(sha256) != RH_SHA256_TEXT - 1 ||
	    strspn(sha256, "0123456789abcdef") != RH_SHA256_TEXT - 1 ||
	    strchr(file, '/') || file[0] == '.')
		return rh_cli_fail(cli, RH_EXIT_REFUSED,
		                   "the center names a module that cannot be");
	result = make_view(cli, folder);
	if (result != RH_EXIT_OK)
		return result;
	hold = rh_cache_hold(folder, sha256);
	snprintf(folder + strlen(folder), RH_SHA256_TEXT + 1, "/%s", sha256);
	if (hold < 0)
		return rh_cli_fail(cli, RH_EXIT_REFUSED, "cannot make %s: %s", folder,
		                   strerror(errno));
	result = fill(cli, sha256, file, link, folder, &is_new);
	close(hold);
	/* One that is new may have come in the place of an old one. */
	if (is_new && result == RH_EXIT_OK)
		rh_cache_sweep(cli);
	return result;
}

int rh_module_send(struct rh_cli *cli, const char *sha256, const char *bytes, size_t len)
{
	struct rh_reply reply;
	char            address[160];
	struct rh_ask   ask = { .method = "PUT", .path = address, .bytes = bytes,
		                .len = len };
	int             result;

	snprintf(address, sizeof address, "/apis/v1/modules/%s", sha256);
	result = rh_client_ask(cli, &ask, &reply);
	if (result == RH_EXIT_OK)
		rh_reply_fini(&reply);
	return result;
}
