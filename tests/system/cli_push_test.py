#!/usr/bin/python3
"""`rhodes trace --push`: the papers' steps of subscribing and publishing, of a whole
system with real agents."""
import os
import re
import signal
import subprocess
import unittest

from cli_stage import Stage
from cli_watch_test import EACH, SYSTEM, Reader

RULE = "{{kind: Rule, metadata: {{name: app-lib}}, spec: {{protocol: {{edge: [app, lib], use: {}}}}}}}"
STEP = re.compile(r"^(subscribe|publish) +(\d) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+)  (.*)$")


class Step:
    """A line of the trace."""

    def __init__(self, line):
        found = STEP.match(line)
        assert found, line
        self.number = found[1], int(found[2])
        self.took = found[4]
        self.subscriber, self.revision, self.bytes = found[5], found[6], found[7]
        self.what = found[8]

    def __repr__(self):
        return f"{self.number} {self.subscriber} {self.revision} {self.what}"


class Push(Stage):
    has_agents = True

    def start(self):
        self.library()
        self.up("-I", self.path("side"), self.path("system.yaml", SYSTEM.format(use="shm")))

    def trace(self, *words):
        reader = Reader(self, "trace", "--push", *words)
        self.assertRegex(reader.line(), "^STEP +AT +TOOK +SUBSCRIBER +REVISION +BYTES +WHAT$")
        return reader

    def use(self, protocol):
        self.ok("apply", "-f", "-", data=RULE.format(protocol))
        return str(self.json("get", "rule", "app-lib")["metadata"]["revision"])

    def step(self, reader):
        while not (line := reader.line()):
            pass
        return Step(line)

    def steps_until(self, reader, is_last, count=1):
        steps = []
        while count:
            steps.append(self.step(reader))
            count -= bool(is_last(steps[-1]))
        return steps

    def test_every_step_of_a_change(self):
        self.start()
        reader = self.trace()
        revision = self.use("msgqueue")
        steps = self.steps_until(reader, lambda step: "says that all" in step.what, 2)
        self.assertEqual({step.revision for step in steps}, {revision})
        self.assertEqual([number for _, number in (step.number for step in steps)][:2], [1, 2])
        self.assertEqual(steps[0].what, "the center commits Rule app-lib")
        self.assertNotEqual(steps[0].took, "-")
        self.assertEqual(steps[1].what, "app -> lib: SWatchManager finds 2 that watch it")
        for name, number, word in (("app", 3, "pushes what changed"), ("lib", 3, "pushes"),
                                   ("app", 4, "refreshes out/app/"),
                                   ("lib", 4, "in/lib/"), ("app", 4, "all of it"),
                                   ("lib", 4, "all of it")):
            found = [step for step in steps if step.subscriber == name and word in step.what]
            self.assertEqual([step.number for step in found], [("publish", number)], steps)
            if number == 3:
                self.assertGreater(int(found[0].bytes), 100)
        self.assertEqual(reader.end(), 0)

    def test_what_concerns_nobody_is_pushed_to_nobody(self):
        self.start()
        reader = self.trace()
        self.ok("apply", "-f", "-", data="{kind: Resource, metadata: {name: other},"
                " spec: {type: driver}}")
        steps = self.steps_until(reader, lambda step: step.number == ("subscribe", 4))
        self.assertEqual({step.subscriber for step in steps} - {"-"}, {"other"})
        self.assertEqual(steps[0].what, "the center commits Resource other")

    def test_an_agent_that_comes_back(self):
        self.start()
        reader = self.trace()
        os.kill(self.pids("agent/lib")[0], signal.SIGKILL)
        steps = self.steps_until(reader, lambda step: step.number == ("subscribe", 4))
        self.assertEqual([step.number[1] for step in steps], [1, 2, 3, 4], steps)
        self.assertEqual({step.subscriber for step in steps}, {"lib"})
        self.assertIn("resource/lib, out/lib/, in/lib/ of process "
                      f"{self.pids('agent/lib')[-1]} in SWatchManager", steps[2].what)
        self.assertIn("it has everything", steps[3].what)
        self.use("semaphore")  # and it is heard itself again
        self.steps_until(reader, lambda step: step.subscriber == "lib" and
                         "the agent takes 1 of its items" in step.what)

    def test_a_center_that_comes_back(self):
        """The agents were heard all the time."""
        self.start()
        reader = self.trace()
        os.kill(self.pids("center")[0], signal.SIGKILL)
        steps = self.steps_until(reader, lambda step: step.number == ("subscribe", 5), 2)
        for name in ("app", "lib"):
            own = [step.number[1] for step in steps if step.subscriber == name]
            self.assertEqual([own[0], own[1], own[-1]], [1, 2, 5])
            self.assertEqual(own, sorted(own))
        while "the center is back" not in reader.said():
            pass
        revision = self.use("semaphore")
        self.steps_until(reader, lambda step: step.number == ("publish", 1) and
                         step.revision == revision)

    def test_one_subscriber(self):
        self.start()
        reader = self.trace("lib")
        self.use("msgqueue")
        steps = self.steps_until(reader, lambda step: "says that all" in step.what)
        self.assertEqual({step.subscriber for step in steps} - {"-"}, {"lib"})

    def test_an_edge_in_use_is_staged_first(self):
        self.start()
        with subprocess.Popen([self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c",
                               EACH], text=True, env=self.env, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:
            program.stdin.write("4\n")
            program.stdin.flush()
            self.assertEqual(program.stdout.readline(), "8\n")
            reader = self.trace("app")
            self.use("semaphore")
            steps = self.steps_until(reader, lambda step: "at the agent it is active" in step.what)
            said = [step.what for step in steps]
            self.assertIn("app -> lib: at the agent it is staged", said)
            self.assertIn("app -> lib: at the agent it is active", said)
            if not any("but for 1 that are staged" in what for what in said):
                # the center's own word of it may come later than the agent's
                self.steps_until(reader, lambda step: "but for 1 that are staged" in step.what)
            program.stdin.close()

    def test_as_many_as_wanted(self):
        self.start()
        reader = self.trace("-n", "1")
        self.use("msgqueue")
        self.assertEqual(reader.process.wait(60), 0)

    def test_the_reader_leaves(self):
        self.start()
        reader = self.trace()
        reader.process.stdout.close()
        self.assertEqual(reader.process.wait(60), 0)

    def test_a_resource_without_an_agent_is_awaited_and_it_says_so(self):
        self.start()
        trace = subprocess.Popen([self.rhodes_path, "trace", "--push", "nobody"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                 env=self.env)
        try:
            self.assertIn("nobody has no agent now", trace.stderr.readline())
        finally:
            trace.terminate()
            trace.wait()
            trace.stderr.close()

    def test_who_does_not_govern_may_not(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        self.start()
        for path in (self.folder, self.run_dir, self.bin):
            os.chmod(path, 0o755)
        done = subprocess.run([self.rhodes_path, "trace", "--push"], env=self.env, user=65534,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("only root and", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_bad_words(self):
        self.assertIn("no system", self.refused(3, "trace", "--push"))
        self.assertIn("which resource", self.refused(2, "trace"))
        self.assertIn("--callee", self.refused(2, "trace", "--push", "-c", "lib"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
