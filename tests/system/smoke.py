#!/usr/bin/python3
"""A small system with Debian's own file and libmagic, and each promise once: the same
output over every protocol, also when the protocol changes under a running program, when
an edge is revoked, and when processes are killed.  Quick enough for an emulated machine
(./test guest), where it also looks at what that kernel offers."""
import os
import re
import signal
import subprocess
import time
import unittest

from cli_stage import LIMIT, Stage

TOUR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/tour")
PROTOCOLS = ("msgqueue", "shm", "semaphore", "bind")
SYSTEM = """
kind: Resource
metadata: {name: magic}
spec:
  type: service
  interface: libmagic
  serve: {library: libmagic.so.1, workers: 1}
---
kind: Resource
metadata: {name: file}
spec: {type: application, reference: [magic]}
"""
PROTOCOL = """
kind: Rule
metadata: {name: file-magic}
spec: {protocol: {edge: [file, magic], use: %s}}
"""
HIERARCHY = """
kind: Rule
metadata: {name: hierarchy}
spec: {hierarchy: {allow: [%s], grace: 1s}}
"""
SERVED = "serving libmagic as instance"


class Smoke(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        self.names = [self.path("empty", ""), self.path("text", "Rhodes\n"),
                      self.path("no such file"), self.path("magic.gz", "\x1f\x7f"),
                      "/etc/passwd", "/usr/bin/file", "/dev/null", "/usr/bin"]
        self.up("-I", TOUR, self.path("system.yaml", SYSTEM + "---" + PROTOCOL % "bind"))
        self.await_line(SERVED)
        self.plain = self.file([])

    def file(self, before):
        """Output and exit code of Debian's file."""
        done = subprocess.run([*before, "/usr/bin/file", "--", *self.names], text=True,
                              capture_output=True, env=self.env, check=False)
        return done.stdout, done.returncode

    def assert_same(self):
        governed = self.file([self.rhodes_path, "run", "file", "--"])
        self.assertEqual(governed, self.plain, self.log())

    def rule(self, text):
        """Applies it, and waits until both agents say that they have it."""
        lines = [f"{agent} .*is in force" for agent in ("agent/file", "agent/magic")]
        had = [len(re.findall(line, self.log())) for line in lines]
        self.ok("apply", "-f", "-", data=text)
        for line, count in zip(lines, had):
            self.await_line(line, count + 1)

    def edge(self):
        """The protocol of the edge, and how many calls went over it."""
        edge, = self.json("matrix")["edges"]
        return edge["protocol"], edge["observed"]

    def assert_called(self, protocol, before):
        """Waits until the agents have told of calls over that protocol."""
        until = time.monotonic() + LIMIT
        while (now := self.edge())[0] != protocol or now[1] <= before:
            self.assertLess(time.monotonic(), until, f"{now}: no call by {protocol}")

    def test_every_protocol(self):
        for protocol in PROTOCOLS:
            with self.subTest(protocol):
                self.rule(PROTOCOL % protocol)
                before = self.edge()[1]
                self.assert_same()
                self.assert_called(protocol, before)

    def test_another_protocol_under_a_running_program(self):
        """One process asks line by line, while what carries its calls is exchanged."""
        with subprocess.Popen([self.rhodes_path, "run", "file", "--", "/usr/bin/file", "-n",
                               "-f", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=self.env) as program:
            def ask():
                print("/etc/passwd", file=program.stdin, flush=True)
                self.assertIn("text", program.stdout.readline())

            ask()
            for protocol in PROTOCOLS * 2:
                self.rule(PROTOCOL % protocol)
                before = self.edge()[1]
                ask()
                self.assert_called(protocol, before)
            program.stdin.close()
            self.assertEqual(program.wait(), 0)

    def test_whatever_is_killed(self):
        for name, line in (("magic/0", SERVED), ("agent/magic", r"agent/magic .*in force"),
                           ("agent/file", r"agent/file .*in force"),
                           ("center", r"agent/\S+ .*the center is here")):
            with self.subTest(name):
                had = len(re.findall(line, self.log()))
                os.kill(self.pids(name)[-1], signal.SIGKILL)
                self.await_line(line, had + 1)
                self.assert_same()

    def test_a_revoked_edge(self):
        self.rule(HIERARCHY % "[application, driver]")
        self.await_line("agent/file .*calls to magic are answered: .*refused by rule")
        self.assertEqual(self.file([self.rhodes_path, "run", "file", "--"]), ("", 1))
        self.rule(HIERARCHY % "[application, service]")
        self.assert_same()

    def test_the_kernel(self):
        """doctor finds nothing that fails, and says what this kernel lacks."""
        checks = {check["check"]: check["result"] for check in self.json("doctor")["items"]}
        self.assertNotIn("fail", checks.values(), checks)
        numbers = re.match(r"(\d+)\.(\d+)", os.uname().release).groups()
        expected = "ok" if tuple(map(int, numbers)) >= (6, 5) else "warn"
        self.assertEqual(checks["peerpidfd"], expected, os.uname().release)


if __name__ == "__main__":
    unittest.main()
