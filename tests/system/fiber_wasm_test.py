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
from fiber_programs_test import ROUNDS
from center_lib import Answer, UnixConnection
from fiber_stage import LIMIT, Block, block_of, said, states


class Exchanger(threading.Thread):
    """Gives the resource another rule every 10 ms; looks how the program is ordered."""

    def __init__(self, stage, process, modules):
        super().__init__()
        self.stage, self.process = stage, process
        self.modules = itertools.cycle(modules)
        self.connection = UnixConnection(os.path.join(stage.run_dir, "center.sock"), LIMIT)
        self.is_over = threading.Event()
        self.applied, self.evicted, self.names = 0, 0, set()

    def exchange(self):
        spec = {"hook": "sched", "resource": "encoder", "mode": "wasm",
                "module": next(self.modules)}
        rule = {"kind": "Rule", "metadata": {"name": "order"}, "spec": {"code": spec}}
        self.connection.request("POST", "/apis/v1/apply", json.dumps({"objects": [rule]}))
        answer = Answer(self.connection.getresponse())
        self.applied += answer.status == 200

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
        self.modules = [self.published("cfs"), self.published("eevdf")]
        self.put(self.modules[0])
        self.applied, self.names = 0, set()

    def rounds(self):
        """As many as it takes for more than three exchanges each: a program may be over soon."""
        done = 0
        while done < ROUNDS or self.applied <= 3 * ROUNDS:
            yield done
            done += 1
        self.assertIn("order", self.names)

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
        self.applied += self.exchanger.applied
        self.names |= self.exchanger.names
        self.assertEqual(self.exchanger.evicted, 0, self.errors)
        for run in self.json("rule", "top", "order")["items"]:
            self.assertEqual(sum(run["failures"].values()), 0, run)


if __name__ == "__main__":
    unittest.main(verbosity=2)
