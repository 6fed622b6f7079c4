"""A system with one resource, "encoder", whose programs `rhodes run` starts under the carrier
`fiber`."""
import os
import subprocess

from cli_stage import BUILD, LIMIT, Stage

MANIFEST = """
kind: Resource
metadata: {name: encoder}
spec: {type: application}
"""
WORKER = os.path.join(BUILD, "tests", "system", "fiber_worker")


class RunStage(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        self.install_runtime()
        self.up(self.path("system.yaml", MANIFEST))

    def worker(self, *before, use="cfs"):
        """A program of eight threads that work as long as it is told to (fiber_worker.c)."""
        return self.started("run", "-r", "encoder", "--sched", use, "--carrier", "fiber", "--",
                            *before, WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def go_on(self, worker):
        """Every thread of it has done a hundred rounds from now on."""
        worker.stdin.write("on\n")
        worker.stdin.flush()
        self.assertRegex(worker.stdout.readline(), r"^rounds \d+$")

    def finish(self, worker):
        out, _ = worker.communicate(timeout=LIMIT)
        self.assertEqual((out, worker.returncode), ("right\n", 0))
