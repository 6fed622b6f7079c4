#!/usr/bin/env python3
"""More threads than carriers sleep, most of them in the kernel, by calls that the runtime does
not serve: the rest works on, and all come back.  And signals that pile up are no more than one."""
import os
import signal
import subprocess
import unittest

from fiber_stage import BUILD, LIMIT, PATIENCE, Control, Stage

PROGRAMS = os.path.join(os.path.abspath(BUILD), "tests", "system")
ROUNDS = int(os.environ.get("RHODES_ROUNDS", "3"))
SLEEPERS, SEATS = 12, 2


class Blocked(Stage):
    def environment(self, **more):
        return super().environment(RHODES_SCHED_SEATS=str(SEATS), **more)

    def all_sleep(self, kind, keeps=True):
        out = self.run_fiber(os.path.join(PROGRAMS, "fiber_blocked"), kind, str(SLEEPERS),
                             str(ROUNDS)).decode()
        self.assertEqual(out, f"{kind}: {SLEEPERS} slept, one worked\n" * ROUNDS)
        block = self.block()
        self.assertEqual(block.evicted, 0, self.errors)
        if keeps:  # each that sleeps keeps one; the others serve the seats, or wait for one
            self.assertGreaterEqual(block.spares, SLEEPERS - SEATS)
        else:
            self.assertLess(block.spares, SLEEPERS - SEATS)
        # About one is usual; a machine that has much else to do may take long.
        longest = int(self.errors.split("longest ")[1].split()[0])
        self.assertLess(longest, 5000000 * PATIENCE)

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

    def test_signals_pile_up_meanwhile(self):
        self.all_sleep("vfork")

    def test_who_is_asked_while_it_is_stopped_is_asked_once(self):
        """Signals to the monitor queue up; all of them come when it goes on."""
        with subprocess.Popen([os.path.join(PROGRAMS, "fiber_worker")], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=self.environment()) as worker:
            go_on = lambda: (worker.stdin.write("on\n"), worker.stdin.flush(),
                             worker.stdout.readline())[-1]
            self.assertRegex(go_on(), "^rounds")
            control = Control(self.block_path)
            while not (tid := control.fields()[3]):
                os.sched_yield()
            worker.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOWAIT)
            for _ in range(500):
                Control.libc.syscall(Control.tgkill, worker.pid, tid, control.fields()[4])
            worker.send_signal(signal.SIGCONT)
            self.assertRegex(go_on(), "^rounds")
            self.assertEqual(worker.communicate(timeout=LIMIT)[0], "right\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
