#!/usr/bin/env python3
"""More threads than carriers sleep, most of them in the kernel, by calls that the runtime does
not serve: the rest works on, and all come back.  And signals that pile up are no more than one."""
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

from fiber_stage import BUILD, LIBRARY, LIMIT, PATIENCE, Block, Control, Stage

PROGRAMS = os.path.join(os.path.abspath(BUILD), "tests", "system")
ROUNDS = int(os.environ.get("RHODES_ROUNDS", "3"))
TIMES = max(ROUNDS, 15)  # that all sleep
SOON_US = 5000 * PATIENCE
SLEEPERS, SEATS = 12, 2
CHILDREN = 12
# Of the C library: what somebody has to give back by free, and that.
GIVING = set("""malloc calloc realloc reallocarray aligned_alloc memalign posix_memalign valloc
    pvalloc free strdup strndup __strdup __strndup asprintf vasprintf __asprintf_chk
    __vasprintf_chk getline getdelim __getdelim open_memstream scandir scandir64 realpath
    __realpath_chk get_current_dir_name""".split())
WORK, TRIES = 500, 15
# All have a thread, then say which file their block is, while all of them are there.
FAMILY = f"""
import os, sys, threading
began, said, ended = os.pipe(), os.pipe(), os.pipe()
def say():
    lowest = os.dup(0)
    os.close(lowest)
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert os.dup(0) == lowest, "the program has another descriptor"
    with open("/proc/self/maps") as maps:
        inode = [line.split()[4] for line in maps if sys.argv[1] in line][-1]
    os.write(1, f"{{os.getpid()}} {{inode}}\\n".encode())
for _ in range({CHILDREN}):
    if os.fork() == 0:
        os.close(ended[1])
        os.read(began[0], 1)
        say()
        os.write(said[1], b"x")
        os.read(ended[0], 1)
        os._exit(0)
os.write(began[1], bytes({CHILDREN}))
say()
for _ in range({CHILDREN}):
    os.read(said[0], 1)
os.close(ended[1])
for _ in range({CHILDREN}):
    os.wait()
"""


def median_us(told):
    """How long it took usually; beside many other programs it may take a while."""
    return int(told.split("median ")[1].split()[0])


