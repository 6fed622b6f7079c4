#include "journal.h"

#include "../../base/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SELF "rhodes"

static int open_file(struct rh_journal *journal)
{
	struct stat st;
	int         fd = open(journal->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
	                      0644);

	if (fd < 0)
		return RH_EIO;
	journal->bytes = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	journal->file = fd;
	return RH_OK;
}

int rh_journal_init(struct rh_journal *journal, const char *run_dir, int screen,
                    struct rh_diag *diag)
{
	*journal = (struct rh_journal){ .file = -1, .screen = screen,
	                                .bytes_max = RH_JOURNAL_BYTES_MAX };
	if (!run_dir)
		return RH_OK;
	snprintf(journal->path, sizeof journal->path, "%s/system.log", run_dir);
	if (open_file(journal) < 0)
		return rh_diag_set(diag, RH_EIO, "cannot write the log %s: %s",
		                   journal->path, strerror(errno));
	return RH_OK;
}

void rh_journal_fini(struct rh_journal *journal)
{
	if (journal->file >= 0)
		close(journal->file);
	journal->file = -1;
}

static void rotate(struct rh_journal *journal)
{
	char old[sizeof journal->path + 2];

	snprintf(old, sizeof old, "%s.1", journal->path);
	close(journal->file);
	journal->file = -1;
	/* When the rename fails the same file goes on: a long log is better than
	 * none. */
	(void)rename(journal->path, old);
	(void)open_file(journal);
}

/* --- pieces ------------------------------------------------------------------- */

/* "2026-01-31T12:00:00.123Z" */
static bool is_time(const char *text, size_t len)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	if (len < sizeof form)
		return false;
	for (size_t i = 0; i + 1 < sizeof form; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == 'd' ? !is_digit : text[i] != form[i])
			return false;
	}
	return text[sizeof form - 1] == ' ';
}

/* One of several in a process: it is named, not the process. */
static void note_agent(const char *who, size_t len, char agent[80])
{
	if (len <= 6 || memcmp(who, "agent ", 6) != 0)
		return;
	memcpy(agent, who, len);
	agent[5] = '/';
	agent[len] = '\0';
}

void rh_journal_split(const char *line, size_t len, struct rh_journal_parts *ret_parts)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	const char              *at = line, *end = line + len, *colon;

	*ret_parts = (struct rh_journal_parts){ .text = line, .len = len };
	if (!is_time(line, len))
		return;
	memcpy(ret_parts->time, line, 24);
	at += 25;
	ret_parts->text = at;
	ret_parts->len = (size_t)(end - at);
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		size_t n = strlen(levels[i]);

		if ((size_t)(end - at) <= n || memcmp(at, levels[i], n) != 0 ||
		    at[n] != ' ')
			continue;
		memcpy(ret_parts->level, levels[i], n);
		at += n + 1;
		/* "agent file: text": who it is stands in front of the line already. */
		colon = memchr(at, ':', (size_t)(end - at));
		if (colon && colon - at < 80 && colon + 1 < end && colon[1] == ' ') {
			note_agent(at, (size_t)(colon - at), ret_parts->agent);
			at = colon + 2;
		}
		ret_parts->text = at;
		ret_parts->len = (size_t)(end - at);
		return;
	}
}

static void set_time(char *text, size_t cap)
{
	struct timespec now;
	struct tm       utc;
	char            stamp[20];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, cap, "%s.%03uZ", stamp, (unsigned)(now.tv_nsec / 1000000) % 1000u);
}

/* --- writing ------------------------------------------------------------------ */

static void write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* a full disk must not stop the system */
		text += n;
		len -= (size_t)n;
	}
}

/* Writes only what does not block: one PIPE_BUF at most after poll says so. */
static bool write_screen(const struct rh_journal *journal, const char *text, size_t len)
{
	struct pollfd ready = { .fd = journal->screen, .events = POLLOUT };

	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return false;
	write_all(journal->screen, text, len < 4096 ? len : 4096);
	return true;
}

static const char *color_of(const char *level)
{
	if (strcmp(level, "error") == 0)
		return "\033[31m";
	if (strcmp(level, "warn") == 0)
		return "\033[33m";
	return "\033[2m";
}

static void show(struct rh_journal *journal, const char *name,
                 const struct rh_journal_parts *parts, const char *text)
{
	const char *level = parts->level[0] ? parts->level : "-";
	const char *color = journal->has_color ? color_of(level) : "";
	const char *plain = journal->has_color ? "\033[0m" : "";
	char        line[RH_JOURNAL_LINE_MAX + 300];
	char        note[64] = "";
	int         n;

	if (journal->screen < 0)
		return;
	if (journal->skipped)
		snprintf(note, sizeof note, "... %llu lines left out here\n",
		         (unsigned long long)journal->skipped);
	/* The day is known to whoever watches. */
	n = snprintf(line, sizeof line, "%s%.12s %-*s %s%-5s%s %s\n", note,
	             parts->time + 11, RH_JOURNAL_NAME_WIDTH, name, color, level, plain,
	             text);
	if (n > 0 && write_screen(journal, line, (size_t)n))
		journal->skipped = 0;
	else
		journal->skipped++;
}

/* A program's colours and cursor jumps stay out of the log. */
static void copy_clean(char *clean, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		clean[i] = (c < 0x20 && c != '\t') || c == 0x7f ? '?' : text[i];
	}
	clean[len] = '\0';
}

void rh_journal_line(struct rh_journal *journal, const char *name, const char *line,
                     size_t len)
{
	struct rh_journal_parts parts;
	char                    clean[RH_JOURNAL_LINE_MAX];
	char                    out[RH_JOURNAL_LINE_MAX + 200];
	int                     n;

	rh_journal_split(line, len, &parts);
	if (!parts.time[0])
		set_time(parts.time, sizeof parts.time);
	if (parts.agent[0] && strncmp(name, "agents-", 7) == 0)
		name = parts.agent;
	len = parts.len < sizeof clean ? parts.len : sizeof clean - 1;
	copy_clean(clean, parts.text, len);
	n = snprintf(out, sizeof out, "%s %-*s %-5s %s\n", parts.time,
	             RH_JOURNAL_NAME_WIDTH, name, parts.level[0] ? parts.level : "-",
	             clean);
	if (n > 0 && journal->file >= 0) {
		write_all(journal->file, out, (size_t)n);
		journal->bytes += (size_t)n;
	}
	if (journal->file >= 0 && journal->bytes >= journal->bytes_max)
		rotate(journal);
	show(journal, name, &parts, clean);
}

void rh_journal_tell(struct rh_journal *journal, const char *format, ...)
{
	char    text[1024], line[1100];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	set_time(line, sizeof line);
	snprintf(line + strlen(line), sizeof line - strlen(line), " info %s: %s", SELF,
	         text);
	rh_journal_line(journal, SELF, line, strlen(line));
}
