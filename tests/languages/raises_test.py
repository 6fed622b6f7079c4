#!/usr/bin/python3
"""What a server in any language raises, as callers in every language see it: language, type,
message and a stack; in C what the side file says, and the reason on standard error."""
import os
import shutil
import tempfile
import unittest

import cpp_test
import go_test
import rust_test
from bind_stage import BUILD, HERE, BindStage

FILES = os.path.join(HERE, "raises")
JAR = os.path.abspath(os.path.join(BUILD, "sdk/java/rhodes.jar"))
ADDON = os.path.join(BUILD, "sdk/node/rhodes.node")
PYTHON = "/usr/bin/python3"
C = "import ctypes\nprint(ctypes.CDLL('libraises.so.1').raises_error(b'four'))"
SYSTEM = """
kind: Resource
metadata: {name: text_own}
spec: {type: service, interface: libraises}
---
kind: Resource
metadata: {name: caller}
spec: {type: application, reference: [text_own]}
"""
# Language, type and message of what each server raises.
RAISED = {
    "cpp": r"c\+\+\|std::_Nested_exception<std::runtime_error>\|no number",
    "rust": r"rust\|\S*ParseIntError\S*\|invalid digit found in string",
    "go": r'go\|\*strconv.NumError\|strconv.Atoi: parsing "four": invalid syntax',
    "java": r"java\|java.lang.IllegalStateException\|no number: grüß",
    "python": r"python\|(\w+\.)?Strange\|no number: grüß",
    "node": r"javascript\|Strange\|no number: grüß",
}
built = {}  # server and caller of a language that is compiled, or why there is none


def link_files(stage):
    for name in "raises.h", "libraises.side":
        os.symlink(os.path.join(HERE, "kinds", name), stage.path(name))


class Build:
    """Mixed into the stage of a language: keeps its program."""

    def runTest(self):  # pylint: disable=invalid-name
        link_files(self)
        built[self.name] = shutil.copy(self.program("raises"), os.path.join(SHARED, self.name))


SHARED = tempfile.mkdtemp(prefix="rh-")


def setUpModule():  # pylint: disable=invalid-name
    for name, kind in (("cpp", cpp_test.CppStage), ("rust", rust_test.RustStage),
                       ("go", go_test.GoStage)):
        stage = type(name, (Build, kind), {"name": name})()
        result = unittest.TestResult()
        stage.run(result)
        for _, trouble in result.errors + result.failures:
            raise AssertionError(trouble)


def tearDownModule():  # pylint: disable=invalid-name
    shutil.rmtree(SHARED)


class Raises(BindStage):
    def setUp(self):
        super().setUp()
        link_files(self)
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        self.up(self.path("system.yaml", SYSTEM))
        self.servers = dict(built)
        self.callers = {name: [file, "text_own", "raised"] for name, file in built.items()}
        self.add("python", os.path.join(FILES, "raises_server.py"),
                 PYTHON, os.path.join(FILES, "raises_caller.py"), "text_own")
        if shutil.which("node") and os.path.exists(ADDON):
            self.add("node", os.path.join(FILES, "raises_server.js"),
                     "node", os.path.join(FILES, "raises_caller.js"), "text_own")
        if shutil.which("javac") and os.path.exists(JAR):
            self.run_tool("javac", "-Xlint:all", "-Werror", "-encoding", "UTF-8", "-cp", JAR,
                          "-d", self.folder, os.path.join(FILES, "RaisesServer.java"),
                          os.path.join(FILES, "RaisesCaller.java"))
            self.add("java", self.path("RaisesServer.class"), "java", "-Dfile.encoding=UTF-8",
                     "-cp", f"{JAR}:{self.folder}", "RaisesCaller", "text_own")

    def add(self, name, server, *caller):
        self.servers[name] = server
        self.callers[name] = caller

    def test_everybody_sees_what_everybody_raises(self):
        for server, file in self.servers.items():
            served = self.begin(file)
            for caller, command in self.callers.items():
                with self.subTest(f"{caller} calls {server}"):
                    self.assertRegex(self.call("caller", *command),
                                     f"^{RAISED[server]}\\|1\n$")
            with self.subTest(f"C calls {server}"):
                done = self.rhodes("run", "-r", "caller", "--", PYTHON, "-c", C)
                self.assertEqual(done.stdout, "-1\n")
                kind, message = RAISED[server].split(r"\|")[1:]
                self.assertRegex(done.stderr, f"^rhodes: raises_error of libraises failed: "
                                              f"text_own raised {kind}: {message}\n")
            self.ends_in_order(served)


if __name__ == "__main__":
    unittest.main()
