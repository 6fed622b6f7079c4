"""Programs under the carrier `fiber`: started with librhodes-fiber.so before them, their
statistics read from the block that the runtime shares, and a watchdog that shows their
state when they hang or crash.  Nothing here sleeps: who waits, waits for the end of a program."""
import collections
import contextlib
import ctypes
import glob
import itertools
import mmap
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import unittest

BUILD = os.path.abspath(os.environ.get("RHODES_BUILD", "build"))
LIBRARY = os.path.join(BUILD, "interceptors", "fiber", "librhodes-fiber.so")
PATIENCE = int(os.environ.get("RHODES_PATIENCE", "1"))
LIMIT = 240 * PATIENCE  # seconds that nothing here takes

# base/fiber_layout.h
HEAD = struct.Struct("=6I40s8Q")
LINE = struct.Struct("=3Ii10Q2I")
CONTROL = HEAD.size + 1024 * LINE.size
ASK = struct.Struct("=40sIi4Q")
SEATS = CONTROL + 256
SEAT = struct.Struct("=4Q32x")
OTHERS = SEATS + 64 * SEAT.size
REASONS = OTHERS + 512 * 8
RING = REASONS + 32 * 56
STATES = ["none", "queued", "running", "waiting", "blocked", "home"]
Thread = collections.namedtuple("Thread", "tid state seat nice since run_ns queued_ns "
                                "waited_ns runs preempted moved key vruntime deadline why rest")


class Block:
    """What the runtime of one process tells."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        (self.magic, self.version, self.pid, self.seats, self.carriers, threads, policy,
         self.switches, self.preempted, self.deferred, self.steals, self.spares,
         self.evicted, self.wakes, self.monitor) = HEAD.unpack_from(data)
        self.policy = policy.split(b"\0")[0].decode()
        seats = [SEAT.unpack_from(data, SEATS + i * SEAT.size) for i in range(self.seats)]
        counts = seats or [(0, 0, 0, 0)]  # before it says how many
        self.picks, self.unruled, self.failures, self.told = map(sum, zip(*counts))
        self.events = struct.unpack_from("=Q", data, RING)[0]
        now = ASK.unpack_from(data, CONTROL + 32 + ASK.size)
        self.now = (now[0].split(b"\0")[0].decode(), *now[1:])
        lines = (LINE.unpack_from(data, 128 + i * LINE.size) for i in range(threads))
        self.threads = [Thread(*line) for line in lines if line[1]]


def block_of(pid):
    """The path of the block that a process shares, or None: there is none yet."""
    folder = f"/proc/{pid}/fd"
    for fd in os.listdir(folder):
        path = os.path.join(folder, fd)
        try:
            if os.readlink(path).startswith("/memfd:rhodes-fibers") and \
                    Block(path).pid == pid:
                return path
        except (FileNotFoundError, struct.error):  # closed; not as long as it will be
            pass
    return None


class Control:
    """Asks the runtime of a running process for another rule."""
    libc = ctypes.CDLL(None, use_errno=True)
    tgkill = 234  # x86-64

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.at = CONTROL

    def pid(self):
        """Whose block it is now."""
        return struct.unpack_from("=I", self.map, 8)[0]

    def fields(self):
        """wanted, done, result, monitor's thread, signal"""
        return struct.unpack_from("=IIiII", self.map, self.at)

    def ask(self, policy, *numbers):
        """False: the process ended before it answered.  An agent may ask at the same time, and
        be answered instead."""
        wanted, _, _, tid, sig = self.fields()
        if not tid:
            return True  # not yet
        ASK.pack_into(self.map, self.at + 32, policy.encode(),
                      *numbers, *[0] * (6 - len(numbers)))
        struct.pack_into("=I", self.map, self.at, wanted + 1)
        while self.fields()[1] <= wanted:
            # Signals of its kind queue up: one at a time.
            if self.libc.syscall(self.tgkill, self.pid(), tid, sig):
                return False
            select.select([], [], [], 0.002)
        return True


