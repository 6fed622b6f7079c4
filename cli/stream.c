#include "stream.h"

#include "../base/diag.h"
#include "../base/dirs.h"
#include "../model/check.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

struct rh_stream {
	CURLM *multi;
	CURL  *curl;
	char   socket[RH_SOCKET_PATH_MAX + 1];
	bool   is_begun;
	bool   is_over;
	bool   is_full;
	int    error;      /* once it is over */
	char  *bytes;      /* [taken, len) came and was not taken; with a NUL after it */
	size_t taken;
	size_t len;
	size_t cap;
};

int rh_stream_create(const struct rh_dirs *dirs, struct rh_stream **ret_stream,
                     struct rh_diag *diag)
{
	struct rh_stream *stream = calloc(1, sizeof *stream);
	int               r;

	if (!stream)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	r = rh_dirs_socket(dirs, "center.sock", stream->socket, diag);
	if (r < 0) {
		free(stream);
		return r;
	}
	stream->multi = curl_multi_init();
	stream->curl = curl_easy_init();
	if (!stream->multi || !stream->curl) {
		rh_stream_destroy(stream);
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	}
	*ret_stream = stream;
	return RH_OK;
}

static void drop(struct rh_stream *stream)
{
	if (stream->is_begun)
		curl_multi_remove_handle(stream->multi, stream->curl);
	stream->is_begun = false;
	stream->taken = stream->len = 0;
}

void rh_stream_destroy(struct rh_stream *stream)
{
	if (!stream)
		return;
	drop(stream);
	curl_easy_cleanup(stream->curl);
	curl_multi_cleanup(stream->multi);
	free(stream->bytes);
	free(stream);
}

/* --- bytes ----------------------------------------------------------------------------
 */

static bool make_room(struct rh_stream *stream, size_t len)
{
	size_t have = stream->len - stream->taken, cap;
	char  *bytes;

	if (len > RH_STREAM_BYTES_MAX - have)
		return false;
	if (stream->taken > 0 && have > 0)
		memmove(stream->bytes, stream->bytes + stream->taken, have);
	stream->taken = 0;
	stream->len = have;
	if (have + len < stream->cap)
		return true;
	cap = 2 * (have + len) + 1;
	bytes = realloc(stream->bytes, cap);
	if (!bytes)
		return false;
	stream->bytes = bytes;
	stream->cap = cap;
	return true;
}

static size_t keep(char *bytes, size_t size, size_t count, void *user)
{
	struct rh_stream *stream = user;
	size_t            len = size * count;

	if (!make_room(stream, len)) {
		stream->is_full = true;
		return 0; /* less than len: the library stops */
	}
	memcpy(stream->bytes + stream->len, bytes, len);
	stream->len += len;
	stream->bytes[stream->len] = '\0';
	return len;
}

char *rh_stream_line(struct rh_stream *stream)
{
	char *line = stream->bytes + stream->taken, *end;

	if (stream->len == stream->taken)
		return NULL;
	end = memchr(line, '\n', stream->len - stream->taken);
	if (!end)
		return NULL;
	*end = '\0';
	stream->taken = (size_t)(end + 1 - stream->bytes);
	return line;
}

json_t *rh_stream_json(const struct rh_stream *stream)
{
	if (stream->len == stream->taken)
		return NULL;
	return json_loadb(stream->bytes + stream->taken, stream->len - stream->taken,
	                  JSON_DECODE_ANY, NULL);
}

/* --- asking ---------------------------------------------------------------------------
 */

int rh_stream_begin(struct rh_stream *stream, const char *path)
{
	char url[1024];

	drop(stream);
	stream->is_over = stream->is_full = false;
	stream->error = RH_OK;
	snprintf(url, sizeof url, "http://localhost%s", path);
	curl_easy_reset(stream->curl);
	curl_easy_setopt(stream->curl, CURLOPT_UNIX_SOCKET_PATH, stream->socket);
	curl_easy_setopt(stream->curl, CURLOPT_URL, url);
	curl_easy_setopt(stream->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(stream->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(stream->curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(stream->curl, CURLOPT_WRITEDATA, stream);
	if (curl_multi_add_handle(stream->multi, stream->curl) != CURLM_OK)
		return RH_ENOMEM;
	stream->is_begun = true;
	return RH_OK;
}

static int error_of(const struct rh_stream *stream, CURLcode code)
{
	long err_no = 0;

	if (code == CURLE_OK)
		return RH_OK;
	curl_easy_getinfo(stream->curl, CURLINFO_OS_ERRNO, &err_no);
	if (code == CURLE_COULDNT_CONNECT)
		return err_no == EACCES ? RH_EACCES : RH_EDOWN;
	if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
	    code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE)
		return RH_EDOWN;
	return stream->is_full ? RH_EMSGSIZE : RH_EIO;
}

static void perform(struct rh_stream *stream)
{
	const CURLMsg *message;
	int            running = 0, left;

	curl_multi_perform(stream->multi, &running);
	while ((message = curl_multi_info_read(stream->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		stream->is_over = true;
		stream->error = error_of(stream, message->data.result);
	}
}

/* The descriptor of the connection into *ret_fd; returns for how long the library wants
 * to wait for it at most. */
static int ask_library(struct rh_stream *stream, struct pollfd *ret_fd, int timeout_ms)
{
	fd_set reads, writes, errors;
	int    most = -1;
	long   wait_ms = -1;

	FD_ZERO(&reads);
	FD_ZERO(&writes);
	FD_ZERO(&errors);
	*ret_fd = (struct pollfd){ .fd = -1 };
	curl_multi_fdset(stream->multi, &reads, &writes, &errors, &most);
	if (most >= 0) { /* one connection: one descriptor */
		ret_fd->fd = most;
		ret_fd->events = (short)((FD_ISSET(most, &reads) ? POLLIN : 0) |
		                         (FD_ISSET(most, &writes) ? POLLOUT : 0));
	}
	curl_multi_timeout(stream->multi, &wait_ms);
	if (wait_ms >= 0 && (timeout_ms < 0 || wait_ms < timeout_ms))
		return (int)wait_ms;
	return timeout_ms;
}

int rh_stream_wait(struct rh_stream *stream, struct pollfd *watched, size_t count,
                   int timeout_ms)
{
	struct pollfd ready[RH_STREAM_WATCH_MAX + 1];
	int           found = 0;

	RH_CHECK(count <= RH_STREAM_WATCH_MAX);
	if (count > 0)
		memcpy(ready + 1, watched, count * sizeof *watched);
	if (stream->is_over)
		timeout_ms = 0; /* only look at the watched */
	timeout_ms = ask_library(stream, &ready[0], timeout_ms);
	if (poll(ready, count + 1, timeout_ms) < 0) {
		for (size_t i = 0; i <= count; i++)
			ready[i].revents = 0;
	}
	for (size_t i = 0; i < count; i++) {
		watched[i].revents = ready[i + 1].revents;
		found += watched[i].revents != 0;
	}
	perform(stream);
	return found;
}

long rh_stream_status(const struct rh_stream *stream)
{
	long status = 0;

	curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

bool rh_stream_is_over(const struct rh_stream *stream, int *ret_error)
{
	*ret_error = stream->error;
	return stream->is_over;
}
