#!/usr/bin/python3
"""Go: the module, bindings, servers and callers."""
import os
import unittest

from bind_stage import BUILD, C_CALLER, EXAMPLE, OK, SDK, TOP, BindStage, need

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

    def module(self, name, **files):
        """A module in the test's folder that may use rhodes."""
        self.path(f"{name}/go.mod", f"module {name}\n\ngo 1.19\n\nrequire rhodes v0.0.0\n\n"
                  f"replace rhodes => {MODULE}\n")
        for file, content in files.items():
            self.path(f"{name}/{file}", content)

    def go(self, *words, **more):
        return self.run_tool("go", *words, cwd=self.path("program"), **more)


class TestTextstat(GoStage):
    def test_callers_and_servers(self):
        self.module("program")
        self.path("program/go.mod", "module example\n\ngo 1.19\n\nrequire rhodes v0.0.0\n\n"
                  f"replace rhodes => {MODULE}\n")
        for name in ("caller", "server"):
            os.symlink(os.path.join(EXAMPLE, "go", name), self.path(f"program/{name}"))
        os.makedirs(self.path("program/textstat"))
        self.bind("go", "program/textstat/textstat.go")
        for name in ("caller", "server"):
            self.go("build", "-o", self.path(name), f"./{name}/main.go")
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
