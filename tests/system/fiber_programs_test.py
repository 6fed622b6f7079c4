#!/usr/bin/python3
"""Unmodified programs under the carrier `fiber` give what they give without it."""
import os
import random
import shutil
import signal
import subprocess
import sys
import unittest

from fiber_stage import BUILD, Stage

ROUNDS = int(os.environ.get("RHODES_ROUNDS", "3"))


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"{program} is not installed")


def text(size, seed=5):
    """Words: something to compress, the same each time."""
    chance = random.Random(seed)
    words = [chance.randbytes(chance.randrange(2, 9)).hex() for _ in range(4000)]
    parts = []
    while size > 0:
        parts.append(" ".join(chance.choices(words, k=1000)).encode())
        size -= len(parts[-1])
    return b"".join(parts)


class Programs:
    """What is to be the same; how they are run, and what is seen then, is told elsewhere."""

    def setUp(self):
        super().setUp()
        with open(self.path("input"), "wb") as file:
            file.write(text(6 << 20))

    def rounds(self):
        """As many as it takes for more than three exchanges of the rule each: a program may be
        over soon."""
        first, done = self.exchanged(), 0
        while done < ROUNDS or self.exchanged() - first <= 3 * ROUNDS:
            yield done
            done += 1

    def same(self, *command):
        """The same bytes, by threads that the runtime scheduled."""
        plain = self.run_plain(*command)
        for _ in self.rounds():
            self.assertEqual(self.run_fiber(*command), plain)
            self.check()

    @needs("zstd")
    def test_zstd(self):
        self.same("zstd", "-q", "-T8", "-B512K", "-6", "-c", self.path("input"))

    @needs("xz")
    def test_xz(self):
        self.same("xz", "-T8", "-1", "--block-size=512KiB", "-c", self.path("input"))

    @needs("pbzip2")
    def test_pbzip2(self):
        self.same("pbzip2", "-p8", "-b3", "-c", self.path("input"))

    def support(self, name):
        return os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", name)

    def test_python(self):
        program, path = self.support("fiber_program.py"), self.path("database")
        plain = self.run_plain(sys.executable, program, path)
        for _ in self.rounds():
            os.unlink(path)
            self.assertEqual(self.run_fiber(sys.executable, program, path), plain)
            self.check()

    def cxx(self, source):
        self.run_plain("g++", "-std=c++20", "-O1", "-pthread", "-o", self.path("program"),
                       self.support(source))
        self.same(self.path("program"))

    @needs("g++")
    def test_cxx(self):
        self.cxx("fiber_program.cc")

    @needs("g++")
    def test_cxx_waits(self):
        self.cxx("fiber_standard.cc")

    @needs("javac")
    def test_java(self):
        self.run_plain("javac", "-d", self.folder, self.support("FiberProgram.java"))
        self.same("java", "-cp", self.folder, "FiberProgram")

    @needs("redis-benchmark")
    def test_redis(self):
        socket = self.path("socket")
        command = ("redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
                   "--appendonly", "yes", "--io-threads", "2", "--dir", self.folder)
        for _ in self.rounds():
            with self.serving(*command) as server:
                for line in server.stdout:
                    if b"ready to accept" in line or b"now ready" in line:
                        break
                self.use_redis(socket)
                self.run_plain("redis-cli", "-s", socket, "shutdown")
                self.communicate(server, command)
            self.check()
            shutil.rmtree(self.path("appendonlydir"), ignore_errors=True)

    def use_redis(self, socket):
        ask = lambda *words: self.run_plain("redis-cli", "-s", socket, *words)
        self.run_plain("redis-benchmark", "-s", socket, "-q", "-n", "5000", "-c", "50",
                       "-r", "100", "-t", "set,incr,lpush")
        ask("lpush", "list", *map(str, range(1000)))
        self.assertEqual(ask("llen", "list"), b"1000\n")
        ask("flushall", "async")
        self.assertEqual(ask("dbsize"), b"0\n")


