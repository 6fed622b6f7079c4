/* registration - how many resources a second the center registers, durably.
 *
 * Starts a center on a disk, lets 16 clients (then one) PUT new resources with two
 * references each over connections they keep, and checks at the end, after a
 * kill -9 and a new start, that every acknowledged one is there.  Beside it: how
 * often a second the same disk completes an fdatasync of a page, and what a batch
 * of 1,000 by apply reaches.  One JSON line a figure. */
#include "../../base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS     16
#define SECONDS     3
#define ANSWER_MAX  16384
#define BATCH       1000
#define BATCH_BYTES (BATCH * 128)

static char        folder[64];
static pid_t       center;
static atomic_bool is_over;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench-registration: %s: %s\n", what, strerror(errno));
	if (center > 0)
		kill(center, SIGKILL);
	exit(1);
}

/* ---- the center ---- */

static void start_center(void)
{
	char run[80], state[80], fd[16], word[8];
	int  ready[2];

	snprintf(run, sizeof run, "%s/run", folder);
	snprintf(state, sizeof state, "%s/state", folder);
	if (pipe(ready) < 0 || (center = fork()) < 0)
		fail("fork");
	if (center == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		close(ready[0]);
		snprintf(fd, sizeof fd, "%d", ready[1]);
		execl(CENTER, "rhodes-center", "--run-dir", run, "--state-dir", state,
		      "--ready-fd", fd, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	if (read(ready[0], word, sizeof word) <= 0)
		fail("the center does not start");
	close(ready[0]);
}

static void stop_center(int number)
{
	kill(center, number);
	waitpid(center, NULL, 0);
	center = 0;
}

/* ---- HTTP, as little as is needed ---- */

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/run/center.sock", folder);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail("connect");
	return fd;
}

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			fail("send");
		bytes += sent;
		len -= (size_t)sent;
	}
}

/* Sends a request and reads the answer; returns the status. */
static int ask(int fd, const char *method, const char *path, const char *body,
               char *answer, size_t cap)
{
	char        head[256];
	size_t      len = 0, whole = SIZE_MAX;
	int         status = 0;

	snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: x\r\n"
	         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", method,
	         path, strlen(body));
	send_all(fd, head, strlen(head));
	send_all(fd, body, strlen(body));
	while (len < whole && len < cap - 1) {
		ssize_t got = recv(fd, answer + len, cap - 1 - len, 0);

		if (got <= 0)
			fail("recv");
		len += (size_t)got;
		answer[len] = '\0';
		const char *end = strstr(answer, "\r\n\r\n");
		const char *length = strcasestr(answer, "Content-Length: ");
		if (end && length)
			whole = (size_t)(end + 4 - answer) + strtoul(length + 16, NULL, 10);
	}
	if (sscanf(answer, "HTTP/1.1 %d", &status) != 1)
		fail("the answer is not HTTP");
	return status;
}

static long registered(void)
{
	char        answer[ANSWER_MAX];
	int         fd = dial();
	int         status = ask(fd, "GET", "/apis/v1/system", "", answer, sizeof answer);
	const char *count = strstr(answer, "\"resources\":");

	close(fd);
	if (status != 200 || !count)
		fail("the system does not answer");
	return strtol(count + 12, NULL, 10);
}

/* ---- the load ---- */

struct client {
	pthread_t thread;
	int       number;
	int       round;
	long      done;
};

static void *put_resources(void *user)
{
	struct client *client = user;
	char           path[128], body[320], answer[ANSWER_MAX];
	int            fd = dial();

	while (!is_over) {
		snprintf(path, sizeof path, "/apis/v1/resources/r%d_%d_%ld", client->round,
		         client->number, client->done);
		snprintf(body, sizeof body, "{\"kind\":\"Resource\",\"metadata\":{\"name\":"
		         "\"%s\"},\"spec\":{\"type\":\"application\",\"reference\":"
		         "[\"storage\",\"network\"]}}", path + 19);
		if (ask(fd, "PUT", path, body, answer, sizeof answer) != 201)
			fail("a registration was refused");
		client->done++;
	}
	close(fd);
	return NULL;
}

