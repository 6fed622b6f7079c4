// limiter - the filter of ../limiter.c in C++: so many calls a second, and a few at once.
#include <rhodes/hook/filter.h>

#include <algorithm>

RH_RULE(filter);

namespace {

constexpr uint64_t second = 1000000000;

// Tokens are counted in billionths, so that no part of one is lost.
class Bucket {
public:
	bool set(uint64_t rate, uint64_t burst)
	{
		if (rate == 0 || rate > second || burst == 0 || burst > second)
			return false;
		rate_ = rate;
		full_ = burst * second;
		return true;
	}

	bool take(uint64_t now_ns)
	{
		uint64_t passed = now_ns - last_ns_;

		tokens_ = !is_begun_ || passed >= full_ / rate_ ?
		          full_ : std::min(full_, tokens_ + passed * rate_);
		is_begun_ = true;
		last_ns_ = now_ns;
		if (tokens_ < second)
			return false;
		tokens_ -= second;
		return true;
	}

private:
	uint64_t rate_ = 0, full_ = 0, tokens_ = 0, last_ns_ = 0;
	bool     is_begun_ = false;
};

Bucket   bucket;
uint64_t error;

} // namespace

int32_t rh_init(void)
{
	uint64_t rate = RH_PARAM_NUMBER("rate", 1000);

	error = RH_PARAM_NUMBER("error", 11);
	return error > 4095 ||
	       !bucket.set(rate, RH_PARAM_NUMBER("burst", std::max<uint64_t>(rate / 10, 1)));
}

int32_t rh_filter_before(void)
{
	if (bucket.take(rh_filter.now_ns))
		return RH_FILTER_ALLOW;
	rh_filter.error = static_cast<uint32_t>(error);
	return RH_FILTER_DENY;
}
