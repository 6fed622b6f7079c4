#!/usr/bin/python3
"""`rhodes run`: becomes the program, and says clearly when it cannot."""
import os
import signal
import socket
import subprocess
import threading
import unittest

from cli_stage import LIMIT, Stage

SYSTEM = """
- {kind: Resource, metadata: {name: app}, spec: {type: application, reference: [lib, later]}}
- {kind: Resource, metadata: {name: lib}, spec: {type: service, interface: libtwice}}
"""


class Front:
    """Stands in front of the center, answers once, and kills it: whoever asks again
    finds it dead, as many times as said, and then the one that was started anew."""

    def __init__(self, stage, deaths):
        self.stage, self.deaths, self.asked = stage, deaths, 0
        self.folder = stage.path("front")
        os.mkdir(self.folder)
        os.symlink(os.path.join(stage.run_dir, "agent"),
                   os.path.join(self.folder, "agent"))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.folder, "center.sock"))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                while self.answer(client):
                    pass

    def answer(self, client):
        """One request and its answer; false when the connection is to end."""
        request = client.recv(65536)
        self.asked += bool(request)
        if not request or 1 < self.asked <= 1 + self.deaths:
            return False
        with socket.socket(socket.AF_UNIX) as center:
            try:
                center.connect(os.path.join(self.stage.run_dir, "center.sock"))
            except OSError:
                return False  # it starts just now
            center.sendall(request)
            answer = center.recv(65536)
            if self.asked == 1:
                os.kill(self.stage.pids("center")[0], signal.SIGKILL)
            while answer:
                client.sendall(answer)
                answer = center.recv(65536) if self.lacks(answer) else b""
        return True

    @staticmethod
    def lacks(answer):
        """Whether a first piece announces more than it brings."""
        head, _, body = answer.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n")
                  if line.startswith(b"content-length:")]
        return bool(length) and int(length[0].split(b":")[1]) > len(body)


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
        path = dict(line.split("=", 1) for line in nested.splitlines())["LD_LIBRARY_PATH"]
        self.assertNotIn("/view/", path)
        self.assertIn("/before", path)

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

    def shadows(self):
        """Where the shadow of now lies."""
        return os.path.dirname(self.shadow())

    def age(self, folder, boot=None):
        """Makes it look handed out long ago, or before the machine was started."""
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = boot or file.read().strip()
        path = os.path.join(folder, "stamp")
        with open(path, encoding="ascii") as file:
            earliest = file.read().split()[2]
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{boot} -1000000 {earliest}\n")

    def apply_another(self, line):
        """Registers the interface with one more function: other modules."""
        with open(self.path("side/twice.h"), "a", encoding="utf-8") as file:
            file.write(f"int {line}(void);\n")
        with open(self.path("side/twice.c"), "a", encoding="utf-8") as file:
            file.write(f"int {line}(void) {{ return 1; }}\n")
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libtwice.so.1", "-o",
                        self.path("side/libtwice.so.1"), self.path("side/twice.c")],
                       check=True)
        with open(self.path("side/libtwice.side"), "a", encoding="utf-8") as file:
            file.write(line + "\n")
        self.apply()

    def apply(self):
        return self.ok("apply", "-I", self.path("side"), "-f", self.manifest)

    def test_old_libraries_are_removed_when_nobody_runs_with_them(self):
        self.up("-I", self.library(), self.manifest)
        first = self.shadows()
        with subprocess.Popen([self.rhodes_path, "run", "app", "--", "sh", "-c",
                               "unset LD_LIBRARY_PATH; echo here; read line"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=self.env) as program:
            self.assertEqual(program.stdout.readline(), "here\n")
            self.age(first)
            self.apply()  # it is registered
            self.assertTrue(os.path.exists(first))
            self.apply_another("second")
            self.assertNotEqual(self.shadows(), first)
            self.age(first)
            self.apply()  # a program runs with it
            self.assertTrue(os.path.exists(os.path.join(first, "libtwice.so.1")))
            program.communicate("end\n", timeout=LIMIT)
        second = self.shadows()
        self.apply()
        self.assertFalse(os.path.exists(first))
        self.assertTrue(os.path.exists(second))
        # Handed out just now: its program may be about to start.
        self.apply_another("third")
        self.apply()
        self.assertTrue(os.path.exists(second))
        # What is fetched sweeps too; of another boot nobody can have anything.
        self.age(second, boot="0" * 8 + "-0000-0000-0000-" + "0" * 12)
        third = self.shadows()
        self.assertFalse(os.path.exists(second))
        self.age(third)
        self.ok("delete", "resource", "lib", "app")
        self.ok("delete", "interface", "libtwice")
        self.assertFalse(os.path.exists(third))

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

    def test_it_waits_for_a_center_that_dies_meanwhile(self):
        self.up("-I", self.library(), self.manifest)
        front = Front(self, deaths=4)
        done = self.rhodes("run", "--wait", str(LIMIT), "app", "--", "echo", "here",
                           env={"RHODES_RUN_DIR": front.folder})
        self.assertEqual((done.stdout, done.returncode), ("here\n", 0), done.stderr)
        self.assertGreater(front.asked, 5)
        self.await_line(r"center started", 2)

    def test_without_wait_it_does_not(self):
        self.up("-I", self.library(), self.manifest)
        front = Front(self, deaths=1000)
        done = self.rhodes("run", "app", "--", "echo", "here",
                           env={"RHODES_RUN_DIR": front.folder})
        self.assertEqual((done.stdout, done.returncode), ("", 3), done.stderr)
        self.assertIn("went away before it answered", done.stderr)


if __name__ == "__main__":
    unittest.main()
