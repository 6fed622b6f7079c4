/* random - textstat with random values, called by a program that is linked with it.
 * README.md says how values are made and printed; without Rhodes these lines are what all
 * callers must print.  What comes back is also compared with what textstat.h says.
 *
 *   random RESOURCE SEED ROUNDS FILE */
#include "textstat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NUMBERS 8 /* times, in a round */
#define DOCS    3
#define SHOWN   24
#define LINE    2000
#define MANY    ((uint32_t)3 << 24) /* times of any text that are too many */
#define LARGE   ((size_t)1 << 20)

struct bytes {
	unsigned char *at; /* a NUL behind them */
	size_t         len;
};

static uint64_t state, digest;
static char     line[LINE];
static size_t   used;
static unsigned calls;

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			printf("%s\ndiffers: %s\n", line, #condition); \
			exit(1); \
		} \
	} while (0)

/* --- values --------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t next(void)
{
	state += 0x9e3779b97f4a7c15u;
	return mix(state);
}

static uint64_t below(uint64_t n)
{
	return next() % n;
}

static uint64_t number(unsigned bits)
{
	uint64_t all = ~(uint64_t)0 >> (64 - bits), top = (uint64_t)1 << (bits - 1);
	uint64_t masks[] = { 0, all, top, all ^ top };
	uint64_t n = next() >> (64 - bits);

	n >>= below(bits);
	return n ^ masks[below(4)];
}

static uint64_t real(unsigned exponent, unsigned mantissa)
{
	uint64_t quiet = (uint64_t)1 << (mantissa - 1), all = ((uint64_t)1 << exponent) - 1;
	uint64_t sign = below(2), kind = below(8);
	uint64_t m = next() >> (64 - mantissa), e = next() >> (64 - exponent);

	if (kind <= 2)
		e = all;
	else if (kind <= 4)
		e = 0;
	if (kind == 0)
		m |= quiet;
	else if (kind == 1)
		m = (m & ~quiet) | 1;
	else if (kind == 2 || kind == 4)
		m = 0;
	if (exponent == 8 && e == all && m)
		m |= quiet;
	return sign << (exponent + mantissa) | e << mantissa | m;
}

static size_t size(void)
{
	uint64_t kind = below(16);

	if (kind == 0)
		return 0;
	if (kind <= 10)
		return below(33);
	if (kind <= 12)
		return 380 + below(9);
	return kind <= 14 ? below(2000) : below(70000);
}

static struct bytes room(size_t len)
{
	struct bytes bytes = { calloc(1, len + 1), len };

	if (!bytes.at)
		abort();
	return bytes;
}

static struct bytes some_bytes(size_t len)
{
	struct bytes bytes = room(len);
	uint64_t     word = 0;

	for (size_t i = 0; i < len; i++) {
		word = i % 8 ? word >> 8 : next();
		bytes.at[i] = (unsigned char)word;
	}
	return bytes;
}

/* A piece of text for each byte. */
static struct bytes pieces(struct bytes bytes)
{
	static const char *const of[] = { "a", "Z", " ", "\n", "\xc3\x9f", "\xe2\x82\xac",
		                          "\xf0\x9f\x98\x80", "\xef\xbf\xbd" };
	struct bytes text = room(bytes.len * 4);

	text.len = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		const char *piece = of[bytes.at[i] % 8];

		memcpy(text.at + text.len, piece, strlen(piece));
		text.len += strlen(piece);
	}
	free(bytes.at);
	return text;
}

static struct bytes letters(struct bytes bytes, const char *of)
{
	for (size_t i = 0; i < bytes.len; i++)
		bytes.at[i] = (unsigned char)of[bytes.at[i] % 16];
	return bytes;
}

static struct bytes text(void)
{
	uint64_t     kind = below(4);
	struct bytes bytes = some_bytes(size());

	if (kind == 2)
		return letters(bytes, "aeiouxyzQRS \n\t.~");
	if (kind != 0)
		bytes = pieces(bytes);
	if (kind == 3 && bytes.len)
		bytes.at[--bytes.len] = '\0';
	for (size_t i = 0; i < bytes.len; i++)
		bytes.at[i] |= !bytes.at[i];
	return bytes;
}

/* NULL one time of four. */
static struct bytes perhaps(void)
{
	return below(4) ? pieces(some_bytes(size())) : (struct bytes){ NULL, 0 };
}

static struct bytes numeral(void)
{
	static const char *const signs[] = { "", "-", "+", " " };
	const char  *sign;
	struct bytes digits, all;

	if (!below(4))
		return text();
	sign = signs[below(4)];
	digits = letters(some_bytes(below(22)), "0123456789123456");
	all = room(strlen(sign) + digits.len);
	memcpy(all.at, sign, strlen(sign));
	memcpy(all.at + strlen(sign), digits.at, digits.len);
	free(digits.at);
	return all;
}

