"""A system for the tests of Rhodes in Python: real processes, and Debian's python3."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
sys.dont_write_bytecode = True

from cli_stage import BUILD, LIMIT, Stage  # pylint: disable=wrong-import-position

PYTHON = "/usr/bin/python3"


class PythonStage(Stage):
    """Where `rhodes` finds what Python needs, as in a build tree."""
    has_agents = True

    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        self.env["PATH"] = "/usr/bin:/bin"  # no other python3
        for name in ("PYTHONPATH", "PYTHONHOME", "RHODES_IMPORT"):
            self.env.pop(name, None)

    def python(self, resource, *words, env=None):
        """A program in Python as that resource; its output."""
        done = subprocess.run([self.rhodes_path, "run", "-r", resource, "--", PYTHON, *words],
                              text=True, capture_output=True, timeout=10 * LIMIT, check=False,
                              env={**self.env, **(env or {})})
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}{self.log()}")
        return done.stdout

    def serve(self, resource, file, **env):
        """A file that serves from now on; returns the process."""
        served = subprocess.Popen(
            [self.rhodes_path, "serve", "--one", "-r", resource, "--", file], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**self.env, **env})
        self.addCleanup(self.ends_in_order, served)
        for line in served.stdout:
            if " serving " in line:
                return served
        return self.fail(f"{file} does not serve")

    def ends_in_order(self, served):
        """A server that is asked to end ends with 0."""
        served.terminate()
        said = served.communicate(timeout=LIMIT)[0]
        self.assertEqual(served.returncode, 0, said)
