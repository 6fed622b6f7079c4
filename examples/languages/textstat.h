/* textstat - statistics of texts: one interface that is served in every language and
 * called from every language (README.md beside this).
 *
 * Ownership   A doc belongs to who opened it.  ts_upper's result is borrowed, that of
 *             ts_repeat is the caller's.
 * Threads     Any.  Calls on one doc take turns.
 * Errors      As each function says, with errno. */
#ifndef TEXTSTAT_H
#define TEXTSTAT_H

#include <stddef.h>
#include <stdint.h>

enum ts_unit { TS_BYTES, TS_WORDS, TS_LINES };

/* Bytes [offset, offset + length) of a text. */
struct ts_span {
	uint32_t offset;
	uint32_t length;
};

struct ts_counts {
	uint64_t bytes;
	uint64_t words;     /* parted by blanks and control characters     */
	uint64_t lines;     /* line feeds                                  */
	double   mean_word; /* bytes of a word; NaN without words          */
};

struct ts_summary {
	struct ts_counts counts;
	struct ts_span   longest;    /* the first of the longest words     */
	uint32_t         letters[26];/* a to z, upper and lower together   */
	float            share;      /* of letters among the bytes         */
	int8_t           is_ascii;
};

struct ts_doc; /* a text that grows */

/* a + b; wraps around. */
int32_t ts_add(int32_t a, int32_t b);

/* The sum of all, which wraps around; one parameter of each size. */
int64_t ts_sum(int8_t a, uint8_t b, int16_t c, uint16_t d, uint32_t e, int64_t f);

/* The greater one. */
uint64_t ts_max(uint64_t a, uint64_t b);

/* (a + b) / 2. */
double ts_mean(double a, float b);

/* The value as it came, bit for bit: a NaN keeps its payload. */
double ts_same(double value);

/* The unit after this one, TS_BYTES after the last; a value that is no unit comes back
 * as it is. */
enum ts_unit ts_next(enum ts_unit unit);

/* FNV-1a, 64 bit. */
uint64_t ts_hash(const void *bytes, size_t len);

struct ts_counts ts_count(const char *text);

/* What ts_count counts in this unit; 0 for NULL.  -1, EINVAL: no such unit. */
int64_t ts_measure(const char *text, enum ts_unit unit);

/* 0. */
int ts_summarize(const char *text, struct ts_summary *ret_summary);

/* The one of the longer text, bit for bit; a when both have as many bytes. */
struct ts_summary ts_longer(struct ts_summary a, const struct ts_summary *b);

/* offset + length; wraps around. */
uint32_t ts_end(struct ts_span span);

/* Moves the span; -1, ERANGE: its offset would be below 0 or over UINT32_MAX. */
int ts_shift(struct ts_span *span, int32_t by);

/* a to z as A to Z; other bytes as they are. */
const char *ts_upper(const char *text);

/* The text so many times; NULL, ENOMEM or EOVERFLOW: over 16 MiB. */
char *ts_repeat(const char *text, uint32_t times);

/* The bytes the other way round, in place; 0. */
int ts_reverse(void *bytes, size_t len);

/* Stores 0, 1, 2, ... (modulo 256), as many as there is room for and at most count;
 * returns how many. */
int64_t ts_fill(void *bytes, size_t cap, uint32_t count);

/* A decimal number with or without a sign; -1, EINVAL: it is none, or does not fit. */
int64_t ts_parse(const char *text);

/* Reads the descriptor to its end; how many bytes came.  -1: read(2) failed. */
int64_t ts_drain(int fd);

/* Bytes of the file; -1: it cannot be read. */
int64_t ts_file(const char *path);

/* NULL, ENOMEM. */
struct ts_doc *ts_doc_open(const char *title);
void           ts_doc_close(struct ts_doc *doc);

/* Appends; bytes of the whole afterwards.  -1, ENOMEM. */
int64_t ts_doc_add(struct ts_doc *doc, const char *text);
int     ts_doc_count(struct ts_doc *doc, struct ts_counts *ret_counts);
const char *ts_doc_title(struct ts_doc *doc);

#endif
