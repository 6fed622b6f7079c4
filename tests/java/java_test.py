#!/usr/bin/python3
"""Programs in Java and a service in C, or the other way round, in a whole system."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

# pylint: disable=wrong-import-position
from cli_stage import BUILD, Stage

SYSTEM = """
kind: Resource
metadata: {{name: kinds}}
spec:
  type: service
  interface: libkinds
  serve: {{library: {library}, threads: 4, restart: always}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [kinds]}}
---
kind: Rule
metadata: {{name: app-kinds}}
spec: {{protocol: {{edge: [app, kinds], use: {use}}}}}
"""
JAR = os.path.abspath(os.path.join(BUILD, "sdk/java/rhodes.jar"))
TESTS = os.path.abspath(os.path.join(BUILD, "tests/java/java-tests.jar"))
LIBRARY = os.path.abspath(os.path.join(BUILD, "tests/java/libkinds.so.1"))


class Java(Stage):
    has_agents = True

    def start(self, use="bind"):
        self.up("-I", HERE, self.path("system.yaml", SYSTEM.format(library=LIBRARY, use=use)))

    def java(self, *words):
        done = self.rhodes("run", "app", "--", "java", "-Xcheck:jni", "-cp",
                           f"{JAR}:{TESTS}", *words)
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}{self.log()[-2000:]}")
        self.assertNotIn("WARNING in native method", done.stdout)
        return done.stdout

    def kinds(self, *parts, use="bind"):
        self.start(use)
        out = self.java("KindsTest", *parts)
        self.assertEqual([line[3:] for line in out.splitlines() if line.startswith("ok ")],
                         list(parts), out)

    def test_every_type_comes_as_it_went(self):
        self.kinds("integers", "ranges", "floats", "texts", "bytes", "room", "structs",
                   "objects", "outs", "handles", "collected")

    def test_by_way_of_the_agents(self):
        self.kinds("integers", "texts", "structs", "handles", "large", use="shm")

    def test_buffers_of_64_mebibytes(self):
        self.kinds("large")

    def test_many_threads(self):
        self.kinds("threads", "shortThreads")

    def test_nothing_leaks(self):
        self.kinds("leaks")

    def test_a_callee_that_dies_is_an_exception(self):
        self.kinds("dies")


if __name__ == "__main__":
    unittest.main()