static struct ts_span span(void)
{
	struct ts_span one;

	one.offset = (uint32_t)number(32);
	one.length = (uint32_t)number(32);
	return one;
}

static double as_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static float as_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static struct ts_summary summary(void)
{
	struct ts_summary one;

	memset(&one, 0, sizeof one);
	one.counts.bytes = number(64);
	one.counts.words = number(64);
	one.counts.lines = number(64);
	one.counts.mean_word = as_double(real(11, 52));
	one.longest = span();
	for (int i = 0; i < 26; i++)
		one.letters[i] = (uint32_t)number(32);
	one.share = as_float((uint32_t)real(8, 23));
	one.is_ascii = (int8_t)number(8);
	return one;
}

/* --- lines ------------------------------------------------------------------------------ */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list words;

	va_start(words, format);
	used += (size_t)vsnprintf(line + used, LINE - used, format, words);
	va_end(words);
	if (used >= LINE)
		abort();
}

static uint64_t digest_of(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t             all = len;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = 0;

		for (size_t k = i; k < len && k < i + 8; k++)
			word |= (uint64_t)at[k] << 8 * (k - i);
		all = mix(all ^ word);
	}
	return all;
}

static void begin(uint64_t round, const char *function)
{
	used = 0;
	say("%" PRIu64 " %s", round, function);
	errno = 0;
}

static void end(void)
{
	calls++;
	digest = mix(digest ^ digest_of(line, used));
	puts(line);
}

static void say_number(uint64_t n, int bits)
{
	say(" %0*" PRIx64, bits / 4, n & ~(uint64_t)0 >> (64 - bits));
}

static void say_bytes(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	if (!bytes) {
		say(" null");
		return;
	}
	say(" %zu:", len);
	for (size_t i = 0; i < len && i < (len > SHOWN ? 8 : SHOWN); i++)
		say("%02x", at[i]);
	if (len > SHOWN)
		say("..%016" PRIx64, digest_of(bytes, len));
}

static void say_text(const char *of)
{
	say_bytes(of, of ? strlen(of) : 0);
}

static void say_span(struct ts_span of)
{
	say_number(of.offset, 32);
	say_number(of.length, 32);
}

/* Which NaN a mean is nobody says. */
static void say_mean(double mean)
{
	if (isnan(mean))
		say(" nan");
	else
		say_number(bits_of(mean), 64);
}

static void say_counts(const struct ts_counts *of)
{
	say_number(of->bytes, 64);
	say_number(of->words, 64);
	say_number(of->lines, 64);
	say_mean(of->mean_word);
}

static void say_rest(const struct ts_summary *of)
{
	uint32_t share;

	memcpy(&share, &of->share, sizeof share);
	say_span(of->longest);
	for (int i = 0; i < 26; i++)
		say_number(of->letters[i], 32);
	say_number(share, 32);
	say_number((uint8_t)of->is_ascii, 8);
}

static void say_summary(const struct ts_summary *of)
{
	say_number(of->counts.bytes, 64);
	say_number(of->counts.words, 64);
	say_number(of->counts.lines, 64);
	say_number(bits_of(of->counts.mean_word), 64);
	say_rest(of);
}

/* --- calls ------------------------------------------------------------------------------ */

static void call_integers(uint64_t round)
{
	int32_t  a = (int32_t)number(32), b = (int32_t)number(32), sum;
	int8_t   i8 = (int8_t)number(8);
	uint8_t  u8 = (uint8_t)number(8);
	int16_t  i16 = (int16_t)number(16);
	uint16_t u16 = (uint16_t)number(16);
	uint32_t u32 = (uint32_t)number(32);
	int64_t  i64 = (int64_t)number(64), all;
	uint64_t x = number(64), y = number(64), max;

	begin(round, "ts_add");
	sum = ts_add(a, b);
	say(" %08" PRIx32 " %08" PRIx32 " =", (uint32_t)a, (uint32_t)b);
	say_number((uint32_t)sum, 32);
	end();
	begin(round, "ts_sum");
	all = ts_sum(i8, u8, i16, u16, u32, i64);
	say_number((uint8_t)i8, 8);
	say_number(u8, 8);
	say_number((uint16_t)i16, 16);
	say_number(u16, 16);
	say_number(u32, 32);
	say_number((uint64_t)i64, 64);
	say(" =");
	say_number((uint64_t)all, 64);
	end();
	begin(round, "ts_max");
	max = ts_max(x, y);
	say(" %016" PRIx64 " %016" PRIx64 " =", x, y);
	say_number(max, 64);
	end();
	MUST(max >= x && max >= y && (max == x || max == y));
}

