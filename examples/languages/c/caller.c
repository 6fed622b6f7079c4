/* caller - every function of textstat, as a program that is linked with libtextstat calls
 * it; it knows nothing of Rhodes.
 *
 *   caller [RESOURCE]
 *
 * Prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1. */
#include "../textstat.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALLS 20000

static unsigned checks, misses;

static void check(int is_right, const char *what)
{
	checks++;
	if (is_right)
		return;
	misses++;
	printf("differs: %s\n", what);
}

#define CHECK(condition) check(condition, #condition)

static double from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static uint64_t to_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static void check_numbers(void)
{
	CHECK(ts_add(2, 3) == 5);
	CHECK(ts_add(INT32_MAX, 1) == INT32_MIN);
	CHECK(ts_sum(-128, 255, -32768, 65535, UINT32_MAX, -1) ==
	      -128 + 255 - 32768 + 65535 + (int64_t)UINT32_MAX - 1);
	CHECK(ts_sum(1, 1, 1, 1, 1, INT64_MAX - 5) == INT64_MAX);
	CHECK(ts_max(UINT64_MAX, 1) == UINT64_MAX);
	CHECK(ts_max((uint64_t)1 << 63, ((uint64_t)1 << 63) + 1) == ((uint64_t)1 << 63) + 1);
	CHECK(fabs(ts_mean(1.5, 2.25f) - 1.875) < 1e-15);
	CHECK(isinf(ts_mean(INFINITY, 1)));
	CHECK(to_bits(ts_same(from_bits(0x7ff8000000001234u))) == 0x7ff8000000001234u);
	CHECK(to_bits(ts_same(-0.0)) == (uint64_t)1 << 63);
	CHECK(ts_next(TS_BYTES) == TS_WORDS && ts_next(TS_LINES) == TS_BYTES);
	CHECK((int)ts_next((enum ts_unit)77) == 77);
}

static void check_texts(void)
{
	struct ts_counts  counts = ts_count("one two  three\nfour");
	struct ts_summary summary, other;
	char             *again;

	CHECK(counts.bytes == 19 && counts.words == 4 && counts.lines == 1);
	CHECK(fabs(counts.mean_word - 3.75) < 1e-12);
	CHECK(isnan(ts_count("").mean_word));
	CHECK(ts_measure("a b\n", TS_WORDS) == 2 && ts_measure("a b\n", TS_LINES) == 1);
	CHECK(ts_measure(NULL, TS_BYTES) == 0);
	CHECK(ts_measure("a", (enum ts_unit)9) == -1);
	CHECK(ts_summarize("Hello, wonderful world", &summary) == 0);
	CHECK(summary.longest.offset == 7 && summary.longest.length == 9);
	CHECK(summary.letters['l' - 'a'] == 4 && summary.letters['h' - 'a'] == 1);
	CHECK(fabsf(summary.share - 19.0f / 22) < 1e-6f && summary.is_ascii == 1);
	CHECK(summary.counts.words == 3);
	CHECK(ts_summarize("x", &other) == 0);
	CHECK(ts_longer(other, &summary).longest.offset == 7);
	CHECK(ts_longer(other, &other).counts.bytes == 1);
	CHECK(ts_summarize("\xc3\xa4", &summary) == 0 && summary.is_ascii == 0);
	CHECK(strcmp(ts_upper("Straße"), "STRAßE") == 0);
	CHECK(strcmp(ts_upper(""), "") == 0);
	CHECK(strcmp(ts_upper("a\xff\xfe"), "A\xff\xfe") == 0); /* no UTF-8 */
	again = ts_repeat("ab", 3);
	CHECK(again && strcmp(again, "ababab") == 0);
	free(again);
	CHECK(ts_repeat("abc", 1u << 30) == NULL);
	CHECK(ts_parse("-42") == -42 && ts_parse("9223372036854775807") == INT64_MAX);
	CHECK(ts_parse("4x") == -1 && errno == EINVAL);
	CHECK(ts_parse("9223372036854775808") == -1);
}

static void check_structs(void)
{
	struct ts_span span = { 10, 5 };

	CHECK(ts_end(span) == 15);
	CHECK(ts_shift(&span, -3) == 0 && span.offset == 7 && span.length == 5);
	CHECK(ts_shift(&span, -8) == -1);
}

static void check_bytes(void)
{
	static const size_t sizes[] = { 0, 1, 383, 384, 385, 5000, 1u << 20, 64u << 20 };

	CHECK(ts_hash("", 0) == 0xcbf29ce484222325u);
	CHECK(ts_hash("a", 1) == 0xaf63dc4c8601ec8cu);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t         size = sizes[i];
		unsigned char *bytes = malloc(size + 1);

		if (!bytes)
			exit(1);
		CHECK(ts_fill(bytes, size, UINT32_MAX) == (int64_t)size);
		CHECK(size == 0 || bytes[size - 1] == (unsigned char)(size - 1));
		CHECK(ts_reverse(bytes, size) == 0);
		CHECK(size == 0 || bytes[0] == (unsigned char)(size - 1));
		free(bytes);
	}
	unsigned char few[8] = { 0 };
	CHECK(ts_fill(few, sizeof few, 3) == 3 && few[2] == 2 && few[3] == 0);
}

static void check_files(void)
{
	char name[] = "/tmp/textstat-XXXXXX";
	int  fd = mkstemp(name);

	CHECK(fd >= 0 && write(fd, "12345", 5) == 5 && lseek(fd, 0, SEEK_SET) == 0);
	CHECK(ts_drain(fd) == 5);
	CHECK(ts_file(name) == 5);
	unlink(name);
	CHECK(ts_file(name) == -1);
	close(fd);
}

static void check_handles(void)
{
	struct ts_doc   *doc = ts_doc_open("notes");
	struct ts_doc   *other = ts_doc_open(NULL);
	struct ts_counts counts;

	CHECK(doc && other && doc != other);
	CHECK(strcmp(ts_doc_title(doc), "notes") == 0);
	CHECK(strcmp(ts_doc_title(other), "untitled") == 0);
	CHECK(ts_doc_add(doc, "one ") == 4 && ts_doc_add(doc, "two\n") == 8);
	CHECK(ts_doc_count(doc, &counts) == 0 && counts.words == 2 && counts.lines == 1);
	CHECK(ts_doc_count(other, &counts) == 0 && counts.bytes == 0);
	ts_doc_close(doc);
	ts_doc_close(other);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static uint64_t median(void)
{
	static uint64_t took[CALLS];

	for (int i = 0; i < CALLS; i++) {
		uint64_t start = now();

		ts_add(i, 1);
		took[i] = now() - start;
	}
	qsort(took, CALLS, sizeof *took, compare);
	return took[CALLS / 2];
}

int main(void)
{
	check_numbers();
	check_texts();
	check_structs();
	check_bytes();
	check_files();
	check_handles();
	if (misses) {
		printf("%u of %u checks failed\n", misses, checks);
		return 1;
	}
	printf("ok %u checks, p50 %llu ns\n", checks, (unsigned long long)median());
	return 0;
}
