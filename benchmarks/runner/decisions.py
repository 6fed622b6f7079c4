"""What it costs to decide which thread is next, by each rule of hook sched that comes with
Rhodes, natively and as WebAssembly, beside a switch by Linux."""
import json
import os
import statistics
import subprocess
import sys

from . import measure, paired, rows

NATIVE, WASM, BUILTIN, NOTHING = "native gcc -O2", "wasm, GS", "built in", "no rule"
OTHERS = {"wasm, portable": "without the GS segment", "wasm, GS, fuel": "counting steps",
          BUILTIN: "built in"}
RULES = ("cfs", "eevdf", "deadline", "fifo", "rr")
TASKS = (2, 8, 32, 128)
USUAL = 8  # tasks
LIMIT_NS, LIMIT_WASM = 150, 1.10

class Decisions:
    def __init__(self, build, is_quick):
        self.program = os.path.join(build, "benchmarks", "sched", "bench-sched")
        self.plan = (1, 10, 0.5) if is_quick else (5, 100, 5)  # turns, rounds, quiet
        self.turns, self.failures, self.loud = [], [], 0

    def play(self):
        turns, rounds, quiet = self.plan
        for _ in range(turns):
            self.loud += not measure.await_quiet(quiet)
            done = subprocess.run([self.program, str(rounds)], capture_output=True, text=True,
                                  check=False)
            if done.returncode:
                self.failures.append(done.stderr.strip())
                print(f"failed: {self.failures[-1]}", file=sys.stderr)
                continue
            self.turns.append({(line.get("rule"), line.get("tasks"), line["build"]): line["ns"]
                               for line in map(json.loads, done.stdout.splitlines())})

    def get(self, rule, tasks, build):
        return statistics.median([turn[rule, tasks, build] for turn in self.turns])

    def ratios(self, rule, tasks, build, peer=NATIVE):
        return paired.Ratios([(turn[rule, tasks, build], turn[rule, tasks, peer])
                              for turn in self.turns])

    def ratio(self, rule, tasks, build):
        return self.ratios(rule, tasks, build).median


def goal_rows(runner):
    if not runner.turns:
        return
    for rule in RULES:
        yield rows.at_limit(f"decision of {rule}, {USUAL} threads, native",
                            runner.get(rule, USUAL, NATIVE), "ns", "<=", LIMIT_NS)
    for rule in RULES:
        yield rows.against(f"decision of {rule}, {USUAL} threads, wasm",
                           runner.get(rule, USUAL, WASM), "ns", NATIVE,
                           runner.get(rule, USUAL, NATIVE), "<=", LIMIT_WASM,
                           paired=runner.ratio(rule, USUAL, WASM))


def other_rows(runner):
    if not runner.turns:
        return
    linux = runner.get(None, None, "Linux")
    for rule in RULES:
        for build in (NATIVE, WASM):
            words = "native" if build == NATIVE else "wasm"
            yield rows.stated(f"decision of {rule}, {USUAL} threads, {words}, beside a switch",
                              runner.get(rule, USUAL, build), "ns", "sched_yield of Linux",
                              linux)
    for rule in RULES:
        for tasks in TASKS:
            if tasks != USUAL:
                yield rows.stated(f"decision of {rule}, {tasks} threads, wasm",
                                  runner.get(rule, tasks, WASM), "ns", NATIVE,
                                  runner.get(rule, tasks, NATIVE),
                                  paired=runner.ratio(rule, tasks, WASM))
    for rule in RULES:
        for build, words in OTHERS.items():
            yield rows.stated(f"decision of {rule}, {USUAL} threads, {words}",
                              runner.get(rule, USUAL, build), "ns", NATIVE,
                              runner.get(rule, USUAL, NATIVE),
                              paired=runner.ratio(rule, USUAL, build))
    for tasks in TASKS:
        yield rows.stated(f"decision without a rule, {tasks} threads",
                          runner.get("fifo", tasks, NOTHING), "ns")
