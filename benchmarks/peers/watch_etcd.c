/* A key of etcd, watched by a stream each, through its JSON gateway: HTTP/1.1 and chunks,
 * as whoever has no gRPC library would.  The key's version is the number of the change. */
#include "watchers.h"

#include "../harness/harness.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 4096

static int  writer = -1;
static char key[64]; /* in base64 */

static void encode(const char *text, char *at)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                             "0123456789+/";
	size_t            len = strlen(text);

	for (size_t i = 0; i < len; i += 3) {
		unsigned left = len - i < 3 ? (unsigned)(len - i) : 3, three = 0;

		for (unsigned k = 0; k < 3; k++)
			three = three << 8 | (k < left ? (unsigned char)text[i + k] : 0);
		for (unsigned k = 0; k < 4; k++)
			*at++ = k <= left ? digits[three >> (18 - 6 * k) & 63] : '=';
	}
	*at = '\0';
}

static int dial(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		bench_die("connect to etcd");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void ask(int fd, const char *path, const char *body)
{
	char text[2048];
	int  n = snprintf(text, sizeof text,
	                  "POST %s HTTP/1.1\r\nHost: localhost\r\n"
	                  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	                  path, strlen(body), body);

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		bench_die("send to etcd");
}

/* Reads until the mark has come. */
static void await(int fd, const char *mark)
{
	char   text[ANSWER_MAX + 1] = "";
	size_t used = 0;

	while (!strstr(text, mark)) {
		ssize_t n = recv(fd, text + used, ANSWER_MAX - used, 0);

		if (n <= 0 || strstr(text, "\"error\""))
			bench_fail("etcd answered: %s", text);
		used += (size_t)n;
		text[used] = '\0';
	}
}

static void prepare(const char *port)
{
	char name[32];

	snprintf(name, sizeof name, "rule-%d", (int)getpid()); /* version 1 is the first */
	encode(name, key);
	writer = dial(port);
}

static int open_watch(const char *port, unsigned watcher)
{
	char body[128];
	int  fd = dial(port);

	(void)watcher;
	snprintf(body, sizeof body, "{\"create_request\":{\"key\":\"%s\"}}", key);
	ask(fd, "/v3/watch", body);
	await(fd, "\"created\":true");
	return fd;
}

/* An event comes in one piece: it is far below a segment of the loopback. */
static uint64_t take(int fd, unsigned watcher)
{
	char        text[ANSWER_MAX + 1];
	ssize_t     n = recv(fd, text, ANSWER_MAX, MSG_DONTWAIT);
	const char *version = NULL, *next = text;

	(void)watcher;
	if (n <= 0)
		bench_fail("etcd hung up");
	text[n] = '\0';
	while ((next = strstr(next, "\"version\":\"")))
		version = next += sizeof "\"version\":\"" - 1;
	return version ? strtoull(version, NULL, 10) : 0;
}

static void change(const char *port, uint64_t number)
{
	char text[WATCHED_BYTES + 1], value[2 * WATCHED_BYTES], body[1024];

	(void)port;
	watched_text(text, number);
	encode(text, value);
	snprintf(body, sizeof body, "{\"key\":\"%s\",\"value\":\"%s\"}", key, value);
	ask(writer, "/v3/kv/put", body);
	await(writer, "\"revision\"");
}

const struct watch_kind watch_etcd = {
	.name = "etcd", .prepare = prepare, .open = open_watch, .take = take,
	.change = change,
};
