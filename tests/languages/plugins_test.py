#!/usr/bin/python3
"""Programs that were compiled with a plugin, in a whole system: a body in a header and a callee
of the same link become calls of the resource, with sources that know nothing of it."""
import os
import unittest

from bind_stage import BUILD, SDK, TOP, BindStage

SOURCES = os.path.join(TOP, "tests", "interface", "plugins")
LIBRARY = os.path.abspath(os.path.join(BUILD, "tests/interface/plugins/libcalc.so"))
SYSTEM = f"""
kind: Resource
metadata: {{name: calc}}
spec: {{type: service, interface: calc, serve: {{library: {LIBRARY}, threads: 2}}}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [calc]}}
---
kind: Rule
metadata: {{name: app-calc}}
spec: {{protocol: {{edge: [app, calc], use: %s}}}}
"""
# By the program itself; by the resource, whose answers are others (tests/interface/plugins).
OWN = {"caller.c": "8 3 7 10 12 14 16 10\n", "caller.cc": "8 10 12 14 24 6\n"}
GOVERNED = {"caller.c": "1008 2003 2007 1010 1012 1014 1016 10\n",
            "caller.cc": "1008 1010 2012 1014 24 6\n"}


class Plugins(BindStage):
    def begin(self, compiler, use):
        plugin = os.path.abspath(os.path.join(BUILD, "interceptors/compilers", compiler,
                                              "rhodes.so"))
        if not os.path.exists(plugin):
            self.skipTest(f"the plugin for {compiler} was not built: its headers are missing")
        with open(os.path.join(BUILD, "tests/interface/plugins/calc.side"), encoding="utf-8") as file:
            self.path("calc.side", file.read())
        self.up(self.path("calc.yaml", SYSTEM % use))
        self.made = self.path("state/interface/calc")
        return [f"-fplugin={plugin}",
                f"-fplugin-arg-rhodes-interface={self.made}/interface.txt"]

    def program(self, compiler, source, flags):
        """Caller and callee compiled with the same flags and linked with the archive."""
        pair = {"gcc": ("gcc", "g++"), "clang": ("clang", "clang++")}[compiler]
        for file, words in (source, [pair[source.endswith(".cc")]]), ("callee.c", [pair[0]]):
            self.run_tool(*words, "-O2", *flags, "-c", os.path.join(SOURCES, file), "-o",
                          self.path(file + ".o"))
        # The archive is in both, so that nothing but the plugin makes the difference.
        self.run_tool(pair[1], "-o", self.path("program"), self.path(source + ".o"),
                      self.path("callee.c.o"), f"{self.made}/lib/libcalc.a", "-L" + SDK,
                      "-lrhodes")
        return self.path("program")

    def check(self, compiler):
        flags = self.begin(compiler, "shm")
        for source, own in OWN.items():
            with self.subTest(source):
                plain = self.program(compiler, source, [])
                self.assertEqual(self.call("app", plain), own)
                governed = self.program(compiler, source, flags)
                self.assertEqual(self.call("app", governed), GOVERNED[source])
        self.refusal(self.program(compiler, "caller.c", flags))

    def refusal(self, program):
        """Without the reference nothing is answered by the program's own functions."""
        self.ok("apply", "-f", self.path("none.yaml", "kind: Resource\nmetadata: {name: app}\n"
                                         "spec: {type: application}\n"))
        done = self.rhodes("run", "-r", "app", "--", program)
        self.assertNotIn(GOVERNED["caller.c"], done.stdout)
        self.assertNotIn(OWN["caller.c"], done.stdout)

    def test_gcc(self):
        self.check("gcc")

    def test_clang(self):
        self.check("clang")


if __name__ == "__main__":
    unittest.main(verbosity=2)
