"""Where the tour plays: folders, processes that must not outlive it, and the seed."""
import contextlib
import ctypes
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
# How many times longer than usual things may take: on an emulated machine they do.
SLOW = int(os.environ.get("RHODES_PATIENCE", "1"))
PATIENCE = 60 * SLOW  # seconds that nothing in the tour takes
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Skip(Exception):
    """This machine cannot do it; the message says why."""


class Failed(Exception):
    """What should have happened and did not."""


def apart():
    """In a new process: out of the reach of Ctrl-C, which the tour hands on in the right
    order, and gone with the tour should that be killed."""
    os.setsid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Stage(contextlib.ExitStack):
    """Everything entered here is undone when the tour ends, however it ends."""

    def __init__(self, options, report):
        super().__init__()
        self.options, self.report = options, report
        self.random = random.Random(options.seed)
        self.build = os.path.abspath(options.build)
        self.programs = os.path.join(self.build, "examples", "tour")
        self.rhodes = os.path.join(self.build, "cli", "rhodes")
        self.folder = tempfile.mkdtemp(prefix="rhodes-tour-")
        os.chmod(self.folder, 0o755)
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, command, **options):
        """A process that ends with the tour.  Keywords are those of Popen."""
        process = subprocess.Popen(command, preexec_fn=apart, **options)
        self.callback(stop, process)
        return process

    def program(self, name):
        return os.path.join(self.programs, name)


def stop(process, patience=10):
    """Ends a process that is still there, and waits for it."""
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            if stream:
                stream.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Result:
    """What one run of a program left behind."""

    def __init__(self, stdout, stderr, code, pid):
        self.stdout, self.stderr, self.code, self.pid = stdout, stderr, code, pid

    def difference(self, other):
        """None when equal byte for byte, else where they part."""
        if self.code != other.code:
            return f"exit code {self.code}, and {other.code} under Rhodes; " \
                   f"errors: {other.stderr[-300:]!r}"
        for name in ("stdout", "stderr"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                pairs = zip(mine.split(b"\n"), theirs.split(b"\n"))
                for number, (a, b) in enumerate(pairs, 1):
                    if a != b:
                        return f"{name}, line {number}: {a[:200]!r}, and {b[:200]!r} " \
                               "under Rhodes"
                return f"{name}: {len(mine)} bytes, and {len(theirs)} under Rhodes"
        return None


def run(command, data=b"", cwd=None, env=None, timeout=900, watch=None):
    """Runs a program to its end; watch(pid) is called once in a thread while it runs."""
    process = subprocess.Popen(command, cwd=cwd, env=env, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=apart)
    watcher = threading.Thread(target=watch, args=(process.pid,)) if watch else None
    try:
        if watcher:
            watcher.start()
        out, err = process.communicate(data, timeout=timeout)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    finally:
        if watcher:
            watcher.join()
    return Result(out, err, process.returncode, process.pid)


def is_running(pid):
    """Whether a process is there and has not ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
