#!/usr/bin/env python3
"""Rules of hook sched that the center has, in a program under the carrier `fiber`: lent to
the running program, they order its threads, in WebAssembly and in native code, and are
exchanged while it works; one that traps, does not end or says nonsense leaves every thread
scheduled, and is told of."""
import os
import re
import subprocess
import threading
import time
import unittest

from cli_stage import BUILD, LIMIT
from code_stage import LIBRARY
from fiber_run_stage import WORKER, RunStage
from fiber_stage import Block, Control, block_of

RULE = """
kind: Rule
metadata: {{name: order}}
spec: {{code: {{hook: sched, resource: encoder, module: {}, mode: {}, limits: {{time: 1ms}}}}}}
"""
POLICY = """
kind: Rule
metadata: {{name: encoder-sched}}
spec: {{sched: {{resource: encoder, carrier: fiber, use: {}}}}}
"""
MALLOC = os.path.join(BUILD, "tests", "system", "fiber_malloc")
SLEPT = "12 slept, one left malloc\n"
# One that fails in a place of its source, where the threads do not need it.
ENQUEUE = "int32_t rh_sched_enqueue(int32_t number, int32_t why)\n{\n"


class LentStage(RunStage):
    """Threads are ordered by rules of the center."""

    def here(self, *words):
        done = subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def published(self, name, change=lambda source: source):
        """A rule that comes with Rhodes, changed, as a module with both objects."""
        self.here("rule", "new", name, "--hook", "sched", "--lang", "c")
        for file in (f"{name}.c", "fair.h"):
            with open(os.path.join(LIBRARY, "sched", file), encoding="utf-8") as source:
                text = source.read()
            self.path(f"{name}/{file}", change(text) if file.endswith(".c") else text)
        return re.search(r"^module +(\S+)", self.here("rule", "publish", name), re.M)[1]

    def native(self, name, change=lambda source: source):
        """... as a module of native code."""
        self.published(name, change)
        headers = (os.path.join(BUILD, "rules/author"), os.path.join(LIBRARY, "../author"))
        subprocess.run(["gcc", "-O2", "-fPIC", "-shared", *(f"-I{path}" for path in headers),
                        "-o", self.path(f"{name}.so"), self.path(f"{name}/{name}.c")],
                       check=True, timeout=LIMIT)
        return re.search(r"^module +(\S+)", self.here(
            "rule", "publish", f"{name}.so", "--hook", "sched"), re.M)[1]

    def active(self):
        return next(condition for condition in
                    self.json("get", "rule", "order")["status"]["conditions"]
                    if condition["type"] == "Active")

    def apply(self, module, mode="wasm"):
        self.ok("apply", "-f", "-", data=RULE.format(module, mode))

    def becomes(self, reason, *texts, meanwhile=lambda: None):
        """The rule does, with these words."""
        until = time.monotonic() + LIMIT
        while (active := self.active())["reason"] != reason:
            self.assertLess(time.monotonic(), until, active)
            meanwhile()
        for text in texts:
            self.assertIn(text, active["message"])

    def put(self, module, mode="wasm"):
        """The rule is in force at the program."""
        self.apply(module, mode)
        until = time.monotonic() + LIMIT
        while (active := self.active())["reason"] not in ("InForce", "Partial"):
            self.assertNotEqual(active["reason"], "Rejected", active["message"])
            self.assertLess(time.monotonic(), until, active)


