#!/usr/bin/python3
"""A caller of every language with many threads, whose callee in the same language is killed
again and again: none crashes, hangs, or is told anything but that its callee was lost, and
all go on."""
import os
import re
import shutil
import subprocess
import sys
import unittest

import cpp_test
import go_test
import rust_test
from bind_stage import BUILD, EXAMPLE, HERE, LIMIT, BindStage, need

sys.path.insert(0, EXAMPLE)
import matrix  # pylint: disable=wrong-import-position

STORM = os.path.join(HERE, "storm")
JAR = os.path.abspath(os.path.join(BUILD, "sdk/java/rhodes.jar"))
LIBRARY = os.path.abspath(os.path.join(BUILD, "examples/languages/c"))
THREADS = 64
KILLS = 4


class StormStage(BindStage):
    def setUp(self):
        super().setUp()
        if not os.path.exists(self.path("sdk")):
            os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))

    def server(self, name):
        """The file of the example's server in that language."""
        file = matrix.PROGRAMS[name][0][0].format(
            build=os.path.abspath(os.path.join(BUILD, "examples", "languages")), here=EXAMPLE)
        if not os.path.exists(file):
            raise unittest.SkipTest(f"{file} was not built (no toolchain)")
        return file

    def storm(self, language, *command, threads=THREADS):
        """Runs the caller while that server is killed."""
        file = self.server(language)
        self.start()
        server = self.begin(file)
        with self.started("run", "-r", "texts_own", "--", *command, "text_own", str(threads),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as caller:
            self.assertEqual(caller.stdout.readline(), "started\n", self.log())
            for _ in range(KILLS):
                server.kill()
                server.communicate()
                server = self.begin(file)
                self.meanwhile(caller)
            said, complaints = caller.communicate(timeout=LIMIT)
        lost = re.search(r"^ok \d+ lost (\d+)$", said, re.M)
        self.assertTrue(lost and caller.returncode == 0, f"{said}{complaints}")
        self.assertGreater(int(lost[1]), 0, "nobody noticed")
        self.ends_in_order(server)

    def meanwhile(self, caller):
        """What is done to a caller after each death of its callee."""


class CStorm(StormStage):
    def test_c(self):
        """It forks, too."""
        self.run_tool("cc", "-O2", os.path.join(STORM, "storm.c"), "-L", LIBRARY,
                      "-l:libtextstat.so.1", "-lpthread", "-o", self.path("storm"))
        self.storm("python", self.path("storm"))


class CppStorm(StormStage, cpp_test.CppStage):
    def test_cpp(self):
        self.bind("cpp", "textstat.hpp")
        self.storm("cpp", self.build(os.path.join(STORM, "storm.cc"), "storm"))


class RustStorm(StormStage, rust_test.RustStage):
    def test_rust(self):
        self.bind("rust", "textstat.rs")
        shutil.copy(os.path.join(STORM, "storm.rs"), self.path("storm.rs"))
        self.storm("rust", self.build(self.path("storm.rs"), "storm"))


class GoStorm(StormStage, go_test.GoStage):
    def test_go(self):
        self.module("program", "textstat")
        shutil.copy(os.path.join(STORM, "storm.go"), self.path("program/storm.go"))
        self.storm("go", self.build("./storm.go", "storm"))


class JavaStorm(StormStage):
    def test_java(self):
        need("javac")
        self.server("java")
        self.run_tool("javac", "-Xlint:all", "-Werror", "-cp", JAR, "-d", self.folder,
                      os.path.join(STORM, "Storm.java"))
        self.storm("java", "java", "-cp", f"{JAR}:{self.folder}", "Storm")


class PythonStorm(StormStage):
    def test_python(self):
        """It forks, too."""
        self.storm("python", "/usr/bin/python3", os.path.join(STORM, "storm.py"))


class NodeStorm(StormStage):
    def meanwhile(self, caller):
        """One of the workers is stopped in the middle, and another one started."""
        caller.stdin.write("x")
        caller.stdin.flush()
        self.assertEqual(caller.stdout.readline(), "ended\n")

    def test_node(self):
        need("node")
        if not os.path.exists(os.path.join(BUILD, "sdk/node/rhodes.node")):
            raise unittest.SkipTest("the addon was not built")
        self.storm("node", "node", os.path.join(STORM, "storm.js"), threads=THREADS // 8)


if __name__ == "__main__":
    unittest.main()
