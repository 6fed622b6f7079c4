/* random - textstat with random values, called from C++; README.md beside this.
 *
 *   random RESOURCE SEED ROUNDS FILE */
#include "textstat.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <fcntl.h>

namespace ts = rhodes::textstat;
using Bytes = std::vector<std::uint8_t>;
using Text = std::optional<std::string>;

static constexpr unsigned      numbers = 8; /* times, in a round */
static constexpr std::size_t   docs = 3, shown = 24;
static constexpr std::uint32_t many = 3u << 24;
static constexpr std::size_t   large = 1u << 20;

#define MUST(...) \
	do { \
		if (!(__VA_ARGS__)) { \
			std::printf("differs: %s\n", #__VA_ARGS__); \
			std::exit(1); \
		} \
	} while (0)

static std::uint64_t mix(std::uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

template <class To, class From> static To as(From from)
{
	To to;

	static_assert(sizeof to == sizeof from);
	std::memcpy(&to, &from, sizeof to);
	return to;
}

/* --- values ----------------------------------------------------------------------------- */

class Values {
public:
	explicit Values(std::uint64_t seed) : state(seed) {}

	std::uint64_t next() { return mix(state += 0x9e3779b97f4a7c15); }
	std::uint64_t below(std::uint64_t n) { return next() % n; }

	/* Of as many bits as the type has. */
	template <class T> T number()
	{
		constexpr unsigned  bits = 8 * sizeof(T);
		const std::uint64_t all = ~std::uint64_t(0) >> (64 - bits);
		const std::uint64_t top = std::uint64_t(1) << (bits - 1);
		std::uint64_t       n = next() >> (64 - bits);

		n >>= below(bits);
		return T(n ^ std::array<std::uint64_t, 4>{ 0, all, top, all ^ top }[below(4)]);
	}

	std::uint64_t real(unsigned exponent, unsigned mantissa)
	{
		std::uint64_t quiet = std::uint64_t(1) << (mantissa - 1);
		std::uint64_t all = (std::uint64_t(1) << exponent) - 1;
		std::uint64_t sign = below(2), kind = below(8);
		std::uint64_t m = next() >> (64 - mantissa);
		std::uint64_t e = next() >> (64 - exponent);

		e = kind <= 2 ? all : kind <= 4 ? 0 : e;
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
	double real64() { return as<double>(real(11, 52)); }
	float  real32() { return as<float>(std::uint32_t(real(8, 23))); }

	std::size_t size()
	{
		std::uint64_t kind = below(16);

		if (kind == 0)
			return 0;
		if (kind <= 10)
			return below(33);
		if (kind <= 12)
			return 380 + below(9);
		return kind <= 14 ? below(2000) : below(70000);
	}

	Bytes bytes(std::size_t size)
	{
		Bytes         made(size);
		std::uint64_t word = 0;

		for (std::size_t i = 0; i < size; i++) {
			word = i % 8 ? word >> 8 : next();
			made[i] = std::uint8_t(word);
		}
		return made;
	}

	std::string utf8()
	{
		static const char *const pieces[] = { "a", "Z", " ", "\n", "ß", "€", "😀", "\ufffd" };
		std::string text;

		for (std::uint8_t byte : bytes(size()))
			text += pieces[byte % 8];
		return text;
	}

	std::string letters(std::size_t size, const char *of)
	{
		std::string text;

		for (std::uint8_t byte : bytes(size))
			text += of[byte % 16];
		return text;
	}

	std::string text()
	{
		std::uint64_t kind = below(4);

		if (kind == 2)
			return letters(size(), "aeiouxyzQRS \n\t.~");
		if (kind == 0) {
			Bytes made = bytes(size());

			std::replace(made.begin(), made.end(), std::uint8_t(0), std::uint8_t(1));
			return std::string(made.begin(), made.end());
		}
		std::string made = utf8();
		if (kind == 3 && !made.empty())
			made.pop_back();
		return made;
	}

	Text perhaps() { return below(4) ? Text(utf8()) : std::nullopt; }

	std::string numeral()
	{
		static const char *const signs[] = { "", "-", "+", " " };

		if (!below(4))
			return text();
		std::string sign = signs[below(4)];
		return sign + letters(below(22), "0123456789123456");
	}

	std::int32_t unit()
	{
		return below(2) ? std::int32_t(below(4)) : number<std::int32_t>();
	}

	ts_span span()
	{
		std::uint32_t offset = number<std::uint32_t>();

		return { offset, number<std::uint32_t>() };
	}

	ts_summary summary()
	{
		ts_summary one{};

		for (auto *of : { &one.counts.bytes, &one.counts.words, &one.counts.lines })
			*of = number<std::uint64_t>();
		one.counts.mean_word = real64();
		one.longest = span();
		for (std::uint32_t &count : one.letters)
			count = number<std::uint32_t>();
		one.share = real32();
		one.is_ascii = number<std::int8_t>();
		return one;
	}

private:
	std::uint64_t state;
};

/* --- lines ------------------------------------------------------------------------------ */

template <class T> static std::uint64_t digest_of(const T &bytes)
{
	std::uint64_t all = bytes.size(), word = 0;

	for (std::size_t i = 0; i < bytes.size(); i++) {
		word |= std::uint64_t(std::uint8_t(bytes[i])) << 8 * (i % 8);
		if (i % 8 == 7 || i + 1 == bytes.size()) {
			all = mix(all ^ word);
			word = 0;
		}
	}
	return all;
}

static std::string hexed(std::uint64_t n, unsigned bytes)
{
	char text[17];

	std::snprintf(text, sizeof text, "%0*llx", int(2 * bytes), static_cast<unsigned long long>(n));
	return text;
}

template <class T> static std::string contents(const T &bytes)
{
	std::string line = std::to_string(bytes.size()) + ":";

	for (std::size_t i = 0; i < (bytes.size() > shown ? 8 : bytes.size()); i++)
		line += hexed(std::uint8_t(bytes[i]), 1);
	return bytes.size() > shown ? line + ".." + hexed(digest_of(bytes), 8) : line;
}

static std::string word(const char *of) { return of; }
static std::string word(const Bytes &of) { return contents(of); }
static std::string word(const std::string &of) { return contents(of); }
static std::string word(const Text &of) { return of ? contents(*of) : "null"; }
static std::string word(double of) { return hexed(as<std::uint64_t>(of), 8); }
static std::string word(float of) { return hexed(as<std::uint32_t>(of), 4); }
static std::string word(const ts_span &of) { return hexed(of.offset, 4) + " " + hexed(of.length, 4); }
template <class T, class = std::enable_if_t<std::is_integral_v<T>>> static std::string word(T of)
{
	return hexed(std::make_unsigned_t<T>(of), sizeof of);
}

/* Which NaN a mean is nobody says. */
struct Mean {
	double value;
};

static std::string word(Mean of) { return std::isnan(of.value) ? "nan" : word(of.value); }

struct Rest {
	const ts_summary &of;
};

static std::string word(Rest rest)
{
	std::string line = word(rest.of.longest);

	for (std::uint32_t count : rest.of.letters)
		line += " " + word(count);
	return line + " " + word(rest.of.share) + " " + word(rest.of.is_ascii);
}

template <class... T> static std::string words(const T &...of)
{
	std::string line;

	((line += " " + word(of)), ...);
	return line;
}

static std::string word(const ts_counts &of)
{
	return words(of.bytes, of.words, of.lines, Mean{ of.mean_word }).substr(1);
}

static std::string word(const ts_summary &of)
{
	return words(of.counts.bytes, of.counts.words, of.counts.lines, of.counts.mean_word,
	             Rest{ of }).substr(1);
}

/* --- calls ------------------------------------------------------------------------------ */

class Caller {
public:
	Caller(const char *resource, std::uint64_t seed, const char *name)
		: c(resource), v(seed), file(name) {}

	void run(unsigned rounds)
	{
		for (round = 0; round < rounds; round++) {
			for (unsigned i = 0; i < numbers; i++) {
				integers();
				reals();
				units();
			}
			structs();
			counts();
			texts();
			bytes();
			files();
			for (int i = 0; i < 4; i++)
				object(v.below(docs));
		}
		std::printf("ok %u calls, digest %s\n", calls, hexed(digest, 8).c_str());
	}

private:
	template <class... T> void say(const char *function, const T &...of)
	{
		std::string line = std::to_string(round) + " " + function + words(of...);

		digest = mix(digest ^ digest_of(line));
		calls++;
		std::puts(line.c_str());
	}

	/* errno, of a call that failed. */
	static std::uint32_t failed(bool is, int code) { return is ? std::uint32_t(code) : 0; }

	void integers()
	{
		auto a = v.number<std::int32_t>(), b = v.number<std::int32_t>();
		auto i8 = v.number<std::int8_t>();
		auto u8 = v.number<std::uint8_t>();
		auto i16 = v.number<std::int16_t>();
		auto u16 = v.number<std::uint16_t>();
		auto u32 = v.number<std::uint32_t>();
		auto i64 = v.number<std::int64_t>();
		auto x = v.number<std::uint64_t>(), y = v.number<std::uint64_t>();

		say("ts_add", a, b, "=", c.ts_add(a, b));
		say("ts_sum", i8, u8, i16, u16, u32, i64, "=", c.ts_sum(i8, u8, i16, u16, u32, i64));
		say("ts_max", x, y, "=", c.ts_max(x, y));
	}

	void reals()
	{
		double a = v.real64();
		float  b = v.real32();
		double value = v.real64();

		say("ts_mean", a, b, "=", Mean{ c.ts_mean(a, b) });
		say("ts_same", value, "=", c.ts_same(value));
	}

	void units()
	{
		std::int32_t unit = v.unit();

		say("ts_next", unit, "=", c.ts_next(unit));
	}

	void structs()
	{
		ts_span    one = v.span(), two = v.span();
		auto       by = v.number<std::int32_t>();
		ts_summary a = v.summary(), b = v.summary();

		if (!v.below(4))
			b.counts.bytes = a.counts.bytes;
		say("ts_end", one, "=", c.ts_end(one));
		auto [result, moved] = c.ts_shift(two, by);
		say("ts_shift", two, by, "=", result, failed(result != 0, errno), moved);
		say("ts_longer", a, b, "=", c.ts_longer(a, b));
	}

	void counts()
	{
		std::string some = v.text();
		Text        other = v.perhaps();
		std::string third = v.text();
		auto        unit = v.unit();

		say("ts_count", some, "=", c.ts_count(some));
		std::int64_t measured = c.ts_measure(other, unit);
		say("ts_measure", other, unit, "=", measured, failed(measured < 0, errno));
		auto [result, summary] = c.ts_summarize(third);
		say("ts_summarize", third, "=", result, summary.counts, Rest{ summary });
		try {
			c.ts_count(some + '\0' + third);
			MUST(false);
		} catch (const rhodes::value_error &) { /* a NUL inside */
		}
	}

	void texts()
	{
		std::string   some = v.text(), other = v.text(), digits = v.numeral();
		std::uint32_t times = v.below(4) ? std::uint32_t(v.below(4))
		                                 : v.number<std::uint32_t>() | many;

		say("ts_upper", some, "=", c.ts_upper(some));
		Text repeated = c.ts_repeat(other, times);
		say("ts_repeat", other, times, "=", failed(!repeated, errno), repeated);
		std::int64_t parsed = c.ts_parse(digits);
		say("ts_parse", digits, "=", parsed, failed(parsed == -1, errno));
	}

	void bytes()
	{
		Bytes hashed = v.bytes(v.size()), filled(v.size());
		auto  count = v.number<std::uint32_t>();

		say("ts_hash", hashed, "=", c.ts_hash(hashed));
		std::int64_t got = c.ts_fill(filled, count);
		auto         end = filled.begin() + got;
		say("ts_fill", std::uint32_t(filled.size()), count, "=", got, Bytes(filled.begin(), end));
		MUST(std::all_of(end, filled.end(), [](std::uint8_t byte) { return byte == 0; }));
		Bytes turned = v.bytes(round ? v.size() : large + v.below(1000)), before = turned;
		auto  result = c.ts_reverse(turned);
		say("ts_reverse", before, "=", result, turned);
	}

	void files()
	{
		Bytes              data = v.bytes(v.size());
		rhodes::descriptor fd(open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));

		MUST(write(fd.get(), data.data(), data.size()) == ssize_t(data.size()));
		MUST(lseek(fd.get(), 0, SEEK_SET) == 0);
		std::int64_t drained = c.ts_drain(fd.get()), of_file = c.ts_file(file);
		say("ts_drain, ts_file", data, "=", drained, of_file,
		    c.ts_file(std::string(file) + ".none"));
	}

	void use(std::size_t slot, const char *name)
	{
		switch (v.below(4)) {
		case 0: {
			auto [result, counts] = c.ts_doc_count(held[slot]);
			say("ts_doc_count", name, "=", result, counts);
			break;
		}
		case 1:
			c.ts_doc_close(std::move(held[slot]));
			break;
		default:
			std::string added = v.text();
			say("ts_doc_add", name, added, "=", c.ts_doc_add(held[slot], added));
		}
	}

	void object(std::size_t slot)
	{
		std::string name = std::to_string(slot);

		if (held[slot])
			return use(slot, name.c_str());
		Text title = v.perhaps();
		held[slot] = c.ts_doc_open(title);
		say("ts_doc_open", name.c_str(), title, "=", c.ts_doc_title(held[slot]));
	}

	ts::Client                  c;
	Values                      v;
	const char                 *file;
	std::array<ts::TsDoc, docs> held;
	unsigned                    round = 0, calls = 0;
	std::uint64_t               digest = 0;
};

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	try {
		Caller(argv[1], std::stoull(argv[2]), argv[4]).run(unsigned(std::stoul(argv[3])));
	} catch (const std::exception &e) {
		std::printf("differs: %s\n", e.what());
		return 1;
	}
	return 0;
}
