#!/usr/bin/env python3
"""Threads under the carrier `fiber` that wait for the answer of a governed call give their
carriers to others; and whatever becomes of a call, it is told what it is told without a
carrier.  The callee answers when the test wants it to: nothing here is timed."""
import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import time
import unittest

from cli_stage import BUILD, LIMIT, Stage
from fiber_stage import STATES, Block

SYSTEM = """
kind: Resource
metadata: {{name: held}}
spec:
  type: service
  interface: libheld
  serve: {{library: ./side/libheld.so.1, workers: 1, threads: 8}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [held]}}
---
kind: Rule
metadata: {{name: app-held}}
spec: {{protocol: {{edge: [app, held], use: {use}}}}}
"""
# Says that it was called, and answers when there is a byte in the gate.
BODY = """
#include "held.h"
#include <fcntl.h>
#include <unistd.h>
int quick(int number) {{ return number + 1; }}
int hold(int number)
{{
	char byte = (char)number;
	int  gate = open("{gate}", O_RDONLY), called = open("{called}", O_WRONLY);
	if (write(called, &byte, 1) == 1 && read(gate, &byte, 1) == 1)
		number *= 3;
	close(gate);
	close(called);
	return number;
}}
"""
CALLERS, BURNERS, SEATS = 6, 4, 2
PROGRAM = os.path.join(os.path.abspath(BUILD), "tests", "system", "fiber_caller")
RIGHT = " ".join(f"{3 * i}/0" for i in range(CALLERS))


