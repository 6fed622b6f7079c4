/* Good histories are let through, and each thing that cannot be is found. */
#include "history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"
#define C "cccccccccccccccc"

/* The store at 1: nothing; 2: file and file -> magic; 3: the edge is another. */
#define STORE \
	"center store s1 0 -\n" \
	"center change resource/file 2 " A "\n" \
	"center change edge/file/magic 2 " B "\n" \
	"center change edge/file/magic 3 " C "\n"

#define SNAPSHOT \
	"file start - 0 -\n" \
	"file snapshot s1 2 -\n" \
	"file put resource/file 2 " A "\n" \
	"file put edge/file/magic 2 " B "\n" \
	"file settled s1 2 -\n"

/* A center that begins again tells all there is. */
#define AGAIN \
	"center store s1 9 -\n" \
	"center change * 9 gone\n" \
	"center change resource/file 9 " A "\n"

#define DELTA \
	"file delta s1 3 2\n" \
	"file put edge/file/magic 3 " C "\n" \
	"file settled s1 3 -\n"

/* Reads lines without what a log puts before them. */
static struct history *read_lines(const char *text)
{
	struct history *history = history_create();
	char            line[256];
	int             len;

	for (; *text; text += len + 1) {
		len = (int)strcspn(text, "\n");
		snprintf(line, sizeof line, "2026-01-31T12:00:00.123Z debug agent file: "
		         "history %.*s", len, text);
		if (history_line(history, line) != 1)
			fail_msg("malformed: %.*s", len, text);
	}
	return history;
}

static void expect(const char *text, int want, const char *words)
{
	struct history *history = read_lines(text);
	char           *said = NULL;
	size_t          len = 0;
	FILE           *out = open_memstream(&said, &len);
	int             count = history_check(history, out);

	fclose(out);
	if (count != want || !strstr(said, words))
		fail_msg("%s-> %d\n%s", text, count, said);
	free(said);
	history_destroy(history);
}

