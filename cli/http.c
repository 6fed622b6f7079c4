#include "http.h"

#include "away.h"

#include "../base/diag.h"
#include "../base/dirs.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct rh_http {
	CURL          *curl;
	struct rh_dirs dirs;
	char           socket[RH_SOCKET_PATH_MAX + 1];
};

int rh_http_open(const struct rh_dirs *dirs, struct rh_http **ret_http,
                 struct rh_diag *diag)
{
	struct rh_http *http = calloc(1, sizeof *http);
	int             r;

	if (!http)
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	r = rh_dirs_socket(dirs, "center.sock", http->socket, diag);
	if (r < 0) {
		free(http);
		return r;
	}
	http->curl = curl_easy_init();
	if (!http->curl) {
		free(http);
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	}
	http->dirs = *dirs;
	*ret_http = http;
	return RH_OK;
}

void rh_http_close(struct rh_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

/* --- the body ---------------------------------------------------------------- */

static size_t keep(char *bytes, size_t size, size_t count, void *user)
{
	struct rh_reply *reply = user;
	size_t           len = size * count;
	char            *body;

	/* Returning less than len makes the library stop with CURLE_WRITE_ERROR. */
	if (len > RH_HTTP_REPLY_MAX - reply->len)
		return 0;
	body = realloc(reply->body, reply->len + len + 1);
	if (!body)
		return 0;
	memcpy(body + reply->len, bytes, len);
	reply->body = body;
	reply->len += len;
	body[reply->len] = '\0';
	return len;
}

/* One line of the head of the answer. */
static size_t keep_header(char *bytes, size_t size, size_t count, void *user)
{
	static const char name[] = "Rhodes-Signature: ";
	struct rh_reply  *reply = user;
	size_t            len = size * count, skip = sizeof name - 1;

	if (len > skip && strncasecmp(bytes, name, skip) == 0) {
		size_t digits = len - skip;

		while (digits && strchr("\r\n", bytes[skip + digits - 1]))
			digits--;
		snprintf(reply->signature, sizeof reply->signature, "%.*s", (int)digits,
		         bytes + skip);
	}
	return len;
}

void rh_reply_fini(struct rh_reply *reply)
{
	json_decref(reply->json);
	free(reply->body);
	*reply = (struct rh_reply){ 0 };
}

/* --- asking ------------------------------------------------------------------ */

/* A write that got no answer may have been made; all of it, or nothing. */
static int explain_loss(const struct rh_http *http, const struct rh_ask *ask,
                        struct rh_diag *diag)
{
	bool is_read = strcmp(ask->method, "GET") == 0;

	return rh_diag_set(diag, RH_EDOWN,
	                   "the center of \"%s\" went away before it answered%s;"
	                   " `rhodes logs center` tells why", http->dirs.system, is_read ? ""
	                   : ": the change was made as a whole or not at all, so look"
	                     " before you repeat it");
}

static int explain(const struct rh_http *http, const struct rh_ask *ask, CURLcode code,
                   struct rh_diag *diag)
{
	long err_no = 0;

	curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &err_no);
	if (code == CURLE_COULDNT_CONNECT && err_no == EACCES)
		return rh_diag_set(diag, RH_EACCES, "this user may not open %s",
		                   http->socket);
	if (code == CURLE_COULDNT_CONNECT)
		return rh_away_explain(&http->dirs, diag);
	if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
	    code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE)
		return explain_loss(http, ask, diag);
	if (code == CURLE_WRITE_ERROR)
		return rh_diag_set(diag, RH_EMSGSIZE, "the answer is too large");
	if (code == CURLE_OPERATION_TIMEDOUT)
		return rh_diag_set(diag, RH_ETIMEDOUT, "the center did not answer");
	return rh_diag_set(diag, RH_EIO, "talking to the center failed: %s",
	                   curl_easy_strerror(code));
}

static struct curl_slist *headers_of(const struct rh_ask *ask)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char               match[96];

	if (ask->json)
		list = curl_slist_append(list, "Content-Type: application/json");
	else if (ask->bytes)
		list = curl_slist_append(list, "Content-Type: application/octet-stream");
	if (ask->if_match) {
		snprintf(match, sizeof match, "If-Match: %s", ask->if_match);
		list = curl_slist_append(list, match);
	}
	return list;
}

static void set_body(CURL *curl, const struct rh_ask *ask, const char *text)
{
	const void *body = ask->json ? text : ask->bytes;
	size_t      len = ask->json ? strlen(text) : ask->len;

	if (!body) {
		if (strcmp(ask->method, "GET") == 0)
			curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
		else
			curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
	} else {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
}

static CURLcode perform(struct rh_http *http, const struct rh_ask *ask,
                        struct curl_slist *headers, const char *text,
                        struct rh_reply *reply)
{
	CURL    *curl = http->curl;
	char     url[1024];
	CURLcode code;

	snprintf(url, sizeof url, "http://localhost%s", ask->path);
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, http->socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT,
	                 ask->seconds ? ask->seconds : RH_HTTP_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	set_body(curl, ask, text);
	code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
	return code;
}

int rh_http_ask(struct rh_http *http, const struct rh_ask *ask,
                struct rh_reply *ret_reply, struct rh_diag *diag)
{
	struct curl_slist *headers = headers_of(ask);
	struct rh_reply    reply = { 0 };
	char              *text = NULL;
	CURLcode           code;

	if (ask->json && !(text = json_dumps(ask->json, JSON_COMPACT))) {
		curl_slist_free_all(headers);
		return rh_diag_set(diag, RH_ENOMEM, "out of memory");
	}
	code = perform(http, ask, headers, text, &reply);
	curl_slist_free_all(headers);
	free(text);
	if (code != CURLE_OK) {
		rh_reply_fini(&reply);
		return explain(http, ask, code, diag);
	}
	if (reply.body)
		reply.json = json_loadb(reply.body, reply.len, JSON_DECODE_ANY, NULL);
	*ret_reply = reply;
	return RH_OK;
}

void rh_http_escape(char *path, size_t cap, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789_.-~";
	size_t            used = strlen(path);

	for (; *text && used + 4 < cap; text++) {
		if (strchr(plain, *text))
			path[used++] = *text;
		else
			used += (size_t)snprintf(path + used, cap - used, "%%%02X",
			                         (unsigned char)*text);
	}
	path[used] = '\0';
}
