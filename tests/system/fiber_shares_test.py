#!/usr/bin/env python3
"""It is the rule that decides: threads under the carrier `fiber` get the shares of one
processor that the rule in force gives them, by their weights or against them, also after
it was exchanged while they ran.

What counts is the time for which the runtime had them run, as the rule is told it: what
else the machine does is no part of it."""
import os
import re
import select
import subprocess
import time
import unittest

import fiber_rule_test
from cli_stage import BUILD, LIMIT
from fiber_stage import Block, block_of

WEIGHT = {0: 1024, 10: 110}
ENOUGH_NS = 5_000_000_000  # hundreds of slices also for those that get little
LONGEST_NS = 8 * ENOUGH_NS


class Shares(fiber_rule_test.LentStage):
    def inverted(self):
        with open(os.path.join(os.path.dirname(__file__), "fiber_inverted.c"),
                  encoding="utf-8") as file:
            source = file.read()
        self.here("rule", "new", "inverted", "--hook", "sched", "--lang", "c")
        self.path("inverted/inverted.c", source)
        return self.module("inverted")

    def module(self, *what):
        return re.search(r"^module +(\S+)", self.here("rule", "publish", *what), re.M)[1]

    def ran(self):
        """For how long each thread has run, by its nice value."""
        block = Block(block_of(self.program.pid))
        lines = {line.tid: line for line in block.threads}
        self.assertEqual(sorted(line.nice for line in lines.values()), [0, 0, 10, 10])
        return {tid: (line.nice, line.run_ns) for tid, line in lines.items()}

    def share(self, before, enough_ns):
        """How much more those of nice 0 ran since before than those of nice 10, when all ran
        that long."""
        for _ in range(100_000):
            after = self.ran()
            more = {nice: sum(after[tid][1] - before[tid][1] for tid in after
                              if after[tid][0] == nice) for nice in WEIGHT}
            if sum(more.values()) > enough_ns:
                return more[0] / more[10]
            select.select([], [], [], 0.05)
        return self.fail("no thread runs")

    def by_weight(self, times):
        """Within 5 % of that.  Where others keep the processor for long a slice is long, too:
        what the last one makes of the share is less the longer all run."""
        before = self.ran()
        for enough in range(ENOUGH_NS, LONGEST_NS + 1, ENOUGH_NS):
            share = self.share(before, enough)
            if times * 0.95 < share < times * 1.05:
                return
        self.fail(f"{share}, not {times}")

    def test_shares_are_what_the_rule_says(self):
        native = self.module(os.path.join(BUILD, "tests/system/fiber_inverted.so"), "--hook",
                             "sched")
        wasm, cfs = self.inverted(), self.published("cfs")
        times = WEIGHT[0] / WEIGHT[10]
        self.env["RHODES_SCHED_SEATS"] = "1"
        with self.started("run", "-r", "encoder", "--sched", "cfs", "--carrier", "fiber", "--",
                          os.path.join(BUILD, "tests/system/fiber_shares"),
                          stdin=subprocess.PIPE) as self.program:
            self.await_nice()
            self.by_weight(times)
            for module, mode, wanted in ((wasm, "wasm", 1 / times), (cfs, "wasm", times),
                                         (native, "native", 1 / times)):
                self.put(module, mode)
                self.by_weight(wanted)
            self.program.stdin.close()
            self.assertEqual(self.program.wait(), 0)

    def await_nice(self):
        """All threads are there, and have said how nice they are."""
        until = time.monotonic() + LIMIT
        while not (path := block_of(self.program.pid)) or sorted(
                line.nice for line in Block(path).threads) != [0, 0, 10, 10]:
            self.assertIsNone(self.program.poll())
            self.assertLess(time.monotonic(), until)
            select.select([], [], [], 0.01)


if __name__ == "__main__":
    unittest.main(verbosity=2)
