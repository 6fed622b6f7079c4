#!/usr/bin/python3
"""What the verbs say of words that are missing, of objects that are not there, of a center
that is away and of a disk that is full; and what bash completes."""
import subprocess
import unittest

from cli_stage import LIMIT, Stage

SYSTEM = """
kind: Resource
metadata: {name: lib}
spec: {type: service}
---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [lib]}
---
kind: Rule
metadata: {name: app-lib}
spec: {protocol: {edge: [app, lib], use: shm}}
"""
# What the shell does when Tab is hit behind the words.
TAB = """
source <("$1" completion bash)
rhodes() { "$RHODES" "$@"; }
COMP_WORDS=(rhodes "${@:2}" "") COMP_CWORD=$#
_rhodes
echo "${COMPREPLY[*]}"
"""


class Words(Stage):
    def start(self):
        self.up(self.path("system.yaml", SYSTEM))

    def test_the_word_that_is_missing(self):
        for words, missing in ((("get",), "resources|rules|interfaces|agents|modules|audit"),
                               (("explain", "app"), "CALLEE"), (("describe",), "NAME"),
                               (("run", "app"), "PROGRAM"), (("completion",), "bash")):
            said = self.refused(2, *words).splitlines()
            self.assertEqual(said[0], f"rhodes {words[0]}: a word is missing: {missing}")
            self.assertTrue(said[1].startswith(f"usage: rhodes {words[0]} "))
        self.assertIn("`rhodes help` lists them", self.refused(2, "help", "nothing"))

    def test_the_word_that_is_missing_behind_interface(self):
        for words, why in ((("check",), " check: a word is missing: FILE.side"),
                           (("build", "-d", "x"), " build: a word is missing: FILE.side"),
                           (("show",), " show: a word is missing: FILE"),
                           (("new",), " new: a word is missing: SUBJECT"),
                           (("show", "a", "b"), " show: one at a time, there is a word too many: b"),
                           (("show", "-o", "xml", "a"), " show: -o is text or json, not xml"),
                           (("chek",), ": new, check, build, show or bind, not chek"),
                           ((), ": which one? new, check, build, show or bind")):
            said = self.refused(2, "interface", *words).splitlines()
            self.assertEqual(said[0], f"rhodes interface{why}")
            self.assertTrue(said[1].startswith("Usage: rhodes interface "))

    def test_objects_that_are_not_there(self):
        self.start()
        self.assertEqual(self.refused(4, "get", "rule", "none"),
                         "rhodes get: there is no Rule named none\n")
        self.assertEqual(self.refused(4, "logs", "none"),
                         'rhodes logs: no line of the log is of "none"\n')
        self.assertIn("`rhodes rollout status` lists", self.refused(2, "get", "rollouts"))
        self.assertIn("has no instances and its manifest starts none",
                      self.refused(1, "restart", "app"))
        self.assertEqual(self.ok("rollout", "status", "app-lib").split("\n", 1)[0],
                         "rule      app-lib, generation 1")
        self.assertNotIn("unstaged", self.ok("rollout", "status", "app-lib"))

    def test_a_center_that_is_away(self):
        """It is not said that there is no system."""
        self.start()
        with self.without_center():
            for words in (("get", "rules"), ("watch", "all"), ("trace", "--push")):
                done = self.rhodes(*words)
                self.assertEqual((done.returncode, done.stdout), (3, ""))
                self.assertIn('the center of "test" is away; calls go on', done.stderr)
        self.ok("down")
        self.assertIn('no system "test" is running here', self.refused(3, "watch", "all"))
        self.assertIn('no system "test" is running here', self.refused(3, "trace", "--push"))

    def test_a_disk_that_is_full(self):
        self.start()
        for words in (("get", "rules"), ("get", "rules", "-o", "json"), ("logs",), ("help",)):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([self.rhodes_path, *words], stdout=full, env=self.env,
                                      stderr=subprocess.PIPE, text=True, check=False,
                                      timeout=LIMIT)
            self.assertEqual(done.returncode, 1, words)
            self.assertTrue(done.stderr.startswith(f"rhodes {words[0]}: cannot write all of it"))

    def completed(self, *words):
        done = subprocess.run(["bash", "-c", TAB, "bash", self.rhodes_path, *words], text=True,
                              env={**self.env, "RHODES": self.rhodes_path}, check=True,
                              capture_output=True, timeout=LIMIT)
        return done.stdout.split()

    def test_completion(self):
        self.start()
        for words, wanted in ((("get", "rules"), ["app-lib", "hierarchy"]),
                              (("get", "resources"), ["app", "lib"]),
                              (("delete", "rule"), ["app-lib", "hierarchy"]),
                              (("describe", "rule"), ["app-lib", "hierarchy"]),
                              (("watch", "resources"), ["app", "lib"]),
                              (("explain", "app"), ["app", "lib"]),
                              (("rollout", "undo"), ["app-lib", "hierarchy"]),
                              (("rule",), ["new", "record", "test", "publish", "pull", "list",
                                            "top", "log", "maps"]),
                              (("completion",), ["bash"])):
            self.assertEqual(self.completed(*words), wanted, words)


if __name__ == "__main__":
    unittest.main(verbosity=2)
