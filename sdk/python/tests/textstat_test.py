#!/usr/bin/python3
"""The example's interface, from Python and in Python, beside C (examples/languages)."""
import os
import unittest

from python_stage import BUILD, PythonStage
from language_stage import EXAMPLE, LanguageStage  # python_stage knows where it is

CALLER = os.path.join(EXAMPLE, "python", "caller.py")


class TestTextstat(PythonStage, LanguageStage):
    def setUp(self):
        super().setUp()
        self.start("c", "python")

    def test_python_calls_c(self):
        self.assertRegex(self.python("texts_c", CALLER, "text_c"), r"^ok \d+ checks, p50 \d+ ns$")

    def test_python_calls_python_and_so_does_c(self):
        self.serve("text_python", os.path.join(EXAMPLE, "python", "textstat.py"))
        self.assertRegex(self.python("texts_python", CALLER, "text_python"), r"^ok \d+ checks")
        caller = os.path.abspath(os.path.join(BUILD, "examples/languages/c/caller"))
        self.assertRegex(self.ok("run", "-r", "texts_python", "--", caller), r"^ok \d+ checks")


if __name__ == "__main__":
    unittest.main()