static void call_reals(uint64_t round)
{
	uint64_t a = real(11, 52), b = real(8, 23), value = real(11, 52), same;
	double   mean;

	begin(round, "ts_mean");
	mean = ts_mean(as_double(a), as_float((uint32_t)b));
	say(" %016" PRIx64 " %08" PRIx64 " =", a, b);
	say_mean(mean);
	end();
	begin(round, "ts_same");
	same = bits_of(ts_same(as_double(value)));
	say(" %016" PRIx64 " =", value);
	say_number(same, 64);
	end();
	MUST(same == value);
}

static void call_enum(uint64_t round)
{
	uint32_t unit = (uint32_t)(below(2) ? below(4) : number(32)), after;

	begin(round, "ts_next");
	after = (uint32_t)ts_next((enum ts_unit)unit);
	say(" %08" PRIx32 " =", unit);
	say_number(after, 32);
	end();
	MUST(after == (unit < 3 ? (unit + 1) % 3 : unit));
}

static void call_structs(uint64_t round)
{
	struct ts_span    one = span(), two = span(), moved = two;
	int32_t           by = (int32_t)number(32);
	struct ts_summary a = summary(), b = summary(), longer;
	uint32_t          all;
	int               result;

	if (below(4) == 0)
		b.counts.bytes = a.counts.bytes;
	begin(round, "ts_end");
	all = ts_end(one);
	say_span(one);
	say(" =");
	say_number(all, 32);
	end();
	begin(round, "ts_shift");
	result = ts_shift(&moved, by);
	say_span(two);
	say_number((uint32_t)by, 32);
	say(" =");
	say_number((uint32_t)result, 32);
	say_number(result ? (uint32_t)errno : 0, 32);
	say_span(moved);
	end();
	MUST(moved.length == two.length && moved.offset == two.offset + (result ? 0 : (uint32_t)by));
	begin(round, "ts_longer");
	longer = ts_longer(a, &b);
	say_summary(&a);
	say_summary(&b);
	say(" =");
	say_summary(&longer);
	end();
	MUST(!memcmp(&longer.counts, b.counts.bytes > a.counts.bytes ? &b.counts : &a.counts,
	             sizeof longer.counts));
}

static void call_counts(uint64_t round)
{
	struct bytes      some = text(), other = perhaps(), third = text();
	uint32_t          unit = (uint32_t)(below(2) ? below(4) : number(32));
	const char       *of = (const char *)some.at;
	struct ts_counts  counts;
	struct ts_summary all;
	int64_t           measured;
	int               result;

	begin(round, "ts_count");
	counts = ts_count(of);
	say_text(of);
	say(" =");
	say_counts(&counts);
	end();
	MUST(counts.bytes == some.len);
	begin(round, "ts_measure");
	measured = ts_measure((const char *)other.at, (enum ts_unit)unit);
	say_bytes(other.at, other.len);
	say_number(unit, 32);
	say(" =");
	say_number((uint64_t)measured, 64);
	say_number(measured < 0 ? (uint32_t)errno : 0, 32);
	end();
	MUST((measured < 0) == (unit > 2));
	begin(round, "ts_summarize");
	result = ts_summarize((const char *)third.at, &all);
	say_bytes(third.at, third.len);
	say(" =");
	say_number((uint32_t)result, 32);
	say_counts(&all.counts);
	say_rest(&all);
	end();
	MUST(all.counts.bytes == third.len && all.longest.length <= third.len);
	free(some.at);
	free(other.at);
	free(third.at);
}

static void call_texts(uint64_t round)
{
	struct bytes some = text(), other = text(), digits = numeral();
	uint32_t     times = (uint32_t)(below(4) ? below(4) : number(32) | MANY);
	const char  *upper;
	char        *repeated;
	int64_t      parsed;

	begin(round, "ts_upper");
	upper = ts_upper((const char *)some.at);
	say_bytes(some.at, some.len);
	say(" =");
	say_text(upper);
	end();
	MUST(strlen(upper) == some.len && !strcasecmp(upper, (const char *)some.at));
	begin(round, "ts_repeat");
	repeated = ts_repeat((const char *)other.at, times);
	say_bytes(other.at, other.len);
	say_number(times, 32);
	say(" =");
	say_number(repeated ? 0 : (uint32_t)errno, 32);
	say_text(repeated);
	end();
	MUST(repeated ? strlen(repeated) == other.len * times : times >= MANY);
	begin(round, "ts_parse");
	parsed = ts_parse((const char *)digits.at);
	say_bytes(digits.at, digits.len);
	say(" =");
	say_number((uint64_t)parsed, 64);
	say_number(parsed == -1 ? (uint32_t)errno : 0, 32);
	end();
	free(some.at);
	free(other.at);
	free(repeated);
	free(digits.at);
}

