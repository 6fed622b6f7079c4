#!/usr/bin/python3
"""`rhodes run`: becomes the program, and says clearly when it cannot."""
import os
import subprocess
import unittest

from cli_stage import LIMIT, Stage

SYSTEM = """
- {kind: Resource, metadata: {name: app}, spec: {type: application, reference: [lib, later]}}
- {kind: Resource, metadata: {name: lib}, spec: {type: service, interface: libtwice}}
"""


class Run(Stage):
    def setUp(self):
        super().setUp()
        self.manifest = self.path("system.yaml", SYSTEM)

    def test_it_becomes_the_program(self):
        self.up("-I", self.library(), self.manifest)
        with subprocess.Popen([self.rhodes_path, "run", "app", "--", "sh", "-c",
                               "echo $$; cat; exit 7"], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=self.env) as program:
            out, err = program.communicate("from outside\n", timeout=LIMIT)
        self.assertEqual(out, f"{program.pid}\nfrom outside\n")
        self.assertEqual(program.returncode, 7)
        self.assertIn("later is referenced, but it is not registered", err)

    def test_its_environment(self):
        self.up("-I", self.library(), self.manifest)
        lines = self.rhodes("run", "app", "--", "env",
                            env={"LD_LIBRARY_PATH": "/before"}).stdout.splitlines()
        env = dict(line.split("=", 1) for line in lines if "=" in line)
        self.assertEqual(env["RHODES_RESOURCE"], "app")
        self.assertEqual(env["RHODES_AGENT"], os.path.join(self.run_dir, "agent/app.sock"))
        path = env["LD_LIBRARY_PATH"].split(":")
        self.assertIn("/view/", path[0])
        self.assertTrue(os.path.exists(os.path.join(path[0], "libtwice.so.1")))
        self.assertTrue(os.path.exists(os.path.join(path[0], "libtwice.so")))
        self.assertEqual(path[1], "/before")
        printed = self.ok("run", "app", "--print", "--", "x")
        self.assertIn("RHODES_RESOURCE=app\n", printed)
        # Run from within a resource: its shadows do not stay in front.
        nested = self.rhodes("run", "lib", "--print", "--", "x", env=env).stdout
        self.assertNotIn("/view/", nested)
        self.assertIn("/before", nested)

    def test_signals_are_those_of_the_caller(self):
        self.up("-I", self.library(), self.manifest)
        status = self.ok("run", "app", "--", "grep", "SigIgn", "/proc/self/status")
        with open("/proc/self/status", encoding="utf-8") as file:
            mine = [line for line in file if line.startswith("SigIgn")][0]
        # Python ignores SIGPIPE itself, and gives that back to children.
        self.assertEqual(int(status.split()[1], 16) & ~int(mine.split()[1], 16), 0)

    def test_a_tampered_library_is_fetched_again(self):
        self.up("-I", self.library(), self.manifest)
        path = self.shadow()
        with open(path, "rb") as file:
            good = file.read()
        with open(path, "wb") as file:
            file.write(b"evil")
        self.assertEqual(self.shadow(), path)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), good)

    def shadow(self):
        lines = self.ok("run", "app", "--print", "--", "x").splitlines()
        path = [line for line in lines if line.startswith("LD_LIBRARY_PATH=")][0]
        return os.path.join(path.split("=")[1].split(":")[0], "libtwice.so.1")

    def test_clear_errors(self):
        self.assertIn("no system", self.refused(3, "run", "app", "--", "true"))
        self.up("-I", self.library(), self.manifest)
        self.assertIn('no resource "nobody"', self.refused(4, "run", "nobody", "--", "true"))
        self.assertIn("No such file", self.refused(127, "run", "app", "--", "/nowhere"))
        self.assertIn("Permission denied",
                      self.refused(126, "run", "app", "--", "/etc/passwd"))
        own = self.path("own", "#!/bin/sh\n")
        os.chmod(own, 0o4755)
        self.assertIn("set-user-id", self.refused(126, "run", "app", "--", own))
        self.refused(2, "run", "app")
        self.assertIn("there is no option -l", self.refused(2, "run", "app", "ls", "-l"))
        os.unlink(os.path.join(self.run_dir, "agent/app.sock"))
        self.assertIn("the agent of app does not run",
                      self.refused(3, "run", "app", "--", "true"))

    def test_it_waits(self):
        side = self.library()
        with subprocess.Popen([self.rhodes_path, "run", "--wait", str(LIMIT), "app", "--",
                               "echo", "here"], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, env=self.env) as program:
            self.up()
            self.ok("apply", "-I", side, "-f", self.manifest)
            out, err = program.communicate(timeout=LIMIT)
        self.assertEqual((out, program.returncode), ("here\n", 0), err)
        self.ok("down")
        with subprocess.Popen([self.rhodes_path, "run", "--wait", "1", "app", "--",
                               "echo", "here"], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, env=self.env) as program:
            out, err = program.communicate(timeout=LIMIT)
        self.assertEqual((out, program.returncode), ("", 3), err)


if __name__ == "__main__":
    unittest.main()
