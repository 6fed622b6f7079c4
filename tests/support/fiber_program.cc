// Threads of C++: exceptions, storage of threads, futures, conditions, barriers.
#include <chrono>
#include <condition_variable>
#include <exception>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
#include <atomic>
#include <semaphore>
#include <barrier>
#include <sstream>
// acquire() of libstdc++ 12 may sleep though there is one to take (its PR 104928), under Linux, too.
static void take(std::counting_semaphore<8> &sem) { while (!sem.try_acquire_for(std::chrono::milliseconds(50))) {} }
struct Counted { static std::atomic<int> alive; int v; Counted(int v = 0) : v(v) { alive++; } ~Counted() { alive--; } };
std::atomic<int> Counted::alive{0};
thread_local std::unique_ptr<Counted> mine;
thread_local std::string text = "fresh";
int deep(int n) { Counted c(n); if (n == 0) throw std::runtime_error("bottom " + text); std::this_thread::yield(); return deep(n - 1) + 1; }
static void once() {
  std::vector<std::future<std::string>> all;
  for (int i = 0; i < 16; i++) all.push_back(std::async(std::launch::async, [i] {
    mine = std::make_unique<Counted>(i); text = "t" + std::to_string(i); int caught = 0;
    for (int k = 0; k < 300; k++) { try { deep(12); } catch (const std::runtime_error &e) { if (e.what() == "bottom " + text) caught++; std::this_thread::yield(); } }
    return text + ":" + std::to_string(caught) + ":" + std::to_string(mine->v); }));
  for (auto &f : all) std::cout << f.get() << "\n";
  std::cout << "alive " << Counted::alive << "\n";
  std::mutex m; std::condition_variable cv; int turn = 0; std::vector<std::thread> ts;
  for (int i = 0; i < 4; i++) ts.emplace_back([&, i] { for (int k = 0; k < 500; k++) { std::unique_lock l(m); cv.wait(l, [&] { return turn % 4 == i; }); turn++; cv.notify_all(); } });
  for (auto &t : ts) t.join(); ts.clear(); std::cout << "turn " << turn << "\n";
  std::promise<int> p; std::thread e([&] { try { throw std::logic_error("carried"); } catch (...) { p.set_exception(std::current_exception()); } });
  try { p.get_future().get(); } catch (const std::logic_error &x) { std::cout << x.what() << "\n"; } e.join();
  std::counting_semaphore<8> sem(2); std::barrier bar(8); std::atomic<int> inside{0}, most{0};
  for (int i = 0; i < 8; i++) ts.emplace_back([&] { for (int k = 0; k < 50; k++) { take(sem); int n = ++inside; int o = most; while (n > o && !most.compare_exchange_weak(o, n)); std::this_thread::yield(); inside--; sem.release(); bar.arrive_and_wait(); } });
  for (auto &t : ts) t.join(); std::cout << "most " << (most <= 2) << "\n";
}
// As often as it takes to be there while rules are exchanged.
int main() { for (int i = 0; i < 6; i++) once(); }
