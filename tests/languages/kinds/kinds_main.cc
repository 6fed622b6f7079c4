/* kinds_main - a service with a function for each kind of type, from C++: random values, 64
 * threads, what is left afterwards, and a callee that ends. */
#include "kinds.hpp"

#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>

using rhodes::kinds::Client;
using Random = std::mt19937_64;

static constexpr unsigned threads = 64;

#define MUST(...) \
	do { \
		if (!(__VA_ARGS__)) { \
			std::printf("not so: %s\n", #__VA_ARGS__); \
			std::exit(1); \
		} \
	} while (0)

static void check_numbers(const Client &k, Random &random)
{
	std::uint64_t n = random(), bits;
	auto          i32 = static_cast<std::int32_t>(n);
	double        d;

	MUST(k.kinds_i8(static_cast<std::int8_t>(n)) == static_cast<std::int8_t>(n));
	MUST(k.kinds_u16(static_cast<std::uint16_t>(n)) == static_cast<std::uint16_t>(n));
	MUST(k.kinds_i32(i32) == i32 && k.kinds_u32(std::uint32_t(n)) == std::uint32_t(n));
	MUST(k.kinds_u64(n) == n && k.kinds_i64(std::int64_t(n)) == std::int64_t(n));
	std::memcpy(&d, &n, sizeof d);
	d = k.kinds_f64(d);
	std::memcpy(&bits, &d, sizeof bits);
	MUST(bits == n);
	MUST(k.kinds_divide(i32, 7) == std::make_tuple(i32 / 7, i32 % 7));
}

/* What the error of a value says that is not sent. */
template <class F> static std::string refused(F call)
{
	try {
		call();
	} catch (const rhodes::value_error &error) {
		return error.what();
	}
	return "";
}

static void check_texts(const Client &k, Random &random)
{
	std::string               text(random() % 300, ' ');
	std::vector<std::uint8_t> room(random() % 300);

	for (char &c : text)
		c = static_cast<char>(random() % 255 + 1);
	MUST(k.kinds_text(text) == text && k.kinds_new_text(text) == text + text);
	MUST(k.kinds_text_length(text) == int(text.size()));
	MUST(k.kinds_text_length(std::nullopt) == -1);
	const std::string_view nul("a\0b", 3);
	MUST(refused([&] { k.kinds_text(nul); }) == "kinds_text: text holds a NUL");
	MUST(refused([&] { k.kinds_text_length(nul); }) == "kinds_text_length: text holds a NUL");
	auto [all, used] = k.kinds_fill(text, room);
	MUST(all == int(text.size()) && used == std::min(text.size(), room.size()));
	MUST(std::equal(room.begin(), room.begin() + long(used), text.begin(),
	                [](std::uint8_t a, char b) { return a == std::uint8_t(b); }));
}

static void check_bytes(const Client &k, Random &random)
{
	static const std::size_t  sizes[] = { 0, 1, 100, 5000, 70000 };
	std::vector<std::uint8_t> bytes(sizes[random() % 5]), raised;
	std::vector<std::int32_t> numbers(random() % 3000);
	std::uint64_t             sum = 0;
	std::int64_t              all = 0;

	for (std::uint8_t &byte : bytes) {
		byte = static_cast<std::uint8_t>(random());
		sum += byte;
		raised.push_back(static_cast<std::uint8_t>(byte + 1));
	}
	MUST(k.kinds_sum(bytes) == sum && k.kinds_raise(bytes) == int(raised.size()));
	MUST(bytes == raised);
	for (std::int32_t &number : numbers) {
		number = static_cast<std::int32_t>(random());
		all += number;
	}
	MUST(k.kinds_sum32(numbers) == all);
	MUST(k.kinds_peek(3) == std::vector<std::uint8_t>({ 3, 1, 4 }));
}

static void check_structs(const Client &k, Random &random)
{
	plain one{};

	one.tag[2] = static_cast<std::uint8_t>(random());
	one.low = int(random() % 31) - 16;
	one.high = unsigned(random() % 2047) & 2047;
	one.weight = double(random() % 1000) / 4;
	one.at[1].y = -7;
	one.big = random();
	plain turned = k.kinds_plain(one);
	MUST(turned.tag[0] == one.tag[2] && turned.low == one.low + 1);
	MUST(turned.high == one.high + 1 && turned.at[1].y == -6 && turned.either.i == 1);
	MUST(turned.big == one.big + 1);
	auto [low, again] = k.kinds_turn(one);
	MUST(low == turned.low && again.weight == one.weight + 1);
	MUST(k.kinds_check(one) == one.low && k.kinds_check(std::nullopt) == -100);
	std::array<std::uint8_t, 16> id{ 1, 2, 3 };
	MUST(k.kinds_id(id)[15] == 1);
}

static void check_objects(const Client &k, Random &random)
{
	auto number = static_cast<std::int32_t>(random());
	auto pot = k.kinds_pot(number);
	auto [result, other] = k.kinds_pot_pour(pot);

	MUST(result == 0 && k.kinds_pot_get(other) == number);
	k.kinds_pot_close(std::move(pot));
	MUST(!pot);
}

static void round(const Client &k, Random &random)
{
	check_numbers(k, random);
	check_texts(k, random);
	check_bytes(k, random);
	check_structs(k, random);
	check_objects(k, random);
}

static void many(const Client &k)
{
	std::vector<std::thread> all;

	for (unsigned seed = 0; seed < threads; seed++)
		all.emplace_back([&k, seed] {
			Random random(seed);
			MUST(k.kinds_peek(0) == std::vector<std::uint8_t>()); /* its first */
			for (int i = 0; i < 20; i++)
				round(k, random);
		});
	for (std::thread &one : all)
		one.join();
}

static long left()
{
	std::filesystem::directory_iterator fds("/proc/self/fd");

	return std::distance(begin(fds), end(fds));
}

static void lose(const Client &k, Random &random)
{
	auto pot = k.kinds_pot(1);

	try {
		k.kinds_die();
		MUST(false);
	} catch (const rhodes::lost_error &lost) {
		MUST(lost.ran() && lost.code() == -1002);
	}
	try {
		k.kinds_pot_get(pot);
		MUST(false);
	} catch (const rhodes::error &) { /* it does not outlive its process */
	}
	round(k, random); /* in the next one */
	try {
		Client nobody("nobody");
		MUST(false);
	} catch (const rhodes::refused_error &) {
	}
}

/* Rounds of four calls, as tests/system/leaks.py asks for them. */
static int leave(const Client &k)
{
	for (int rounds; std::scanf("%d", &rounds) == 1;) {
		for (int i = 0; i < rounds; i++) {
			MUST(k.kinds_i32(i) == i && k.kinds_new_text("text") == "texttext");
			k.kinds_pot_close(k.kinds_pot(i));
		}
		std::printf("%d\n", k.kinds_pots());
		std::fflush(stdout);
	}
	return 0;
}

int main(int argc, char **)
{
	Client k("kinds");
	Random random(6);

	if (argc > 1)
		return leave(k);

	round(k, random);
	long before = left();
	many(k);
	for (int i = 0; i < 300; i++)
		round(k, random);
	MUST(k.kinds_pots() == 0);
	MUST(left() == before);
	lose(k, random);
	std::printf("ok\n");
	return 0;
}
