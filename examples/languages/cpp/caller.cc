/* caller - every function of textstat, called from C++.
 *
 *   rhodes run -r texts_cpp -- build/examples/languages/cpp/caller text_cpp
 *
 * Prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1. */
#include "textstat.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fcntl.h>

namespace ts = rhodes::textstat;

static unsigned checks, misses;

static void check(bool is_right, const char *what)
{
	checks++;
	if (is_right)
		return;
	misses++;
	std::printf("differs: %s\n", what);
}

#define CHECK(...) check(__VA_ARGS__, #__VA_ARGS__)

static bool near(double got, double wanted)
{
	return std::fabs(got - wanted) <= 1e-6 * std::fabs(wanted);
}

static double from_bits(std::uint64_t bits)
{
	double value;

	std::memcpy(&value, &bits, sizeof value);
	return value;
}

static std::uint64_t to_bits(double value)
{
	std::uint64_t bits;

	std::memcpy(&bits, &value, sizeof bits);
	return bits;
}

static void check_numbers(const ts::Client &c)
{
	CHECK(c.ts_add(2, 3) == 5 && c.ts_add(INT32_MAX, 1) == INT32_MIN);
	CHECK(c.ts_sum(-128, 255, -32768, 65535, UINT32_MAX, -1) ==
	      -128 + 255 - 32768 + 65535 + std::int64_t(UINT32_MAX) - 1);
	CHECK(c.ts_sum(1, 1, 1, 1, 1, INT64_MAX - 5) == INT64_MAX);
	CHECK(c.ts_max(UINT64_MAX, 1) == UINT64_MAX);
	CHECK(near(c.ts_mean(1.5, 2.25f), 1.875) && std::isinf(c.ts_mean(INFINITY, 1)));
	CHECK(to_bits(c.ts_same(from_bits(0x7ff8000000001234))) == 0x7ff8000000001234);
	CHECK(to_bits(c.ts_same(-0.0)) == std::uint64_t(1) << 63);
	CHECK(c.ts_next(TS_BYTES) == TS_WORDS && c.ts_next(TS_LINES) == TS_BYTES);
	CHECK(c.ts_next(77) == 77);
}

static void check_texts(const ts::Client &c)
{
	ts_counts counts = c.ts_count("one two  three\nfour");

	CHECK(counts.bytes == 19 && counts.words == 4 && counts.lines == 1);
	CHECK(near(counts.mean_word, 3.75) && std::isnan(c.ts_count("").mean_word));
	CHECK(c.ts_measure("a b\n", TS_WORDS) == 2 && c.ts_measure(std::nullopt, TS_BYTES) == 0);
	CHECK(c.ts_measure("a", 9) == -1 && errno == EINVAL);
	auto [result, summary] = c.ts_summarize("Hello, wonderful world");
	CHECK(result == 0 && summary.longest.offset == 7 && summary.longest.length == 9);
	CHECK(summary.letters['l' - 'a'] == 4 && near(double(summary.share), 19.0 / 22));
	CHECK(summary.is_ascii == 1 && summary.counts.words == 3);
	CHECK(c.ts_longer(ts_summary{}, summary).longest.offset == 7);
	CHECK(c.ts_upper("Straße") == "STRAßE" && c.ts_upper("") == "");
	CHECK(c.ts_upper("a\xff\xfe") == "A\xff\xfe");
	CHECK(c.ts_repeat("ab", 3) == "ababab" && !c.ts_repeat("abc", 1u << 30));
	CHECK(c.ts_repeat(std::string(5000, 'x'), 2) == std::string(10000, 'x'));
	CHECK(c.ts_parse("-42") == -42 && c.ts_parse("9223372036854775807") == INT64_MAX);
	try {
		CHECK(c.ts_parse("4x") == -1 && errno == EINVAL);
	} catch (const rhodes::raised_error &raised) { /* servers may say so, too */
		CHECK(!raised.message().empty());
	}
	try {
		c.ts_upper(std::string_view("a\0b", 3));
		CHECK(false);
	} catch (const rhodes::value_error &) {
		CHECK(true);
	}
}

