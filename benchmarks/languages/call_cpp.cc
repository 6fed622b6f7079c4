/* textstat from C++; see call.h. */
#include "textstat.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

using Clock = std::chrono::steady_clock;

static const int BATCH = 64;

static long long since(Clock::time_point began)
{
	return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began).count();
}

int main(int argc, char **argv)
{
	int calls = argc > 2 ? std::atoi(argv[2]) : 1000;
	rhodes::textstat::Client ts("text_c");
	std::vector<long long> took, batches;

	for (int i = 0; i < calls / 10; i++)
		if (ts.ts_add(i, 1) != i + 1)
			return 1;
	for (int i = 0; i < calls; i++) {
		auto began = Clock::now();

		ts.ts_add(i, 1);
		took.push_back(since(began));
	}
	std::sort(took.begin(), took.end());
	for (int i = 0; i < calls / BATCH; i++) {
		auto began = Clock::now();

		for (int j = 0; j < BATCH; j++)
			ts.ts_add(j, 1);
		batches.push_back(since(began));
	}
	std::sort(batches.begin(), batches.end());
	std::printf("{\"p50\": %lld, \"p99\": %lld, \"batch\": %.2f}\n", took[took.size() / 2],
	            took[took.size() / 100 * 99],
	            static_cast<double>(batches[batches.size() / 2]) / BATCH);
	return 0;
}
