#!/usr/bin/env python3
"""The programs of fiber_programs_test.py, ordered by rules in WebAssembly that the center
has and that are exchanged every 10 ms while they run."""
import contextlib
import itertools
import json
import os
import subprocess
import threading
import unittest

import fiber_programs_test
import fiber_rule_test
from center_lib import Answer, UnixConnection
from fiber_blocked_test import SLEEPERS, SOON_US, TIMES, median_us
from fiber_stage import BUILD, LIMIT, Block, block_of, said, states


class Exchanger(threading.Thread):
    """Gives the resource another rule every 10 ms; looks how the program is ordered."""

    def __init__(self, stage, process, modules):
        super().__init__()
        self.stage, self.process = stage, process
        self.modules = itertools.cycle(modules)
        self.connection = UnixConnection(os.path.join(stage.run_dir, "center.sock"), LIMIT)
        self.is_over = threading.Event()
        self.evicted, self.names = 0, set()

    def exchange(self):
        spec = {"hook": "sched", "resource": "encoder", "mode": "wasm",
                "module": next(self.modules)}
        rule = {"kind": "Rule", "metadata": {"name": "order"}, "spec": {"code": spec}}
        self.connection.request("POST", "/apis/v1/apply", json.dumps({"objects": [rule]}))
        Answer(self.connection.getresponse())

    def look(self):
        with contextlib.suppress(OSError, TypeError):
            block = Block(block_of(self.process.pid))
            self.evicted = block.evicted
            self.names.add(block.policy)

    def run(self):
        while not self.is_over.wait(0.01):
            self.exchange()
            self.look()
        self.connection.close()


class Wasm(fiber_programs_test.Programs, fiber_rule_test.LentStage):
    def setUp(self):
        super().setUp()
        self.modules = [self.published(name) for name in ("cfs", "eevdf", "rr", "deadline")]
        self.put(self.modules[0])
        self.names = set()

    def rounds(self):
        yield from super().rounds()
        self.assertIn("order", self.names)

    def exchanged(self):
        """How often all programs there were had another rule in hand."""
        return self.log().count("runs for encoder")

    def run_plain(self, *command):
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout

    @contextlib.contextmanager
    def serving(self, *command):
        with subprocess.Popen([self.rhodes_path, "run", "-r", "encoder", "--sched", "rr",
                               "--carrier", "fiber", "--", *command], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.exchanger = Exchanger(self, process, self.modules)
            self.exchanger.start()
            try:
                yield process
            finally:
                process.kill()
                self.exchanger.is_over.set()
                self.exchanger.join()

    def communicate(self, process, command):
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            shown = f"{states(process.pid)}\n{Block(block_of(process.pid)).threads}"
            process.kill()
            self.fail(f"{command} hangs:\n{shown}")
        self.errors = err.decode(errors="replace")
        self.assertEqual(process.returncode, 0, said(out, self.errors))
        return out

    def run_fiber(self, *command):
        with self.serving(*command) as process:
            return self.communicate(process, command)

    def check(self):
        """No rule failed, and all threads were ordered."""
        self.names |= self.exchanger.names
        self.assertEqual(self.exchanger.evicted, 0, self.errors)
        for run in self.json("rule", "top", "order")["items"]:
            self.assertEqual(sum(run["failures"].values()), 0, run)

    def test_all_that_sleep(self):
        """Another thread is scheduled soon, usually."""
        for kind in ("read", "sigwait"):
            self.run_fiber(os.path.join(BUILD, "tests", "system", "fiber_blocked"), kind,
                           str(SLEEPERS), str(TIMES))
            self.check()
            self.assertLess(median_us(self.errors), SOON_US)


if __name__ == "__main__":
    unittest.main(verbosity=2)
