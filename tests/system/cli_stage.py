"""A system for the tests of the command line: real `rhodes` and `rhodes-center`, and a
shell script in the place of the agent, so that the supervisor can be tested with agents
that behave as a test wants.  Nothing here sleeps: a test waits for a line or an end."""
import contextlib
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import unittest

BUILD = os.environ.get("RHODES_BUILD", "build")
AGENT = """#!/bin/sh
# rhodes-agent --run-dir DIR --state-dir DIR --resource NAME
touch "$2/agent/$6.sock"
%s
echo ready
trap 'exit 0' TERM
while :; do sleep 1000 & wait; done
"""
# How often longer things may take: on an emulated machine they do.
PATIENCE = int(os.environ.get("RHODES_PATIENCE", "1"))
LIMIT = 60 * PATIENCE  # seconds that nothing here takes


def stopped(_, frame):
    """A test that is stopped from outside says where it is, and takes its system down."""
    traceback.print_stack(frame)
    sys.exit(1)


signal.signal(signal.SIGTERM, stopped)


class Stage(unittest.TestCase):
    """One system with folders of its own."""
    has_agents = False  # the real ones

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rh-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        self.rhodes_path = os.path.join(self.bin, "rhodes")
        # A copy: the others are looked for beside it.
        shutil.copy(os.path.join(BUILD, "cli", "rhodes"), self.rhodes_path)
        for program in ("center/rhodes-center", "interface/rhodes-interface",
                        "worker/rhodes-worker", "sdk/c/librhodes.so.0"):
            os.symlink(os.path.abspath(os.path.join(BUILD, program)),
                       os.path.join(self.bin, os.path.basename(program)))
        if self.has_agents:
            os.symlink(os.path.abspath(os.path.join(BUILD, "agent", "rhodes-agent")),
                       os.path.join(self.bin, "rhodes-agent"))
        else:
            self.agent("")
        self.run_dir = os.path.join(self.folder, "run")
        self.env = {**os.environ, "RHODES_RUN_DIR": self.run_dir, "TERM": "dumb",
                    "RHODES_STATE_DIR": os.path.join(self.folder, "state"),
                    "RHODES_SYSTEM": "test"}
        for name in ("RHODES_AGENT", "RHODES_RESOURCE", "NO_COLOR"):
            self.env.pop(name, None)
        self.addCleanup(self.end)

    def agent(self, extra):
        """Installs the stand-in agent; extra runs before it says ready."""
        path = os.path.join(self.bin, "rhodes-agent")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(AGENT % extra)
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def end(self):
        """Whatever a test left: stop it, and kill what does not stop."""
        self.rhodes("down", "-t", "20")

    def path(self, name, text=None):
        """A file of the test, written when text is given."""
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def install_runtime(self):
        """The carrier `fiber`, where `rhodes` looks for it: beside bin/, as in a build tree."""
        os.mkdir(self.path("interceptors"))
        os.symlink(os.path.abspath(os.path.join(BUILD, "interceptors/fiber")),
                   self.path("interceptors/fiber"))

    def library(self, body="return 2 * number;"):
        """Makes libtwice.so.1 with a side file in the folder "side", which it returns."""
        folder = self.path("side")
        os.makedirs(folder, exist_ok=True)
        self.path("side/twice.h", "int twice(int number);\nint whose(void);\n")
        self.path("side/twice.c", '#include "twice.h"\n#include <stdio.h>\n'
                           "#include <unistd.h>\n"
                           f"int twice(int number) {{ {body} }}\n"
                           "int whose(void) { return getpid(); }\n")
        self.compile()
        self.path("side/libtwice.side", "interface libtwice\nheader twice.h\n"
                  "soname libtwice.so.1\nlibrary ./libtwice.so.1\n"
                  "twice idempotent\nwhose\n")
        return folder

    def compile(self, *options):
        """Makes side/libtwice.so.1 of side/twice.c, never in place: a worker may have it
        mapped."""
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libtwice.so.1", *options,
                        "-o", self.path("side/libtwice.so.1.new"),
                        self.path("side/twice.c")], check=True)
        os.rename(self.path("side/libtwice.so.1.new"), self.path("side/libtwice.so.1"))

    def rhodes(self, *words, data="", env=None):
        return subprocess.run([self.rhodes_path, *words], input=data, text=True,
                              capture_output=True, timeout=LIMIT, check=False,
                              env={**self.env, **(env or {})})

    @contextlib.contextmanager
    def started(self, *words, **pipes):
        """A command that goes on.  When the test fails meanwhile it is killed, and not
        waited for."""
        with subprocess.Popen([self.rhodes_path, *words], text=True, env=self.env,
                              **pipes) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise

    def ok(self, *words, data=""):
        """Output of a command that must work."""
        done = self.rhodes(*words, data=data)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}{self.log()}")
        return done.stdout

    def refused(self, code, *words, data=""):
        """What a command that must fail so says."""
        done = self.rhodes(*words, data=data)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        return done.stderr

    def json(self, *words):
        return json.loads(self.ok(*words, "-o", "json"))

    def up(self, *words):
        if PATIENCE > 1 and "-t" not in words:
            words = "-t", str(LIMIT - 10), *words
        return self.ok("up", "--detach", *words)

    def log(self):
        try:
            with open(os.path.join(self.run_dir, "system.log"), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return "(no log)"

    def pids(self, name):
        """Every pid that the process of that name had, oldest first."""
        return [int(pid) for pid in
                re.findall(rf" {re.escape(name)} started \(pid (\d+)\)", self.log())]

    def await_line(self, pattern, count=1):
        """Waits until that many lines of the log match."""
        with subprocess.Popen([self.rhodes_path, "logs", "-f"], stdout=subprocess.PIPE,
                              text=True, env=self.env) as follow:
            for line in follow.stdout:
                count -= re.search(pattern, line) is not None
                if count <= 0:
                    break
            follow.kill()

    @contextlib.contextmanager
    def without_center(self):
        """Kills the center and keeps it away, by its lock."""
        path = os.path.join(self.run_dir, "center.lock")
        with open(path, encoding="ascii") as lock:
            waiter = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX))
            waiter.start()
            while waiter.is_alive():  # the next center may have been quicker
                with open(path, encoding="ascii") as file:
                    os.kill(int(file.read()), signal.SIGKILL)
                waiter.join(0.1)
            self.await_line(f"{path} is held by another program")
            yield

    def is_ours(self, pid):
        """Whether it is still a process of this system: a busy machine gives the pid of
        one that ended to somebody else."""
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return f"RHODES_RUN_DIR={self.run_dir}\0".encode() in file.read()
        except (FileNotFoundError, ProcessLookupError):
            return False

    def assert_ends(self, pids):
        """Waits until all of them are gone."""
        for pid in pids:
            try:
                pidfd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            if not self.is_ours(pid):
                os.close(pidfd)
                continue
            ready, _, _ = select.select([pidfd], [], [], LIMIT)
            os.close(pidfd)
            self.assertTrue(ready, f"pid {pid} lives on")
