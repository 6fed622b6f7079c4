#!/usr/bin/python3
"""What bad input gets, seen from outside: a clear error that names the object and the
reason, nothing changed, and nobody else disturbed.

Each test starts a whole system, and an honest program that calls all the time.  While
that goes on somebody lies, floods, stops, dies, or uses something up.  At the end every
call of the honest program had the right answer, and the same processes live."""
import contextlib
import ctypes
import os
import mmap
import resource as limits
import shutil
import signal
import socket
import struct
import subprocess
import time
import unittest

from center_lib import FRAME_ERROR, frame, records, text, u32
from cli_stage import BUILD, LIMIT, Stage

THINGS = os.path.abspath(os.path.join(BUILD, "tests/sdk"))
PEER = os.path.abspath(os.path.join(BUILD, "tests/system/hostile_peer"))
PYTHON = os.path.realpath("/usr/bin/python3")
OURS = os.path.realpath("/proc/self/exe")
STRANGER = 65534
ATTACH, ATTACHED, ROLE_CALLER = 16, 17, 1

SYSTEM = """
kind: Resource
metadata: {{name: lib}}
spec: {{type: service, interface: things, serve: {{library: {things}/libthings.so.1}}}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [lib]}}
---
kind: Resource
metadata: {{name: evil}}
spec: {{type: application, reference: [lib], allow: {{exe: [{peer}, {python}, {ours}]}}}}
---
kind: Resource
metadata: {{name: closed}}
spec: {{type: application, allow: {{exe: [{peer}]}}}}
---
kind: Rule
metadata: {{name: app-lib}}
spec: {{protocol: {{edge: [app, lib], use: {app}}}}}
---
kind: Rule
metadata: {{name: evil-lib}}
spec: {{protocol: {{edge: [evil, lib], use: {evil}}}}}
"""

HONEST = """
import ctypes, select, sys
lib = ctypes.CDLL("libthings.so.1")
lib.box_new.restype = ctypes.c_void_p
lib.box_get.argtypes = [ctypes.c_void_p]
box, n, asked = lib.box_new(7), 0, 1
print("ready", flush=True)
while True:
    n += 1
    if lib.things_add(n, 1) != n + 1 or lib.box_get(box) != 7:
        sys.exit(f"call {n} failed")
    if select.select([sys.stdin], [], [], 0)[0]:
        if not sys.stdin.readline():
            break
        print(n, flush=True)
"""


