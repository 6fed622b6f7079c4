#!/usr/bin/python3
"""Rules that run in programs: a block cache in a service, whose rule is changed while it
runs (examples/cache)."""
import json
import os
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

    def in_force(self, *args, **more):
        self.apply(*args, **more)
        while (condition := self.condition())["reason"] != "InForce":
            self.assertIn(condition["reason"], ("Pending", "InForce"), condition)

    def make(self, pattern, slots=SLOTS):
        subprocess.run([PROGRAMS + "/workload", "make", self.path("data"), pattern,
                        str(slots)], check=True, timeout=LIMIT)

    def read(self, pattern, slots=SLOTS):
        """What a program reads through the cache; its figures."""
        return json.loads(self.ok("run", "--wait", "20", "reader", "--",
                                  PROGRAMS + "/workload", "run", self.path("data"),
                                  pattern, str(slots)))

    def test_the_rule_decides_what_is_missed(self):
        self.make("dinero")
        before = self.read("dinero")
        self.assertEqual((before["rule"], before["misses"]), ("", before["reads"]))
        self.in_force(self.module("lru"))
        lru = self.read("dinero")
        self.assertEqual((lru["rule"], lru["misses"]), ("eviction", lru["reads"]))
        self.in_force(self.module("mru"))
        mru = self.read("dinero")
        # 80 blocks, 64 slots, 9 times: all but 63 of the 80 are there each time.
        self.assertLess(mru["misses"], lru["misses"] * 0.4)
        self.ok("delete", "rule", "eviction")
        self.await_line("rule eviction runs no more")
        self.assertEqual(self.read("dinero")["rule"], "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
