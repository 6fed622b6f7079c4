/* server - textstat in C++.
 *
 *   rhodes serve -r text_cpp build/examples/languages/cpp/server */
#include "textstat.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fcntl.h>

namespace ts = rhodes::textstat;

static constexpr std::size_t repeat_max = 16u << 20;

namespace {

struct Doc : rhodes::object {
	std::mutex  mutex;
	std::string title, text;
};

Doc &doc_of(const std::shared_ptr<rhodes::object> &object)
{
	return static_cast<Doc &>(*object);
}

/* Calls do_it(begin, length) for each word. */
template <class F> void words(std::string_view text, F do_it)
{
	auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };

	for (std::size_t at = 0; at < text.size(); at++) {
		std::size_t begin = at;
		while (at < text.size() && !is_blank(text[at]))
			at++;
		if (at > begin)
			do_it(begin, at - begin);
	}
}

ts_counts count(std::string_view text)
{
	ts_counts   counts = { text.size(), 0, 0, NAN };
	std::size_t inside = 0;

	words(text, [&](std::size_t, std::size_t length) {
		counts.words++;
		inside += length;
	});
	counts.lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
	if (counts.words)
		counts.mean_word = double(inside) / double(counts.words);
	return counts;
}

std::int64_t fail(int code)
{
	errno = code;
	return -1;
}

class Server final : public ts::Server {
public:
	std::int32_t ts_add(std::int32_t a, std::int32_t b) override
	{
		return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) +
		                                 static_cast<std::uint32_t>(b));
	}
	std::int64_t ts_sum(std::int8_t a, std::uint8_t b, std::int16_t c, std::uint16_t d,
	                    std::uint32_t e, std::int64_t f) override
	{
		std::int64_t small = std::int64_t(a) + b + c + d + e;
		return static_cast<std::int64_t>(static_cast<std::uint64_t>(small) +
		                                 static_cast<std::uint64_t>(f));
	}
	std::uint64_t ts_max(std::uint64_t a, std::uint64_t b) override { return std::max(a, b); }
	double ts_mean(double a, float b) override { return (a + double(b)) / 2; }
	double ts_same(double value) override { return value; }
	std::int32_t ts_next(std::int32_t unit) override
	{
		return unit >= 0 && unit < 3 ? (unit + 1) % 3 : unit;
	}
	std::uint64_t ts_hash(rhodes::span<const std::uint8_t> bytes) override
	{
		std::uint64_t hash = 0xcbf29ce484222325;
		for (std::uint8_t byte : bytes)
			hash = (hash ^ byte) * 0x100000001b3;
		return hash;
	}
	ts_counts ts_count(std::string_view text) override { return count(text); }
	std::int64_t ts_measure(std::optional<std::string_view> text, std::int32_t unit) override
	{
		ts_counts counts = count(text.value_or(""));
		switch (unit) {
		case TS_BYTES: return static_cast<std::int64_t>(counts.bytes);
		case TS_WORDS: return static_cast<std::int64_t>(counts.words);
		case TS_LINES: return static_cast<std::int64_t>(counts.lines);
		}
		return fail(EINVAL);
	}
	std::tuple<std::int32_t, ts_summary> ts_summarize(std::string_view text) override
	{
		ts_summary summary{};
		double     letters = 0;

		summary.counts = count(text);
		summary.is_ascii = 1;
		words(text, [&](std::size_t at, std::size_t length) {
			if (length > summary.longest.length)
				summary.longest = { std::uint32_t(at), std::uint32_t(length) };
		});
		for (char c : text) {
			if (static_cast<unsigned char>(c) >= 0x80) {
				summary.is_ascii = 0;
			} else if (std::isalpha(c)) {
				summary.letters[(c | 0x20) - 'a']++;
				letters++;
			}
		}
		if (!text.empty())
			summary.share = float(letters / double(text.size()));
		return { 0, summary };
	}
	ts_summary ts_longer(ts_summary a, ts_summary b) override
	{
		return b.counts.bytes > a.counts.bytes ? b : a;
	}
	std::uint32_t ts_end(ts_span span) override { return span.offset + span.length; }
	std::tuple<std::int32_t, ts_span> ts_shift(ts_span span, std::int32_t by) override
	{
		std::int64_t offset = std::int64_t(span.offset) + by;
		if (offset < 0 || offset > UINT32_MAX)
			return { std::int32_t(fail(ERANGE)), span };
		span.offset = static_cast<std::uint32_t>(offset);
		return { 0, span };
	}
	std::optional<std::string> ts_upper(std::string_view text) override
	{
		std::string upper(text);
		for (char &c : upper)
			c = c >= 'a' && c <= 'z' ? char(c - 0x20) : c;
		return upper;
	}
	std::optional<std::string> ts_repeat(std::string_view text, std::uint32_t times) override
	{
		std::string all;
		if (text.size() * times > repeat_max) {
			errno = EOVERFLOW;
			return std::nullopt;
		}
		for (std::uint32_t i = 0; !text.empty() && i < times; i++)
			all += text;
		return all;
	}
	std::int32_t ts_reverse(rhodes::span<std::uint8_t> bytes) override
	{
		std::reverse(bytes.begin(), bytes.end());
		return 0;
	}
	std::int64_t ts_fill(rhodes::span<std::uint8_t> bytes, std::uint32_t count) override
	{
		std::size_t n = std::min<std::size_t>(count, bytes.size());
		for (std::size_t i = 0; i < n; i++)
			bytes[i] = static_cast<std::uint8_t>(i);
		return static_cast<std::int64_t>(n);
	}
	std::int64_t ts_parse(std::string_view text) override
	{
		std::int64_t number = 0;
		bool         has_plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
		const char  *end = text.data() + text.size();
		auto [at, code] = std::from_chars(text.data() + has_plus, end, number);
		if (code != std::errc() || at != end)
			return fail(EINVAL);
		return number;
	}
	std::int64_t ts_drain(int fd) override
	{
		char         buffer[16384];
		std::int64_t all = 0;
		ssize_t      n;
		while ((n = read(fd, buffer, sizeof buffer)) > 0)
			all += n;
		return n < 0 ? -1 : all;
	}
	std::int64_t ts_file(std::string_view path) override
	{
		rhodes::descriptor fd(open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC));
		return fd ? ts_drain(fd.get()) : -1;
	}
	std::shared_ptr<rhodes::object> ts_doc_open(std::optional<std::string_view> title) override
	{
		auto doc = std::make_shared<Doc>();
		doc->title = title.value_or("untitled");
		return doc;
	}
	void ts_doc_close(const std::shared_ptr<rhodes::object> &) override {}
	std::int64_t ts_doc_add(const std::shared_ptr<rhodes::object> &of,
	                        std::string_view text) override
	{
		Doc                        &doc = doc_of(of);
		std::lock_guard<std::mutex> lock(doc.mutex);
		doc.text += text;
		return static_cast<std::int64_t>(doc.text.size());
	}
	std::tuple<std::int32_t, ts_counts>
	ts_doc_count(const std::shared_ptr<rhodes::object> &of) override
	{
		Doc                        &doc = doc_of(of);
		std::lock_guard<std::mutex> lock(doc.mutex);
		return { 0, count(doc.text) };
	}
	std::optional<std::string> ts_doc_title(const std::shared_ptr<rhodes::object> &of) override
	{
		return doc_of(of).title;
	}
};

} // namespace

int main()
{
	Server server;

	try {
		ts::serve(server, 8);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "%s\n", e.what());
		return 1;
	}
	return 0;
}
