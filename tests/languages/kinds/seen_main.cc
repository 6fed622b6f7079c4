/* seen_main - a server of objects that programs look into, in C++. */
#include "seen.hpp"

#include <mutex>

namespace {

class Tally final : public rhodes::mirrored {
public:
	explicit Tally(std::int32_t count) : count_(count) {}
	std::int32_t add(std::int32_t by)
	{
		std::lock_guard<std::mutex> lock(mutex_);

		last_ = by;
		return count_ += by;
	}
	std::int32_t halve()
	{
		std::lock_guard<std::mutex> lock(mutex_);

		count_ /= 2;
		return count_;
	}
	void mirror(rhodes::span<unsigned char> bytes) override
	{
		std::lock_guard<std::mutex> lock(mutex_);

		std::memcpy(bytes.data(), &count_, 4);
		std::memcpy(bytes.data() + 4, &last_, 4);
	}

private:
	std::mutex   mutex_;
	std::int32_t count_, last_ = 0;
};

/* What is no mirrored object. */
struct Blind final : rhodes::object {};

Tally &tally(const std::shared_ptr<rhodes::object> &object)
{
	return dynamic_cast<Tally &>(*object);
}

class Server final : public rhodes::seen::Server {
public:
	std::shared_ptr<rhodes::object> seen_new(std::int32_t count) override
	{
		if (count < 0)
			return std::make_shared<Blind>();
		return std::make_shared<Tally>(count);
	}
	std::int32_t seen_add(const std::shared_ptr<rhodes::object> &object, std::int32_t by) override
	{
		return tally(object).add(by);
	}
	std::tuple<std::int32_t, std::shared_ptr<rhodes::object>>
	seen_split(const std::shared_ptr<rhodes::object> &object) override
	{
		return { 0, std::make_shared<Tally>(tally(object).halve()) };
	}
	void seen_close(const std::shared_ptr<rhodes::object> &) override {}
};

} // namespace

int main()
{
	Server server;

	rhodes::seen::serve(server, 4);
}
