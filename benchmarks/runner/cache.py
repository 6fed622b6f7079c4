"""`./bench cache`: what it saves that a program says what a cache throws out (examples/cache),
in the manner of P. Cao et al., 1994: misses and run time for each rule and pattern."""
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from . import cache_docs, rows

EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples",
                       "cache")
PATTERNS = "dinero", "cscope", "glimpse", "join", "zipf", "mixed"
RULES = "fifo", "lru", "mru", "sieve", "arc", "dear"
NATIVE, KERNEL, ONCE = "compiled-in lru", "the kernel's cache", "no cache (POSIX_FADV_DONTNEED)"
# What the program of a pattern would ask for.
CHOSEN = {"dinero": "mru", "cscope": "mru", "glimpse": "dear", "join": "dear",
          "zipf": "sieve", "mixed": "sieve"}
SYSTEM = """
kind: Resource
metadata: {{name: blockcache}}
spec:
  type: service
  interface: blockcache
  serve: {{library: {programs}/libblockcache.so.1, workers: 1}}
---
kind: Resource
metadata: {{name: native}}
spec:
  type: service
  interface: blockcache
  serve: {{library: {programs}/native/libblockcache.so.1, workers: 1}}
---
kind: Resource
metadata: {{name: ruled_reader}}
spec: {{type: application, reference: [blockcache]}}
---
kind: Resource
metadata: {{name: native_reader}}
spec: {{type: application, reference: [native]}}
"""
RULE = """
kind: Rule
metadata: {{name: eviction}}
spec:
  code:
    hook: cache
    resource: blockcache
    module: {module}
    mode: wasm
    params: {{index: "{index}"}}
"""
# arc remembers what it threw out: more memory than a rule has by itself.
PROJECT = """
name: {name}
hook: cache
abi: 1
mode: wasm
memory: 4Mi
build: "true"
file: {name}.wasm
"""
READY_S = 60


