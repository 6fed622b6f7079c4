/* Starts programs and tells what they took, so that all carriers are timed by the same
 * code, from the fork until the end.
 *
 *   bench-span                   started under a carrier, as what it starts then is too
 *
 * Each line of its input is PLACE OUTPUT PROGRAM [ARGUMENT]..., with tabs between: where it
 * may run (`free`, or `one`: on the last processor), and the file for what it prints (errors
 * go to OUTPUT.err).  The answer is a JSON object a line.  What the runtime of the carrier
 * `fiber` tells of the program is in it, when RHODES_SCHED_STATS names a file. */
#include "../../interceptors/fiber/stats.h"
#include "../rules/figure.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S   60  /* no program takes so long */
#define LINE_ROOM 4096
#define WORDS_MAX 64

struct span {
	uint64_t      wall_ns;
	int           status;
	struct rusage usage;
};

static void open_as(const char *path, int fd)
{
	int opened = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (opened < 0 || dup2(opened, fd) < 0)
		die(path);
}

static _Noreturn void become(char **words, const sigset_t *mask)
{
	char errors[LINE_ROOM + 8];

	if (strcmp(words[0], "one") == 0)
		go_to_last();
	snprintf(errors, sizeof errors, "%s.err", words[1]);
	open_as(words[1], STDOUT_FILENO);
	open_as(errors, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(words[2], words + 2);
	die(words[2]);
}

/* Waits for its end, which is brought about when it takes too long. */
static void await_end(pid_t pid, struct span *span)
{
	const struct timespec limit = { .tv_sec = LIMIT_S };
	sigset_t              ends;
	int                   r;

	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	do
		r = sigtimedwait(&ends, NULL, &limit);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		kill(pid, SIGKILL);
	if (wait4(pid, &span->status, 0, &span->usage) != pid)
		die("a program cannot be waited for");
}

static void run(char **words, struct span *span)
{
	const char *stats = getenv("RHODES_SCHED_STATS");
	sigset_t    ends, before;
	uint64_t    from;
	pid_t       pid;

	if (stats)
		unlink(stats);
	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ends, &before);
	from = clock_of(CLOCK_MONOTONIC);
	pid = fork();
	if (pid == 0)
		become(words, &before);
	if (pid < 0)
		die("no process can be started");
	await_end(pid, span);
	span->wall_ns = clock_of(CLOCK_MONOTONIC) - from;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The beginning of the block: the threads are in the rest. */
static int read_stats(struct rh_stats *stats)
{
	const char *path = getenv("RHODES_SCHED_STATS");
	int         fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t     bytes = fd < 0 ? -1 : read(fd, stats, sizeof *stats);

	if (fd >= 0)
		close(fd);
	return bytes == (ssize_t)sizeof *stats && stats->magic == RH_STATS_MAGIC &&
	       stats->version == RH_STATS_VERSION ? 0 : -1;
}

static double ms_of(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

static void print(const struct span *span)
{
	static struct rh_stats stats;

	printf("{\"status\": %d, \"wall\": %.4f, \"cpu\": %.3f, \"system\": %.3f",
	       WIFEXITED(span->status) ? WEXITSTATUS(span->status) : -WTERMSIG(span->status),
	       (double)span->wall_ns / 1e6,
	       ms_of(span->usage.ru_utime) + ms_of(span->usage.ru_stime),
	       ms_of(span->usage.ru_stime));
	if (read_stats(&stats) == 0)
		printf(", \"policy\": \"%.40s\", \"switches\": %llu, \"evicted\": %llu",
		       stats.policy, (unsigned long long)stats.switches,
		       (unsigned long long)stats.evicted);
	printf("}\n");
	fflush(stdout);
}

static int split(char *line, char **words)
{
	char *rest = NULL;
	int   count = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *at = strtok_r(line, "\t", &rest); at; at = strtok_r(NULL, "\t", &rest)) {
		if (count == WORDS_MAX)
			die("too many words");
		words[count++] = at;
	}
	words[count] = NULL;
	return count;
}

int main(void)
{
	static char line[LINE_ROOM];
	char       *words[WORDS_MAX + 1];

	while (fgets(line, sizeof line, stdin)) {
		struct span span = { 0 };

		if (split(line, words) < 3)
			die("a line is PLACE OUTPUT PROGRAM [ARGUMENT]...");
		run(words, &span);
		print(&span);
	}
	return 0;
}