static void check_structs(const ts::Client &c)
{
	ts_span span = { 10, 5 };

	CHECK(c.ts_end(span) == 15);
	auto [result, moved] = c.ts_shift(span, -3);
	CHECK(result == 0 && moved.offset == 7 && moved.length == 5);
	CHECK(std::get<0>(c.ts_shift(span, -11)) == -1 && errno == ERANGE);
}

static void check_bytes(const ts::Client &c)
{
	CHECK(c.ts_hash({}) == 0xcbf29ce484222325);
	CHECK(c.ts_hash(std::array<std::uint8_t, 1>{ 'a' }) == 0xaf63dc4c8601ec8c);
	for (std::size_t size : { 0u, 1u, 383u, 384u, 385u, 5000u, 1u << 20, 64u << 20 }) {
		std::vector<std::uint8_t> bytes(size), wanted(size);

		for (std::size_t i = 0; i < size; i++)
			wanted[i] = static_cast<std::uint8_t>(i);
		CHECK(c.ts_fill(bytes, UINT32_MAX) == std::int64_t(size) && bytes == wanted);
		CHECK(c.ts_reverse(bytes) == 0);
		CHECK(std::equal(bytes.rbegin(), bytes.rend(), wanted.begin()));
	}
	std::uint8_t few[8] = { 0, 0, 0, 9 };
	CHECK(c.ts_fill(few, 3) == 3 && few[2] == 2 && few[3] == 9);
}

static void check_files(const ts::Client &c)
{
	char               name[] = "/tmp/textstat-XXXXXX";
	rhodes::descriptor fd(mkstemp(name));

	CHECK(write(fd.get(), "12345", 5) == 5 && lseek(fd.get(), 0, SEEK_SET) == 0);
	CHECK(c.ts_drain(fd.get()) == 5 && c.ts_file(name) == 5);
	unlink(name);
	CHECK(c.ts_file(name) == -1);
}

static void check_objects(const ts::Client &c)
{
	ts::TsDoc doc = c.ts_doc_open("notes"), other = c.ts_doc_open(std::nullopt);

	CHECK(c.ts_doc_title(doc) == "notes" && c.ts_doc_title(other) == "untitled");
	CHECK(c.ts_doc_add(doc, "one ") == 4 && c.ts_doc_add(doc, "two\n") == 8);
	CHECK(std::get<1>(c.ts_doc_count(doc)).words == 2);
	CHECK(std::get<1>(c.ts_doc_count(other)).bytes == 0);
	c.ts_doc_close(std::move(doc));
	try {
		c.ts_doc_add(doc, "more");
		CHECK(false);
	} catch (const rhodes::value_error &) {
		CHECK(!doc);
	}
}

static long long median(const ts::Client &c)
{
	std::vector<long long> took(20000);

	for (std::size_t i = 0; i < took.size(); i++) {
		auto start = std::chrono::steady_clock::now();
		c.ts_add(static_cast<std::int32_t>(i), 1);
		took[i] = (std::chrono::steady_clock::now() - start) / std::chrono::nanoseconds(1);
	}
	std::sort(took.begin(), took.end());
	return took[took.size() / 2];
}

int main(int argc, char **argv)
{
	try {
		ts::Client c(argc > 1 ? argv[1] : "text_cpp");

		check_numbers(c);
		check_texts(c);
		check_structs(c);
		check_bytes(c);
		check_files(c);
		check_objects(c);
		if (!misses)
			std::printf("ok %u checks, p50 %lld ns\n", checks, median(c));
	} catch (const std::exception &e) {
		misses++;
		std::printf("%s\n", e.what());
	}
	if (misses)
		std::printf("%u of %u checks failed\n", misses, checks);
	return misses != 0;
}
