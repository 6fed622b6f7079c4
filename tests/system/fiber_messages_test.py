#!/usr/bin/env python3
"""Threads under the carrier `fiber` send each other messages: all come, once and in order, and
what that costs is as little as was meant."""
import os
import subprocess
import unittest

from fiber_stage import BUILD, LIMIT, Stage

PROGRAM = os.path.join(BUILD, "tests", "system", "fiber_messages")
SEATS, GROUPS = 2, 2


class Messages(Stage):
    def environment(self, **more):
        return super().environment(RHODES_SCHED_SEATS=str(SEATS), **more)

    def send(self, kind, count):
        """Under one rule all the time; its block."""
        out = subprocess.run([PROGRAM, kind, str(GROUPS), str(count)], env=self.environment(),
                             stdout=subprocess.PIPE, check=True, timeout=LIMIT, text=True)
        self.assertEqual(out.stdout, f"{kind}: {GROUPS} groups, {count} numbers\n")
        self.assertEqual(self.block().evicted, 0)
        return self.block()

    def test_queue(self):
        """Who is woken by a message does not have a processor for that one only, and nobody
        is interrupted for it."""
        block = self.send("queue", 4000)
        self.assertLess(block.switches, GROUPS * 25 * 4000 / 5)
        self.assertLess(block.preempted + block.deferred, GROUPS * 25 * 4000 / 200)

    def by_descriptors(self, kind):
        """Whoever waits for one keeps no carrier: those that there are run the others."""
        block = self.send(kind, 1000)
        self.assertLess(block.spares, GROUPS * 5)
        self.assertGreater(block.switches, GROUPS * 10)

    def test_pipe(self):
        self.by_descriptors("pipe")

    def test_socket(self):
        self.by_descriptors("socket")

    def test_pipe_while_the_rule_changes(self):
        self.all_come("pipe")

    def test_socket_while_the_rule_changes(self):
        self.all_come("socket")

    def all_come(self, kind):
        """While the rule changes all the time."""
        out = self.run_fiber(PROGRAM, kind, str(GROUPS), "1000").decode()
        self.assertEqual(out, f"{kind}: {GROUPS} groups, 1000 numbers\n")

    def test_queue_while_the_rule_changes(self):
        self.all_come("queue")


if __name__ == "__main__":
    unittest.main(verbosity=2)
