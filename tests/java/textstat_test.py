#!/usr/bin/python3
"""textstat in Java and callers in Java (examples/languages), beside C."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

# pylint: disable=wrong-import-position
from cli_stage import BUILD
from language_stage import LanguageStage

SERVER = os.path.abspath(os.path.join(BUILD, "examples/languages/java/server.jar"))
C_CALLER = os.path.abspath(os.path.join(BUILD, "examples/languages/c/caller"))
JAVA_CALLER = "java", "-jar", os.path.abspath(os.path.join(
    BUILD, "examples/languages/java/caller.jar"))


class Textstat(LanguageStage):
    def setUp(self):
        super().setUp()
        if not os.path.exists(self.path("sdk")):
            os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))

    def test_java_and_c_call_each_other(self):
        self.start("c", "java")
        self.assertRegex(self.run_as("c", *JAVA_CALLER, "text_c"), r"^ok \d+ checks, p50 \d+ ns$")
        with self.serving("java", SERVER):
            self.assertRegex(self.run_as("java", *JAVA_CALLER, "text_java"), r"^ok \d+ checks")
            self.assertRegex(self.run_as("java", C_CALLER), r"^ok \d+ checks")


if __name__ == "__main__":
    unittest.main()
