/* storm - many threads call while their callee is killed again and again; storm_test.py
 * drives it.
 *
 *   storm RESOURCE THREADS
 *
 * Prints "started" when each thread has called once, calls until standard input ends, and
 * then "ok N lost N", or what went wrong and 1. */
#include "textstat.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <thread>

namespace ts = rhodes::textstat;

static std::atomic<unsigned>   calls, lost, wrong;
static std::atomic<bool>       ends;
static std::mutex              mutex; /* of started */
static std::condition_variable changed;
static unsigned                started;

static void tell_started()
{
	std::lock_guard<std::mutex> lock(mutex);

	started++;
	changed.notify_all();
}

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			wrong++; \
			std::printf("not so: %s\n", #condition); \
		} \
	} while (0)

static void round(const ts::Client &c, std::int32_t number)
{
	CHECK(c.ts_add(number, 1) == number + 1);
	CHECK(c.ts_repeat("ab", 500)->size() == 1000);
	ts::TsDoc doc = c.ts_doc_open("storm");
	CHECK(c.ts_doc_add(doc, "four") == 4 && c.ts_doc_title(doc) == "storm");
}

static ts::TsDoc open_doc(const ts::Client &c)
{
	for (;;) {
		try {
			return c.ts_doc_open("kept");
		} catch (const rhodes::lost_error &) {
			lost++;
		}
	}
}

static void loop(const ts::Client &c)
{
	ts::TsDoc    kept = open_doc(c);
	std::int32_t number = 0;

	CHECK(c.ts_add(1, 2) == 3);
	tell_started();
	while (!ends) {
		try {
			calls++;
			round(c, number++);
			c.ts_doc_add(kept, "x");
		} catch (const rhodes::lost_error &) {
			lost++;
			kept = open_doc(c);
		}
	}
	CHECK(c.ts_add(4, 5) == 9);
}

static void run(const ts::Client &c)
{
	try {
		loop(c);
	} catch (const std::exception &e) {
		wrong++;
		tell_started();
		std::printf("%s: %s\n", rhodes::type_name(e).c_str(), e.what());
	}
}

int main(int, char **argv)
{
	ts::Client               c(argv[1]);
	unsigned                 count = static_cast<unsigned>(std::atoi(argv[2]));
	std::vector<std::thread> threads;

	for (unsigned i = 0; i < count; i++)
		threads.emplace_back(run, std::cref(c));
	{
		std::unique_lock<std::mutex> lock(mutex);
		changed.wait(lock, [count] { return started >= count; });
	}
	std::printf("started\n");
	std::fflush(stdout);
	while (std::getchar() != EOF)
		;
	ends = true;
	for (std::thread &thread : threads)
		thread.join();
	if (!wrong)
		std::printf("ok %u lost %u\n", calls.load(), lost.load());
	return wrong != 0;
}
