#include "values.h"

#include "text.h"

#include "../base/plural.h"
#include "../interface/canon.h"
#include "../model/error.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MASK_BYTES 8u
#define TEXT_SHOWN 80u   /* characters of a text    */
#define HEX_SHOWN  16u   /* bytes of memory         */

enum kind { KIND_VOID, KIND_INT, KIND_UINT, KIND_FLOAT, KIND_PLAIN, KIND_TEXT, KIND_BYTES,
	    KIND_HANDLE, KIND_FD };

struct type {
	enum kind kind;
	bool      goes_in;
	bool      comes_out;
	uint32_t  size;    /* of a number or a plain object      */
	uint32_t  mirror;  /* bytes of a reply behind the handle */
};

/* What is being read: hostile. */
struct reader {
	const unsigned char *body;
	size_t               len;
	size_t               at;    /* of the next cell */
	uint64_t             mask;
	FILE                *file;
};

/* --- types ------------------------------------------------------------------------ */

static bool skip(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0)
		return false;
	*text += len;
	return true;
}

static bool read_number(const char *text, struct type *ret_type)
{
	static const struct {
		const char *name;
		enum kind   kind;
		uint32_t    size;
	} numbers[] = {
		{ "i8", KIND_INT, 1 },    { "i16", KIND_INT, 2 },
		{ "i32", KIND_INT, 4 },   { "i64", KIND_INT, 8 },
		{ "u8", KIND_UINT, 1 },   { "u16", KIND_UINT, 2 },
		{ "u32", KIND_UINT, 4 },  { "u64", KIND_UINT, 8 },
		{ "f32", KIND_FLOAT, 4 }, { "f64", KIND_FLOAT, 8 },
	};
	size_t len = strcspn(text, "?");

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (strlen(numbers[i].name) != len ||
		    strncmp(numbers[i].name, text, len) != 0)
			continue;
		ret_type->kind = numbers[i].kind;
		ret_type->size = numbers[i].size;
		return true;
	}
	return false;
}

/* "handle NAME[a+b]": b bytes of the object follow in a reply. */
static uint32_t mirror_of(const char *text)
{
	const char *plus = strrchr(text, '+');
	unsigned long bytes = plus ? strtoul(plus + 1, NULL, 10) : 0;

	return bytes > 0 && bytes <= 65536 ? ((uint32_t)bytes + 7u) & ~7u : 0;
}

/* The bytes of "struct x{...}:SIZE", "T[N]" and their mixtures; 0 unknown. */
static uint32_t plain_bytes(const char *text, size_t len)
{
	uint64_t    count = 1, size;
	struct type element = { 0 };
	char        base[16];

	while (len > 0 && text[len - 1] == '?')
		len--;
	while (len > 1 && text[len - 1] == ']') {
		size_t open = len - 1;

		while (open > 0 && text[open] != '[')
			open--;
		count *= strtoul(text + open + 1, NULL, 10);
		len = open;
		if (count > 1u << 26)
			return 0;
	}
	if (len > 1 && memchr(text, '}', len)) {
		size_t colon = len - 1;

		while (colon > 0 && text[colon] != ':')
			colon--;
		size = strtoul(text + colon + 1, NULL, 10);
	} else {
		snprintf(base, sizeof base, "%.*s", (int)(len < 8 ? len : 8), text);
		size = read_number(base, &element) ? element.size : 0;
	}
	return size > 1u << 26 || size * count > 1u << 26 ? 0 : (uint32_t)(size * count);
}

