#include "listen.h"

#include "../../base/diag.h"
#include "../../base/loopback.h"
#include "../../base/socket.h"
#include "../../model/error.h"

#include <sodium.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512

static int fail(struct rh_diag *diag, int fd, const char *where)
{
	rh_diag_set(diag, RH_EIO, "cannot listen on %s: %s", where, strerror(errno));
	if (fd >= 0)
		close(fd);
	return RH_EIO;
}

/* Bound under a name of its own and moved into place once it listens, so that
 * whoever sees the file can connect. */
int rh_listen_unix(const char *path, struct rh_diag *diag)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof address.sun_path, "%s.%d", path,
	                   (int)getpid());

	if (len < 0 || (size_t)len >= sizeof address.sun_path)
		return rh_diag_set(diag, RH_EMSGSIZE, "the socket path %s is too long",
		                   path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(diag, fd, path);
	unlink(address.sun_path);
	rh_socket_pass_fds(fd, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return fail(diag, fd, path);
	if (chmod(address.sun_path, 0666) < 0 || listen(fd, BACKLOG) < 0 ||
	    rename(address.sun_path, path) < 0) {
		fail(diag, fd, path);
		unlink(address.sun_path);
		return RH_EIO;
	}
	return fd;
}

int rh_listen_tcp(const char *text, uint16_t *ret_port, struct rh_diag *diag)
{
	struct sockaddr_storage address;
	socklen_t               len;
	int                     on = 1;

	int                     r = rh_loopback_parse(text, &address, &len, diag);

	if (r < 0)
		return r;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	                0);
	if (fd < 0)
		return fail(diag, fd, text);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return fail(diag, fd, text);
	*ret_port = ntohs(address.ss_family == AF_INET
	                  ? ((struct sockaddr_in *)&address)->sin_port
	                  : ((struct sockaddr_in6 *)&address)->sin6_port);
	return fd;
}

/* ---- the token ---- */

static int read_token(int fd, const char *path, char token[RH_TOKEN_HEX],
                      struct rh_diag *diag)
{
	struct stat st;
	char        text[RH_TOKEN_HEX + 1] = "";

	if (fstat(fd, &st) < 0)
		return rh_diag_set(diag, RH_EIO, "token %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) || st.st_uid != geteuid())
		return rh_diag_set(diag, RH_EACCES, "token %s: must be a file of mode 0600 "
		                   "that belongs to uid %u", path, (unsigned)geteuid());
	ssize_t len = read(fd, text, sizeof text - 1);
	if (len < RH_TOKEN_HEX - 1 ||
	    strspn(text, "0123456789abcdef") != RH_TOKEN_HEX - 1)
		return rh_diag_set(diag, RH_EINVAL, "token %s: not %d hex digits", path,
		                   RH_TOKEN_HEX - 1);
	memcpy(token, text, RH_TOKEN_HEX - 1);
	token[RH_TOKEN_HEX - 1] = '\0';
	return RH_OK;
}

static int create_token(const char *path, char token[RH_TOKEN_HEX],
                        struct rh_diag *diag)
{
	unsigned char bytes[RH_TOKEN_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(token, RH_TOKEN_HEX, bytes, sizeof bytes);
	int is_ok = fd >= 0 && write(fd, token, RH_TOKEN_HEX - 1) == RH_TOKEN_HEX - 1 &&
	            write(fd, "\n", 1) == 1;
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (is_ok)
		return RH_OK;
	if (fd >= 0)
		unlink(path);
	return rh_diag_set(diag, RH_EIO, "token %s: %s", path, strerror(saved));
}

int rh_token_load(const char *dir, char token[RH_TOKEN_HEX], struct rh_diag *diag)
{
	char path[300];

	snprintf(path, sizeof path, "%s/token", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return create_token(path, token, diag);
	if (fd < 0)
		return rh_diag_set(diag, RH_EIO, "token %s: %s", path, strerror(errno));
	int err = read_token(fd, path, token, diag);
	close(fd);
	return err;
}

int rh_token_matches(const char *token, const char *authorization)
{
	if (!authorization || strncmp(authorization, "Bearer ", 7) != 0)
		return 0;
	return strlen(authorization + 7) == RH_TOKEN_HEX - 1 &&
	       sodium_memcmp(authorization + 7, token, RH_TOKEN_HEX - 1) == 0;
}
