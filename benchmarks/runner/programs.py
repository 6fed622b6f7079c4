"""Programs with threads, run by turns under Linux and each carrier."""
import dataclasses
import hashlib
import json
import os
import random
import sys
import time

from . import carriers, paired

LIMITS = {carriers.FIBER: 1.03, carriers.WASM: 1.08}
THREADS = (2, 4, 8, 16, 32)
TASKS_OFTEN = 4       # with so many threads or fewer
TASK_ROUNDS = 2000    # of 10 us
MESSAGES_MS = 100


@dataclasses.dataclass(frozen=True)
class Program:
    """figures: pairs of the field that is told and what it is called."""
    name: str
    words: tuple
    figures: tuple
    unit: str
    place: str = "free"
    chapter: str = "task"
    is_often: bool = False  # in each turn, not in every other one
    most: float = None  # its figures under fiber are to be no more, whatever they are elsewhere


def own(build, *words):
    name, *rest = map(str, words)
    return (os.path.join(build, "benchmarks", "sched", name), *rest)


def tasks(build):
    for count in THREADS:
        yield Program(f"task, {count} threads", own(build, "bench-task", count, TASK_ROUNDS),
                      (("ms", ""),), "ms", is_often=count <= TASKS_OFTEN)


def wakes(build):
    tails = (("p50", ", p50"), ("p99", ", p99"))
    for workers, wakeups in ((2, 1500), (8, 500)):
        yield Program(f"wake-up, {workers} workers", own(build, "bench-wakeup", workers,
                                                        50000, wakeups), tails, "us",
                      chapter="wake", is_often=workers == 8)
    for kind, words in (("queue", "by mutex and condition"), ("pipe", "by pipes"),
                        ("socket", "by sockets")):
        yield Program(f"message {words}", own(build, "bench-messages", kind, 2, MESSAGES_MS),
                      (("us", ""),), "us", chapter="wake")
    for kind, place, words in (
            ("condition", "one", "mutex and condition, one processor"),
            ("condition", "free", "mutex and condition"),
            ("yield", "one", "sched_yield, one processor")):
        yield Program(f"hand-over by {words}", own(build, "bench-handover", kind, 20000),
                      (("ns", ""),), "ns", place, "wake")


def blocked(build):
    yield Program("queued thread, all others asleep", own(build, "bench-blocked", 150),
                  (("p50", ", p50"), ("p99", ", p99")), "us", chapter="blocked", most=1000)


def applications(build, inputs, megabytes):
    wall, (small, large) = (("wall", ""),), inputs
    size = f"{megabytes:g} MB"
    for name, words in (
            (f"pbzip2, {size}", ("pbzip2", "-p8", "-b3", "-c", small)),
            (f"zstd, {size}", ("zstd", "-q", "-T8", "-B512K", "-12", "-c", small)),
            (f"xz, {size}", ("xz", "-T8", "-1", "--block-size=512KiB", "-c", small)),
            ("WhiteDB", own(build, "bench-whitedb", 8, 2000, 6000))):
        yield Program(f"{name}, 8 threads", words, wall, "ms", chapter="application",
                      is_often=words[0] == "zstd")
    yield Program(f"pbzip2, {10 * megabytes:g} MB, 8 threads", ("pbzip2", "-p8", "-c", large),
                  wall, "ms", chapter="application")


def write_inputs(folder, megabytes):
    """Two files, one ten times as large, of paragraphs of words, some more frequent than
    others: the same each time."""
    chance = random.Random(5)
    words = [chance.randbytes(chance.randrange(1, 6)).hex() for _ in range(20000)]
    odds = [1 / (1 + i) for i in range(len(words))]
    paragraphs, size = [], 0
    while size < megabytes * 1e6:
        paragraphs.append(" ".join(chance.choices(words, odds, k=1000)).encode() + b"\n")
        size += len(paragraphs[-1])
    paths = [os.path.join(folder, name) for name in ("small", "large")]
    for path, times in zip(paths, (1, 10)):
        with open(path, "wb") as file:
            for _ in range(times):
                file.write(b"".join(paragraphs))
                chance.shuffle(paragraphs)
    return paths


class Programs:
    def __init__(self, system, build, folder, plan):
        self.plan, self.failures, self.turns, self.too_short = plan, [], 0, 0
        self.all = [*tasks(build), *wakes(build), *blocked(build),
                    *applications(build, write_inputs(folder, plan.megabytes),
                                  plan.megabytes)]
        self.runs = {(program, carrier): [] for program in self.all
                     for carrier in carriers.CARRIERS}
        self.right = {}  # what each prints, whoever schedules it
        self.starters = []
        try:
            for carrier in carriers.CARRIERS:
                self.starters.append(carriers.Starter(system, build, carrier))
        except BaseException:
            self.close()
            raise

    def close(self):
        for starter in self.starters:
            starter.close()

    def play(self):
        """Those that are to run often in each turn, the others in every other one.  No turn
        begins when too much time has passed."""
        until = time.monotonic() + self.plan.programs_s
        for turn in range(self.plan.turns):
            if time.monotonic() > until:
                print(f"only {turn} of {self.plan.turns} turns in time", file=sys.stderr)
                break
            self.turns = turn + 1
            for program in self.all:
                if program.is_often or turn % self.plan.every == 0:
                    self.run_all(program)

    def run_all(self, program):
        """Under all carriers, another one first each time."""
        first = len(self.runs[program, carriers.LINUX])
        for i in range(len(self.starters)):
            starter = self.starters[(first + i) % len(self.starters)]
            self.runs[program, starter.carrier].append(self.run(program, starter))

    def run(self, program, starter):
        """What it took and said, or None."""
        try:
            took = starter.start(program.place, program.words)
            return {**took, **self.look(program, starter)}
        except carriers.TooShort:
            self.too_short += 1
            return None
        except (OSError, RuntimeError, ValueError) as error:
            self.failures.append(f"{program.name}: {str(error)[-400:]}")
            print(f"failed: {self.failures[-1]}", file=sys.stderr)
            return None

    def look(self, program, starter):
        """Its figures; what it made must be the same as ever."""
        with open(starter.output, "rb") as file:
            output = file.read()
        figures = json.loads(output) if output.startswith(b"{") else {}
        made = figures.get("sum") if figures else hashlib.sha256(output).hexdigest()
        if self.right.setdefault(program, made) != made:
            raise RuntimeError(f"what it made under {starter.carrier} is not the same")
        return figures

    def figures(self, program, carrier, field):
        return [run and run[field] for run in self.runs[program, carrier]]

    def get(self, program, carrier, field):
        return paired.median(self.figures(program, carrier, field))

    def ratios(self, program, carrier, field):
        return paired.Ratios(zip(self.figures(program, carrier, field),
                                 self.figures(program, carriers.LINUX, field)))
