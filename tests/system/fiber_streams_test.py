#!/usr/bin/env python3
"""Rules of hook sched say the same natively and as WebAssembly when they are asked what real
programs' run queues were asked: programs run under the carrier `fiber`, whose runtime
writes that down (sched_recorder.c), and each event is asked again in every build
(sched_replay.c)."""
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import unittest

from fiber_programs_test import text
from fiber_stage import BUILD, LIMIT, Stage

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(BUILD, "tests", "system")
RECORDING = os.path.join(TESTS, "librhodes-fiber-recorded.so")
REPLAY = os.path.join(TESTS, "sched_replay")
EVENTS = int(os.environ.get("RHODES_EVENTS", "200000"))  # under each rule, or more
SKIPPED = 77
HEAD = struct.Struct("=3Q2IQI")  # sched_stream.h
ALL, FULL = 0, 1
# As sched_replay says that two builds differ.
DIFFERS = re.compile(r"native \d+, build \d \d+|difference at offset")


# Threads that hand each other numbers; how many came.
HANDS_ON = """
import queue, threading
first, last = queue.Queue(5), queue.Queue(5)
def produce():
    for number in range(500):
        first.put(number)
def hand_on():
    for _ in range(500):
        last.put(first.get())
threads = [threading.Thread(target=body) for body in 4 * (produce, hand_on)]
for thread in threads:
    thread.start()
print(sum(last.get() >= 0 for _ in range(2000)))
"""


class Streams(Stage):
    def setUp(self):
        super().setUp()
        self.streams = self.path("streams")
        os.mkdir(self.streams)
        with open(self.path("input"), "wb") as file:
            file.write(text(3 << 20))

    def environment(self, **more):
        # Two processors, so that threads move; deadline has something to do.
        return super().environment(LD_PRELOAD=RECORDING, SCHED_RECORD=self.streams,
                                   RHODES_SCHED_SEATS="2", RHODES_SCHED_RUNTIME_US="300",
                                   RHODES_SCHED_PERIOD_US="5000", **more)

    def record(self, *command):
        """The program does what it does without the runtime, and it was recorded."""
        before = self.events()
        done = subprocess.run(command, env=self.environment(), capture_output=True,
                              timeout=LIMIT, check=True)
        self.assertGreater(self.events(), before, command)
        return done.stdout

    def files(self):
        return sorted(glob.glob(os.path.join(self.streams, "*")))

    def events(self):
        """How many were recorded, each of the rule that the program began with."""
        total = 0
        for path in self.files():
            with open(path, "rb") as file:
                _, events, *_, end = HEAD.unpack(file.read(HEAD.size))
            self.assertIn(end, (ALL, FULL), path)
            total += events
        return total

    def record_programs(self):
        """Programs that compute, programs that hand over, and more of these until there is
        enough."""
        for command in (("zstd", "-q", "-T8", "-B256K", "-6", "-c", self.path("input")),
                        ("pbzip2", "-p8", "-b1", "-c", self.path("input"))):
            if shutil.which(command[0]):
                self.assertEqual(self.record(*command), self.run_plain(*command))
        self.assertEqual(self.record(sys.executable, "-c", HANDS_ON), b"2000\n")
        while self.events() < EVENTS:
            self.record(os.path.join(TESTS, "sched_handover"), "yield", "20000")
            self.record(os.path.join(TESTS, "sched_handover"), "condition", "40000")
            for kind in "queue", "pipe":
                self.record(os.path.join(TESTS, "fiber_messages"), kind, "2", "1000")

    def replay(self, **more):
        done = subprocess.run([REPLAY, self.policy, *self.files()], capture_output=True,
                              text=True, env={**os.environ, **more}, check=False)
        if done.returncode == SKIPPED:
            self.skipTest(done.stdout.strip())
        return done.returncode, done.stdout + done.stderr

    def say_the_same(self, policy):
        self.policy = policy
        self.record_programs()
        status, said = self.replay()
        self.assertEqual(status, 0, said)
        found = re.search(rf"{policy}: (\d+) events, (\d+) decisions, (\d+) moves", said)
        print(found[0])
        events, decisions, moves = map(int, found.groups())
        self.assertEqual(events, self.events())
        self.assertGreater(decisions, events / 10)
        self.assertGreater(moves, 0)
        # One build of a rule that is broken in one place does not say the same.
        status, said = self.replay(RULES_MUTANT=f"sched_{policy}")
        self.assertNotEqual(status, 0)
        self.assertRegex(said, DIFFERS)

    def test_cfs(self):
        self.say_the_same("cfs")

    def test_eevdf(self):
        self.say_the_same("eevdf")

    def test_deadline(self):
        self.say_the_same("deadline")

    def test_fifo(self):
        self.say_the_same("fifo")

    def test_rr(self):
        self.say_the_same("rr")


if __name__ == "__main__":
    unittest.main(verbosity=2)
