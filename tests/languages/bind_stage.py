"""A system for tests of bindings: textstat served by C or by a program of the test, and
called by programs of the test.  Programs are built in the test's own folder."""
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from cli_stage import BUILD, LIMIT
from language_stage import EXAMPLE, LanguageStage

C_CALLER = os.path.abspath(os.path.join(BUILD, "examples/languages/c/caller"))
SDK = os.path.abspath(os.path.join(BUILD, "sdk/c"))
OK = r"^ok \d+ checks, p50 \d+ ns$"


def need(program):
    """Skips where the program is missing, saying so; its path."""
    path = shutil.which(program)
    if not path:
        raise unittest.SkipTest(f"{program} is not on this machine")
    return path


class BindStage(LanguageStage):
    """Debian's own toolchains come first."""

    def setUp(self):
        super().setUp()
        self.env["PATH"] = "/usr/bin:/bin:" + self.env["PATH"]
        self.side = self.describe()

    def start(self):
        """The system: text_c, text_own for a server of the test, and their callers."""
        super().start("c", "own")

    def run_tool(self, *words, cwd=None, env=None):
        done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=LIMIT,
                              cwd=cwd or self.folder, env={**self.env, **(env or {})})
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def bind(self, language, name):
        """Writes the binding into the test's folder; its path."""
        self.ok("interface", "bind", self.side, "--language", language, "-o", self.path(name))
        return self.path(name)

    def interface(self):
        """Builds shadow library and archives; their folder."""
        self.run_tool(self.rhodes_path, "interface", "build", self.side, "-d",
                      self.path("interface"), env={"RHODES_SDK_DIR": ""})
        return self.path("interface/lib")

    def call(self, resource, *words, code=0):
        """A program as that resource; its output."""
        done = subprocess.run([self.rhodes_path, "run", "-r", resource, "--", *words], text=True,
                              capture_output=True, timeout=LIMIT, check=False, env=self.env)
        self.assertEqual(done.returncode, code, f"{done.stdout}{done.stderr}{self.log()}")
        return done.stdout

    def serve(self, file):
        """A program that serves text_own from now on; the process."""
        served = self.begin(file)
        self.addCleanup(self.ends_in_order, served)
        return served

    def begin(self, file, resource="text_own"):
        """The same, for a test that ends it itself."""
        # pylint: disable-next=consider-using-with
        served = subprocess.Popen(
            [self.rhodes_path, "serve", "--one", "-r", resource, "--", file], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env)
        self.addCleanup(self.forget, served)
        said = ""
        for line in served.stdout:
            said += line
            if " serving " in line:
                return served
        return self.fail(f"{file} does not serve: {said}{self.log()}")

    @staticmethod
    def forget(served):
        served.kill()
        served.wait()
        served.stdout.close()

    def ends_in_order(self, served):
        """A server that is asked to end ends with 0."""
        served.terminate()
        said = served.communicate(timeout=LIMIT)[0]
        self.assertEqual(served.returncode, 0, said)
