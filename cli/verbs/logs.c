#include "../cli.h"
#include "../verb.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_WIDTH 24 /* "2026-01-31T12:00:00.123Z" */

struct reader {
	struct rh_cli *cli;
	const char    *wanted;    /* a resource, a process, or NULL */
	char          *line;
	size_t         cap;
	bool           is_found;  /* a line of it                  */
};

/* "magic" takes magic/0, agent/magic and magic itself. */
static bool is_wanted(const char *wanted, const char *name, size_t len)
{
	size_t wanted_len = strlen(wanted);

	if (len >= 6 && memcmp(name, "agent/", 6) == 0 && !strchr(wanted, '/')) {
		name += 6;
		len -= 6;
	}
	return len >= wanted_len && memcmp(name, wanted, wanted_len) == 0 &&
	       (len == wanted_len || name[wanted_len] == '/');
}

static bool passes(const struct reader *reader, const char *line)
{
	const char *name = line + TIME_WIDTH + 1;

	if (!reader->wanted)
		return true;
	if (strlen(line) < TIME_WIDTH + 2)
		return false;
	return is_wanted(reader->wanted, name, strcspn(name, " "));
}

/* Prints the lines that are complete; a cut one stays for the next time. */
static void print_lines(struct reader *reader, FILE *file)
{
	long    at;
	ssize_t n;

	clearerr(file);
	while ((at = ftell(file)) >= 0 &&
	       (n = getline(&reader->line, &reader->cap, file)) > 0) {
		if (reader->line[n - 1] != '\n') {
			fseek(file, at, SEEK_SET);
			break;
		}
		if (!passes(reader, reader->line))
			continue;
		fputs(reader->line, reader->cli->out);
		reader->is_found = true;
	}
	fflush(reader->cli->out);
}

/* --- the last lines ------------------------------------------------------------------
 */

static void print_last(struct reader *reader, FILE *file, size_t count)
{
	char  **ring = calloc(count, sizeof *ring);
	size_t  used = 0;
	ssize_t n;

	if (!ring)
		return;
	while ((n = getline(&reader->line, &reader->cap, file)) > 0) {
		if (!passes(reader, reader->line))
			continue;
		free(ring[used % count]);
		ring[used++ % count] = strndup(reader->line, (size_t)n);
	}
	reader->is_found = used > 0;
	for (size_t i = used > count ? used - count : 0; i < used; i++)
		fputs(ring[i % count] ? ring[i % count] : "", reader->cli->out);
	for (size_t i = 0; i < count; i++)
		free(ring[i]);
	free(ring);
	fflush(reader->cli->out);
}

/* --- following -------------------------------------------------------------------------
 */

/* The file may be renamed and begun anew meanwhile. */
static FILE *reopened(FILE *file, const char *path, struct reader *reader)
{
	struct stat mine, now;
	FILE       *next;

	if (fstat(fileno(file), &mine) < 0 || stat(path, &now) < 0 ||
	    mine.st_ino == now.st_ino)
		return file;
	next = fopen(path, "re");
	if (!next)
		return file;
	print_lines(reader, file);
	fclose(file);
	return next;
}

static int follow(struct reader *reader, FILE *file, const char *path)
{
	char events[4096];
	int  watch = inotify_init1(IN_CLOEXEC);

	if (watch < 0 || inotify_add_watch(watch, reader->cli->dirs.run,
	                                   IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
		fclose(file);
		return rh_cli_fail(reader->cli, RH_EXIT_REFUSED, "cannot watch %s: %s",
		                   reader->cli->dirs.run, strerror(errno));
	}
	for (;;) {
		file = reopened(file, path, reader);
		print_lines(reader, file);
		if (ferror(reader->cli->out))
			break;
		if (read(watch, events, sizeof events) <= 0 && errno != EINTR)
			break;
	}
	close(watch);
	fclose(file);
	return RH_EXIT_OK;
}

int rh_verb_logs(struct rh_cli *cli)
{
	struct reader  reader = { .cli = cli };
	struct rh_diag diag = { 0 };
	char           path[RH_DIR_MAX + 16];
	long           lines = 0;
	FILE          *file;
	int            result = RH_EXIT_OK;

	if (rh_args_number(&cli->args, "lines", 1, 1000000, &lines, &diag) == RH_EINVAL)
		return rh_cli_usage(cli, "%s", diag.text);
	if (cli->args.word_count)
		reader.wanted = cli->args.words[0];
	snprintf(path, sizeof path, "%s/system.log", cli->dirs.run);
	file = fopen(path, "re");
	if (!file)
		return rh_cli_fail(cli, errno == ENOENT ? RH_EXIT_DOWN : RH_EXIT_REFUSED,
		                   errno == ENOENT
		                   ? "no system \"%s\" has run here: there is no %s"
		                   : "the log of \"%s\" cannot be read: %s",
		                   cli->dirs.system, path);
	if (lines)
		print_last(&reader, file, (size_t)lines);
	else
		print_lines(&reader, file);
	if (rh_args_has(&cli->args, "follow"))
		result = follow(&reader, file, path);
	else
		fclose(file);
	if (!rh_args_has(&cli->args, "follow") && reader.wanted && !reader.is_found)
		result = rh_cli_fail(cli, RH_EXIT_NOT_FOUND, "no line of the log is of "
		                     "\"%.80s\"", reader.wanted);
	free(reader.line);
	return result;
}
