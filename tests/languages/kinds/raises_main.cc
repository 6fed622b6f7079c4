/* raises_main - a server that raises, and with an argument the program that calls it. */
#include "raises.hpp"

#include <cstdio>

namespace {

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
}

} // namespace

int main(int argc, char **argv)
{
	Server server;

	if (argc > 1) {
		call(argv[1]);
		std::printf(misses ? "%d missed\n" : "ok\n", misses);
	} else {
		rhodes::raises::serve(server, 4);
	}
	return misses != 0;
}
