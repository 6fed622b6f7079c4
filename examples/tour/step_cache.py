"""Step: the cache.  A program scans a file that is larger than the cache of a service.
The rule that says what is thrown out is compiled from its source, published, and changed
from lru to mru while the program runs: it waits for the disk far less often.
"""
import json
import os
import re
import shutil
import subprocess
import time

from stage import HERE, Failed, Skip, run
from system import System

CACHE = os.path.join(HERE, "..", "cache")
LIBRARY = os.path.join(HERE, "..", "..", "rules", "library")
SLOTS = 512  # blocks of 8 KiB
SYSTEM = """
kind: Resource
metadata: {name: blockcache}
spec:
  type: service
  interface: blockcache
  serve: {library: %s/libblockcache.so.1, workers: 1}
---
kind: Resource
metadata: {name: scanner}
spec: {type: application, reference: [blockcache]}
"""
RULE = """
kind: Rule
metadata: {name: eviction}
spec:
  code: {hook: cache, resource: blockcache, module: %s, mode: wasm}
"""


class Scanner:
    """A program that reads its file from begin to end, again and again."""

    def __init__(self, stage, system, program, file):
        self.process = stage.start(
            [*system.prefix("scanner"), program, "rounds", file, "dinero", str(SLOTS)],
            env=system.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def round(self):
        """The figures of the first round that begins after now."""
        now = time.monotonic()  # the clock of the program, too
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise Failed(f"the scanner ended: {self.process.wait()}")
            figures = json.loads(line)
            if figures["began"] > now:
                return figures

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait()


def publish(stage, system, name):
    """Makes a project of a rule that comes with Rhodes, and publishes it: its hash."""
    done = run([stage.rhodes, "rule", "new", name, "--hook", "cache"], cwd=stage.folder,
               env=system.env)
    if done.code != 0:
        raise Failed(done.stderr.decode())
    for file in (name + ".c", "queue.h", "list.h"):
        shutil.copy(os.path.join(LIBRARY, file), os.path.join(stage.folder, name))
    said = system.rhodes("rule", "publish", os.path.join(stage.folder, name))
    stage.report.note(said)
    return re.search(r"^module +(\S+)", said, re.M)[1]


def put(stage, system, name):
    """The rule of the cache is that one, in force when this returns."""
    module = publish(stage, system, name)
    stage.report.begin()
    applied = system.apply(RULE % module)
    if applied.code != 0:
        raise Failed(applied.stderr.decode())
    system.await_rule("eviction")


def describe(figures):
    return f"{figures['misses']} of {figures['reads']} reads missed, " \
           f"{figures['seconds']:.3f} s"


def step(stage):
    report = stage.report
    report.step("cache", "a program says what the cache of a service throws out")
    for tool in ("clang", "wasm-ld", "wasm2c"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    programs = os.path.join(stage.build, "examples", "cache")
    workload, file = os.path.join(programs, "workload"), os.path.join(stage.folder, "trace")
    run([workload, "make", file, "dinero", str(SLOTS)])
    if stage.options.plain:
        plain = run([workload, "run", file, "dinero", str(SLOTS)])
        report.check("without Rhodes it runs", plain.code == 0, plain.stdout.decode())
        return
    system = System(stage, text=SYSTEM % programs, options=("-I", CACHE))
    put(stage, system, "lru")
    report.check("lru, compiled from its source, is in force", True)
    scanner = Scanner(stage, system, workload, file)
    lru = scanner.round()
    report.check("a scan that is longer than the cache never hits with lru",
                 lru["misses"] == lru["reads"], describe(lru))
    if not lru["direct"]:
        report.note("the file system knows no O_DIRECT: a miss costs less than it should")
    put(stage, system, "mru")
    report.check("mru takes over while the scan goes on", True)
    mru = scanner.round()
    report.check("the same program misses at most 35 % as often with mru",
                 mru["misses"] <= 0.35 * lru["misses"] and mru["reads"] == lru["reads"],
                 f"lru: {describe(lru)}\nmru: {describe(mru)}\n"
                 f"misses {mru['misses'] / lru['misses'] - 1:+.0%}, run time "
                 f"{mru['seconds'] / lru['seconds'] - 1:+.0%}")
    report.check("it read the right bytes throughout, and ended well", scanner.end() == 0)