class Calls(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        self.install_runtime()
        self.env["RHODES_SCHED_STATS"] = self.path("block")
        self.env["RHODES_SCHED_SEATS"] = str(SEATS)
        self.pipes = {}
        for name in ("gate", "called"):
            os.mkfifo(self.path(name))
            self.pipes[name] = os.open(self.path(name), os.O_RDWR)
            self.addCleanup(os.close, self.pipes[name])

    def start(self, use):
        os.mkdir(self.path("side"))
        self.path("side/held.h", "int hold(int number);\nint quick(int number);\n")
        self.path("side/held.c", BODY.format(gate=self.path("gate"),
                                             called=self.path("called")))
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libheld.so.1", "-o",
                        self.path("side/libheld.so.1"), self.path("side/held.c")],
                       check=True)
        self.path("side/libheld.side", "interface libheld\nheader held.h\n"
                  "soname libheld.so.1\nlibrary ./libheld.so.1\nhold\nquick idempotent\n")
        self.up("-I", self.path("side"),
                self.path("system.yaml", SYSTEM.format(use=use)))

    @contextlib.contextmanager
    def program(self, carrier, burners=BURNERS):
        """Its callers have called once."""
        words = ["--sched", "cfs", "--carrier", "fiber"] if carrier == "fiber" else []
        with self.started("run", "-r", "app", *words, "--", PROGRAM, str(CALLERS),
                          str(burners), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as program:
            self.tids = {int(tid) for tid in program.stdout.readline().split()}
            self.assertEqual(len(self.tids), CALLERS)
            yield program
            program.stdin.close()
            self.assertEqual(program.wait(LIMIT), 0)

    def tell(self, program, line):
        program.stdin.write(line + "\n")
        program.stdin.flush()
        return program.stdout.readline().strip()

    def hold(self, program):
        """All callers are in the callee."""
        self.assertEqual(self.tell(program, "hold"), "begun")
        seen = b""
        while len(seen) < CALLERS:
            self.assertTrue(select.select([self.pipes["called"]], [], [], LIMIT)[0], seen)
            seen += os.read(self.pipes["called"], CALLERS)
        self.assertEqual(sorted(seen), list(range(CALLERS)))

    def let_go(self):
        """All calls that are held go on."""
        gate, until = self.pipes["gate"], time.monotonic() + LIMIT
        os.write(gate, b"x" * CALLERS)
        while int.from_bytes(fcntl.ioctl(gate, termios.FIONREAD, bytes(4)), sys.byteorder):
            self.assertLess(time.monotonic(), until)

    def states(self):
        return [STATES[thread.state] for thread in Block(self.path("block")).threads
                if thread.tid in self.tids]

    def assert_lent(self):
        """The calls are under way, and none of them has a carrier: one that sleeps in the
        kernel is "running", and "blocked" when the monitor has seen it."""
        until = time.monotonic() + LIMIT
        while self.states() != ["waiting"] * CALLERS:
            self.assertLess(time.monotonic(), until, self.states())

    def results(self, program):
        return self.tell(program, "results")

    def under_way(self, use):
        self.start(use)
        with self.program("fiber") as program:
            for _ in range(3):
                self.hold(program)
                self.assert_lent()
                for _ in range(2):
                    self.assertEqual(self.tell(program, "burn"), "burnt")
                    self.assert_lent()
                self.let_go()
                self.assertEqual(self.results(program), RIGHT)
            self.assertEqual(Block(self.path("block")).seats, SEATS)

    def test_others_run_while_bound_calls_are_under_way(self):
        self.under_way("bind")

    def test_others_run_while_calls_of_agents_are_under_way(self):
        self.under_way("msgqueue")

    def test_idle_carriers_wait_for_answers(self):
        self.start("bind")
        with self.program("fiber", burners=0) as program:
            for _ in range(20):
                self.hold(program)
                self.assert_lent()
                self.let_go()
                self.assertEqual(self.results(program), RIGHT)

    def test_signals_are_handled_meanwhile(self):
        self.start("bind")
        with self.program("fiber") as program:
            self.hold(program)
            self.assert_lent()
            for _ in range(5):
                self.assertEqual(self.tell(program, "signal"), "handled")
            self.assert_lent()
            self.let_go()
            self.assertEqual(self.results(program), RIGHT)

    def compare(self, use, do):
        """What the callers are told is the same with and without a carrier."""
        self.start(use)
        told = []
        for carrier in ("none", "fiber"):
            with self.program(carrier) as program:
                self.hold(program)
                if carrier == "fiber":
                    self.assert_lent()
                told.append(do(program))
        self.assertEqual(told[0], told[1])

    def kill(self, name):
        os.kill(self.pids(name)[-1], signal.SIGKILL)

    def killed(self, use, name):
        # The end of a process is told, and not found at a deadline.
        self.env["RHODES_TIMEOUT_MS"] = str(10000 * LIMIT)

        def do(program):
            self.kill(name)
            told = self.results(program)
            self.assertNotIn("/0", told)
            if name != "held/0":
                self.let_go()
            return told
        self.compare(use, do)

    def test_a_killed_callee_is_told_of(self):
        self.killed("bind", "held/0")

    def test_a_killed_callee_is_told_of_by_agents(self):
        self.killed("msgqueue", "held/0")

    def test_a_killed_agent_of_the_caller_is_told_of(self):
        self.killed("msgqueue", "agent/app")

    def test_a_killed_agent_of_the_callee_is_told_of(self):
        self.killed("msgqueue", "agent/held")

    def test_calls_end_at_their_deadline(self):
        self.env["RHODES_TIMEOUT_MS"] = "3000"
        self.start("bind")
        told = []
        for carrier in ("none", "fiber"):
            with self.program(carrier) as program:
                self.hold(program)
                told.append(self.results(program))
                self.let_go()
        self.assertNotIn("/0", told[0])
        self.assertEqual(told[0], told[1])

    def test_callers_are_cancelled(self):
        self.start("bind")
        told = []
        for carrier in ("none", "fiber"):
            with self.program(carrier) as program:
                self.hold(program)
                told.append(self.tell(program, "cancel"))
                self.let_go()
        self.assertEqual(told, [f"cancelled {CALLERS}"] * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