class Changer(threading.Thread):
    """Has a runtime go on with another rule every 10 ms, for as long as its process lives;
    the name of none now and then, which is refused.  Not fifo, under which threads that
    only compute rightly keep others from running."""
    names = ["eevdf", "rr", "nothing", "deadline", "cfs"]

    def __init__(self, process, path):
        super().__init__()
        self.process, self.path, self.results = process, path, []

    def is_there(self):
        return os.path.exists(self.path) and os.path.getsize(self.path) > SEATS

    def run(self):
        names = itertools.cycle(self.names)
        while not self.is_there():
            if self.process.poll() is not None:
                return
            select.select([], [], [], 0.002)
        control = Control(self.path)
        while self.process.poll() is None and control.ask(next(names)):
            self.results.append(control.fields()[2])
            select.select([], [], [], 0.01)


def states(pid):
    """What the kernel says of each thread, for who has to find a hang."""
    lines = []
    for tid in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        words = []
        for name in ("stat", "wchan", "syscall"):
            try:
                with open(f"/proc/{pid}/task/{tid}/{name}", encoding="utf-8") as file:
                    words.append(file.read().split(")")[-1].strip()[:60])
            except OSError as error:
                words.append(str(error.errno))
        lines.append(f"  {tid}: " + " | ".join(words))
    return "\n".join(lines)


def debugged(*what):
    """Where the threads of a process or a core are; empty where there is no debugger."""
    if not shutil.which("gdb"):
        return ""
    return subprocess.run(["gdb", "-q", "-nx", "-batch", "-ex", "info registers",
                           "-ex", "thread apply all bt 12", *what],
                          capture_output=True, text=True, check=False).stdout


def said(out, errors):
    """What a program that failed said: the end of its output tells which test it was in."""
    return f"{out[-2000:].decode(errors='replace')}\n{errors}"


class Stage(unittest.TestCase):
    policy = os.environ.get("RHODES_TEST_SCHED", "cfs")

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rh-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.block_path = os.path.join(self.folder, "block")

    def path(self, name):
        return os.path.join(self.folder, name)

    def environment(self, **more):
        return {**os.environ, "LD_PRELOAD": LIBRARY, "RHODES_SCHED": self.policy,
                "RHODES_SCHED_STATS": self.block_path, **more}

    def block(self):
        block = Block(self.block_path)
        self.assertEqual((block.magic, block.version), (0x72686669, 4))
        return block

    def dump(self, process):
        text = states(process.pid)
        if os.path.exists(self.block_path):
            block = Block(self.block_path)
            text += f"\n  switches {block.switches}, spares {block.spares}, evicted {block.evicted}"
            for thread in block.threads:
                text += f"\n  {STATES[thread.state]}: {thread}"
        return text + "\n" + debugged("-p", str(process.pid))

    def core(self, command):
        """Where its threads were: signals that a thread blocks, as the runtime's do, end a
        program before it can say so.  Empty where the kernel puts cores elsewhere."""
        cores = glob.glob(self.path("core*"))
        return debugged(shutil.which(command[0]), cores[0]) if cores else ""

    def run_plain(self, *command, **more):
        return subprocess.run(command, stdout=subprocess.PIPE, check=True, **more).stdout

    @contextlib.contextmanager
    def changing(self, process):
        """Its rule changes meanwhile; ends with the process."""
        changer = Changer(process, self.block_path)
        changer.start()
        try:
            yield changer
        finally:
            changer.join()

    def communicate(self, process, command):
        """Its output; one that hangs is shown and fails the test."""
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            shown = self.dump(process)
            os.killpg(process.pid, signal.SIGKILL)  # also what it started
            process.communicate()
            self.fail(f"{command} hangs:\n{shown}")
        self.errors = err.decode(errors="replace")
        if process.returncode:
            self.fail(f"{command} ends with {process.returncode}:\n"
                      f"{said(out, self.errors)}\n{self.core(command)}")
        return out

    @contextlib.contextmanager
    def running(self, *command):
        """A program whose rule changes all the time."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.block_path)
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.environment(),
                              start_new_session=True, cwd=self.folder) as process:
            try:
                with self.changing(process) as self.changer:
                    yield process
                    process.wait(LIMIT)
            finally:
                process.kill()

    def run_fiber(self, *command):
        with self.running(*command) as process:
            return self.communicate(process, command)
