#!/usr/bin/python3
"""C++: bindings, servers and callers."""
import os
import unittest

from bind_stage import C_CALLER, EXAMPLE, HERE, OK, SDK, TOP, BindStage, need
from kinds_stage import KindsStage
from seen_stage import SeenStage


class CppStage(BindStage):
    def setUp(self):
        self.compiler = need("g++")
        super().setUp()

    def build(self, source, name):
        self.run_tool(self.compiler, "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror",
                      "-I", self.folder, "-I", os.path.join(TOP, "sdk", "cpp"), "-I",
                      os.path.join(TOP, "sdk", "c"), source, "-L", SDK, "-lrhodes", "-o",
                      self.path(name))
        return self.path(name)

    def program(self, name):
        self.ok("interface", "bind", self.path(f"lib{name}.side"), "--language", "cpp", "-o",
                self.path(f"{name}.hpp"))
        return self.build(os.path.join(HERE, "kinds", f"{name}_main.cc"), f"{name}_main")


class TestKinds(KindsStage, CppStage):
    pass


class TestSeen(SeenStage, CppStage):
    blind = "is no rhodes::mirrored"


class TestTextstat(CppStage):
    def test_callers_and_servers(self):
        self.bind("cpp", "textstat.hpp")
        caller = self.build(os.path.join(EXAMPLE, "cpp", "caller.cc"), "caller")
        server = self.build(os.path.join(EXAMPLE, "cpp", "server.cc"), "server")
        self.start()
        with self.subTest("C++ calls C"):
            self.assertRegex(self.call("texts_c", caller, "text_c"), OK)
        self.serve(server)
        with self.subTest("C++ calls C++"):
            self.assertRegex(self.call("texts_own", caller, "text_own"), OK)
        with self.subTest("C calls C++"):
            self.assertRegex(self.call("texts_own", C_CALLER), OK)


if __name__ == "__main__":
    unittest.main()