class Native(Programs, Stage):
    """Rules that come with Rhodes, each for 10 ms."""

    def setUp(self):
        super().setUp()
        self.exchanges = 0

    def exchanged(self):
        return self.exchanges

    def check(self):
        block = self.block()
        self.assertGreater(block.switches, 3)
        self.assertEqual(block.evicted, 0, self.errors)
        self.exchanges += self.changer.results.count(0)

    def serving(self, *command):
        return self.running(*command)

    @needs("zstd")
    def test_the_rule_changes_while_it_runs(self):
        self.same("zstd", "-q", "-T8", "-B512K", "-9", "-c", self.path("input"))
        self.assertGreater(self.changer.results.count(0), 8)
        self.assertIn(-2, self.changer.results)  # there is none of that name

    def test_tasklets(self):
        """The thread ksoftirqd is ordered, too."""
        self.same(os.path.join(BUILD, "tests", "system", "fiber_tasklets"))

    def test_what_threads_rely_on(self):
        for part in ("attack", "cancel", "exec", "futex", "load", "locks", "rights", "signals",
                     "stress", "threads"):
            for _ in range(ROUNDS):
                self.run_fiber(os.path.join(BUILD, "tests", "system", "fiber_" + part))

    ends = os.path.join(BUILD, "tests", "system", "fiber_ends")

    def end_of(self, how, environment):
        """What a program says of whose threads one fails, and where it was then."""
        process = subprocess.run([self.ends, f"a_thread_may_{how}"], env=environment,
                                 cwd=self.folder, capture_output=True, text=True,
                                 check=False)
        self.assertIn(f"signal {-process.returncode} ends process", process.stderr)
        if shutil.which("gdb"):
            self.assertIn(f"{how}_here (none=0x0)", process.stderr)
            self.assertIn("burn (none=0x0)", process.stderr)
        return process

    def test_who_fails_says_what_and_where(self):
        """Else nobody could find what goes wrong once in a thousand runs."""
        for environment in (None, self.environment()):
            failed = self.end_of("fail", environment)
            self.assertEqual(failed.returncode, -signal.SIGABRT)
            self.assertRegex(failed.stderr, r"0x29 != 0x1\n.*fiber_ends\.c:8: error")
            crashed = self.end_of("crash", environment)
            self.assertEqual(crashed.returncode, -signal.SIGSEGV)

    def test_who_cannot_say_leaves_a_core(self):
        with self.assertRaises(AssertionError) as caught:
            self.run_fiber(self.ends, "a_thread_may_die")
        self.assertIn("[ RUN      ] a_thread_may_die", str(caught.exception))
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as pattern:
            goes_elsewhere = not pattern.read().startswith("core")
        if goes_elsewhere or not shutil.which("gdb"):
            self.skipTest("cores are not written where the program runs, or there is no gdb")
        self.assertIn("crash_here (none=0x0)", str(caught.exception))

    def test_what_threads_unwind_with_is_loaded_when_they_do(self):
        """It asks the processor much, and machines in machines answer slowly."""
        maps = subprocess.run(["cat", "/proc/self/maps"], env=self.environment(),
                              capture_output=True, check=True).stdout
        self.assertIn(b"librhodes-fiber", maps)
        self.assertNotIn(b"libgcc_s", maps)

    def working(self):
        """Threads that hand each other a lock, and answer each line."""
        return self.running(os.path.join(BUILD, "tests", "system", "fiber_worker"))

    def go_on(self, process):
        """Every thread has done a hundred rounds from now on."""
        process.stdin.write(b"on\n")
        process.stdin.flush()
        self.assertRegex(process.stdout.readline(), rb"^rounds \d+$")

    def after(self, disturb):
        """Threads go on after that, and are right in the end."""
        with self.working() as process:
            for _ in range(5):
                self.go_on(process)
                disturb(process.pid)
            self.go_on(process)
            self.assertEqual(self.communicate(process, "fiber_worker"), b"right\n")

    def test_a_program_that_was_stopped_goes_on(self):
        def stop(pid):
            os.kill(pid, signal.SIGSTOP)
            os.waitid(os.P_PID, pid, os.WSTOPPED)
            os.kill(pid, signal.SIGCONT)

        self.after(stop)

    @needs("gdb")
    def test_a_program_that_a_debugger_looked_at_goes_on(self):
        def look(pid):
            done = subprocess.run(["gdb", "-q", "-batch", "-p", str(pid), "-ex",
                                   "thread apply all bt 4"], capture_output=True, check=True)
            self.assertIn(b"rh_parked", done.stdout)

        self.after(look)


if __name__ == "__main__":
    unittest.main()
