#!/usr/bin/python3
"""Rules that run in programs: a block cache in a service, whose rule is changed while it
runs (examples/cache)."""
import json
import os
import random
import re
import subprocess
import unittest

from cli_stage import BUILD, LIMIT, Stage

PROGRAMS = os.path.join(os.path.abspath(BUILD), "examples/cache")
EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/cache")
LIBRARY = os.path.join(os.path.abspath(BUILD), "rules/library")
SYSTEM = """
kind: Resource
metadata: {{name: blockcache}}
spec:
  type: service
  interface: blockcache
  serve: {{library: {programs}/libblockcache.so.1, workers: 1}}
---
kind: Resource
metadata: {{name: programs}}
spec: {{type: application}}
---
kind: Resource
metadata: {{name: reader}}
spec: {{type: application, reference: [blockcache]}}
"""
RULE = """
kind: Rule
metadata: {{name: {name}}}
spec:
  code:
    hook: {hook}
    resource: {resource}
    module: {module}
    mode: {mode}
    {more}
"""
SLOTS = 64
HERE = os.path.dirname(os.path.abspath(__file__))
SEQUENCES = ([os.path.join(os.path.abspath(BUILD), "tests/system/cache_sequence")],
             ["/usr/bin/python3", os.path.join(HERE, "cache_sequence.py")])
RULES = "lru", "mru", "fifo", "sieve", "arc"


class Sequence:
    """A program with a cache, which says what it throws out."""

    def __init__(self, stage, command):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [stage.rhodes_path, "run", "--wait", "20", "programs", "--", "/usr/bin/env",
             "RHODES_LIBRARY=" + os.path.join(os.path.abspath(BUILD), "sdk/c/librhodes.so.0"),
             *command, "entries", "40"], text=True, env=stage.env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stage.addCleanup(self.process.kill)

    def tell(self, lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()
        return [self.process.stdout.readline().strip() for _ in lines]

    def rule(self):
        return self.tell([""])[0]

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(LIMIT)
        self.process.stdout.close()
        return code


class Cache(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        self.up("-I", EXAMPLE, self.path("system.yaml", SYSTEM.format(programs=PROGRAMS)))
        self.modules = {}

    def module(self, name, kind="so", hook="cache"):
        """What the center made of a rule of the library."""
        key = name + "." + kind
        if key not in self.modules:
            said = self.ok("rule", "publish", os.path.join(LIBRARY, key), "--hook", hook)
            self.modules[key] = re.search(r"^module +(\S+)", said, re.M)[1]
        return self.modules[key]

    def apply(self, module, mode="native", more="", name="eviction", hook="cache",
              resource="blockcache"):
        self.ok("apply", "-f", self.path("rule.yaml", RULE.format(
            name=name, hook=hook, resource=resource, module=module, mode=mode, more=more)))

    def condition(self, name="eviction"):
        return next(one for one in self.json("get", "rule", name)["status"]["conditions"]
                    if one["type"] == "Active")

    def in_force(self, *args, name="eviction", **more):
        """Applies it; returns when it is in force."""
        self.apply(*args, name=name, **more)
        while (condition := self.condition(name))["reason"] != "InForce":
            self.assertIn(condition["reason"], ("Pending", "InForce"), condition)

    def make(self, pattern, slots=SLOTS):
        subprocess.run([PROGRAMS + "/workload", "make", self.path("data"), pattern,
                        str(slots)], check=True, timeout=LIMIT)

    def read(self, pattern, slots=SLOTS):
        """What a program reads through the cache; its figures."""
        return json.loads(self.ok("run", "--wait", "20", "reader", "--",
                                  PROGRAMS + "/workload", "run", self.path("data"),
                                  pattern, str(slots)))

    def counted(self):
        """How the rule does, as the process told its agent and that the center."""
        for _ in range(1000):
            runs = self.json("rule", "top", "eviction")["items"]
            if runs and runs[0]["calls"]:
                self.assertEqual((runs[0]["resource"], runs[0]["agent"]), ("blockcache",) * 2)
                return runs[0]
        return self.fail(f"{runs}")

    def test_the_rule_decides_what_is_missed(self):
        self.make("dinero")
        before = self.read("dinero")
        self.assertEqual((before["rule"], before["misses"]), ("", before["reads"]))
        self.in_force(self.module("lru"))
        lru = self.read("dinero")
        self.assertEqual((lru["rule"], lru["misses"]), ("eviction", lru["reads"]))
        self.assertGreater(self.counted()["calls"], lru["reads"])
        self.in_force(self.module("mru"))
        mru = self.read("dinero")
        # 80 blocks, 64 slots, 9 times: all but 63 of the 80 are there each time.
        self.assertLess(mru["misses"], lru["misses"] * 0.4)
        self.ok("delete", "rule", "eviction")
        self.await_line("rule eviction runs no more")
        self.assertEqual(self.read("dinero")["rule"], "")

    def test_a_cache_of_python_does_what_one_of_c_does(self):
        """... under each rule, and over every change of it while both run."""
        keys = random.Random(3)
        sequences = [Sequence(self, command) for command in SEQUENCES]
        for name in ("", *RULES):
            if name:
                self.in_force(self.module(name), name="evict", resource="programs")
            self.assertEqual([each.rule() for each in sequences],
                             ["evict" if name else ""] * 2)
            asked = [keys.choice((keys.randrange(30), keys.randrange(100)))
                     for _ in range(500)]
            of_c, of_python = [each.tell(asked) for each in sequences]
            self.assertEqual(of_c, of_python)
            self.assertGreater(sum(gone != "-" for gone in of_c), 50, name)
        self.assertEqual([each.end() for each in sequences], [0, 0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
