#!/usr/bin/python3
"""A rule in each language, from `rhodes rule new` to what is published: what a user who
follows the template gets."""
import os
import shutil
import subprocess
import unittest

from cli_stage import LIMIT, Stage

HOOKS = ("filter", "cache", "user", "protocol")


class Language(Stage):
    def setUp(self):
        super().setUp()
        # Debian's tools, whatever else is in front of them.
        self.env["PATH"] = "/usr/bin:/bin:" + self.env.get("PATH", "")
        self.up()

    def here(self, *words, code=0):
        done = subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def need(self, *paths):
        for path in paths:
            if not (shutil.which(path, path=self.env["PATH"]) or os.path.exists(path)):
                self.skipTest(f"{path} is not there; ./test installs what this needs")

    def follow(self, language, hooks=("filter", "cache"), capabilities=None):
        for hook in hooks:
            name = f"{hook}-1.a"
            self.here("rule", "new", name, "--hook", hook, "--lang", language)
            if hook == hooks[0]:
                self.assertNotIn("failed", self.here("rule", "test", name))
            said = dict(line.split(None, 1)
                        for line in self.here("rule", "publish", name).splitlines())
            self.assertIn(f"{hook}, version 1, mode wasm", said["hook"])
            self.assertIn("source", said)
            self.assertEqual(said.get("may"), capabilities and f"have  {capabilities}")
            shutil.rmtree(self.path(name))

    def test_c(self):
        self.need("clang", "wasm-ld")
        self.follow("c", HOOKS)

    def test_cplusplus(self):
        self.need("clang++", "wasm-ld", "/usr/lib/wasm32-wasi/libc++.a")
        self.follow("c++", capabilities="stdout")

    def test_rust(self):
        self.need("rustc", "wasm-ld", "/usr/lib/rustlib/wasm32-unknown-unknown")
        self.follow("rust", HOOKS)

    def test_assemblyscript(self):
        self.need("npm", "node")
        self.follow("assemblyscript")

    def test_verilog(self):
        self.need("yosys", "yosys-config", "clang++", "wasm-ld", "/usr/lib/wasm32-wasi/libc++.a")
        self.follow("verilog", hooks=("filter",), capabilities="stdout")
        self.assertIn("for hook filter only",
                      self.here("rule", "new", "x", "--hook", "cache", "--lang", "verilog", code=2))

    def test_what_is_not_named_is_refused(self):
        self.need("yosys", "yosys-config", "clang++", "wasm-ld", "/usr/lib/wasm32-wasi/libc++.a")
        self.here("rule", "new", "packet", "--lang", "verilog")
        project = self.path("packet/rule.yaml")
        with open(project, encoding="utf-8") as file:
            text = file.read()
        for granted, function, capability in (("[]", "fd_close", "wasi"),
                                              ("[clock]", "fd_write", "stdout")):
            self.path("packet/rule.yaml", text.replace("[stdout]", granted))
            said = " ".join(self.here("rule", "publish", "packet", code=1).split())
            self.assertIn(f"imports wasi_snapshot_preview1.{function}, which the capability "
                          f"{capability} gives", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
