#!/usr/bin/python3
"""A rule that is a program, as its author makes it: new, publish, use, pull."""
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import unittest

from cli_stage import BUILD, LIMIT, Stage

RULE = """
kind: Rule
metadata: {name: fast}
spec:
  code:
    hook: %s
    edge: [app, "*"]
    module: %s
    mode: %s
    params: {rate: "1000"}
"""


class Rule(Stage):
    def setUp(self):
        super().setUp()
        self.up()

    def here(self, *words, code=0):
        """In the folder of the test, where projects are made."""
        done = subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr if code else done.stdout

    def published(self, *words):
        said = self.here("rule", "publish", *words)
        return dict(line.split(None, 1) for line in said.splitlines())

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def sha(self, name):
        return hashlib.sha256(self.read(name)).hexdigest()

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_from_new_to_pull(self):
        self.here("rule", "new", "limiter", "--hook", "filter", "--lang", "c")
        shutil.copy(os.path.join(os.path.dirname(__file__), "../../rules/library/limiter.c"),
                    self.path("limiter/limiter.c"))
        said = self.published("limiter")
        self.assertRegex(said["module"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual(said["hook"], "filter, version 1, mode wasm, memory 1Mi")
        self.assertEqual(said["exports"].split(", "), [
            "rh_abi", "rh_buffer", "rh_init", "rh_save", "rh_restore", "rh_filter_before"])
        self.assertEqual(said["wasm"], f"{os.stat(self.path('limiter/limiter.wasm')).st_size} "
                         f"bytes, sha256:{self.sha('limiter/limiter.wasm')}")
        os.utime(self.path("limiter/limiter.c"), (1, 1))
        self.assertEqual(self.published("limiter"), said)  # the same is the same
        table = self.ok("get", "modules", "-o", "wide")
        self.assertRegex(table, said["module"][7:] + r"\s+limiter\s+filter\s+wasm")
        self.use(said["module"])
        self.pull(said)

    def use(self, module):
        self.ok("apply", "-f", self.path("fast.yaml", RULE % ("filter", module, "wasm")))
        self.assertIn("filter by " + module[:19], self.ok("get", "rules"))
        self.assertIn("NotDistributed", self.ok("get", "rule", "fast"))
        self.assertIn("in force nowhere", self.ok("describe", "rule", "fast"))
        self.assertIn("used by rule fast", self.refused(5, "delete", "module", module[7:]))

    def pull(self, said):
        self.here("rule", "pull", "fast", "-d", "back")
        self.assertEqual(self.sha("back/manifest.json"), said["module"][7:])
        self.assertEqual(self.read("back/limiter.wasm"), self.read("limiter/limiter.wasm"))
        with tarfile.open(self.path("back/limiter.tar")) as source:
            self.assertEqual(source.extractfile("./limiter.c").read(),
                             self.read("limiter/limiter.c"))
            self.assertNotIn("./limiter.wasm", source.getnames())
            self.assertIn("./include/rhodes/rule.h", source.getnames())
            source.extractall(self.path("again"))
        self.assertEqual(self.published("again"), said)  # built once more from it
        self.assertIn("cannot make back", self.here("rule", "pull", "fast", "-d", "back", code=1))
        self.here("rule", "pull", said["module"])
        self.assertEqual(self.sha(said["module"][7:] + "/manifest.json"), said["module"][7:])
        part = self.sha("limiter/limiter.wasm")
        self.assertIn("is a part", self.here("rule", "pull", part, "-d", "x", code=1))
        self.here("delete", "rule", "fast")
        self.here("rule", "pull", "fast", code=4)
        self.ok("delete", "module", said["module"][7:])
        self.assertNotIn(part, self.ok("get", "modules", "-o", "wide"))

    @unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
    def test_every_hook_has_a_rule_that_builds(self):
        for hook in ("filter", "cache"):
            self.here("rule", "new", hook + "-1", "--hook", hook)
            self.assertIn(f"{hook}, version 1", self.published(hook + "-1")["hook"])

    def test_native(self):
        library = os.path.abspath(os.path.join(BUILD, "rules/library/lru.so"))
        said = self.published(library, "--hook", "cache")
        self.assertEqual(said["hook"], "cache, version 1, mode native, memory 1Mi")
        self.ok("apply", "-f", self.path("fast.yaml", RULE % ("cache", said["module"], "native")))

    def test_refused(self):
        for words, why in ((("new", "Big"), "is no name of a rule"),
                           (("new", "x", "--hook", "sched"), "is no hook"),
                           (("new", "x", "--lang", "cobol"), "not in cobol"),
                           (("build", "x"), "none of new, publish, pull")):
            self.assertIn(why, self.here("rule", *words, code=2))
        self.here("rule", "publish", "nowhere", code=4)
        self.path("a.wasm", "text")
        self.assertIn("--hook filter", self.here("rule", "publish", "a.wasm", code=2))
        said = self.here("rule", "publish", "a.wasm", "--hook", "filter", code=1)
        self.assertIn("not a WebAssembly module", re.sub(r"\s+", " ", said))
        os.mkdir(self.path("p"))
        for text, why in (("", "must be one mapping"), ("name: [", "rule.yaml:2:1: "),
                          ("hook: filter\ncolour: red\n", "rule.yaml:2:9: colour: is not known"),
                          ("hook: filter\n", "file is missing"),
                          ("file: /x\n", "must be in the folder"),
                          ("file: x\nbuild: exit 3\n", "the build of p failed: exit 3")):
            self.path("p/rule.yaml", text)
            self.assertIn(why, self.here("rule", "publish", "p", code=1))
        self.here("rule", "new", "twice")
        self.assertIn("cannot make twice", self.here("rule", "new", "twice", code=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
