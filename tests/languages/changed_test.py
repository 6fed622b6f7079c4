#!/usr/bin/python3
"""The interface of a resource changes under programs that call it: what they are told, in
every language, and what the log says."""
import os
import re
import shutil
import subprocess
import unittest

import cpp_test
import go_test
import rust_test
from bind_stage import BUILD, HERE, LIMIT, BindStage

FILES = os.path.join(HERE, "changed")
JAR = os.path.abspath(os.path.join(BUILD, "sdk/java/rhodes.jar"))
ADDON = os.path.join(BUILD, "sdk/node/rhodes.node")
PYTHON = "/usr/bin/python3"
C = """
import ctypes
sums = ctypes.CDLL("libsums.so.1")
print(sums.sums_same(1), flush=True)
input()
print(sums.sums_add(1, 2), sums.sums_add(1, 2), sums.sums_gone(1))
print(sums.sums_same(3))
"""
SYSTEM = """
kind: Resource
metadata: {name: sums}
spec: {type: service, interface: libsums}
---
kind: Resource
metadata: {name: caller}
spec: {type: application, reference: [sums]}
---
kind: Rule
metadata: {name: carried}
spec: {protocol: {edge: [caller, sums], use: PROTOCOL}}
"""
# So many that the answer of a callee does not fit into a page's slot.
MORE = ("#endif", "".join(f"int sums_more_{number}(int a);\n" for number in range(20)) + "#endif")
MADE_FOR = ": - what this program was made for, + what is there now\n"
ADVICE = ("\nstart the program again; if it was linked or built with the former interface, build it"
          " anew")
ADD = (f"sums_add of sums has changed{MADE_FOR}- sums_add, i32|a, i32|b, i32\n"
       f"+ sums_add, i64|a, i32|b, i32{ADVICE}")
GONE = f"sums_gone of sums is no longer there{MADE_FOR}- sums_gone, i32|a, i32{ADVICE}"


class Changed:
    """Mixed into the stage of a language."""
    protocol = "bind"

    def source(self, name, *changes):
        """Copies a file of the test, changed."""
        with open(os.path.join(FILES, name), encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            text = text.replace(old, new)
        return self.path(name, text)

    def describe(self):
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        self.source("sums.h", MORE)
        return self.source("libsums.side")

    def begin_server(self):
        return self.begin(os.path.join(FILES, "sums.py"), "sums")

    def begin_caller(self, *command):
        """A program that has called once and waits."""
        caller = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.rhodes_path, "run", "-r", "caller", "--", *command], text=True, env=self.env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.forget, caller)
        self.assertRegex(caller.stdout.readline(), "^1\\b")
        return caller

    def told(self, *command):
        """What a program prints, of two, when the interface becomes another one under them."""
        self.up(self.path("system.yaml", SYSTEM.replace("PROTOCOL", self.protocol)))
        served = self.begin_server()
        callers = [self.begin_caller(*command), self.begin_caller(*command)]
        self.ends_in_order(served)
        self.source("sums.h", MORE, ("sums_add(int a", "sums_add(long a"),
                    ("int sums_gone(int a);\n", ""))
        self.ok("apply", "-f", self.path("system.yaml"))
        self.begin_server()
        for caller in callers:
            said, errors = caller.communicate("\n", timeout=LIMIT)
            self.assertEqual(caller.returncode, 0, errors)
        return said, errors

    def assert_logged_once(self):
        for text in ADD, GONE:
            self.await_line(re.escape("): " + text.replace("\n", " ")))
        for text in ADD, GONE:
            self.assertEqual(self.log().count("): " + text.replace("\n", " ")), 1, self.log())

    def assert_told(self, *command):
        said = self.told(*command)[0].splitlines()
        for line, wanted in zip(said, [ADD, ADD, GONE]):
            self.assertIn(wanted.replace("\n", "|"), line)
        self.assertRegex(said[3], "^3\\b")
        self.assert_logged_once()


class TestScripts(Changed, BindStage):
    def test_c(self):
        said, errors = self.told(PYTHON, "-c", C)
        self.assertEqual(said, "-1 -1 -1\n3\n")
        failed = "rhodes: {} of libsums failed: {}\n".format
        self.assertEqual(errors, failed("sums_add", ADD) * 2 + failed("sums_gone", GONE))
        self.assert_logged_once()

    def test_python(self):
        self.assert_told(PYTHON, os.path.join(FILES, "changed.py"))

    def test_node(self):
        if not shutil.which("node") or not os.path.exists(ADDON):
            self.skipTest("node, or its addon, is not here")
        self.assert_told("node", os.path.join(FILES, "changed.js"))

    def test_java(self):
        if not shutil.which("javac") or not os.path.exists(JAR):
            self.skipTest("javac, or rhodes.jar, is not here")
        self.run_tool("javac", "-Xlint:all", "-Werror", "-encoding", "UTF-8", "-cp", JAR, "-d",
                      self.folder, os.path.join(FILES, "ChangedCaller.java"))
        self.assert_told("java", "-cp", f"{JAR}:{self.folder}", "ChangedCaller")


class TestOverAgents(TestScripts):
    protocol = "msgqueue"


class TestCpp(Changed, cpp_test.CppStage):
    def test_cpp(self):
        self.bind("cpp", "sums.hpp")
        self.assert_told(self.build(os.path.join(FILES, "changed_main.cc"), "program"))


class TestRust(Changed, rust_test.RustStage):
    def test_rust(self):
        self.bind("rust", "sums.rs")
        self.assert_told(self.build(self.source("changed_main.rs"), "program"))


class TestGo(Changed, go_test.GoStage):
    def test_go(self):
        self.module("program", "sums")
        os.symlink(os.path.join(FILES, "changed_main.go"), self.path("program/main.go"))
        self.assert_told(self.build("main.go", "caller"))


if __name__ == "__main__":
    unittest.main()
