#!/usr/bin/python3
"""Rules that are programs, at work: published to a running system, they see its calls."""
import shutil
import unittest

from cli_stage import LIMIT
from code_stage import CodeStage

RULE = """
kind: Rule
metadata: {{name: guard}}
spec:
  code:
    hook: filter
    edge: [app, lib]
    module: {module}
    mode: {mode}
    {more}
"""
# Calls as often as it is told to; says how many were answered and what others got.
CALLER = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
for line in sys.stdin:
    good, bad = 0, {}
    for i in range(int(line)):
        ctypes.set_errno(0)
        if lib.twice(i) == 2 * i and ctypes.get_errno() == 0:
            good += 1
        else:
            bad[ctypes.get_errno()] = bad.get(ctypes.get_errno(), 0) + 1
    print(good, bad, flush=True)
"""
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
%s
"""
EVERY = "int32_t rh_filter_before(void) { return %s; }"


class Code(CodeStage):
    def apply(self, module, more="", mode="wasm"):
        """The rule says so; returns the revision."""
        self.ok("apply", "-f", self.path("rule.yaml", RULE.format(module=module, mode=mode,
                                                                  more=more)))
        return self.json("get", "rule", "guard")["metadata"]["revision"]

    def await_reason(self, wanted):
        """Waits until the condition has that reason, and returns its message."""
        while (condition := self.active())["reason"] != wanted:
            self.assertIn(condition["reason"], ("Pending", "InForce", "Rejected"))
        return condition["message"]

    def apply_and_await(self, *words, **more):
        """... and is in force when this returns."""
        self.apply(*words, **more)
        self.await_reason("InForce")

    def ask(self, caller, count):
        """Calls, and returns how many were answered, and how often each errno came."""
        caller.stdin.write(f"{count}\n")
        caller.stdin.flush()
        good, bad = caller.stdout.readline().split(None, 1)
        return int(good), eval(bad)  # pylint: disable=eval-used

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_a_rule_is_put_exchanged_and_taken_away_while_calls_pass(self):
        with self.caller(CALLER) as caller:
            self.assertEqual(self.ask(caller, 10), (10, {}))
            self.apply_and_await(self.published("few", self.shipped("limiter")),
                       'params: {rate: "1", burst: "3"}')
            good, bad = self.ask(caller, 10)
            self.assertLess(good, 10)
            self.assertEqual(good + sum(bad.values()), 10)
            self.apply_and_await(self.published("all", FILTER % (EVERY % "RH_FILTER_ALLOW")))
            self.assertEqual(self.ask(caller, 10), (10, {}))
            self.apply_and_await(self.published("none", FILTER % (EVERY % "RH_FILTER_DENY")))
            self.assertEqual(self.ask(caller, 10)[0], 0)
            self.ok("delete", "rule", "guard")
            self.await_line("rule guard runs no more for app -> lib")
            self.assertEqual(self.ask(caller, 10), (10, {}))
            caller.stdin.close()
            self.assertEqual(caller.wait(LIMIT), 0)


if __name__ == "__main__":
    unittest.main()