static void good_histories_pass(void **state)
{
	static const char *const good[] = {
		STORE SNAPSHOT DELTA "center quiet s1 3 -\n",
		/* The center's log read last, the agent's first. */
		SNAPSHOT DELTA STORE "center quiet s1 3 -\n",
		/* A bookmark; then a process that starts from an older cache. */
		STORE SNAPSHOT DELTA "file bookmark s1 9 3\nfile settled s1 9 -\n"
		"file start s1 2 -\nfile put resource/file 2 " A "\n"
		"file put edge/file/magic 2 " B "\n" DELTA "center quiet s1 9 -\n",
		/* Rejected: the former stays, and it says so. */
		STORE SNAPSHOT "file delta s1 3 2\nfile result edge/file/magic 3 rejected\n"
		"file settled s1 3 -\ncenter quiet s1 3 -\n",
		/* Staged, then active. */
		STORE SNAPSHOT "file delta s1 3 2\nfile result edge/file/magic 3 staged\n"
		"file settled s1 3 -\nfile put edge/file/magic 3 " C "\n"
		"file result edge/file/magic 3 active\ncenter quiet s1 3 -\n",
		/* Staged, and gone before it was decided. */
		STORE "center change edge/file/magic 4 gone\n" SNAPSHOT
		"file delta s1 3 2\nfile result edge/file/magic 3 staged\n"
		"file settled s1 3 -\nfile delta s1 4 3\nfile put edge/file/magic 4 gone\n"
		"file settled s1 4 -\ncenter quiet s1 4 -\n",
		/* Put again with the same bytes: neither told nor put. */
		STORE "center change edge/file/magic 4 " C "\n" SNAPSHOT DELTA
		"file bookmark s1 4 3\nfile settled s1 4 -\ncenter quiet s1 4 -\n",
		/* Deleted, by a delta and by a snapshot that does not show it. */
		STORE "center change edge/file/magic 5 gone\n" SNAPSHOT DELTA
		"file snapshot s1 6 -\nfile put edge/file/magic 6 gone\n"
		"file settled s1 6 -\ncenter quiet s1 6 -\n",
		/* Restored as of 2: revisions begin again, in another store. */
		STORE "center store s2 2 s1\ncenter change edge/file/magic 3 " A "\n"
		SNAPSHOT DELTA "file snapshot s2 3 -\nfile put edge/file/magic 3 " A "\n"
		"file settled s2 3 -\ncenter quiet s2 3 -\n",
		/* What the center did not encode is not known, and both ends agree. */
		"center store s1 7 -\n" "center change * 8 ?\n"
		"file start - 0 -\nfile snapshot s1 8 -\nfile put edge/file/magic 8 " A "\n"
		"file settled s1 8 -\nmagic start - 0 -\nmagic snapshot s1 8 -\n"
		"magic put edge/file/magic 8 " A "\nmagic settled s1 8 -\n"
		"center quiet s1 8 -\n",
		/* From a cache that was not whole, in part from another store. */
		STORE "file start s1 0 -\nfile put edge/file/magic 9 " A "\n"
		"file snapshot s1 3 -\nfile put resource/file 2 " A "\n"
		"file put edge/file/magic 3 " C "\nfile settled s1 3 -\n"
		"center quiet s1 3 -\n",
		/* What is told again has been so before: its rejection still counts. */
		STORE AGAIN "center change edge/file/magic 9 " C "\n" SNAPSHOT
		"file delta s1 3 2\nfile result edge/file/magic 3 rejected\n"
		"file settled s1 3 -\nfile bookmark s1 9 3\nfile settled s1 9 -\n"
		"center quiet s1 9 -\n",
		/* Told late, of an earlier revision than what was told before. */
		STORE AGAIN "center change edge/file/magic 9 " C "\n"
		"center change edge/file/magic 5 " C "\n" SNAPSHOT DELTA
		"file bookmark s1 9 3\nfile settled s1 9 -\ncenter quiet s1 9 -\n",
		/* An agent that ended need not follow. */
		STORE SNAPSHOT "file end - 0 -\ncenter quiet s1 3 -\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		expect(good[i], 0, "");
}

static void what_cannot_be_is_found(void **state)
{
	static const struct {
		const char *text;
		const char *words;
	} bad[] = {
		{ STORE SNAPSHOT DELTA "file snapshot s1 2 -\n", "falls back from 3" },
		{ STORE SNAPSHOT "file delta s1 3 1\n", "a gap: it was at 2" },
		/* The edge went while nobody wrote it down. */
		{ STORE AGAIN SNAPSHOT DELTA "file bookmark s1 9 3\nfile settled s1 9 -\n",
		  "edge/file/magic of 9 is not in force" },
		{ STORE SNAPSHOT "file bookmark s1 9 3\n", "a gap" },
		{ STORE SNAPSHOT "file delta s2 3 2\n", "a gap" },
		{ STORE "file start - 0 -\nfile delta s1 2 1\n", "a gap" },
		{ STORE "file start s1 0 -\nfile bookmark s1 0 0\n", "a gap" },
		{ STORE "file start s1 2 -\nfile put edge/file/magic 3 " C "\n",
		  "while it is at 2" },
		{ STORE "file snapshot s1 2 -\n", "before it started" },
		{ STORE SNAPSHOT "file put resource/magic 2 gone\n", "none of its items" },
		{ STORE SNAPSHOT "file put edge/a/b 2 gone\n", "none of its items" },
		{ STORE SNAPSHOT "file result edge/a/b 2 active\n", "none of its items" },
		{ STORE "file start - 0 -\nfile put resource/file 2 " A "\n",
		  "before anything was taken" },
		{ STORE SNAPSHOT "file put edge/file/magic 2 " A "\n",
		  "as the store did not have it" },
		{ STORE SNAPSHOT "file put edge/file/magic 2 gone\n",
		  "as the store did not have it" },
		{ STORE SNAPSHOT "file put edge/file/magic 3 " C "\n",
		  "while it is at 2" },
		{ STORE SNAPSHOT DELTA "file put edge/file/magic 2 " B "\n",
		  "goes back from 3" },
		{ STORE SNAPSHOT "file delta s1 3 2\nfile settled s1 3 -\n",
		  "edge/file/magic of 3 is not in force" },
		{ STORE SNAPSHOT "file delta s1 3 2\n"
		  "file result edge/file/magic 3 staged\n"
		  "file result edge/file/magic 3 active\n", "is told as active" },
		/* What it told of an older one does not excuse the newer one. */
		{ STORE "center change edge/file/magic 4 " A "\n" SNAPSHOT
		  "file delta s1 3 2\nfile result edge/file/magic 3 rejected\n"
		  "file settled s1 3 -\nfile delta s1 4 3\nfile settled s1 4 -\n",
		  "edge/file/magic of 4 is not in force" },
		{ STORE SNAPSHOT "file settled s1 3 -\n", "settled what it does not have" },
		{ STORE SNAPSHOT "file settled s2 2 -\n", "settled what it does not have" },
		{ STORE SNAPSHOT "file settled s1 1 -\n", "settled less than 2" },
		{ STORE SNAPSHOT "file delta s1 3 2\nfile put edge/file/magic 3 " C "\n"
		  "center quiet s1 3 -\n", "settled only 2" },
		{ STORE SNAPSHOT "file delta s1 3 2\n"
		  "file result edge/file/magic 3 staged\nfile settled s1 3 -\n"
		  "center quiet s1 3 -\n", "edge/file/magic is staged" },
		/* In force, but the center was not told that it is staged no more. */
		{ STORE SNAPSHOT "file delta s1 3 2\n"
		  "file result edge/file/magic 3 staged\nfile settled s1 3 -\n"
		  "file put edge/file/magic 3 " C "\ncenter quiet s1 3 -\n",
		  "edge/file/magic is staged" },
		{ STORE SNAPSHOT DELTA "center store s2 3 s1\ncenter quiet s2 3 -\n",
		  "it has another store" },
		{ STORE SNAPSHOT DELTA "center change resource/file 4 gone\n"
		  "file bookmark s1 4 3\nfile put edge/file/magic 4 " C "\n"
		  "center quiet s1 4 -\n", "it has another resource/file" },
		{ "center store s1 7 -\nfile start - 0 -\nfile snapshot s1 8 -\n"
		  "file put edge/file/magic 8 " A "\nfile settled s1 8 -\n"
		  "magic start - 0 -\nmagic snapshot s1 8 -\n"
		  "magic put edge/file/magic 8 " B "\nmagic settled s1 8 -\n"
		  "center quiet s1 8 -\n", "the ends of edge/file/magic differ" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct history *history = read_lines(bad[i].text);
		int             count = history_check(history, NULL);

		history_destroy(history);
		assert_true(count > 0);
		expect(bad[i].text, count, bad[i].words);
	}
}

static void other_lines_are_none(void **state)
{
	static const char *const malformed[] = {
		"x: history file put resource/file 2",
		"x: history file put resource/file 2 " A " more",
		"x: history file put resource/file two " A,
		"x: history file put resource/file 2 abc",
		"x: history file put resource/a/b 2 " A,
		"x: history file put edge/a 2 " A,
		"x: history file put thing/a 2 " A,
		"x: history file put * 2 " A,
		"x: history file eat resource/file 2 " A,
		"x: history file change resource/file 2 " A,
		"x: history center put resource/file 2 " A,
		"x: history file delta s1 2 first",
		"x: history file result resource/file 2 happy",
		"x: history file snapshot s1 2 3",
	};
	struct history *history = history_create();

	(void)state;
	assert_int_equal(history_line(history, "x: info agent file: attached"), 0);
	assert_int_equal(history_line(history, ""), 0);
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		if (history_line(history, malformed[i]) != -1)
			fail_msg("taken: %s", malformed[i]);
	}
	assert_int_equal(history_count(history), 0);
	history_destroy(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_histories_pass),
		cmocka_unit_test(what_cannot_be_is_found),
		cmocka_unit_test(other_lines_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
