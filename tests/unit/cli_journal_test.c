#include "../../cli/supervise/journal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct room {
	char folder[64];
	char path[128];
	char old[128];
};

static int enter(void **state)
{
	struct room *room = calloc(1, sizeof *room);

	strcpy(room->folder, "/tmp/rhodes-journal-XXXXXX");
	assert_non_null(mkdtemp(room->folder));
	snprintf(room->path, sizeof room->path, "%s/system.log", room->folder);
	snprintf(room->old, sizeof room->old, "%s/system.log.1", room->folder);
	*state = room;
	return 0;
}

static int leave(void **state)
{
	struct room *room = *state;

	unlink(room->path);
	unlink(room->old);
	rmdir(room->folder);
	free(room);
	return 0;
}

static char *content(const char *path)
{
	static char text[200000];
	FILE       *file = fopen(path, "r");
	size_t      n;

	assert_non_null(file);
	n = fread(text, 1, sizeof text - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void assert_split(const char *line, const char *time, const char *level,
                         const char *text)
{
	struct rh_journal_parts parts;

	rh_journal_split(line, strlen(line), &parts);
	assert_string_equal(parts.time, time);
	assert_string_equal(parts.level, level);
	assert_int_equal(parts.len, strlen(text));
	assert_memory_equal(parts.text, text, parts.len);
}

static void lines_of_ours_keep_time_and_level(void **state)
{
	(void)state;
	assert_split("2026-01-31T12:00:00.123Z info agent file: attached pid=3",
	             "2026-01-31T12:00:00.123Z", "info", "attached pid=3");
	assert_split("2026-01-31T12:00:00.123Z error center: a: b",
	             "2026-01-31T12:00:00.123Z", "error", "a: b");
	assert_split("2026-01-31T12:00:00.123Z notice center: a",
	             "2026-01-31T12:00:00.123Z", "", "notice center: a");
	assert_split("2026-01-31T12:00:00.123Z info", "2026-01-31T12:00:00.123Z", "",
	             "info");
	assert_split("2026-01-31T12:00:00.123Z", "", "", "2026-01-31T12:00:00.123Z");
	assert_split("2026-01-31 12:00:00.123Z info x: y", "", "",
	             "2026-01-31 12:00:00.123Z info x: y");
	assert_split("hello", "", "", "hello");
	assert_split("", "", "", "");
}

static void the_file_has_every_line(void **state)
{
	struct room      *room = *state;
	struct rh_journal journal;
	static const char ours[] = "2026-01-31T12:00:00.123Z warn agent a: careful";

	assert_int_equal(rh_journal_init(&journal, room->folder, -1, NULL), RH_OK);
	rh_journal_line(&journal, "agent/a", ours, strlen(ours));
	rh_journal_line(&journal, "a/0", "x\033[31m\ty\r", 9);
	rh_journal_fini(&journal);
	char *text = content(room->path);
	assert_non_null(strstr(
		text, "2026-01-31T12:00:00.123Z agent/a            warn  careful\n"));
	assert_non_null(strstr(text, "Z a/0                -     x?[31m\ty?\n"));
	/* Opened again it goes on. */
	assert_int_equal(rh_journal_init(&journal, room->folder, -1, NULL), RH_OK);
	rh_journal_tell(&journal, "number %d", 7);
	rh_journal_fini(&journal);
	text = content(room->path);
	assert_non_null(strstr(text, "careful\n"));
	assert_non_null(strstr(text, "rhodes             info  number 7\n"));
}

static void a_full_file_is_put_aside(void **state)
{
	struct room      *room = *state;
	struct rh_journal journal;
	struct stat       st;

	assert_int_equal(rh_journal_init(&journal, room->folder, -1, NULL), RH_OK);
	journal.bytes_max = 1000;
	for (int i = 0; i < 100; i++)
		rh_journal_tell(&journal, "line %d", i);
	rh_journal_tell(&journal, "the last");
	rh_journal_fini(&journal);
	assert_int_equal(stat(room->path, &st), 0);
	assert_true(st.st_size < 1100);
	assert_int_equal(stat(room->old, &st), 0);
	assert_true(st.st_size >= 1000 && st.st_size < 1100);
	assert_non_null(strstr(content(room->path), "the last\n"));
}

static void a_line_has_an_end(void **state)
{
	struct room      *room = *state;
	struct rh_journal journal;
	char             *line = malloc(100000);

	memset(line, 'x', 100000);
	assert_int_equal(rh_journal_init(&journal, room->folder, -1, NULL), RH_OK);
	rh_journal_line(&journal, "a", line, 100000);
	rh_journal_fini(&journal);
	free(line);
	assert_true(strlen(content(room->path)) < RH_JOURNAL_LINE_MAX + 100);
}

static void a_stopped_terminal_stops_nobody(void **state)
{
	struct room      *room = *state;
	struct rh_journal journal;
	char              line[1000], bytes[65536];
	int               fds[2];
	ssize_t           n;

	memset(line, 'x', sizeof line);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(rh_journal_init(&journal, room->folder, fds[1], NULL), RH_OK);
	/* 64 KiB of pipe and nobody reads: this would block for ever. */
	for (int i = 0; i < 150; i++)
		rh_journal_line(&journal, "a", line, sizeof line);
	assert_true(journal.skipped > 0);
	while (read(fds[0], bytes, sizeof bytes) == sizeof bytes)
		;
	rh_journal_tell(&journal, "again");
	assert_int_equal(journal.skipped, 0);
	n = read(fds[0], bytes, sizeof bytes - 1);
	assert_true(n > 0);
	bytes[n] = '\0';
	assert_non_null(strstr(bytes, "lines left out here\n"));
	assert_non_null(strstr(bytes, "again\n"));
	rh_journal_fini(&journal);
	assert_true(strlen(content(room->path)) > 150 * sizeof line);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_ours_keep_time_and_level),
		cmocka_unit_test_setup_teardown(the_file_has_every_line, enter, leave),
		cmocka_unit_test_setup_teardown(a_full_file_is_put_aside, enter, leave),
		cmocka_unit_test_setup_teardown(a_line_has_an_end, enter, leave),
		cmocka_unit_test_setup_teardown(a_stopped_terminal_stops_nobody, enter,
		                                leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
