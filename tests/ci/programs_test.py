#!/usr/bin/python3
"""./bench sched believes no figure of a program that made something else than it should, that
failed, or that was scheduled by another rule than it says (benchmarks/runner)."""
import json
import os
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../benchmarks"))
from runner import carriers, paired, programs, rows, sched_docs  # noqa: E402

PROGRAM = programs.Program("work", ("work",), (("wall", ""),), "ms")
RULE = carriers.RESOURCES[carriers.WASM] + "-sched-code"


class Span:
    """A bench-span that says what it is told to."""

    def __init__(self, carrier, folder):
        self.starter = carriers.Starter.__new__(carriers.Starter)
        self.starter.carrier = carrier
        self.starter.output = os.path.join(folder, carrier)
        self.answers = []
        self.starter.process = types.SimpleNamespace(
            stdin=types.SimpleNamespace(write=lambda _: None, flush=lambda: None),
            stdout=types.SimpleNamespace(readline=lambda: self.answers.pop(0)))

    def will(self, output="made", wall=10, status=0, **more):
        for name, text in (("", output), (".err", "")):
            with open(self.starter.output + name, "w", encoding="utf-8") as file:
                file.write(text)
        self.answers.append(json.dumps({"status": status, "wall": wall, "cpu": 1, **more}))


class Programs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.found = programs.Programs.__new__(programs.Programs)
        self.found.failures, self.found.right, self.found.too_short = [], {}, 0
        self.linux = Span(carriers.LINUX, folder.name)
        self.wasm = Span(carriers.WASM, folder.name)
        self.found.runs = {(PROGRAM, carrier): [] for carrier in carriers.CARRIERS}

    def run_under(self, span, **more):
        span.will(**more)
        took = self.found.run(PROGRAM, span.starter)
        self.found.runs[PROGRAM, span.starter.carrier].append(took)
        return took

    def fails(self, words, **more):
        """Under WebAssembly, after a run of Linux."""
        self.run_under(self.linux)
        more = {"policy": RULE, "evicted": 0, **more}
        with open(os.devnull, "w", encoding="utf-8") as nothing:
            before, sys.stderr = sys.stderr, nothing
            try:
                self.assertIsNone(self.run_under(self.wasm, **more))
            finally:
                sys.stderr = before
        self.assertIn(words, self.found.failures[0])

    def row(self):
        found = self.found
        return rows.bounded("work", found.get(PROGRAM, carriers.WASM, "wall"), "ms", "Linux",
                            found.get(PROGRAM, carriers.LINUX, "wall"),
                            found.ratios(PROGRAM, carriers.WASM, "wall"), 1.08)

    def test_what_is_right_is_a_ratio(self):
        self.run_under(self.linux, wall=10)
        self.run_under(self.wasm, wall=12, policy=RULE, evicted=0)
        self.assertEqual(self.found.failures, [])
        row = self.row()
        self.assertEqual((row.ratio, row.bounds, row.met), (1.2, (1.2, 1.2), False))

    def test_other_output_is_a_failure(self):
        self.fails("not the same", output="something else")
        self.assertTrue(self.row().missing)
        self.assertIs(self.row().met, False)

    def test_another_sum_is_a_failure(self):
        self.found.right = {PROGRAM: "1"}
        self.wasm.will(output='{"ms": 1, "sum": "2"}')
        with self.assertRaisesRegex(RuntimeError, "not the same"):
            self.found.look(PROGRAM, self.wasm.starter)

    def test_a_program_that_fails_is_a_failure(self):
        self.fails("-9", status=-9)

    def test_another_rule_is_a_failure(self):
        self.fails("the rule was eevdf", policy="eevdf")
        self.assertEqual(self.found.too_short, 0)

    def test_one_that_ends_before_the_rule_comes_is_left_out(self):
        self.run_under(self.linux)
        self.assertIsNone(self.run_under(self.wasm, policy="cfs", evicted=0))
        self.assertEqual((self.found.failures, self.found.too_short), ([], 1))
        self.assertTrue(self.row().missing)

    def test_no_runtime_at_all_is_a_failure(self):
        self.fails("the rule was None", policy=None)

    def test_an_evicted_thread_is_a_failure(self):
        self.fails("1 threads evicted", evicted=1)


class Turns(unittest.TestCase):
    def test_each_carrier_is_as_often_the_first_as_the_others(self):
        found = programs.Programs.__new__(programs.Programs)
        often = programs.Program("often", (), (("wall", ""),), "ms", is_often=True)
        found.all, found.turns = [PROGRAM, often], 0
        found.plan = types.SimpleNamespace(programs_s=60, turns=16, every=2)
        found.runs = {(program, carrier): [] for program in found.all
                      for carrier in carriers.CARRIERS}
        found.starters = [types.SimpleNamespace(carrier=carrier)
                          for carrier in carriers.CARRIERS]
        ran = {program: [] for program in found.all}
        found.run = lambda program, starter: ran[program].append(starter.carrier)
        found.play()
        for program, turns in ((PROGRAM, 8), (often, 16)):
            self.assertEqual(len(ran[program]), 4 * turns)
            first = ran[program][::4]
            self.assertEqual([first.count(carrier) for carrier in carriers.CARRIERS],
                             [turns // 4] * 4)
            for turn in range(turns):
                self.assertEqual(set(ran[program][4 * turn:4 * turn + 4]),
                                 set(carriers.CARRIERS))

    def test_the_page_says_how_many_runs_bound_what(self):
        found = types.SimpleNamespace(turns=40)
        self.assertEqual(sched_docs.intervals(found, types.SimpleNamespace(every=2)),
                         "of 20 from number 6 to 15, of 40 from number 14 to 27, of fewer than "
                         "six (which are not sure enough) from the least to the greatest")
        self.assertEqual(paired.bounds(range(1, 41)), (14, 27))


if __name__ == "__main__":
    unittest.main()
