/* raises_main - a server that raises, and with an argument the program that calls it. */
#include "raises.hpp"

#include <condition_variable>
#include <cstdio>
#include <queue>

namespace {

/* What is to be told, of the server and of its event. */
struct whats {
	std::mutex              mutex;
	std::condition_variable more;
	std::queue<int>         left;

	int take()
	{
		std::unique_lock<std::mutex> lock(mutex);

		more.wait(lock, [&] { return !left.empty(); });
		int what = left.front();
		left.pop();
		return what;
	}
};

class Server final : public rhodes::raises::Server {
public:
	std::int32_t raises_error(std::string_view what) override
	{
		try {
			return std::stoi(std::string(what));
		} catch (const std::exception &) {
			std::throw_with_nested(std::runtime_error("no number"));
		}
	}
	std::int32_t raises_panic(std::string_view what) override { throw std::string(what); }
	std::int32_t raises_twice(std::int32_t number) override { return 2 * number; }
	std::int32_t raises_tell(std::int32_t what, std::int32_t count) override
	{
		std::lock_guard<std::mutex> lock(whats_->mutex);

		for (int i = 0; i < count; i++)
			whats_->left.push(what);
		whats_->more.notify_one();
		return count;
	}
	rhodes::events<std::tuple<std::int32_t, std::int32_t, std::int32_t>> raises_told() override
	{
		return [whats = whats_, number = 0]() mutable {
			return std::optional(std::make_tuple(0, whats->take(), ++number));
		};
	}

private:
	std::shared_ptr<whats> whats_ = std::make_shared<whats>();
};

int misses;

void check(bool is, const char *what)
{
	if (!is)
		std::printf("not so: %s\n", what);
	misses += !is;
}

void call(const char *name)
{
	rhodes::raises::Client r(name);

	for (int i = 0; i < 100; i++) {
		try {
			r.raises_error("four");
			check(false, "an error");
		} catch (const rhodes::raised_error &e) {
			check(e.language() == "c++" && e.message() == "no number", e.what());
			check(e.type().find("std::runtime_error") != e.type().npos, e.type().c_str());
			check(e.stack().find("caused by std::invalid_argument: stoi") == 0,
			      e.stack().c_str());
		}
		try {
			r.raises_panic("way");
			check(false, "a panic");
		} catch (const rhodes::raised_error &e) {
			check(e.type() == "unknown" && e.stack() == "in raises_panic\n", e.what());
		}
		check(r.raises_twice(21) == 42 && r.raises_error("4") == 4, "a server that goes on");
	}
	check(r.raises_tell(2, 3) == 3, "tell");
	for (int i = 1; i <= 3; i++)
		check(r.raises_told() == std::make_tuple(0, 2, i), "told");
}

/* For a caller with little patience, as nothing is told. */
void none(const char *name)
{
	rhodes::raises::Client r(name);

	try {
		r.raises_told();
		check(false, "none came");
	} catch (const rhodes::error &e) {
		check(e.code() == -11 && !e.ran(), "the code of none");
		check(std::string("no event raises_told came") == e.what(), e.what());
	}
}

/* What the callee raised, in one line. */
void raised(const char *name)
{
	try {
		rhodes::raises::Client(name).raises_error("four");
	} catch (const rhodes::raised_error &e) {
		std::printf("%s|%s|%s|%d\n", e.language().c_str(), e.type().c_str(),
		            e.message().c_str(), !e.stack().empty());
	}
}

} // namespace

int main(int argc, char **argv)
{
	Server server;

	if (argc > 2 && argv[2] == std::string("raised")) {
		raised(argv[1]);
	} else if (argc > 2) {
		none(argv[1]);
		std::printf(misses ? "%d missed\n" : "none\n", misses);
	} else if (argc > 1) {
		call(argv[1]);
		std::printf(misses ? "%d missed\n" : "ok\n", misses);
	} else {
		rhodes::raises::serve(server, 4);
	}
	return misses != 0;
}