static long run_clients(int count, int round, double *ret_rate)
{
	struct client clients[CLIENTS] = { 0 };
	uint64_t      began = rh_clock_ns();
	long          total = 0;

	is_over = 0;
	for (int i = 0; i < count; i++) {
		clients[i].number = i;
		clients[i].round = round;
		if (pthread_create(&clients[i].thread, NULL, put_resources, &clients[i]))
			fail("pthread_create");
	}
	sleep(SECONDS);
	is_over = 1;
	for (int i = 0; i < count; i++) {
		pthread_join(clients[i].thread, NULL);
		total += clients[i].done;
	}
	*ret_rate = (double)total * 1e9 / (double)(rh_clock_ns() - began);
	return total;
}

static long run_batches(double *ret_rate)
{
	static char body[BATCH_BYTES], answer[1 << 20];
	uint64_t    began = rh_clock_ns();
	long        total = 0;
	int         fd = dial();

	for (int round = 0; rh_clock_ns() - began < RH_NS_PER_S; round++) {
		size_t len = (size_t)snprintf(body, sizeof body, "{\"objects\":[");

		for (int i = 0; i < BATCH; i++)
			len += (size_t)snprintf(body + len, sizeof body - len,
				"%s{\"kind\":\"Resource\",\"metadata\":{\"name\":\"b%d_%d\"},"
				"\"spec\":{\"type\":\"service\"}}", i ? "," : "", round, i);
		snprintf(body + len, sizeof body - len, "]}");
		if (ask(fd, "POST", "/apis/v1/apply", body, answer, sizeof answer) != 200)
			fail("a batch was refused");
		total += BATCH;
	}
	close(fd);
	*ret_rate = (double)total * 1e9 / (double)(rh_clock_ns() - began);
	return total;
}

static double sync_rate(void)
{
	char     path[80], page[4096] = "";
	uint64_t began = rh_clock_ns();
	long     count = 0;

	snprintf(path, sizeof path, "%s/raw", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(path);
	for (; rh_clock_ns() - began < RH_NS_PER_S; count++) {
		if (pwrite(fd, page, sizeof page, (count % 1000) * 4096) < 0 ||
		    fdatasync(fd) < 0)
			fail("fdatasync");
	}
	close(fd);
	unlink(path);
	return (double)count * 1e9 / (double)(rh_clock_ns() - began);
}

static void report(const char *name, double value, const char *unit)
{
	printf("{\"name\": \"%s\", \"value\": %.1f, \"unit\": \"%s\"}\n", name, value,
	       unit);
}

int main(void)
{
	const char *base = getenv("TMPDIR");
	char        command[96];
	double      many, single, batched;

	/* /var/tmp, because /tmp may be memory, and then nothing is durable. */
	snprintf(folder, sizeof folder, "%s/rhodes-bench-XXXXXX",
	         base && strlen(base) < 30 ? base : "/var/tmp");
	if (!mkdtemp(folder))
		fail(folder);
	double raw = sync_rate();
	start_center();
	long total = run_clients(CLIENTS, 0, &many);
	total += run_clients(1, 1, &single);
	total += run_batches(&batched);
	stop_center(SIGKILL);
	start_center();
	long found = registered();
	stop_center(SIGTERM);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	if (system(command) != 0)
		fail(command);
	if (found < total) {
		errno = 0;
		fail("an acknowledged registration is not there");
	}
	report("registrations_per_second", many, "1/s");
	report("registrations_per_second_1_client", single, "1/s");
	report("registrations_per_second_batch_1000", batched, "1/s");
	report("fdatasync_per_second", raw, "1/s");
	return 0;
}