static void call_reverse(uint64_t round, size_t len)
{
	struct bytes bytes = some_bytes(len);
	int          result;

	begin(round, "ts_reverse");
	say_bytes(bytes.at, len);
	result = ts_reverse(bytes.at, len);
	say(" =");
	say_number((uint32_t)result, 32);
	say_bytes(bytes.at, len);
	end();
	MUST(bytes.at[len] == 0);
	free(bytes.at);
}

static void call_bytes(uint64_t round)
{
	struct bytes hashed = some_bytes(size()), filled = room(size());
	uint32_t     count = (uint32_t)number(32);
	uint64_t     hash;
	int64_t      got;

	begin(round, "ts_hash");
	hash = ts_hash(hashed.at, hashed.len);
	say_bytes(hashed.at, hashed.len);
	say(" =");
	say_number(hash, 64);
	end();
	begin(round, "ts_fill");
	got = ts_fill(filled.at, filled.len, count);
	MUST(got == (int64_t)(count < filled.len ? count : filled.len));
	say_number(filled.len, 32);
	say_number(count, 32);
	say(" =");
	say_number((uint64_t)got, 64);
	say_bytes(filled.at, (size_t)got);
	end();
	for (size_t i = (size_t)got; i <= filled.len; i++)
		MUST(filled.at[i] == 0);
	free(hashed.at);
	free(filled.at);
	call_reverse(round, round ? size() : LARGE + below(1000));
}

static void call_files(uint64_t round, const char *name)
{
	struct bytes bytes = some_bytes(size());
	int          fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int64_t      drained, of_file, of_none;
	char         none[4096];

	if (fd < 0 || write(fd, bytes.at, bytes.len) != (ssize_t)bytes.len ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	snprintf(none, sizeof none, "%s.none", name);
	drained = ts_drain(fd);
	of_file = ts_file(name);
	of_none = ts_file(none);
	close(fd);
	begin(round, "ts_drain, ts_file");
	say_bytes(bytes.at, bytes.len);
	say(" =");
	say_number((uint64_t)drained, 64);
	say_number((uint64_t)of_file, 64);
	say_number((uint64_t)of_none, 64);
	end();
	MUST(drained == (int64_t)bytes.len && of_file == drained && of_none == -1);
	free(bytes.at);
}

static struct ts_doc *docs[DOCS];

static void open_doc(uint64_t round, uint64_t slot)
{
	struct bytes title = perhaps();

	begin(round, "ts_doc_open");
	docs[slot] = ts_doc_open((const char *)title.at);
	say(" %" PRIu64, slot);
	say_bytes(title.at, title.len);
	say(" =");
	say_text(ts_doc_title(docs[slot]));
	end();
	MUST(!strcmp(ts_doc_title(docs[slot]), title.at ? (char *)title.at : "untitled"));
	free(title.at);
}

static void add_to_doc(uint64_t round, uint64_t slot)
{
	struct bytes added = text();
	int64_t      all;

	begin(round, "ts_doc_add");
	all = ts_doc_add(docs[slot], (const char *)added.at);
	say(" %" PRIu64, slot);
	say_bytes(added.at, added.len);
	say(" =");
	say_number((uint64_t)all, 64);
	end();
	free(added.at);
}

static void use_doc(uint64_t round, uint64_t slot)
{
	struct ts_counts counts;
	int              result;

	switch (below(4)) {
	case 0:
		begin(round, "ts_doc_count");
		result = ts_doc_count(docs[slot], &counts);
		say(" %" PRIu64 " =", slot);
		say_number((uint32_t)result, 32);
		say_counts(&counts);
		end();
		break;
	case 1:
		ts_doc_close(docs[slot]);
		docs[slot] = NULL;
		break;
	default:
		add_to_doc(round, slot);
	}
}

static void call_docs(uint64_t round)
{
	for (int i = 0; i < 4; i++) {
		uint64_t slot = below(DOCS);

		if (docs[slot])
			use_doc(round, slot);
		else
			open_doc(round, slot);
	}
}

int main(int argc, char **argv)
{
	uint64_t rounds;

	if (argc != 5)
		return 2;
	state = strtoull(argv[2], NULL, 10);
	rounds = strtoull(argv[3], NULL, 10);
	for (uint64_t round = 0; round < rounds; round++) {
		for (int i = 0; i < NUMBERS; i++) {
			call_integers(round);
			call_reals(round);
			call_enum(round);
		}
		call_structs(round);
		call_counts(round);
		call_texts(round);
		call_bytes(round);
		call_files(round, argv[4]);
		call_docs(round);
	}
	for (int i = 0; i < DOCS; i++) {
		if (docs[i])
			ts_doc_close(docs[i]);
	}
	printf("ok %u calls, digest %016" PRIx64 "\n", calls, digest);
	return 0;
}
