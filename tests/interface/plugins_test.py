#!/usr/bin/python3
"""Plugins of compilers: calls that no symbol shows become governed calls.

A program has a function's body in a header, and another one's callee in its own link. With the
plugin both are answered by the resource, whose answers are others; without it by the program.

    plugins_test.py BUILD SOURCES gcc=PLUGIN... clang=PLUGIN...
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCES = sys.argv[1:3]
MADE = os.path.join(BUILD, "tests/interface/plugins")
PLUGINS = dict(word.split("=", 1) for word in sys.argv[3:])
WAYS = ["-O0", "-O2"]
OWN_C = "8 3 7 10 12 14 16 10\n"
GOVERNED_C = "1008 2003 2007 1010 1012 1014 1016 10\n"
OWN_CC = "8 10 12 14 24 6\n"
GOVERNED_CC = "1008 1010 2012 1014 24 6\n"


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=100, **more)


class Plugins(unittest.TestCase):
    compilers = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="rhodes-plugins-")
        os.mkdir(os.path.join(cls.folder, "lib"))
        os.symlink(os.path.join(BUILD, "tests/interface/librhodes.so.0"),
                   os.path.join(cls.folder, "lib/librhodes.so.0"))
        done = run(os.path.join(BUILD, "interface/rhodes-interface"), "build",
                   os.path.join(MADE, "calc.side"), "-d",
                   os.path.join(cls.folder, "calc"), "--cc", "gcc",
                   env={**os.environ, "RHODES_SDK_DIR": cls.folder})
        if done.returncode:
            raise AssertionError(done.stderr)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def below(self, *names):
        return os.path.join(self.folder, *names)

    def flags(self, name, interface=None):
        if name not in PLUGINS:
            self.skipTest(f"the plugin for {name} was not built: its headers are missing")
        return [f"-fplugin={PLUGINS[name]}",
                "-fplugin-arg-rhodes-interface=" + (interface or
                                                    self.below("calc/interface.txt"))]

    def compile(self, compiler, source, *flags):
        return run(compiler, "-c", *flags, "-o", self.below(source + ".o"),
                   os.path.join(SOURCES, source))

    def program(self, compilers, source, way, flags):
        """What a program of the source and its callee prints."""
        compiler = compilers[source.endswith(".cc")]
        for made in (self.compile(compiler, source, way, *flags),
                     self.compile(compilers[0], "callee.c", way, *flags),
                     run(compiler, "-o", self.below("program"), self.below(source + ".o"),
                         self.below("callee.c.o"), self.below("calc/lib/libcalc.a"),
                         self.below("lib/librhodes.so.0"), "-Wl,-rpath," + self.below("lib"))):
            self.assertEqual(made.returncode, 0, made.stderr)
        halves = (self.below("calc/skeleton.so"), os.path.join(MADE, "libcalc.so"))
        done = run(self.below("program"), env={**os.environ, "RHODES_LOOPBACK": ":".join(halves)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check_both(self, name):
        flags = self.flags(name)
        for way in WAYS:
            with self.subTest(compiler=name, way=way):
                pair = self.compilers[name]
                self.assertEqual(self.program(pair, "caller.c", way, []), OWN_C)
                self.assertEqual(self.program(pair, "caller.c", way, flags), GOVERNED_C)
                self.assertEqual(self.program(pair, "caller.cc", way, []), OWN_CC)
                self.assertEqual(self.program(pair, "caller.cc", way, flags), GOVERNED_CC)

    def test_gcc_governs_bodies_in_headers_and_callees_in_the_link(self):
        self.check_both("gcc")

    def test_clang_governs_bodies_in_headers_and_callees_in_the_link(self):
        self.check_both("clang")

    def check_refusals(self, name):
        compiler, flags = self.compilers[name][0], self.flags(name)
        other = self.below("other.txt")
        with open(other, "w", encoding="utf-8") as file:
            file.write("calc_add, i32|a, i32|b, i32|c, i32\nprintf, string|format, i32\n")
        done = self.compile(compiler, "caller.c", *self.flags(name, other))
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "own.h:.*error: rhodes: .calc_add. has 2 parameters, "
                                      "in the interface it has 3")
        done = self.compile(compiler, "caller.cc", *self.flags(name, other))
        self.assertRegex(done.stderr, "error: rhodes: .printf. takes any number of arguments, "
                                      "which no call carries")
        for wanted, extra in (
                ("names no function", self.flags(name, os.path.join(SOURCES, "nowhere.txt"))),
                ("fplugin-arg-rhodes-interface=FILE.* is missing", flags[:1]),
                ("there is no argument", [flags[0], "-fplugin-arg-rhodes-what=1"])):
            done = self.compile(compiler, "caller.c", *extra)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, wanted)

    def test_gcc_tells_what_cannot_be_carried(self):
        self.check_refusals("gcc")

    def test_clang_tells_what_cannot_be_carried(self):
        self.check_refusals("clang")

    def check_version(self, name):
        flags = self.flags(name)
        made = self.below("caller.c.o")
        if os.path.exists(made):
            os.unlink(made)
        done = self.compile(self.compilers[name][0], "caller.c",
                            f"-fplugin={PLUGINS[name + '-other']}", *flags[1:])
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, f"error: .*this plugin was built for {name.upper()} 1.0, "
                                      r"and the compiler is .*\d+\.\d+".replace("CLANG", "Clang"))
        self.assertFalse(os.path.exists(made))

    def test_gcc_tells_a_plugin_of_another_version(self):
        self.check_version("gcc")

    def test_clang_tells_a_plugin_of_another_version(self):
        self.check_version("clang")

    def test_ld_finds_the_stubs_by_wrap(self):
        """The same without a plugin, for callees of the link: ld --wrap."""
        for source in ("caller.c", "callee.c"):
            self.assertEqual(self.compile("gcc", source, "-O0").returncode, 0)
        done = run("gcc", "-o", self.below("program"), self.below("caller.c.o"),
                   self.below("callee.c.o"), "-Wl,--wrap=calc_add",
                   self.below("calc/lib/libcalc.a"), self.below("lib/librhodes.so.0"),
                   "-Wl,-rpath," + self.below("lib"))
        self.assertEqual(done.returncode, 0, done.stderr)
        halves = (self.below("calc/skeleton.so"), os.path.join(MADE, "libcalc.so"))
        done = run(self.below("program"), env={**os.environ, "RHODES_LOOPBACK": ":".join(halves)})
        self.assertEqual(done.stdout, "8 2003 2007 10 12 14 16 10\n", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
