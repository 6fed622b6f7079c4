#!/usr/bin/python3
"""Rules that do their worst in a real agent: calls go on, its other rules run on, and it
does not grow.  RHODES_ROUNDS: how often all of them are put in turn; each traps eight
times before it rests, so 125 rounds are a thousand of each."""
import os
import shutil
import time
import unittest

from cli_stage import LIMIT
from code_stage import CodeStage

ROUNDS = int(os.environ.get("RHODES_ROUNDS", "4"))
CALLS = 10  # of which it sees eight, and rests then

RULE = """
kind: Rule
metadata: {name: %s}
spec:
  code: {hook: %s, edge: [app, lib], module: "%s", mode: wasm, onFailure: fail-open,
         limits: {memory: 1Mi, time: 1ms}, params: {what: "%d"}}
"""
# What it does, and as what that counts.
WORST = [
    ("return *(volatile int32_t *)0xfffffff0u;", "trap"),
    ("*(volatile int32_t *)0x80000000u = 7; return 0;", "trap"),
    ("return *(volatile int32_t *)(__builtin_wasm_memory_size(0) * 65536 - 3);", "trap"),
    ("__builtin_trap();", "trap"),
    ("return 7 / zero;", "trap"),
    ("return deep(1);", "trap"),
    ("return deep_in_imports(1);", "trap"),
    ("return other(5);", "trap"),
    ("for (;;) __asm__ volatile(\"\");", "timeout"),
    ("for (;;) zero += 2;", "timeout"),
    ("for (;;) rh_now();", "timeout"),
    ("for (;;) rh_log(\"again\", 5);", "timeout"),
    ("for (;;) __builtin_wasm_memory_grow(0, 1);", "timeout"),
    ("rh_log((const char *)0xfffffff0u, 100); return 0;", "trap"),
    ("rh_param((const char *)64, 8, (char *)0xffffff00u, 4096); return 0;", "trap"),
    ("return 77;", "value"),
    ("rh_filter.length = 0xffffffff; return RH_FILTER_REWRITE;", "value"),
    ("rh_filter.delay_us = 0xffffffff; return RH_FILTER_DELAY;", "value"),
    ("rh_filter.chosen = 1000; return RH_FILTER_ALLOW;", "value"),
]
SOURCE = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
static int32_t what;
static volatile int32_t zero;
__attribute__((noinline)) static int32_t deep(int32_t n)
{
	volatile int32_t here = n; /* or it becomes a loop */

	return deep(here + 1) * 3 + here;
}
__attribute__((noinline)) static int32_t deep_in_imports(int32_t n)
{
	volatile int32_t here = n;

	return rh_now() ? deep_in_imports(here + 1) * 3 + here : 0;
}
/* Of another type than it is called as. */
static int32_t (*volatile other)(int64_t) = (int32_t (*)(int64_t))(void *)rh_abi;
int32_t rh_init(void)
{
	what = (int32_t)RH_PARAM_NUMBER("what", 0);
	return 0;
}
int32_t rh_filter_before(void)
{
	switch (what) {
%s
	default: return RH_FILTER_ALLOW;
	}
}
"""
GOOD = """
#include <rhodes/hook/transform.h>
RH_RULE(transform);
int32_t rh_transform_run(int32_t length)
{
	(void)length;
	return (int32_t)RH_TRANSFORM_SAME;
}
"""


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Hostile(CodeStage):
    def setUp(self):
        super().setUp()
        cases = "".join(f"\tcase {i}: {body} break;\n" for i, (body, _) in enumerate(WORST))
        self.worst = self.published("worst", SOURCE % cases)
        self.good = self.published("good", GOOD, "transform")

    def apply(self, name, hook, module, what):
        """In force when this returns."""
        self.ok("apply", "-f", self.path("rule.yaml", RULE % (name, hook, module, what)))
        while True:
            rule = self.json("get", "rule", name)
            reason = next(one for one in rule["status"]["conditions"]
                          if one["type"] == "Active")["reason"]
            if reason == "InForce":
                return rule["metadata"]["revision"]
            self.assertIn(reason, ("Pending", "Unreachable"))

    def run_of(self, name, **wanted):
        """What the center knows of the one run, once it is as wanted."""
        for _ in range(1000):
            runs = self.json("rule", "top", name)["items"]
            if runs and all(runs[0][key] == value for key, value in wanted.items()):
                return runs[0]
        self.fail(f"{runs}, not {wanted}\n{self.log()}")

    def call(self, caller):
        """None of them is any worse for it."""
        caller.stdin.write(f"{CALLS}\n")
        caller.stdin.flush()
        self.assertEqual(caller.stdout.readline(), f"{CALLS}\n")

    def usage(self):
        process = f"/proc/{self.pids('agent/app')[-1]}"
        with open(process + "/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        with open(process + "/maps", encoding="ascii") as file:
            maps = len(file.readlines())
        return {"rss": int(status["VmRSS"].split()[0]), "size": int(status["VmSize"].split()[0]),
                "threads": int(status["Threads"]), "maps": maps,
                "files": len(os.listdir(process + "/fd"))}

    def test_the_worst_of_rules(self):
        self.apply("good", "transform", self.good, 0)
        with self.caller() as caller:
            for number in range(ROUNDS):
                for i in range(len(WORST)):
                    self.do_its_worst(caller, i, number == 0)
                if number == 0:
                    before = self.usage()
            until = time.monotonic() + LIMIT  # what was refused last is put away beside calls
            while (after := self.usage())["files"] > before["files"] and \
                    time.monotonic() < until:
                pass
            self.assertLess(after["rss"], before["rss"] + 1024, (before, after))
            self.assertLess(after["size"], before["size"] + 1024, (before, after))
            self.assertLess(after["maps"], before["maps"] + 8, (before, after))
            for what in ("threads", "files"):
                self.assertLessEqual(after[what], before[what], (before, after))
            self.good_ran_on()
            caller.stdin.close()
            self.assertEqual(caller.wait(LIMIT), 0)

    def do_its_worst(self, caller, i, is_looked_at):
        revision = self.apply("worst", "filter", self.worst, i)
        self.call(caller)
        if is_looked_at:
            failures = self.run_of("worst", calls=CALLS, revision=revision)["failures"]
            self.assertGreaterEqual(failures[WORST[i][1]], 8, (WORST[i], failures))
            self.assertEqual(failures[WORST[i][1]] + failures["resting"], CALLS, failures)

    def good_ran_on(self):
        # The arguments and the reply of each call.
        run = self.run_of("good", calls=2 * CALLS * ROUNDS * len(WORST))
        self.assertEqual((set(run["failures"].values()), run["instances"]), ({0}, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
