#!/usr/bin/python3
"""The example's interface, from Python and in Python, beside C (examples/languages)."""
import os
import unittest

from python_stage import BUILD, TOP, PythonStage

EXAMPLE = os.path.join(TOP, "examples", "languages")
CALLER = os.path.join(EXAMPLE, "python", "caller.py")


class TestTextstat(PythonStage):
    def setUp(self):
        super().setUp()
        library = os.path.abspath(os.path.join(BUILD, "examples/languages/c/libtextstat.so.1"))
        with open(os.path.join(EXAMPLE, "libtextstat.side"), encoding="utf-8") as file:
            side = file.read().replace("../../build/examples/languages/c/libtextstat.so.1",
                                       library)
        self.path("libtextstat.side", side)
        os.symlink(os.path.join(EXAMPLE, "textstat.h"), self.path("textstat.h"))
        self.up(self.path("system.yaml", f"""
kind: Resource
metadata: {{name: text_c}}
spec: {{type: service, interface: libtextstat, serve: {{library: {library}, threads: 4}}}}
---
kind: Resource
metadata: {{name: text_python}}
spec: {{type: service, interface: libtextstat}}
---
kind: Resource
metadata: {{name: texts_c}}
spec: {{type: application, reference: [text_c]}}
---
kind: Resource
metadata: {{name: texts_python}}
spec: {{type: application, reference: [text_python]}}
"""))

    def test_python_calls_c(self):
        self.assertRegex(self.python("texts_c", CALLER, "text_c"), r"^ok \d+ checks, p50 \d+ ns$")

    def test_python_calls_python_and_so_does_c(self):
        self.serve("text_python", os.path.join(EXAMPLE, "python", "textstat.py"))
        self.assertRegex(self.python("texts_python", CALLER, "text_python"), r"^ok \d+ checks")
        caller = os.path.abspath(os.path.join(BUILD, "examples/languages/c/caller"))
        self.assertRegex(self.ok("run", "-r", "texts_python", "--", caller), r"^ok \d+ checks")


if __name__ == "__main__":
    unittest.main()