class Blocked(Stage):
    def environment(self, **more):
        return super().environment(RHODES_SCHED_SEATS=str(SEATS), **more)

    def all_sleep(self, kind, keeps=True):
        out = self.run_fiber(os.path.join(PROGRAMS, "fiber_blocked"), kind, str(SLEEPERS),
                             str(TIMES)).decode()
        self.assertEqual(out, f"{kind}: {SLEEPERS} slept, one worked\n" * TIMES)
        block = self.block()
        self.assertEqual(block.evicted, 0, self.errors)
        if keeps:  # each that sleeps keeps one; the others serve the seats, or wait for one
            self.assertGreaterEqual(block.spares, SLEEPERS - SEATS)
        else:
            self.assertLess(block.spares, SLEEPERS - SEATS)
        self.assertLess(median_us(self.errors), SOON_US)

    def test_read(self):
        """The runtime serves it: nobody sleeps in the kernel."""
        self.all_sleep("read", keeps=False)

    def test_sigwait(self):
        self.all_sleep("sigwait")

    def test_accept(self):
        self.all_sleep("accept")

    def test_nanosleep_past_the_c_library(self):
        self.all_sleep("nanosleep")

    def test_futex_past_the_c_library(self):
        self.all_sleep("futex")

    def test_flock(self):
        self.all_sleep("flock")

    def test_the_stand_by_tells_of_one_that_no_name_tells_of(self):
        """All compute until then, so that the monitor looks seldom."""
        for _ in range(TRIES):
            self.run_fiber(os.path.join(PROGRAMS, "fiber_blocked"), "futex", str(SLEEPERS),
                           str(ROUNDS), str(WORK))
            if self.block().told:  # the monitor may come first, if others use the processors
                break
        self.assertGreater(self.block().told, 0)

    def test_the_lock_of_malloc_is_held_by_one_that_waits(self):
        """Carriers are made by pthread_create, which needs memory: nobody whom its holder waits
        for may wait for that."""
        self.assertEqual(self.leave_malloc(), f"{SLEEPERS} slept, one left malloc\n" * ROUNDS)
        self.assertGreater(self.block().spares, 0)

    def test_the_lock_of_malloc_is_held_and_another_policy_is_asked_for(self):
        """It needs memory, too."""
        answers = itertools.cycle(["rr: 0\n", "cfs: 0\n", "nothing: -2\n"])
        self.assertEqual(self.leave_malloc("asks"), "".join(
            f"{SLEEPERS} slept, one left malloc\n{next(answers)}" for _ in range(ROUNDS)))

    @unittest.skipUnless(shutil.which("nm"), "nm is not installed")
    def test_what_the_runtime_keeps_is_never_of_the_programs_malloc(self):
        """Nor does it give back what the C library took from there (strdup and its like)."""
        out = self.run_plain("nm", "-D", "--undefined-only", LIBRARY, text=True)
        self.assertIn("__libc_malloc", out)
        self.assertEqual(set(re.findall(r"\w+(?=@|$)", out, re.M)) & GIVING, set())

    def leave_malloc(self, *more):
        return subprocess.run([os.path.join(PROGRAMS, "fiber_malloc"), str(SLEEPERS), str(ROUNDS),
                               *more], env=self.environment(), stdout=subprocess.PIPE, text=True,
                              timeout=LIMIT, check=True).stdout

    def behind(self, pid):
        """The kernel threads of a process that step back behind the others."""
        nice = os.getpriority(os.PRIO_PROCESS, pid)
        return [tid for tid in map(int, os.listdir(f"/proc/{pid}/task"))
                if os.getpriority(os.PRIO_PROCESS, tid) > nice]

    @contextlib.contextmanager
    def worker(self):
        """It goes on whenever that is called."""
        with subprocess.Popen([os.path.join(PROGRAMS, "fiber_worker")], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=self.environment()) as worker:
            def go_on():
                worker.stdin.write("on\n")
                worker.stdin.flush()
                self.assertRegex(worker.stdout.readline(), "^rounds")
            go_on()
            yield worker, go_on
            self.assertEqual(worker.communicate(timeout=LIMIT)[0], "right\n")

    def test_the_stand_by_is_behind_all_and_shares_no_descriptors(self):
        """Held up while it reads what a carrier does, it would be seen by the program."""
        with self.worker() as (worker, go_on):
            for _ in range(TRIES):
                go_on()
                if tids := self.behind(worker.pid):
                    break
            self.assertEqual(len(tids), 1)
            for _ in range(TRIES):  # it may have one open just now
                if not (opened := os.listdir(f"/proc/{worker.pid}/task/{tids[0]}/fd")):
                    break
                go_on()
            self.assertEqual(opened, [])

    def test_signals_pile_up_meanwhile(self):
        self.all_sleep("vfork")

    def test_processes_of_one_program_never_share_a_block(self):
        """Children that have their first threads at the same time as their parent; and what a
        process left that is no more is in nobody's way."""
        with open(self.block_path, "wb") as file:
            file.write(b"what was left")
        out = self.run_fiber(sys.executable, "-c", FAMILY, self.block_path).decode()
        blocks = [tuple(map(int, line.split())) for line in out.splitlines()]
        self.assertEqual(len({pid for pid, _ in blocks}), CHILDREN + 1, out)
        self.assertEqual(len({inode for _, inode in blocks}), CHILDREN + 1, out)
        files = {os.stat(self.path(name)).st_ino: name for name in os.listdir(self.folder)}
        for pid, inode in blocks:
            self.assertEqual(Block(self.path(files[inode])).pid, pid)
        self.assertIn("block", files.values())

    def test_who_is_asked_while_it_is_stopped_is_asked_once(self):
        """Signals to the monitor queue up; all of them come when it goes on."""
        with self.worker() as (worker, go_on):
            control = Control(self.block_path)
            while not (tid := control.fields()[3]):
                os.sched_yield()
            worker.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
            for _ in range(500):
                Control.libc.syscall(Control.tgkill, worker.pid, tid, control.fields()[4])
            worker.send_signal(signal.SIGCONT)
            go_on()

    def test_carriers_may_go_anywhere(self):
        """Each begins on a processor of its own, and is not bound to it."""
        with self.worker() as (worker, _):
            for tid in os.listdir(f"/proc/{worker.pid}/task"):
                self.assertEqual(os.sched_getaffinity(int(tid)), os.sched_getaffinity(0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
