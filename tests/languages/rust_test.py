#!/usr/bin/python3
"""Rust: the crate, bindings, servers and callers, and unmodified programs."""
import os
import unittest

from bind_stage import C_CALLER, EXAMPLE, HERE, OK, SDK, TOP, BindStage, need
from kinds_stage import KindsStage
from seen_stage import SeenStage

CRATE = os.path.join(TOP, "sdk", "rust")


class RustStage(BindStage):
    def setUp(self):
        self.rustc = need("rustc")
        super().setUp()
        if os.path.exists("/usr/bin/rustc"):
            self.rustc = "/usr/bin/rustc"
        self.run_tool(self.rustc, "--edition", "2021", "-O", "--crate-type", "rlib",
                      "--crate-name", "rhodes", "-L", f"native={SDK}",
                      os.path.join(CRATE, "src", "lib.rs"), "-o", self.path("librhodes.rlib"))

    def build(self, source, name):
        """A program of a source that stands in the test's folder."""
        self.run_tool(self.rustc, "--edition", "2021", "-O", "-D", "warnings",
                      "-L", f"native={SDK}", "--extern",
                      f"rhodes={self.path('librhodes.rlib')}", source, "-o", self.path(name))
        return self.path(name)

    def example(self, name):
        """A program of the example."""
        path = self.path(f"{name}.rs")
        os.symlink(os.path.join(EXAMPLE, "rust", f"{name}.rs"), path)
        return self.build(path, name)


    def program(self, name):
        self.ok("interface", "bind", self.path(f"lib{name}.side"), "--language", "rust", "-o",
                self.path(f"{name}.rs"))
        os.symlink(os.path.join(HERE, "kinds", f"{name}_main.rs"), self.path(f"{name}_main.rs"))
        return self.build(self.path(f"{name}_main.rs"), f"{name}_main")


class TestKinds(KindsStage, RustStage):
    pass


class TestSeen(SeenStage, RustStage):
    pass


class TestTextstat(RustStage):
    def test_callers_and_servers(self):
        self.bind("rust", "textstat.rs")
        caller, server = self.example("caller"), self.example("server")
        self.start()
        with self.subTest("Rust calls C"):
            self.assertRegex(self.call("texts_c", caller, "text_c"), OK)
        self.serve(server)
        with self.subTest("Rust calls Rust"):
            self.assertRegex(self.call("texts_own", caller, "text_own"), OK)
        with self.subTest("C calls Rust"):
            self.assertRegex(self.call("texts_own", C_CALLER), OK)

    def test_the_crate_itself(self):
        self.run_tool(self.rustc, "--edition", "2021", "--test", "-L", f"native={SDK}",
                      os.path.join(CRATE, "src", "lib.rs"), "-o", self.path("crate"))
        self.run_tool(self.path("crate"), env={"LD_LIBRARY_PATH": SDK})


if __name__ == "__main__":
    unittest.main()