class Lent(LentStage):
    def worker(self, *before, use="rr"):
        return super().worker(*before, use=use)

    def policy(self, worker):
        return Block(block_of(worker.pid)).policy

    def state(self, worker, use):
        """Another policy, which the program has in hand."""
        self.ok("apply", "-f", "-", data=POLICY.format(use))
        until = time.monotonic() + LIMIT
        while (now := Block(block_of(worker.pid)).now[0]) != use:
            self.assertLess(time.monotonic(), until, now)

    def failed(self, kind):
        """How often the rule did so, once the center has heard of any."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            for run in self.json("rule", "top", "order")["items"]:
                if run["failures"][kind]:
                    return run["failures"][kind]
        return 0

    def assert_counted(self, worker):
        """Calls, what they take and an instance for each run queue, all told to the center."""
        until = time.monotonic() + LIMIT
        while not all((run := self.json("rule", "top", "order")["items"][0])[key]
                      for key in ("calls", "ns", "instances")):
            self.assertLess(time.monotonic(), until, run)
            self.go_on(worker)
        self.assertEqual(run["instances"], Block(block_of(worker.pid)).seats)

    @staticmethod
    def broken(code):
        """With that code in the place where tasks come, now and then."""
        return lambda source: source.replace(
            ENQUEUE, "static uint32_t calls;\n\n" + ENQUEUE +
            f"\tif (++calls % 100 == 0)\n\t\t{code};\n")

    def fails(self, kind, code):
        """So broken, without one before it that was good."""
        module = self.published("cfs", self.broken(code))
        with self.worker() as worker:
            self.go_on(worker)
            self.put(module)
            self.go_on(worker)
            self.assertGreater(self.failed(kind), 0)
            # Until it was told everything anew nobody asked it who is next.
            program = self.program()
            self.assertGreater(program["failures"], 0)
            self.assertGreater(program["byRule"], 0)
            self.assertGreater(program["decisions"] - program["byRule"], 0)
            self.go_on(worker)
            # There was none before it: it stays, and that it fails is told.
            self.becomes("Partial", "rule order failed in ",
                         meanwhile=lambda: self.go_on(worker))
            self.assertIn("rule order failed in ", self.log())
            self.finish(worker)

    def test_threads_go_on_when_the_rule_traps(self):
        self.fails("trap", "__builtin_trap()")

    def test_threads_go_on_when_the_rule_does_not_end(self):
        self.fails("timeout", "for (volatile int i = 0;;) (void)i")

    def test_threads_go_on_when_the_rule_overflows_its_stack(self):
        self.fails("trap", "{ volatile uint8_t deep[64]; deep[0] = deep[1] = 0; calls--; "
                   "return deep[rh_sched_enqueue(number, why) & 1]; }")

    def test_threads_go_on_when_the_rule_says_nonsense(self):
        self.fails("value", "return (int32_t)(rh_sched.tasks[number].queue = 77)")

    def program(self):
        """What was decided for the program, and by whom."""
        return next(row["program"] for row in
                    self.json("top", "--threads", "encoder")["items"] if "program" in row)

    def decides(self, worker):
        """The rule, more and more."""
        before, until = self.program(), time.monotonic() + LIMIT
        while (now := self.program())["byRule"] < before["byRule"] + 50:
            self.assertLess(time.monotonic(), until, now)
            self.go_on(worker)

    def test_a_rule_that_gives_no_time_is_refused(self):
        timeless = self.published("cfs", lambda source: source.replace(
            "task->slice_ns = slice(task);", "task->slice_ns = 0;"))
        with self.worker() as worker:
            self.go_on(worker)
            self.put(self.published("eevdf"))
            self.apply(timeless)
            self.becomes("Rejected", "the rule gave a slice of no time")
            failures = self.program()["failures"]
            self.decides(worker)
            self.assertEqual(self.program()["failures"], failures)
            self.finish(worker)

    def runs(self):
        """The revisions of the rule that were in force, one after the other."""
        return re.findall(r"rule order at revision (\d+) runs for encoder", self.log())

    def comes_back(self, good, failing, why, mode="wasm"):
        """The first rule that decided before one that is good at first; those between them
        are good, but nobody knows yet."""
        with self.worker() as worker:
            self.go_on(worker)
            for module in good:
                self.put(module, mode)
                self.decides(worker)
            self.assertEqual(self.program()["failures"], 0)
            self.apply(failing, mode)
            self.becomes("Rejected", "rule order failed in ", why,
                         meanwhile=lambda: self.go_on(worker))
            until = time.monotonic() + LIMIT
            while len(runs := self.runs()) < 2 + len(good):
                self.assertLess(time.monotonic(), until, runs)
            self.assertEqual(runs[-1], runs[0])
            failures = self.program()["failures"]
            self.assertGreater(failures, 0)
            for _ in range(4):
                self.decides(worker)
            self.assertEqual(self.program()["failures"], failures)
            self.assertRegex(self.log(),
                             "the former is in force again: rule order failed in .*" + why)
            for words in (("get", "rules"), ("describe", "rule", "order"),
                          ("rollout", "status", "order"), ("doctor",)):
                done = self.rhodes(*words)
                self.assertIn("ejected", done.stdout + done.stderr, words)
            self.finish(worker)

    def test_the_former_rule_comes_back_when_one_traps(self):
        self.comes_back([self.published("eevdf")], self.published("cfs", self.broken(
            "__builtin_trap()")), "the rule was stopped in rh_sched_enqueue")

    TIMELESS = staticmethod(lambda source: source.replace(
        ENQUEUE, "static uint32_t calls;\n\n" + ENQUEUE).replace(
        "task->slice_ns = slice(task);", "task->slice_ns = ++calls > 100 ? 0 : slice(task);"))

    def test_the_former_rule_comes_back_when_one_gives_no_time(self):
        self.comes_back([self.published("eevdf"), self.published("rr")],
                        self.published("cfs", self.TIMELESS),
                        "the rule gave a slice of no time")

    def test_the_former_native_rule_comes_back(self):
        self.comes_back([self.native("eevdf")], self.native("cfs", self.TIMELESS),
                        "the rule gave a slice of no time", "native")

    def test_native_code_is_lent_too(self):
        wasm = self.published("eevdf")
        native = re.search(r"^module +(\S+)", self.here(
            "rule", "publish", os.path.join(BUILD, "rules/library/sched/eevdf.so"), "--hook",
            "sched"), re.M)[1]
        with self.worker() as worker:
            self.go_on(worker)
            for module, mode in ((native, "native"), (wasm, "wasm"), (native, "native")):
                self.put(module, mode)
                self.assertEqual(self.policy(worker), "order")
                self.go_on(worker)
                self.assert_counted(worker)
            self.finish(worker)

    def test_the_lock_of_the_programs_malloc_is_held_by_one_that_waits(self):
        """Carriers that ask a rule for the first time need memory."""
        self.env["RHODES_SCHED_SEATS"] = "2"
        self.put(self.published("cfs"))
        with self.started("run", "-r", "encoder", "--sched", "rr", "--carrier", "fiber", "--",
                          MALLOC, "12", "1000000", stdout=subprocess.PIPE) as program:
            limit = threading.Timer(LIMIT, program.kill)
            self.addCleanup(limit.cancel)
            limit.start()
            self.assertEqual(program.stdout.readline(), SLEPT)
            while self.policy(program) != "order":
                self.assertEqual(program.stdout.readline(), SLEPT)
            for _ in range(10):
                self.assertEqual(program.stdout.readline(), SLEPT)
            program.kill()

    def test_a_program_under_host_is_told_of(self):
        ways = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with self.started("run", "-r", "encoder", "--carrier", "fiber", "--", WORKER,
                          **ways) as worker:
            self.go_on(worker)
            self.assertEqual(self.policy(worker), "cfs")
            self.put(self.published("eevdf"))
            self.assertEqual(self.policy(worker), "order")
            self.assertFalse([rule for rule in self.json("get", "rules")["items"]
                              if "sched" in rule["spec"]])
            with self.started("run", "-r", "encoder", "--", WORKER, **ways) as other:
                self.go_on(other)
                said = f"fiber_worker ({other.pid}) does not run under fiber: the kernel orders it"
                until = time.monotonic() + LIMIT
                while said not in (active := self.active())["message"]:
                    self.assertLess(time.monotonic(), until, active)
                    time.sleep(0.01)
                self.assertEqual(active["reason"], "Partial")
                self.finish(other)
            while (active := self.active())["reason"] != "InForce":
                self.assertLess(time.monotonic(), until, active)
                time.sleep(0.01)
            self.go_on(worker)
            self.finish(worker)

    def test_a_child_begins_with_the_rule(self):
        self.put(self.published("cfs"))
        with self.started("run", "-r", "encoder", "--sched", "rr", "--carrier", "fiber", "--",
                          "sh", "-c", f"{WORKER}; true", stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as shell:
            for _ in range(3):
                self.go_on(shell)
            self.finish(shell)

    def test_a_rule_comes_to_a_running_program_and_is_exchanged(self):
        cfs, eevdf = self.published("cfs"), self.published("eevdf")
        with self.worker() as worker:
            self.go_on(worker)
            self.assertEqual(self.policy(worker), "rr")
            self.put(cfs)
            self.assertEqual(self.policy(worker), "order")
            # What is asked for meanwhile is for when it goes, if there is such a policy.
            control = Control(block_of(worker.pid))
            until = time.monotonic() + LIMIT
            while control.ask("nothing") and control.fields()[2] != -2:
                self.assertLess(time.monotonic(), until)
            for module in (eevdf, cfs) * 5:
                self.put(module)
                self.go_on(worker)
            self.state(worker, "eevdf")
            self.assertEqual(self.policy(worker), "order")
            self.ok("delete", "rule", "order")
            until = time.monotonic() + LIMIT
            while self.policy(worker) != "eevdf" and time.monotonic() < until:
                self.go_on(worker)
            self.assertEqual(self.policy(worker), "eevdf")
            self.go_on(worker)
            self.finish(worker)


if __name__ == "__main__":
    unittest.main(verbosity=2)
