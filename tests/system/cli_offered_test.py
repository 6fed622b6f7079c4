#!/usr/bin/python3
"""`interface: pricing.py`: a manifest names the file that says an interface."""
import os
import re
import shutil
import subprocess
import unittest

from cli_stage import Stage

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interface/sources")
RESOURCE = """kind: Resource
metadata: {{name: {0}}}
spec:
  type: service
  interface: {1}
"""
HEADER = "int foo_add(int a, int b);\nint foo_size(const char *text);\n"
PYTHON = "def foo_add(a: 'c_int', b: 'c_int') -> 'c_int': ...\n"


class Offered(Stage):
    def setUp(self):
        super().setUp()
        self.up()

    def take(self, name):
        """A file of tests/interface/sources beside the manifest."""
        shutil.copy(os.path.join(SOURCES, name), self.folder)

    def manifest(self, *interfaces, serve=""):
        parts = [RESOURCE.format(f"it{place}", word) + serve
                 for place, word in enumerate(interfaces)]
        return self.path("system.yaml", "---\n".join(parts))

    def apply(self, *interfaces, **more):
        return self.ok("apply", "-f", self.manifest(*interfaces, **more))

    def text(self, name):
        return self.json("get", "interface", name)["spec"]["text"].splitlines()

    @staticmethod
    def functions(lines):
        """Names and types: what a parameter is called is the header's affair."""
        return sorted(re.sub(r"\|\w+", "", line) for line in lines if line[0] != "#")

    def golden(self, name):
        with open(os.path.join(SOURCES, name + ".txt"), encoding="utf-8") as file:
            return self.functions(file.read().splitlines())

    def test_a_file_of_each_language(self):
        files = {"pricing.py": "pricing", "money.go": "money", "quotes.d.ts": "quotes",
                 "textstat.rs": "textstat"}
        for name in files:
            self.take(name)
        said = self.apply(*files)
        for name, interface in files.items():
            with self.subTest(file=name):
                self.assertIn(f"Interface/{interface} created", said)
                self.assertEqual(self.functions(self.text(interface)), self.golden(name))
        spec = self.json("get", "resource", "it1")["spec"]
        self.assertEqual(spec["interface"], "money")
        # Nothing is made again, nor sent, when nothing changed.
        again = self.rhodes("apply", "-f", self.path("system.yaml"))
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        self.assertEqual(again.stdout.count(" unchanged"), 8, again.stdout)
        self.assertNotRegex(self.ok("diff", "-f", self.path("system.yaml")), "(?m)^[-+]")

    def test_a_class_and_a_jar(self):
        if not (shutil.which("javac") and shutil.which("jar")):
            self.skipTest("javac is not there: default-jdk-headless has it")
        self.take("NetDriver.java")
        for words in (["javac", "-parameters", "-d", "classes", "NetDriver.java"],
                      ["jar", "--create", "--file", "all.jar", "-C",
                       "classes", "."]):
            subprocess.run(words, cwd=self.folder, check=True)
        found = [os.path.relpath(os.path.join(folder, "NetDriver.class"), self.folder)
                 for folder, _, names in os.walk(self.folder) if "NetDriver.class" in names]
        self.apply(found[0])
        by_class = self.text("netdriver")
        self.assertTrue(by_class)
        self.apply(f"all.jar!{found[0][len('classes/'):-len('.class')]}")
        self.assertEqual(self.text("netdriver"), by_class)

    def test_a_library_and_its_header(self):
        self.path("foo.h", HEADER)
        self.path("foo.c", '#include "foo.h"\nint foo_add(int a, int b) { return a + b; }\n'
                  "int foo_size(const char *text) { return text[0]; }\n")
        subprocess.run(["cc", "-g", "-shared", "-fPIC", "-Wl,-soname,libfoo.so.4", "-o",
                        self.path("libfoo.so"), self.path("foo.c")], check=True)
        wanted = ["foo_add, i32, i32, i32", "foo_size, string, i32"]
        self.apply("./foo.h")
        self.assertEqual(self.functions(self.text("libfoo")), wanted)
        spec = self.json("get", "interface", "libfoo")["spec"]
        self.assertEqual((spec["soname"], spec.get("library")), ("libfoo.so", None))
        self.apply("foo.h", serve="  serve: {library: ./libfoo.so}\n")
        spec = self.json("get", "interface", "libfoo")["spec"]
        self.assertEqual(self.functions(self.text("libfoo")), wanted)
        self.assertEqual((spec["soname"], spec["library"]),
                         ("libfoo.so.4", os.path.realpath(self.path("libfoo.so"))))
        self.apply("libfoo.so")  # by its DWARF: C tells bytes and texts not apart without one
        self.assertIn("foo_add, i32, i32, i32", self.functions(self.text("libfoo")))

    def test_two_files_of_one_name(self):
        os.mkdir(self.path("a"))
        self.path("libfoo.py", "def foo_add(a: 'c_int', b: 'c_int') -> 'c_int': ...\n")
        self.path("foo.h", "int foo_add(int a, int b);\n")
        self.apply("libfoo.py", "foo.h")  # they say the same
        self.path("foo.h", HEADER)
        said = self.refused(1, "apply", "-f", self.manifest("libfoo.py", "foo.h"))
        self.assertIn("system.yaml:11:14: this file's interface is called libfoo like another",
                      said)
        more = "---\nkind: Interface\nmetadata: {name: libfoo}\nspec: {}\n"
        said = self.refused(1, "apply", "-f", self.manifest("foo.h", serve=more))
        self.assertIn("system.yaml:5:14: this file's interface is called libfoo, and", said)

    def test_what_is_wrong_is_told_with_both_places(self):
        self.path("broken.py", "def f(a: int) -> int: ...\ndef g(:\n")
        self.path("broken.h", "int f(int;\n")
        self.path("nothing.rs", "fn f() {}\n")
        self.path("plain.so", "no binary\n")
        cases = {
            "broken.py": (1, r"broken\.py:2:7: invalid syntax"),
            "./broken.h": (1, r"broken\.h:1: error: expected"),
            "nothing.rs": (1, "nothing of it can be carried"),
            "plain.so": (1, "plain.so is no library"),
        }
        for word, (code, reason) in cases.items():
            with self.subTest(file=word):
                said = self.refused(code, "apply", "-f", self.manifest(word))
                self.assertRegex(said, reason)
                self.assertRegex(said, r"system\.yaml:5:14: no interface can be made of .*" +
                                 re.escape(word.lstrip("./")))
        said = self.refused(4, "apply", "-f", self.manifest("none.py"))
        self.assertRegex(said, r"system\.yaml:5:14: .*/none\.py: No such file")
        self.assertEqual(self.ok("get", "resources", "-o", "name"), "")

    def test_what_is_read_is_not_run(self):
        made = self.path("made")
        self.path("pricing.py", f"open({made!r}, 'w')\nimport nowhere\n{PYTHON}")
        self.apply("pricing.py")
        self.assertFalse(os.path.exists(made))
        self.assertEqual(self.functions(self.text("pricing")), ["foo_add, i32, i32, i32"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
