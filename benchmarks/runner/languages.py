"""`./bench languages`: a call of one service in C from every language, beside C, and beside
what programs of that language use today to call C."""
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from . import languages_docs, paired, rows

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "examples", "languages")
SOURCES = os.path.join(ROOT, "benchmarks", "languages")
SYSTEM = """
kind: Resource
metadata: {{name: text_c}}
spec:
  type: service
  interface: libtextstat
  serve: {{library: {library}, threads: 1}}
---
kind: Resource
metadata: {{name: texts}}
spec: {{type: application, reference: [text_c]}}
---
kind: Rule
metadata: {{name: texts-text_c}}
spec: {{protocol: {{edge: [texts, text_c], use: bind}}}}
"""
READY_S, CALL_S = 60, 120
JNA = "/usr/share/java/jna.jar"
PYTHON = "/usr/bin/python3"  # Debian's: the modules of other peers are for that one
# Times what C takes: the goal of each language.
GOALS = {"C++": 1.3, "Rust": 1.3, "Go": 1.3, "Java": 1.3, "Java, native methods": 1.3,
         "Python": 3, "Node": 3}
PLACES = {"two": "awake, two cores", "one": "blocking, one core"}


class Runner:
    """The service, the programs, and what they printed."""

    def __init__(self, args, stack):
        self.args = args
        self.build = os.path.abspath(args.build)
        self.folder = tempfile.mkdtemp(prefix="rh-")  # paths of sockets are short
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.library = os.path.join(self.build, "examples", "languages", "c",
                                    "libtextstat.so.1")
        self.programs = os.path.join(self.build, "benchmarks", "languages")
        self.calls = 500 if args.quick else 20000
        self.rounds = 1 if args.quick else 7
        cores = sorted(os.sched_getaffinity(0))
        self.first, self.last = cores[0], cores[-1]
        self.env = {**os.environ, "RHODES_RUN_DIR": os.path.join(self.folder, "run"),
                    "RHODES_STATE_DIR": os.path.join(self.folder, "state"),
                    "RHODES_SYSTEM": f"bench_languages_{os.getpid()}", "RHODES_LOG": "warn"}
        self.figures = {}  # way, place -> the lines of the rounds
        self.failures = []
        self.load = os.getloadavg()[0]

    def rhodes(self, *words):
        done = subprocess.run([os.path.join(self.build, "cli", "rhodes"), *words], text=True,
                              env=self.env, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"rhodes {' '.join(words)}: {done.stderr}")
        return done.stdout

    def start(self, stack):
        path = os.path.join(self.folder, "system.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SYSTEM.format(library=self.library))
        shutil.copy(os.path.join(EXAMPLE, "textstat.h"), self.folder)
        with open(os.path.join(EXAMPLE, "libtextstat.side"), encoding="utf-8") as source, \
                open(os.path.join(self.folder, "libtextstat.side"), "w",
                     encoding="utf-8") as target:
            target.write(re.sub(r"(?m)^library .*$", f"library {self.library}",
                                source.read()))
        stack.callback(subprocess.run, [os.path.join(self.build, "cli", "rhodes"), "down"],
                       env=self.env, capture_output=True, check=False)
        self.rhodes("up", "--detach", "-t", str(READY_S), path)
        described = self.rhodes("describe", "text_c")
        self.worker = int(re.search(r"^Instances +(\d+)", described, re.M)[1])

    def grpc(self, stack):
        """The server of gRPC in Python; its address, or None without it."""
        address = "unix:" + os.path.join(self.folder, "grpc.sock")
        server = subprocess.Popen(
            [PYTHON, os.path.join(SOURCES, "grpc_server.py"), address], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        stack.callback(server.wait)
        stack.callback(server.terminate)
        self.grpc_server = server.pid
        return address if server.stdout.readline() == "ready\n" else None

    def pin(self, pid, core):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), {core})

    def call(self, way, place):
        """One run of one program; its line of figures, or None."""
        core = self.first if place == "one" else self.last
        if way.server:
            self.pin(way.server(self), core)
        command = ["taskset", "-c", str(self.first), *way.command(self)]
        if way.is_governed:
            command = [os.path.join(self.build, "cli", "rhodes"), "run", "texts", "--",
                       *command]
        env = {**self.env, **way.env(self)}
        try:
            done = subprocess.run(command, text=True, env=env, capture_output=True,
                                  check=False, timeout=CALL_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            return self.fail(way, str(error))
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            return self.fail(way, done.stderr.strip()[-400:])
        return json.loads(lines[-1])

    def fail(self, way, why):
        if (way.name, why) not in self.failures:
            self.failures.append((way.name, why))
            print(f"failed: {way.name}: {why}", file=sys.stderr)

    def play(self):
        """All in turn, so that each round has a figure of each."""
        for _ in range(self.rounds):
            for place in PLACES:
                for way in WAYS:
                    if way.server or place == "one":
                        self.figures.setdefault((way.name, place), []).append(
                            self.call(way, place))

    def get(self, way, place, field):
        return paired.median(line and line[field]
                             for line in self.figures.get((way, place), []))

    def ratio(self, way, other, place, field):
        pairs = zip(self.figures.get((way, place), []), self.figures.get((other, place), []))
        found = [one[field] / two[field] for one, two in pairs if one and two]
        return statistics.median(found) if found else None


class Way:
    """A program that calls: through Rhodes, or as programs do today."""

    def __init__(self, name, language, command, *, is_governed=False, server=None, env=None):
        self.name, self.language, self.command = name, language, command
        self.is_governed, self.server = is_governed, server
        self.env = env or (lambda runner: {})


def program(name):
    return lambda runner: [os.path.join(runner.programs, name), "rhodes", str(runner.calls)]


def script(what, *more):
    """more: words, made of the runner where they are functions."""
    return lambda runner: [PYTHON, os.path.join(SOURCES, "call.py"), what, str(runner.calls),
                           *(word(runner) for word in more)]


def node(what):
    return lambda runner: ["node", os.path.join(SOURCES, "call.js"), what, str(runner.calls)]


def java(what, *more):
    def command(runner):
        jars = [os.path.join(runner.build, "sdk", "java", "rhodes.jar"),
                os.path.join(runner.programs, "call.jar"), JNA]
        return ["java", "-cp", ":".join(jars), "Call", what, str(runner.calls),
                *(word(runner) for word in more)]
    return command


def governed(language, command):
    return Way(f"Rhodes from {language}", language, command, is_governed=True,
               server=lambda runner: runner.worker)


WAYS = [
    governed("C", program("bench-call-c")),
    governed("C++", program("call_cpp")),
    governed("Rust", program("call")),
    governed("Go", program("call_go")),
    governed("Python", script("rhodes")),
    governed("Node", node("rhodes")),
    governed("Java", java("rhodes")),
    governed("Java, native methods", java("native")),
    Way("JNI", "Java",
        java("jni", lambda runner: os.path.join(runner.programs, "libcall_jni.so")),
        env=lambda runner: {"LD_LIBRARY_PATH": os.path.dirname(runner.library)}),
    Way("JNA", "Java", java("jna", lambda runner: runner.library)),
    Way("cgo", "Go", lambda runner: [os.path.join(runner.programs, "call_go"), "cgo",
                                     str(runner.calls), runner.library],
        env=lambda runner: {"LD_LIBRARY_PATH": os.path.join(runner.build, "sdk", "c")}),
    Way("C, the library itself", "C",
        lambda runner: [os.path.join(runner.programs, "bench-call-c"), "library",
                        str(runner.calls)],
        env=lambda runner: {"LD_LIBRARY_PATH": os.path.dirname(runner.library)}),
    Way("ctypes", "Python", script("ctypes", lambda runner: runner.library)),
    Way("cffi", "Python", script("cffi", lambda runner: runner.library)),
    Way("N-API, a function that adds", "Node", node("napi"),
        env=lambda runner: {"RHODES_NODE": os.path.join(runner.build, "sdk", "node"),
                            "LD_LIBRARY_PATH": os.path.join(runner.build, "sdk", "c")}),
    Way("gRPC in Python", "Python", script("grpc", lambda runner: runner.address),
        server=lambda runner: runner.grpc_server),
]
BASE, GRPC = "Rhodes from C", "gRPC in Python"


def goal_rows(runner):
    """Each language beside C, and all far below gRPC."""
    for way in WAYS:
        if not way.is_governed or way.name == BASE:
            continue
        for place, words in PLACES.items():
            yield rows.against(
                f"a call from {way.language}, {words}", runner.get(way.name, place, "batch"),
                "ns", "from C", runner.get(BASE, place, "batch"), "<=",
                GOALS[way.language], paired=runner.ratio(way.name, BASE, place, "batch"))
    for way in WAYS:
        if not way.is_governed:
            continue
        for place, words in PLACES.items():
            yield rows.against(
                f"a call from {way.language}, {words}, beside gRPC",
                runner.get(way.name, place, "p50"), "ns", GRPC,
                runner.get(GRPC, place, "p50"), "<=", 0.5,
                paired=runner.ratio(way.name, GRPC, place, "p50"))


def other_rows(runner):
    for way in WAYS:
        if not way.is_governed:
            continue
        for place, words in PLACES.items():
            for field in ("p50", "p99"):
                yield rows.stated(f"{way.name}, {words}, {field}",
                                  runner.get(way.name, place, field), "ns")
    for way in WAYS:
        if way.is_governed or way.server:
            continue
        yield rows.stated(f"{way.name}, in the same process",
                          runner.get(way.name, "one", "batch"), "ns",
                          f"Rhodes from {way.language}, awake",
                          runner.get(f"Rhodes from {way.language}", "two", "batch"))


def run(args):
    os.makedirs(args.out, exist_ok=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        runner = Runner(args, stack)
        runner.start(stack)
        runner.address = runner.grpc(stack)
        runner.play()
    result = [*goal_rows(runner), *other_rows(runner)]
    rows.write(result, os.path.join(args.out, "languages.json"))
    languages_docs.write(runner, result, args, time.monotonic() - began)
    print(rows.table(result))
    return 1 if any(row.missing for row in result) else 0
