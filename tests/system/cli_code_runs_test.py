#!/usr/bin/python3
"""How rules of code do where they run: counted by real agents, shown by the command line."""
import json
import os
import re
import shutil
import signal
import unittest

from cli_stage import LIMIT
from code_stage import CodeStage

RULE = """
kind: Rule
metadata: {name: guard}
spec:
  code: {hook: filter, edge: [app, lib], module: "%s", mode: wasm, onFailure: fail-open,
         params: {word: "%s"}}
"""
# Says its word for the first call, traps on every tenth.
SOURCE = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
static int calls;
int32_t rh_filter_before(void)
{
	char    word[20];
	int32_t len = rh_param("word", 4, word, sizeof word);

	calls++;
	if (calls == 1 && len > 0)
		rh_log(word, (uint32_t)len);
	if (calls == 10)
		__builtin_trap();
	return RH_FILTER_ALLOW;
}
"""


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Runs(CodeStage):
    def setUp(self):
        super().setUp()
        self.module = self.published("guard", SOURCE)

    def apply(self, word):
        """Returns the revision; it is in force when this returns."""
        self.ok("apply", "-f", self.path("rule.yaml", RULE % (self.module, word)))
        rule = self.json("get", "rule", "guard")
        while (condition := next(one for one in rule["status"]["conditions"]
                                 if one["type"] == "Active"))["reason"] != "InForce":
            self.assertIn(condition["reason"], ("Pending", "Unreachable"))
            rule = self.json("get", "rule", "guard")
        return rule["metadata"]["revision"]

    def call(self, caller, count):
        caller.stdin.write(f"{count}\n")
        caller.stdin.flush()
        self.assertEqual(caller.stdout.readline(), f"{count}\n")

    def said(self, *words):
        """What a command says, once there is a center: one may be killed in between."""
        while (done := self.rhodes(*words)).returncode == 3:
            self.assertIn("is away", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_of(self, **wanted):
        """What the center knows of the one run, once it is as wanted."""
        for _ in range(1000):
            runs = json.loads(self.said("rule", "top", "guard", "-o", "json"))["items"]
            if runs and all(runs[0][key] == value for key, value in wanted.items()):
                self.assertEqual(len(runs), 1)
                return runs[0]
        self.fail(f"{runs}, not {wanted}\n{self.log()}")

    def await_log(self, pattern):
        for _ in range(1000):
            if re.search(pattern, lines := self.said("rule", "log", "guard")):
                return
        self.fail(lines)

    def test_counts_and_lines(self):
        revision = self.apply("hello")
        with self.caller() as caller:
            self.call(caller, 25)
            run = self.run_of(calls=25, revision=revision)
            self.assertEqual((run["agent"], run["edge"], run["state"]),
                             ("app", ["app", "lib"], "running"))
            self.assertEqual(run["failures"], {"trap": 2, "timeout": 0, "fuel": 0, "memory": 0,
                                               "value": 0, "resting": 0, "missed": 0})
            self.assertEqual(run["instances"], 3)
            self.assertGreater(run["ns"], 0)
            self.assertRegex(self.ok("rule", "top", "-1"),
                             rf"guard +app +app -> lib +{revision} +running +25 +\S+ +trap 2 +3 +0\n")
            self.await_log(r"^(\S+Z app +hello\n){3}$")
            # Another revision counts anew; without the center nothing is lost.
            revision = self.apply("again")
            self.run_of(calls=0, revision=revision)
            with self.without_center():
                self.call(caller, 5)
            self.run_of(calls=5, revision=revision)
            self.await_log(r"^\S+Z app +again\n$")
            # The agent is killed: its last word stands until another one comes.
            os.kill(self.pids("agent/app")[-1], signal.SIGKILL)
            self.run_of(calls=0, state="running", revision=revision)
            self.ok("delete", "rule", "guard")
            self.assertIn("no rule of code runs anywhere", self.ok("rule", "top", "-1"))
            caller.stdin.close()
            caller.wait(LIMIT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
