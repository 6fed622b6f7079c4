#!/usr/bin/python3
"""Go: the module, bindings, servers and callers."""
import os
import unittest

from bind_stage import BUILD, C_CALLER, EXAMPLE, HERE, OK, SDK, TOP, BindStage, need
from kinds_stage import KindsStage
from seen_stage import SeenStage

MODULE = os.path.join(TOP, "sdk", "go")


class GoStage(BindStage):
    def setUp(self):
        need("go")
        super().setUp()
        build = os.path.abspath(BUILD)
        self.env.update({
            "PKG_CONFIG_PATH": os.path.join(build, "meson-uninstalled"), "GOFLAGS": "-mod=mod",
            "GOCACHE": os.path.join(build, "go-cache"), "GOPATH": self.path("gopath"),
            "GOPROXY": "off", "GONOSUMDB": "*", "CGO_ENABLED": "1"})
        os.makedirs(self.path("program"))

    def module(self, name, *packages):
        """A module in the test's folder that has bindings and may use rhodes."""
        self.path("program/go.mod", f"module {name}\n\ngo 1.19\n\nrequire rhodes v0.0.0\n\n"
                  f"replace rhodes => {MODULE}\n")
        for package in packages:
            os.makedirs(self.path(f"program/{package}"))
            self.ok("interface", "bind", self.path(f"lib{package}.side"), "--language", "go",
                    "-o", self.path(f"program/{package}/{package}.go"))

    def build(self, source, name):
        self.run_tool("go", "vet", source, cwd=self.path("program"))
        self.run_tool("go", "build", "-o", self.path(name), source, cwd=self.path("program"))
        return self.path(name)

    def program(self, name):
        self.module("program", name)
        source = self.path(f"program/{name}_main.go")
        os.symlink(os.path.join(HERE, "kinds", f"{name}_main.go"), source)
        return self.build(source, f"{name}_main")


class TestKinds(KindsStage, GoStage):
    slack = 3  # an epoll and its pipe, with the first timer of Go's collector


class TestSeen(SeenStage, GoStage):
    blind = "which is no rhodes.Mirrored"


class TestTextstat(GoStage):
    def test_callers_and_servers(self):
        self.module("example", "textstat")
        for name in ("caller", "server"):
            os.symlink(os.path.join(EXAMPLE, "go", name), self.path(f"program/{name}"))
            self.build(f"./{name}/main.go", name)
        self.start()
        with self.subTest("Go calls C"):
            self.assertRegex(self.call("texts_c", self.path("caller"), "text_c"), OK)
        self.serve(self.path("server"))
        with self.subTest("Go calls Go"):
            self.assertRegex(self.call("texts_own", self.path("caller"), "text_own"), OK)
        with self.subTest("C calls Go"):
            self.assertRegex(self.call("texts_own", C_CALLER), OK)

    def test_the_module_itself(self):
        self.run_tool("go", "test", ".", cwd=MODULE, env={"LD_LIBRARY_PATH": SDK})


if __name__ == "__main__":
    unittest.main()