class Runner:
    """A system with the service, and a file to read."""

    def __init__(self, args, stack):
        self.args = args
        self.build = os.path.abspath(args.build)
        self.programs = os.path.join(self.build, "examples", "cache")
        self.workload = os.path.join(self.programs, "workload")
        self.slots = 128 if args.quick else 512
        self.rounds = 1 if args.quick else 5
        # The file is where the build is: a tmpfs has no device behind it.
        self.folder = tempfile.mkdtemp(prefix="cache-", dir=os.path.abspath(args.out))
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.file = os.path.join(self.folder, "file")
        run = tempfile.mkdtemp(prefix="rh-")  # paths of sockets are short
        stack.callback(shutil.rmtree, run, ignore_errors=True)
        self.env = {**os.environ, "RHODES_RUN_DIR": os.path.join(run, "run"),
                    "RHODES_STATE_DIR": os.path.join(run, "state"),
                    "RHODES_SYSTEM": f"bench_cache_{os.getpid()}", "RHODES_LOG": "warn"}
        self.modules, self.index = {}, None
        self.load = os.getloadavg()[0]
        self.figures = {}  # pattern, who -> the lines of the rounds

    def rhodes(self, *words, text=None):
        done = subprocess.run([os.path.join(self.build, "cli", "rhodes"), *words], text=True,
                              input=text, env=self.env, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"rhodes {' '.join(words)}: {done.stderr}")
        return done.stdout

    def start(self, stack):
        path = os.path.join(self.folder, "system.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(SYSTEM.format(programs=self.programs))
        for name in ("blockcache.h", "blockcache.side"):
            with open(os.path.join(EXAMPLE, name), encoding="utf-8") as source, \
                    open(os.path.join(self.folder, name), "w", encoding="utf-8") as target:
                target.write(source.read().replace("../../build/examples/cache",
                                                   self.programs))
        stack.callback(subprocess.run, [os.path.join(self.build, "cli", "rhodes"), "down"],
                       env=self.env, capture_output=True, check=False)
        self.rhodes("up", "--detach", "-t", str(READY_S), "-I", self.folder, path)
        for name in RULES:
            folder = os.path.join(self.folder, name)
            os.mkdir(folder)
            shutil.copy(os.path.join(self.build, "rules", "library", name + ".wasm"), folder)
            with open(os.path.join(folder, "rule.yaml"), "w", encoding="utf-8") as file:
                file.write(PROJECT.format(name=name))
            said = self.rhodes("rule", "publish", folder)
            self.modules[name] = re.search(r"^module +(\S+)", said, re.M)[1]

    def put(self, name):
        self.rhodes("apply", "-f", "-", text=RULE.format(module=self.modules[name],
                                                         index=self.index))
        until = time.monotonic() + READY_S
        while True:
            rule = json.loads(self.rhodes("get", "rule", "eviction", "-o", "json"))
            active = next(condition for condition in rule["status"]["conditions"]
                          if condition["type"] == "Active")
            if active["reason"] == "InForce":
                return
            if active["reason"] == "Rejected" or time.monotonic() > until:
                raise RuntimeError(f"{name}: {active}")

    def read(self, pattern, verb="run", resource=None):
        command = [self.workload, verb, self.file, pattern, str(self.slots)]
        if not resource:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return json.loads(done.stdout)
        return json.loads(self.rhodes("run", "--wait", "20", resource, "--", *command))

    def play(self, pattern):
        """All rounds of one pattern: everybody in turn."""
        subprocess.run([self.workload, "make", self.file, pattern, str(self.slots)],
                       check=True)
        self.index = self.read(pattern, "plain")["index"]
        for _ in range(self.rounds):
            for name in RULES:
                self.put(name)
                self.keep(pattern, name, self.read(pattern, resource="ruled_reader"))
            self.keep(pattern, NATIVE, self.read(pattern, resource="native_reader"))
            self.keep(pattern, ONCE, self.read(pattern, "once"))
            self.keep(pattern, KERNEL, self.read(pattern, "plain"))

    def keep(self, pattern, who, figures):
        self.figures.setdefault((pattern, who), []).append(figures)

    def get(self, field, pattern, who):
        lines = self.figures.get((pattern, who))
        return statistics.median(line[field] for line in lines) if lines else None

    def paired(self, pattern, who, other):
        """Run time beside another's: the median over the rounds."""
        pairs = zip(self.figures.get((pattern, who), []), self.figures.get((pattern, other), []))
        ratios = [one["seconds"] / two["seconds"] for one, two in pairs]
        return statistics.median(ratios) if ratios else None


def ms(seconds):
    return None if seconds is None else seconds * 1e3


def pattern_rows(runner, pattern):
    chosen = CHOSEN[pattern]
    yield rows.stated(f"{pattern}: misses with {chosen}", runner.get("misses", pattern, chosen),
                      "", "lru", runner.get("misses", pattern, "lru"))
    yield rows.stated(f"{pattern}: run time with {chosen}",
                      ms(runner.get("seconds", pattern, chosen)), "ms", "lru",
                      ms(runner.get("seconds", pattern, "lru")),
                      paired=runner.paired(pattern, chosen, "lru"))
    yield rows.stated(f"{pattern}: run time without a cache",
                      ms(runner.get("seconds", pattern, ONCE)), "ms", "lru",
                      ms(runner.get("seconds", pattern, "lru")),
                      paired=runner.paired(pattern, ONCE, "lru"))
    yield rows.stated(f"{pattern}: run time when all is in the kernel's cache",
                      ms(runner.get("seconds", pattern, KERNEL)), "ms", f"{chosen}",
                      ms(runner.get("seconds", pattern, chosen)),
                      paired=runner.paired(pattern, KERNEL, chosen))


def goal_rows(runner):
    best = min(PATTERNS, key=lambda pattern: runner.paired(pattern, CHOSEN[pattern], "lru"))
    chosen = CHOSEN[best]
    yield rows.against(f"the run time that is left of {best} when the program chooses",
                       ms(runner.get("seconds", best, chosen)), "ms", "lru",
                       ms(runner.get("seconds", best, "lru")), "<=", 0.55,
                       paired=runner.paired(best, chosen, "lru"))
    yield rows.against("run time of all patterns with lru as a rule",
                       ms(sum(runner.get("seconds", pattern, "lru") for pattern in PATTERNS)),
                       "ms", NATIVE,
                       ms(sum(runner.get("seconds", pattern, NATIVE) for pattern in PATTERNS)),
                       "<=", 1.10, paired=statistics.median(
                           runner.paired(pattern, "lru", NATIVE) for pattern in PATTERNS))


def same_misses(runner):
    """Each round of a pattern misses the same; lru as a rule misses what it does compiled in."""
    for (pattern, who), lines in runner.figures.items():
        if len({line["misses"] for line in lines}) != 1:
            raise RuntimeError(f"{pattern}, {who}: the misses differ from round to round")
    for pattern in PATTERNS:
        if runner.get("misses", pattern, "lru") != runner.get("misses", pattern, NATIVE):
            raise RuntimeError(f"{pattern}: lru as a rule is not what is compiled in")


def run(args):
    os.makedirs(args.out, exist_ok=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        runner = Runner(args, stack)
        runner.start(stack)
        for pattern in PATTERNS:
            runner.play(pattern)
    same_misses(runner)
    result = [*goal_rows(runner),
              *(row for pattern in PATTERNS for row in pattern_rows(runner, pattern))]
    rows.write(result, os.path.join(args.out, "cache.json"))
    cache_docs.write(runner, result, args, time.monotonic() - began)
    print(rows.table(result))
    return 1 if any(row.missing for row in result) else 0
