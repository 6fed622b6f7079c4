"""A system for the tests of rules that are programs: a service, who calls it, real agents, and
an author who publishes what a test writes."""
import os
import re
import subprocess

from cli_stage import LIMIT, Stage

LIB = """
kind: Resource
metadata: {name: lib}
spec:
  type: service
  interface: libtwice
  serve: {library: ./side/libtwice.so.1, workers: 1}
"""
APP = """---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [lib]}
"""
# Calls as often as it is told to, and says how many were answered.
COUNTER = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
for line in sys.stdin:
    print(sum(lib.twice(i) == 2 * i for i in range(int(line))), flush=True)
"""
LIBRARY = os.path.join(os.path.dirname(__file__), "../../rules/library")


class CodeStage(Stage):
    """It is up when a test begins."""
    has_agents = True
    manifest = LIB + APP
    hook = "filter"  # of what is published, unless it is said

    def setUp(self):
        super().setUp()
        self.library()
        self.up("-I", self.path("side"), self.path("system.yaml", self.manifest))

    def here(self, *words):
        """In the folder of the test, where projects are made."""
        done = subprocess.run([self.rhodes_path, *words], cwd=self.folder, env=self.env,
                              text=True, capture_output=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def published(self, name, source, hook=None):
        """Its module, built and stored."""
        self.here("rule", "new", name, "--hook", hook or self.hook, "--lang", "c")
        self.path(f"{name}/{name}.c", source)
        return re.search(r"^module +(\S+)", self.here("rule", "publish", name), re.M)[1]

    def shipped(self, name):
        """The source of a rule that comes with Rhodes."""
        with open(os.path.join(LIBRARY, name + ".c"), encoding="utf-8") as file:
            return file.read()

    def active(self, rule="guard"):
        """What the center knows of where the rule is in force."""
        return next(condition for condition in
                    self.json("get", "rule", rule)["status"]["conditions"]
                    if condition["type"] == "Active")

    def caller(self, script=COUNTER, **pipes):
        """A program that calls, told by a line and telling by lines."""
        return self.started("run", "app", "--", "/usr/bin/python3", "-c", script,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **pipes)
