#!/usr/bin/python3
"""Rules that do their worst in one agent, each a thousand times: calls go on, its other rules
run on beside, and it does not grow.  RHODES_SLOW: how often those that end by their time do
it (a thousand takes minutes)."""
import os
import shutil
import subprocess
import time
import unittest

from cli_stage import LIMIT
from code_stage import LIB, CodeStage

TIMES = 1000
SLOW = int(os.environ.get("RHODES_SLOW", "50"))

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
/* Every other call is let pass, or it would rest after some. */
int32_t rh_filter_before(void)
{
	if (rh_filter.bytes[8] & 1)
		return RH_FILTER_ALLOW;
	switch (what) {
%s
	default: return RH_FILTER_ALLOW;
	}
}
"""
# Of another edge of the same agent: every fourth argument is refused.
STEADY = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	rh_filter.error = 16;
	return rh_filter.bytes[8] & 3 ? RH_FILTER_ALLOW : RH_FILTER_DENY;
}
"""
CALM = """---
kind: Resource
metadata: {name: calm}
spec:
  type: service
  interface: libcalm
  serve: {library: ./side/libcalm.so.1, workers: 1}
---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [lib, calm]}
"""
STEADY_RULE = """
kind: Rule
metadata: {name: steady}
spec:
  code: {hook: filter, edge: [app, calm], module: "%s", mode: wasm, onFailure: fail-closed}
"""
# Calls on and on, and says in the end how often, and how often it was not as it must be.
BESIDE = """
import ctypes, select, sys
lib = ctypes.CDLL('libcalm.so.1', use_errno=True)
made = wrong = 0
print('begun', flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for i in range(100):
        ctypes.set_errno(0)
        said = (lib.thrice(i), ctypes.get_errno())
        wrong += said != ((3 * i, 0) if i % 4 else (-1, 16))
        made += 1
print(made, wrong, flush=True)
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
    manifest = LIB + CALM

    def library(self, body="return 2 * number;"):
        """And that of the other edge."""
        super().library(body)
        self.path("side/calm.h", "int thrice(int number);\n")
        self.path("side/calm.c", '#include "calm.h"\nint thrice(int n) { return 3 * n; }\n')
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libcalm.so.1", "-o",
                        self.path("side/libcalm.so.1"), self.path("side/calm.c")], check=True)
        self.path("side/libcalm.side", "interface libcalm\nheader calm.h\n"
                  "soname libcalm.so.1\nlibrary ./libcalm.so.1\nthrice\n")

    def setUp(self):
        super().setUp()
        cases = "".join(f"\tcase {i}: {body} break;\n" for i, (body, _) in enumerate(WORST))
        self.worst = self.published("worst", SOURCE % cases)
        self.good = self.published("good", GOOD, "transform")
        self.ok("apply", "-f", self.path("steady.yaml",
                                         STEADY_RULE % self.published("steady", STEADY)))
        while (reason := self.active("steady")["reason"]) != "InForce":
            self.assertIn(reason, ("Pending", "Unreachable"))

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

    def call(self, caller, count):
        """None of them is any worse for it."""
        caller.stdin.write(f"{count}\n")
        caller.stdin.flush()
        self.assertEqual(caller.stdout.readline(), f"{count}\n")

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
        with self.caller() as caller, self.caller(BESIDE) as beside:
            self.assertEqual(beside.stdout.readline(), "begun\n")
            made = self.all_of_them(caller, lambda kind: 8)
            before = self.usage()
            made += self.all_of_them(caller, lambda kind: SLOW if kind == "timeout" else TIMES)
            self.has_not_grown(before)
            self.good_ran_on(made)
            self.steady_ran_on(beside)
            caller.stdin.close()
            self.assertEqual(caller.wait(LIMIT), 0)

    def all_of_them(self, caller, times):
        """Each as often as its kind is to fail; returns how many calls that were."""
        return sum(self.do_its_worst(caller, i, times(kind))
                   for i, (_, kind) in enumerate(WORST))

    def do_its_worst(self, caller, i, times):
        revision = self.apply("worst", "filter", self.worst, i)
        self.call(caller, 2 * times)
        failures = self.run_of("worst", calls=2 * times, revision=revision)["failures"]
        self.assertEqual({kind: count for kind, count in failures.items() if count},
                         {WORST[i][1]: times}, WORST[i])
        return 2 * times

    def has_not_grown(self, before):
        until = time.monotonic() + LIMIT  # what was refused last is put away beside calls
        while (after := self.usage())["files"] > before["files"] and time.monotonic() < until:
            pass
        self.assertLess(after["rss"], before["rss"] + 1024, (before, after))
        self.assertLess(after["size"], before["size"] + 1024, (before, after))
        self.assertLess(after["maps"], before["maps"] + 8, (before, after))
        for what in ("threads", "files"):
            self.assertLessEqual(after[what], before[what], (before, after))

    def good_ran_on(self, made):
        # The arguments and the reply of each call.
        run = self.run_of("good", calls=2 * made)
        self.assertEqual((set(run["failures"].values()), run["instances"]), ({0}, 1))

    def steady_ran_on(self, beside):
        """The rule of the other edge was asked all the time, and was right."""
        beside.stdin.close()
        made, wrong = map(int, beside.stdout.readline().split())
        self.assertEqual((wrong, beside.wait(LIMIT)), (0, 0))
        self.assertGreater(made, 0)
        run = self.run_of("steady", calls=made)
        self.assertEqual((set(run["failures"].values()), run["instances"]), ({0}, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
