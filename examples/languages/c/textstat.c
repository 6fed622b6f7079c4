#include "../textstat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT     __attribute__((visibility("default")))
#define REPEAT_MAX ((size_t)16 << 20)

struct ts_doc {
	pthread_mutex_t lock;
	char           *title;
	char           *text;
	size_t          len;
};

EXPORT int32_t ts_add(int32_t a, int32_t b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

EXPORT int64_t ts_sum(int8_t a, uint8_t b, int16_t c, uint16_t d, uint32_t e, int64_t f)
{
	return (int64_t)((uint64_t)(a + b + c + d) + e + (uint64_t)f);
}

EXPORT uint64_t ts_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

EXPORT double ts_mean(double a, float b)
{
	return (a + (double)b) / 2;
}

EXPORT double ts_same(double value)
{
	return value;
}

EXPORT enum ts_unit ts_next(enum ts_unit unit)
{
	switch (unit) {
	case TS_BYTES: return TS_WORDS;
	case TS_WORDS: return TS_LINES;
	case TS_LINES: return TS_BYTES;
	}
	return unit;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bit */
EXPORT uint64_t ts_hash(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t             hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

/* The next word at or after *at; its length, 0 when there is none. */
static size_t next_word(const char *text, size_t *at)
{
	size_t len = 0;

	while (text[*at] && (unsigned char)text[*at] <= ' ')
		++*at;
	while ((unsigned char)text[*at + len] > ' ')
		len++;
	return len;
}

EXPORT struct ts_counts ts_count(const char *text)
{
	struct ts_counts counts = { .bytes = strlen(text) };
	uint64_t         in_words = 0;
	size_t           len;

	for (size_t at = 0; (len = next_word(text, &at)) > 0; at += len) {
		counts.words++;
		in_words += len;
	}
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		counts.lines++;
	counts.mean_word = counts.words ? (double)in_words / (double)counts.words
	                                : (double)NAN;
	return counts;
}

EXPORT int64_t ts_measure(const char *text, enum ts_unit unit)
{
	struct ts_counts counts = ts_count(text ? text : "");

	switch (unit) {
	case TS_BYTES: return (int64_t)counts.bytes;
	case TS_WORDS: return (int64_t)counts.words;
	case TS_LINES: return (int64_t)counts.lines;
	}
	errno = EINVAL;
	return -1;
}

EXPORT int ts_summarize(const char *text, struct ts_summary *ret_summary)
{
	struct ts_summary summary = { .counts = ts_count(text), .is_ascii = 1 };
	uint64_t          letters = 0;
	size_t            len;

	for (size_t at = 0; (len = next_word(text, &at)) > 0; at += len) {
		if (len > summary.longest.length)
			summary.longest = (struct ts_span){ (uint32_t)at, (uint32_t)len };
	}
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at >= 0x80)
			summary.is_ascii = 0;
		if (*at >= 0x80 || !isalpha(*at))
			continue;
		summary.letters[(*at | 0x20) - 'a']++;
		letters++;
	}
	if (summary.counts.bytes)
		summary.share = (float)((double)letters / (double)summary.counts.bytes);
	*ret_summary = summary;
	return 0;
}

EXPORT struct ts_summary ts_longer(struct ts_summary a, const struct ts_summary *b)
{
	return b->counts.bytes > a.counts.bytes ? *b : a;
}

EXPORT uint32_t ts_end(struct ts_span span)
{
	return span.offset + span.length;
}

EXPORT int ts_shift(struct ts_span *span, int32_t by)
{
	int64_t offset = (int64_t)span->offset + by;

	if (offset < 0 || offset > UINT32_MAX) {
		errno = ERANGE;
		return -1;
	}
	span->offset = (uint32_t)offset;
	return 0;
}

/* Borrowed from the thread, until its next call of this function. */
EXPORT const char *ts_upper(const char *text)
{
	static _Thread_local char *kept;
	size_t                     len = strlen(text);
	char                      *upper = realloc(kept, len + 1);

	if (!upper)
		return NULL;
	kept = upper;
	for (size_t i = 0; i <= len; i++)
		upper[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 0x20) : text[i];
	return upper;
}

EXPORT char *ts_repeat(const char *text, uint32_t times)
{
	size_t len = strlen(text);
	char  *all;

	if (len * times > REPEAT_MAX) {
		errno = EOVERFLOW;
		return NULL;
	}
	if (!(all = malloc(len * times + 1)))
		return NULL;
	for (uint32_t i = 0; len > 0 && i < times; i++)
		memcpy(all + i * len, text, len);
	all[len * times] = '\0';
	return all;
}

EXPORT int ts_reverse(void *bytes, size_t len)
{
	unsigned char *at = bytes;

	for (size_t i = 0; i < len / 2; i++) {
		unsigned char byte = at[i];

		at[i] = at[len - 1 - i];
		at[len - 1 - i] = byte;
	}
	return 0;
}

EXPORT int64_t ts_fill(void *bytes, size_t cap, uint32_t count)
{
	unsigned char *at = bytes;
	size_t         n = count < cap ? count : cap;

	for (size_t i = 0; i < n; i++)
		at[i] = (unsigned char)i;
	return (int64_t)n;
}

EXPORT int64_t ts_parse(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char       *end;
	intmax_t    number;

	errno = 0;
	number = strtoimax(text, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno) {
		errno = EINVAL;
		return -1;
	}
	return number;
}

EXPORT int64_t ts_drain(int fd)
{
	char    buffer[16384];
	int64_t all = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		all += n;
	return n < 0 ? -1 : all;
}

EXPORT int64_t ts_file(const char *path)
{
	int     fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t bytes;

	if (fd < 0)
		return -1;
	bytes = ts_drain(fd);
	close(fd);
	return bytes;
}

EXPORT struct ts_doc *ts_doc_open(const char *title)
{
	struct ts_doc *doc = calloc(1, sizeof *doc);

	if (!doc)
		return NULL;
	doc->title = strdup(title ? title : "untitled");
	doc->text = strdup("");
	if (!doc->title || !doc->text) {
		free(doc->title);
		free(doc->text);
		free(doc);
		return NULL;
	}
	pthread_mutex_init(&doc->lock, NULL);
	return doc;
}

EXPORT void ts_doc_close(struct ts_doc *doc)
{
	pthread_mutex_destroy(&doc->lock);
	free(doc->title);
	free(doc->text);
	free(doc);
}

EXPORT int64_t ts_doc_add(struct ts_doc *doc, const char *text)
{
	size_t  len = strlen(text);
	char   *grown;
	int64_t all = -1;

	pthread_mutex_lock(&doc->lock);
	grown = realloc(doc->text, doc->len + len + 1);
	if (grown) {
		memcpy(grown + doc->len, text, len + 1);
		doc->text = grown;
		doc->len += len;
		all = (int64_t)doc->len;
	}
	pthread_mutex_unlock(&doc->lock);
	return all;
}

EXPORT int ts_doc_count(struct ts_doc *doc, struct ts_counts *ret_counts)
{
	pthread_mutex_lock(&doc->lock);
	*ret_counts = ts_count(doc->text);
	pthread_mutex_unlock(&doc->lock);
	return 0;
}

EXPORT const char *ts_doc_title(struct ts_doc *doc)
{
	return doc->title;
}