class Honest:
    """A program that calls without a pause until its input ends."""

    def __init__(self, test, resource):
        self.test = test
        self.process = subprocess.Popen(
            [test.rhodes_path, "run", resource, "--", PYTHON, "-c", HONEST], text=True,
            env=test.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        test.assertEqual(self.line(), "ready")

    def line(self):
        line = self.process.stdout.readline().strip()
        if not line:
            _, err = self.process.communicate(timeout=LIMIT)
            self.test.fail(f"the honest program ended: {err}{self.test.log()}")
        return line

    def calls(self):
        """How many calls it has made; at least one of them from now on."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.line())

    def end(self):
        _, err = self.process.communicate(timeout=LIMIT)
        self.test.assertEqual((self.process.returncode, err), (0, ""), self.test.log())


class Hostile(Stage):
    has_agents = True

    def start(self, app="shm", evil="shm", preexec=None):
        self.ledger = self.path("ledger")
        with open(self.ledger, "w+b") as file:
            file.write(bytes(4096))
            file.flush()
            self.words = (ctypes.c_uint32 * 1024).from_buffer(mmap.mmap(file.fileno(), 4096))
        os.chmod(self.folder, 0o755)
        self.env.update(THINGS_LEDGER=self.ledger, HOSTILE_RUN_DIR=self.run_dir)
        self.manifest = self.path("system.yaml", SYSTEM.format(
            things=THINGS, peer=PEER, python=PYTHON, ours=OURS, app=app, evil=evil))
        done = subprocess.run([self.rhodes_path, "up", "--detach", "-I", THINGS,
                               self.manifest], env=self.env, capture_output=True, text=True,
                              timeout=LIMIT, check=False, preexec_fn=preexec)
        self.assertEqual(done.returncode, 0, done.stderr + self.log())

    def processes(self):
        """The pids of the system's processes by name."""
        return {name: self.pids(name)[-1] for name in
                ("center", "agent/lib", "agent/app", "agent/evil", "lib/0")}

    def costs(self):
        """Descriptors, and resident KiB, of each of them."""
        return {name: (len(os.listdir(f"/proc/{pid}/fd")), resident(pid))
                for name, pid in self.processes().items()}

    @contextlib.contextmanager
    def undisturbed(self, resource="app"):
        """All that is done inside disturbs neither the honest program nor a process."""
        before = self.processes()
        honest = Honest(self, resource)
        honest.calls()
        try:
            yield honest
            honest.calls()
        finally:
            honest.end()
        self.assertEqual(self.processes(), before)
        for name, pid in before.items():
            self.assertNotEqual(state(pid), "Z", name)

    def python(self, script, resource="evil", env=None):
        return self.rhodes("run", resource, "--", PYTHON, "-c",
                           "import ctypes; lib = ctypes.CDLL('libthings.so.1')\n" + script,
                           env=env)

    def connect(self, path, kind=socket.SOCK_SEQPACKET):
        sock = socket.socket(socket.AF_UNIX, kind)
        sock.settimeout(LIMIT)
        sock.connect(os.path.join(self.run_dir, path))
        return sock

    def attach(self, resource):
        """What an agent says to this process: a type of frame, and the words of it."""
        with self.connect(f"agent/{resource}.sock") as sock:
            sock.send(frame(ATTACH, u32("VERSION", 1) + u32("ROLE", ROLE_CALLER)))
            answer = sock.recv(65536)
        return answer[3], text(records(answer[24:]), "TEXT")

    def as_stranger(self, work):
        """What work returned, run by another user; it can say no more than a number."""
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        pid = os.fork()
        if pid == 0:
            code = 99
            try:
                os.setgroups([])
                os.setgid(STRANGER)
                os.setuid(STRANGER)
                code = work()
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    # ---- a registered program that lies

    def lie(self, use):
        self.start(evil=use)
        with self.undisturbed():
            done = self.rhodes("run", "evil", "--", PEER)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.log())
            before = self.costs()
            done = self.rhodes("run", "evil", "--", PEER)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assert_costs_no_more(before)

    def assert_costs_no_more(self, before):
        """Descriptors and memory are given back, a moment after their user is gone."""
        end = time.monotonic() + LIMIT
        while True:
            now = self.costs()
            more = {name: (before[name], now[name]) for name in before
                    if now[name][0] > before[name][0] or now[name][1] > before[name][1] + 16384}
            if not more:
                return
            if time.monotonic() > end:
                self.fail(f"kept: {more}")

    def test_lies_by_shm(self):
        self.lie("shm")

    def test_lies_by_msgqueue(self):
        self.lie("msgqueue")

    def test_lies_by_semaphore(self):
        self.lie("semaphore")

    def test_lies_by_bind(self):
        self.lie("bind")

    # ---- who is not registered

    def test_another_user(self):
        self.start()

        def knock():
            kind, words = self.attach("evil")
            good = kind == FRAME_ERROR and f"uid {STRANGER}" in words \
                and "evil is registered for uid 0" in words
            return 0 if good else 1

        with self.undisturbed():
            self.assertEqual(self.as_stranger(knock), 0)

    def test_a_program_that_is_not_registered(self):
        self.start()
        with self.undisturbed():
            self.assertEqual(self.attach("evil")[0], ATTACHED)
            kind, words = self.attach("closed")
            self.assertEqual(kind, FRAME_ERROR)
            self.assertIn(f"process {os.getpid()} runs {OURS}, which is not registered for"
                          " closed: allow.exe names /", words)

    def test_a_flood_of_strangers(self):
        """As many connections as another user can make, to every socket there is."""
        self.start()

        def flood():
            held = []
            for path, kind in (("center.sock", socket.SOCK_STREAM),
                               ("link.sock", socket.SOCK_SEQPACKET),
                               ("agent/app.sock", socket.SOCK_SEQPACKET),
                               ("agent/lib.sock", socket.SOCK_SEQPACKET)):
                for i in range(700):
                    sock = socket.socket(socket.AF_UNIX, kind)
                    sock.setblocking(False)
                    held.append(sock)
                    try:
                        sock.connect(os.path.join(self.run_dir, path))
                        if i % 2:
                            sock.send(b"GET /apis/v1/resources HTTP/1.1\r\nX: ")
                    except OSError:
                        pass  # it may be sent away at any time
            os.write(writer, b"x")
            os.read(release, 1)
            os._exit(0)

        reader, writer = os.pipe()
        release, hold = os.pipe()
        limits.setrlimit(limits.RLIMIT_NOFILE, (8192, limits.getrlimit(limits.RLIMIT_NOFILE)[1]))
        with self.undisturbed():
            if os.getuid() != 0:
                self.skipTest("only root can become another user")
            pid = os.fork()
            if pid == 0:
                os.close(hold)
                os._exit(self.as_stranger(flood))
            os.close(writer)
            os.close(release)
            self.assertEqual(os.read(reader, 1), b"x")
            self.assertIn("Ready", self.ok("get", "resource", "lib"))
            self.assertEqual(self.python("print(lib.things_add(1, 2))", "app").stdout, "3\n")
            os.close(hold)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.close(reader)

    def test_a_set_uid_program_obeys_no_environment(self):
        """Whoever starts it does not choose whom it talks to."""
        trap = self.path("trap.sock")
        copy = self.path("python")
        shutil.copy(PYTHON, copy)
        os.chmod(copy, 0o4755)
        os.chmod(self.folder, 0o755)
        library = os.path.abspath(os.path.join(BUILD, "sdk/c/librhodes.so.0"))
        script = ("import ctypes, os; lib = ctypes.CDLL(%r);"
                  " lib.rh_last_error.restype = ctypes.c_char_p;"
                  " print(os.geteuid(), lib.rh_attach(ctypes.c_uint64(10**8)),"
                  " lib.rh_last_error().decode())" % library)

        def start():
            os.environ["RHODES_AGENT"] = trap
            os.dup2(writer, 1)
            os.execv(copy, [copy, "-I", "-c", script])

        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(trap)
            os.chmod(trap, 0o666)
            listener.listen()
            reader, writer = os.pipe()
            self.assertEqual(self.as_stranger(start), 0)
            os.close(writer)
            with os.fdopen(reader) as output:
                words = output.read()
            if not words.startswith("0 "):
                self.skipTest("no set-uid programs in this file system")
            self.assertIn("this process runs as no resource", words)
            listener.setblocking(False)
            self.assertRaises(BlockingIOError, listener.accept)

    # ---- what the center is told

    def test_bad_manifests(self):
        self.start()
        head = "kind: Resource\nmetadata: {name: x}\nspec: "
        cases = {"a: [": "2:1", head + "{type: service, wrong: 1}": "unknown key",
                 head + "{type: service}\nkind: Rule": "duplicate key",
                 head.replace("x", "X!") + "{type: service}": "is not a name",
                 head + "{type: servce}": "is none of",
                 head + "{type: service}\n---\n" + head + "{type: driver}": "stands already",
                 head + "{type: service, reference: [x]}": "references itself",
                 head + "[" * 40 + "]" * 40: "nested deeper",
                 head + "{type: driver, reference: [lib]}": "driver"}
        before = self.json("get", "resources"), self.json("get", "rules")
        with self.undisturbed():
            for manifest, words in cases.items():
                with self.subTest(words):
                    self.assertIn(words, self.refused(1, "apply", "-f", "-", data=manifest))
        self.assertEqual((self.json("get", "resources"), self.json("get", "rules")), before)

    # ---- what is used up

    def test_message_queues_used_up(self):
        """The edge over queues says which limit; the edge beside it goes on."""
        def no_queues():
            limits.setrlimit(limits.RLIMIT_MSGQUEUE, (0, 0))
            ctypes.CDLL(None).prctl(24, 24, 0, 0, 0)  # drop CAP_SYS_RESOURCE for good

        self.start(evil="msgqueue", preexec=no_queues)
        with self.undisturbed():
            done = self.python("print(lib.things_add(1, 2))",
                               env={"RHODES_TIMEOUT_MS": "1000"})
            self.assertEqual(done.stdout, "-1\n")
            self.assertIn("message queues are used up (RLIMIT_MSGQUEUE", done.stderr)
            self.assertRegex(done.stderr, r"/test-evil-lib-(queue|reply)")
        self.ok("apply", "-f", "-", data=SYSTEM.format(
            things=THINGS, peer=PEER, python=PYTHON, ours=OURS, app="shm", evil="shm").split("---")[-1])
        self.assertEqual(self.python("print(lib.things_add(1, 2))").stdout, "3\n")

    def test_full_run_directory(self):
        """No room for counters, the log, or a socket's name: calls go on."""
        os.mkdir(self.run_dir, 0o755)
        libc = ctypes.CDLL(None, use_errno=True)
        if os.getuid() != 0 or libc.mount(b"tmpfs", self.run_dir.encode(), b"tmpfs", 0,
                                          b"size=256k,mode=0755") != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(libc.umount2, self.run_dir.encode(), 2)
        self.addCleanup(self.end)  # before that
        self.start()
        with self.undisturbed():
            with contextlib.suppress(OSError), \
                    open(os.path.join(self.run_dir, "ballast"), "wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
            self.assertEqual(self.python("print(lib.things_add(1, 2))").stdout, "3\n")
            self.assertIn("Ready", self.ok("get", "resource", "lib"))
            self.ok("apply", "-f", "-",
                    data="kind: Resource\nmetadata: {name: more}\nspec: {type: application}\n")
            self.ok("delete", "resource", "more")

    # ---- who stops or dies

    def test_stopped(self):
        """While one is stopped its calls wait; when it goes on so do they."""
        self.start(evil="msgqueue")
        pids = self.processes()
        late = {"RHODES_TIMEOUT_MS": "300"}
        for name, who in (("agent/evil", "app"), ("agent/app", "evil")):
            with self.subTest(name), self.undisturbed(who):
                os.kill(pids[name], signal.SIGSTOP)
                done = self.python("print(lib.things_add(1, 2))", name.split("/")[1], late)
                os.kill(pids[name], signal.SIGCONT)
                self.assertEqual(done.stdout, "-1\n")
                self.assertIn("in time", done.stderr)
        for name in ("agent/lib", "lib/0"):
            with self.subTest(name), self.undisturbed():
                os.kill(pids[name], signal.SIGSTOP)
                done = self.python("print(lib.things_add(1, 2))", env=late)
                os.kill(pids[name], signal.SIGCONT)
                self.assertEqual(done.stdout, "-1\n")
                self.assertIn("deadline", done.stderr)

    def restart(self, name):
        """Kills it; returns when another one was started."""
        pids = self.pids(name)
        os.kill(pids[-1], signal.SIGKILL)
        self.await_line(rf" {name} started", len(pids) + 1)
        if name == "center":  # until then nobody answers
            self.await_line(r" center +info  ready ", len(pids) + 1)

    def test_killed(self):
        """kill -9 of anything: the honest program's functions may run again, so it does
        not even notice; and all of it comes back."""
        for use in ("shm", "bind"):
            self.start(app=use)
            for name in self.processes():
                with self.subTest(f"{name} under {use}"):
                    honest = Honest(self, "app")
                    self.restart(name)
                    honest.calls()
                    self.ok("get", "resources")
                    honest.calls()
                    honest.end()
            self.ok("down")

    def test_killed_in_a_call_that_must_not_run_twice(self):
        """What the program is told of the call that was under way."""
        told = {("shm", "center"): "1", ("shm", "agent/evil"): "1",
                ("shm", "agent/app"): "lost", ("shm", "agent/lib"): "lost",
                ("shm", "lib/0"): "lost", ("bind", "center"): "1",
                ("bind", "agent/app"): "1", ("bind", "agent/lib"): "1",
                ("bind", "lib/0"): "lost"}
        for use in ("shm", "bind"):
            self.start(app=use)
            for name in [name for by, name in told if by == use]:
                with self.subTest(f"{name} under {use}"):
                    self.hold_and_kill(name, told[use, name])
            self.ok("down")

    def hold_and_kill(self, name, expected):
        self.words[GATE] = 0
        before = self.words[1]
        with subprocess.Popen(
                [self.rhodes_path, "run", "app", "--", PYTHON, "-c",
                 "import ctypes; print(ctypes.CDLL('libthings.so.1').things_hold(1))"],
                text=True, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as held:
            while self.words[1] == before:
                if held.poll() is not None:
                    self.fail(f"it ended before its call ran: {held.communicate()}{self.log()}")
            self.restart(name)
            self.words[GATE] = 1
            futex_wake(ctypes.addressof(self.words) + 4 * GATE)
            out, err = held.communicate(timeout=LIMIT)
        if name == "lib/0":
            self.words[INSIDE] = 0  # it never left: it died
        while self.words[INSIDE] > 0:  # before the gate is shut again
            pass
        if expected == "lost":
            self.assertEqual(out, "-1\n")
            self.assertIn("things_hold of things", err)
            self.assertRegex(err, "lost|may have run")
        else:
            self.assertEqual((out, err), (f"{expected}\n", ""))
        self.assertEqual(self.words[1], before + 1)


# The ledger of tests/sdk/things.h, in words; the first 256 count calls by their id.
GATE, INSIDE = 257, 259


def futex_wake(address):
    number = {"x86_64": 202, "aarch64": 98}[os.uname().machine]
    ctypes.CDLL(None).syscall(number, ctypes.c_void_p(address), 1, 1 << 30, 0, 0, 0)


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
        return int(file.read().split()[1]) * 4


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


if __name__ == "__main__":
    unittest.main()
