// tally - a filter in C++ with its library: each caller may make so many calls in all,
// and now and then it says how many there were.  It needs WASI: capabilities: [stdout].
//
// params  most   calls of one caller (100)
//         every  after so many calls of all it writes a line (1000)
#include <rhodes/hook/filter.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>

RH_RULE(filter);

namespace {

// Parameters are in the environment, too.
uint64_t number_of(const char *name, uint64_t fallback)
{
	const char *text = std::getenv(name);

	return text ? std::strtoull(text, nullptr, 10) : fallback;
}

// Made before rh_init: a reactor runs constructors first.
struct Tally {
	std::unordered_map<uint64_t, uint64_t> calls;
	uint64_t all = 0;
	const uint64_t most = number_of("most", 100);
	const uint64_t every = number_of("every", 1000);
} tally;

} // namespace

int32_t rh_filter_before(void)
{
	if (++tally.all % tally.every == 0)
		std::printf("%s\n", ("calls: " + std::to_string(tally.all) + ", callers: " +
		                     std::to_string(tally.calls.size())).c_str());
	return ++tally.calls[rh_filter.caller] > tally.most ? RH_FILTER_DENY : RH_FILTER_ALLOW;
}
