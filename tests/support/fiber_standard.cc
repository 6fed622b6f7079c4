/* Threads of the C++ library that wait by what it makes of futexes: atomics, barriers,
 * latches, semaphores, and stop tokens.  Ends the process if a sum is not right. */
#include <atomic>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

constexpr int threads = 8, rounds = 3000;

void check(bool holds, const char *what)
{
	if (holds)
		return;
	std::fprintf(stderr, "not so: %s\n", what);
	std::_Exit(1);
}

template <typename Body> void on_all(Body body)
{
	std::vector<std::jthread> all;

	for (int i = 0; i < threads; i++)
		all.emplace_back(body, i);
}

void barriers()
{
	std::vector<std::atomic<int>> came(rounds);
	std::barrier together(threads);

	on_all([&](int) {
		for (int i = 0; i < rounds; i++) {
			came[i]++;
			together.arrive_and_wait();
			check(came[i] == threads, "all are there when a barrier opens");
		}
	});
}

using semaphore = std::counting_semaphore<threads>;

/* acquire() of libstdc++ 12 may sleep though there is one to take (its PR 104928), under
 * Linux, too: the last that sleeps so is woken by nobody. */
void take(semaphore &from)
{
	while (!from.try_acquire_for(std::chrono::milliseconds(50)))
		;
}

void semaphores()
{
	semaphore free_places(3), turn(1);
	std::atomic<int> inside = 0;
	long sum = 0;

	on_all([&](int) {
		for (int i = 0; i < rounds; i++) {
			take(free_places);
			check(++inside <= 3, "a semaphore counts");
			take(turn);
			sum++;
			turn.release();
			inside--;
			free_places.release();
		}
	});
	check(sum == threads * rounds, "each came in turn");
}

/* The first thread of the program is none that is governed. */
void atomics()
{
	std::atomic<int> at = 0;
	auto pass_on = [&](int own) {
		for (int i = 0; i < rounds / 8; i++) {
			for (int is; (is = at.load()) % (threads + 1) != own;)
				at.wait(is);
			at++;
			at.notify_all();
		}
	};
	std::vector<std::jthread> all;

	for (int i = 0; i < threads; i++)
		all.emplace_back(pass_on, i);
	pass_on(threads);
	all.clear();
	check(at == (threads + 1) * (rounds / 8), "the word went around");
}

void bytes()
{
	std::atomic<char> full = 0; /* no futex is of one byte: waits by another's word */
	long sum = 0;
	std::jthread taker([&] {
		for (int i = 0; i < rounds; i++) {
			full.wait(0);
			sum++;
			full = 0;
			full.notify_one();
		}
	});

	std::jthread giver([&] {
		for (int i = 0; i < rounds; i++) {
			full = 1;
			full.notify_one();
			full.wait(1);
		}
	});
	giver.join();
	taker.join();
	check(sum == rounds, "each was taken");
}

void latches()
{
	for (int i = 0; i < rounds / 30; i++) {
		std::latch begun(threads), ended(threads);

		on_all([&](int) {
			begun.arrive_and_wait();
			ended.count_down();
		});
		ended.wait();
	}
}

void stops()
{
	std::mutex lock;
	std::condition_variable_any changed;

	for (int i = 0; i < rounds / 30; i++) {
		std::jthread waits([&](std::stop_token stop) {
			std::unique_lock held(lock);

			changed.wait(held, stop, [] { return false; });
		});
		waits.request_stop();
	}
}

void timed()
{
	std::binary_semaphore nobody(0);

	on_all([&](int) {
		for (int i = 0; i < 5; i++)
			check(!nobody.try_acquire_for(std::chrono::milliseconds(2)),
			      "nobody released it");
	});
}

} // namespace

// As often as it takes to be there while rules are exchanged.
int main()
{
	for (int i = 0; i < 6; i++) {
		barriers();
		semaphores();
		atomics();
		bytes();
		latches();
		stops();
		timed();
	}
	std::puts("all that waited went on");
	return 0;
}
