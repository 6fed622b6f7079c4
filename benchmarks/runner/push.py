"""`./bench push`: a change of a rule until it is in force everywhere, and a protocol changed
under load, beside a file that each process watches and beside etcd, in rounds that
interleave everything."""
import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

from . import host, measure, push_docs, rows
from .change import Agents, Etcd, Watchers
from .swap import Swap

SETS = {100: "100 agent processes", 1000: "1,000 pooled agents"}
LIMITS = {100: 100, 1000: 250}  # ms, DESIGN.md section 12
FILE, ETCD = "a file watched in each process", "etcd, a watch each"


class Plan:
    """How often; --quick only shows that everything runs."""

    def __init__(self, quick):
        self.rounds = 1 if quick else 7
        self.changes = 3 if quick else 20   # of each kind in a round
        self.swapping = 0.5 if quick else 3  # seconds of calls, twice a round
        self.quiet = 0.5 if quick else 5
        self.sets = (100, 1000)


class Runner:
    def __init__(self, args, plan, folder):
        self.build, self.plan, self.folder = os.path.abspath(args.build), plan, folder
        self.kinds = {}      # (who, how many) -> what can be changed
        self.rounds = {}     # the same -> a list of {"p50", "p99", "max", "cpu"}
        self.swaps, self.calm = [], []
        self.memory, self.failures = {}, []
        self.loud = 0

    def enter(self, stack, who, thing):
        """It, running; None when it cannot, which leaves its rows without a figure."""
        try:
            return stack.enter_context(thing)
        except (OSError, RuntimeError) as error:
            self.fail(who, error)
            return None

    def start(self, stack):
        """Everything is there all the while, idle but for its turn."""
        for count in self.plan.sets:
            self.start_set(stack, count, count > 100)
        self.swap = self.enter(stack, "swap", Swap(self.build, self.folder))

    def start_set(self, stack, count, pooled):
        agents = self.enter(stack, f"rhodes {count}",
                            Agents(self.build, self.folder, count, pooled))
        file = self.enter(stack, f"file {count}", Watchers(
            self.build, "file", os.path.join(self.folder, f"rule{count}", "rule"), count,
            count))
        etcd = self.enter(stack, f"etcd {count}", Etcd(self.folder, count))
        watchers = etcd and self.enter(stack, f"watchers of etcd {count}", Watchers(
            self.build, "etcd", str(etcd.port), count, 1 if pooled else count, etcd))
        for who, kind in (("rhodes", agents), ("file", file), ("etcd", watchers)):
            if kind:
                self.kinds[who, count] = kind
        if pooled:
            self.memory["agent"] = agents and agents.bytes_an_agent()
            self.memory["watcher"] = watchers and etcd.bytes_a_watcher(count)

    def changes(self, key):
        kind = self.kinds[key]
        self.loud += not measure.await_quiet(self.plan.quiet)
        kind.change()  # of what was paged out or put to sleep
        cpu, times = kind.cpu(), []
        for _ in range(self.plan.changes):
            times += kind.change()
        cpu = kind.cpu() - cpu
        times.sort()
        self.rounds.setdefault(key, []).append({
            "p50": times[len(times) // 2], "p99": times[int(.99 * (len(times) - 1))],
            "max": times[-1], "cpu": cpu / self.plan.changes * 1e3})

    def guarded(self, what, step, *args):
        try:
            step(*args)
        except (OSError, RuntimeError, ValueError) as error:
            self.fail(what, error)

    def fail(self, what, error):
        self.failures.append(f"{what}: {str(error)[-400:]}")
        print(f"failed: {self.failures[-1]}", file=sys.stderr)

    def calls(self):
        self.loud += not measure.await_quiet(self.plan.quiet)
        self.calm.append(self.swap.calls(self.plan.swapping, swaps=False))
        self.swaps.append(self.swap.calls(self.plan.swapping, swaps=True))

    def play(self):
        for number in range(self.plan.rounds):
            began = time.monotonic()
            for key in self.kinds:
                self.guarded(" ".join(map(str, key)), self.changes, key)
            if self.swap:
                self.guarded("swap", self.calls)
            print(f"round {number + 1} of {self.plan.rounds}: "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr)
        for who in ("rhodes", "etcd"):
            kind = self.kinds.get((who, 1000))
            if kind:
                self.memory[who] = kind.resident()

    def get(self, who, count, field):
        """The median over the rounds, for max the worst; None without any."""
        values = [found[field] for found in self.rounds.get((who, count), [])]
        if not values:
            return None
        return max(values) if field == "max" else statistics.median(values)


def change_rows(runner):
    get = runner.get
    for count, name in SETS.items():
        yield rows.at_limit(f"rule change active at {name}, p99",
                            get("rhodes", count, "p99"), "ms", "<=", LIMITS[count])
    for count, name in SETS.items():
        for field, words in (("p50", "p50"), ("p99", "p99"), ("max", "the slowest of all")):
            for who, peer in (("file", FILE), ("etcd", ETCD)):
                yield rows.stated(
                    f"rule change active at {name}, {words}, beside {who}",
                    get("rhodes", count, field), "ms", peer, get(who, count, field))
        for who, peer in (("file", FILE), ("etcd", ETCD)):
            yield rows.stated(f"CPU time of a rule change at {name}, all processes, beside "
                              f"{who}", get("rhodes", count, "cpu"), "ms", peer,
                              get(who, count, "cpu"))


def kib(size):
    return None if size is None else size / 1024


def memory_rows(runner):
    get = runner.memory.get
    yield rows.at_limit("center's memory an agent, 1,000 of them", kib(get("agent")), "KiB",
                        "<=", 16)
    yield rows.stated("center's memory an agent, beside etcd", kib(get("agent")), "KiB",
                      "etcd, a watch", kib(get("watcher")))
    yield rows.stated("center's resident memory with 1,000 agents, after all changes",
                      kib(get("rhodes")), "KiB", "etcd with 1,000 watches",
                      kib(get("etcd")))
    pool = runner.kinds.get(("rhodes", 1000))
    yield rows.stated("private memory of a pooled agent, 1,000 of them",
                      kib(pool and pool.private_an_agent()), "KiB")


def swap_rows(runner):
    swaps, calm = ([run for run in runs if run] for runs in (runner.swaps, runner.calm))

    def worst(runs):
        return max(run["max"] for run in runs) / 1e3 if runs else None

    def median(runs, field):
        return statistics.median(run[field] for run in runs) if runs else None
    count = sum(run["swaps"] for run in swaps)
    slowest, calm_slowest = median(swaps, "max"), median(calm, "max")
    yield rows.at_limit("slowest call of a round while the protocol of its edge changes",
                        slowest and slowest / 1e3, "ms", "<=", 10)
    yield rows.stated("slowest call of a round while the protocol changes, beside calm",
                      slowest and slowest / 1e3, "ms", "as long without a change",
                      calm_slowest and calm_slowest / 1e3)
    yield rows.stated("slowest call of all rounds while the protocol changes, beside calm",
                      worst(swaps), "ms", "as long without a change", worst(calm))
    yield rows.stated("changes of a protocol under these calls", count or None, "")
    for field, words in (("p50", "p50"), ("p999", "p99.9")):
        yield rows.stated(f"a call while the protocol of its edge changes, {words}",
                          median(swaps, field), "us", "without (shm)", median(calm, field))
    yield rows.stated("change of a protocol under load, active at both ends, p50",
                      median(swaps, "active"), "ms")


def keep(runner, result, out):
    with open(os.path.join(out, "push.runs.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": host.describe(), "failures": runner.failures,
                   "rounds": {" ".join(map(str, key)): found
                              for key, found in runner.rounds.items()},
                   "memory": runner.memory, "calm": runner.calm, "swaps": runner.swaps},
                  file, indent=0)
    rows.write(result, os.path.join(out, "push.json"))


def tell(runner, result):
    goals = [row for row in result if row.met is not None]
    missing = [row for row in result if row.missing]
    print(rows.table(result))
    print(f"\n{len(result)} rows, {sum(row.met for row in goals)} of {len(goals)} goals met,"
          f" {len(missing)} missing")
    if runner.loud:
        print(f"note: the machine was not quiet before {runner.loud} runs")
    for row in missing:
        print(f"missing: {row.name}", file=sys.stderr)
    return 1 if missing else 0


def run(args):
    os.makedirs(args.out, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="push-")
    os.chmod(folder, 0o755)
    runner = Runner(args, Plan(args.quick), folder)
    began = time.monotonic()
    try:
        with contextlib.ExitStack() as stack:
            runner.start(stack)
            runner.play()
            result = [*change_rows(runner), *memory_rows(runner), *swap_rows(runner)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    keep(runner, result, args.out)
    push_docs.write(runner, result, args, time.monotonic() - began)
    return tell(runner, result)