static bool read_type(const char *text, bool is_result, struct type *ret_type)
{
	struct type type = { .goes_in = !is_result, .comes_out = is_result };
	bool        is_dropped = false;

	if (skip(&text, "inout "))
		type.goes_in = type.comes_out = true;
	else if (skip(&text, "out ")) {
		type.goes_in = false;
		type.comes_out = true;
	} else {
		skip(&text, "in ");
	}
	skip(&text, "own ");
	skip(&text, "new ");
	is_dropped = skip(&text, "drop ");
	if (strcmp(text, "void") == 0)
		type.kind = KIND_VOID;
	else if (strncmp(text, "string", 6) == 0 || strncmp(text, "path", 4) == 0)
		type.kind = KIND_TEXT;
	else if (strncmp(text, "bytes", 5) == 0)
		type.kind = KIND_BYTES;
	else if (strncmp(text, "fd", 2) == 0)
		type.kind = KIND_FD;
	else if (strncmp(text, "handle ", 7) == 0) {
		type.kind = KIND_HANDLE;
		type.mirror = is_dropped ? 0 : mirror_of(text);
	} else if (!read_number(text, &type)) {
		type.kind = KIND_PLAIN;
		type.size = plain_bytes(text, strlen(text));
		if (type.size == 0)
			return false;
	}
	*ret_type = type;
	return true;
}

/* --- values ------------------------------------------------------------------------ */

/* The next cell; NULL when the body ends before it does. */
static const unsigned char *take(struct reader *reader, size_t bytes)
{
	const unsigned char *at = reader->body + reader->at;

	if (bytes > reader->len - reader->at) {
		reader->at = reader->len;
		return NULL;
	}
	reader->at += bytes;
	return at;
}

static void print_text(FILE *file, const unsigned char *bytes, size_t len)
{
	char   text[TEXT_SHOWN + 1], clean[TEXT_SHOWN + 1];
	size_t shown = len < TEXT_SHOWN ? len : TEXT_SHOWN;

	memcpy(text, bytes, shown);
	text[shown] = '\0';
	fprintf(file, "\"%s\"%s", rh_text_clean(text, clean, sizeof clean),
	        shown < len ? "..." : "");
}

static void print_hex(FILE *file, const unsigned char *bytes, size_t len)
{
	size_t shown = len < HEX_SHOWN ? len : HEX_SHOWN;

	fputs("0x", file);
	for (size_t i = 0; i < shown; i++)
		fprintf(file, "%02x", bytes[i]);
	if (shown < len)
		fputs("...", file);
}

static void print_blob(struct reader *reader, enum kind kind, const unsigned char *cell)
{
	uint32_t off, len;

	memcpy(&off, cell, sizeof off);
	memcpy(&len, cell + sizeof off, sizeof len);
	if (kind == KIND_BYTES)
		fprintf(reader->file, "%u byte%s", len, rh_plural(len));
	/* Behind the end: the observer got only the beginning of the body. */
	if (off > reader->len || (len > reader->len - off && kind == KIND_TEXT)) {
		fputs(kind == KIND_TEXT ? "..." : "", reader->file);
		return;
	}
	if (len > reader->len - off)
		len = (uint32_t)(reader->len - off);
	if (kind == KIND_TEXT) {
		print_text(reader->file, reader->body + off, len);
	} else if (len > 0) {
		fputc(' ', reader->file);
		print_hex(reader->file, reader->body + off, len);
	}
}

static void print_float(FILE *file, const unsigned char *cell, uint32_t size)
{
	double wide;
	float  narrow;

	memcpy(&wide, cell, sizeof wide);
	memcpy(&narrow, cell, sizeof narrow);
	fprintf(file, "%g", size == 4 ? (double)narrow : wide);
}

static void print_cell(struct reader *reader, const struct type *type,
                       const unsigned char *cell)
{
	int64_t  number;
	uint64_t bits;

	memcpy(&bits, cell, sizeof bits);
	memcpy(&number, cell, sizeof number);
	switch (type->kind) {
	case KIND_INT:
	case KIND_FD:
		fprintf(reader->file, "%" PRId64, number);
		break;
	case KIND_UINT:
		fprintf(reader->file, "%" PRIu64, bits);
		break;
	case KIND_FLOAT:
		print_float(reader->file, cell, type->size);
		break;
	case KIND_HANDLE:
		fprintf(reader->file, bits ? "#%" PRIx64 : "NULL", bits);
		break;
	case KIND_TEXT:
	case KIND_BYTES:
		print_blob(reader, type->kind, cell);
		break;
	case KIND_PLAIN:
	case KIND_VOID:
		print_hex(reader->file, cell, type->size);
		break;
	}
}

/* Prints one value and moves behind it. */
static void print_value(struct reader *reader, const struct type *type, unsigned bit)
{
	size_t bytes = type->kind == KIND_PLAIN ? (type->size + 7u) & ~7u : 8;
	const unsigned char *cell = take(reader, bytes);

	if (!cell)
		fputc('?', reader->file);
	else if (reader->mask & (uint64_t)1 << bit)
		fputs("NULL", reader->file);
	else
		print_cell(reader, type, cell);
}

/* --- lines ------------------------------------------------------------------------- */

/* A line cut into words; the caller frees *ret_copy. */
static bool split(const char *line, char **ret_copy, struct rh_canon_line *ret_words)
{
	char *copy = strndup(line, strcspn(line, "\n"));

	if (copy && rh_canon_split(copy, ret_words) >= 0) {
		*ret_copy = copy;
		return true;
	}
	free(copy);
	return false;
}

static void put(FILE *file, const char *text)
{
	rh_text_print(file, text, RH_PLAIN, 0);
}

static void start(struct reader *reader, FILE *file, const void *body, size_t len)
{
	*reader = (struct reader){ .body = body, .len = len, .file = file };
	if (len >= MASK_BYTES)
		memcpy(&reader->mask, body, MASK_BYTES);
	take(reader, MASK_BYTES);
}

uint64_t rh_values_hash(const char *line)
{
	struct rh_canon_line words;
	uint64_t             hash;
	char                *copy;

	if (!split(line, &copy, &words))
		return 0;
	hash = rh_fnv1a(RH_FNV_SEED, words.function, strlen(words.function));
	hash = rh_fnv1a(hash, "(", 1);
	for (unsigned i = 0; i < words.count; i++) {
		hash = rh_fnv1a(hash, ",", i > 0);
		hash = rh_fnv1a(hash, words.types[i], strlen(words.types[i]));
	}
	hash = rh_fnv1a(hash, ")", 1);
	hash = rh_fnv1a(hash, words.ret, strlen(words.ret));
	free(copy);
	return hash;
}

void rh_values_print_args(FILE *file, const char *line, const void *body, size_t len)
{
	struct rh_canon_line words;
	struct reader        reader;
	char                *copy;
	bool                 is_known = true;

	if (!split(line, &copy, &words)) {
		put(file, line);
		return;
	}
	start(&reader, file, body, len);
	put(file, words.function);
	for (unsigned i = 0; i < words.count; i++) {
		struct type type;

		/* One unknown type hides the places of all that follow. */
		is_known = is_known && read_type(words.types[i], false, &type);
		fputs(", ", file);
		put(file, words.types[i]);
		fputc('|', file);
		if (!is_known)
			fputc('?', file);
		else if (type.goes_in)
			print_value(&reader, &type, i);
		else
			put(file, words.names[i]);
	}
	fputs(", ", file);
	put(file, words.ret);
	free(copy);
}

static void print_outs(struct reader *reader, const struct rh_canon_line *words)
{
	for (unsigned i = 0; i < words->count; i++) {
		struct type type;

		if (!read_type(words->types[i], false, &type))
			return;
		if (type.comes_out) {
			fputs(", ", reader->file);
			put(reader->file, words->names[i]);
			fputs(" = ", reader->file);
			print_value(reader, &type, i);
		}
		take(reader, type.mirror);
	}
}

void rh_values_print_reply(FILE *file, const char *line, const void *body, size_t len)
{
	struct rh_canon_line words;
	struct reader        reader;
	struct type          type;
	char                *copy;

	if (!split(line, &copy, &words))
		return;
	start(&reader, file, body, len);
	if (!read_type(words.ret, true, &type)) {
		fputc('?', file);
	} else {
		if (type.kind == KIND_VOID)
			fputs("done", file);
		else
			print_value(&reader, &type, 63);
		take(&reader, type.mirror);
		print_outs(&reader, &words);
	}
	free(copy);
}
