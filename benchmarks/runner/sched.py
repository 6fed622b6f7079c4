"""`./bench sched`: what it costs to decide which thread is next, by each rule of hook sched
that comes with Rhodes, natively and as WebAssembly, beside a switch by Linux."""
import json
import os
import statistics
import subprocess
import sys
import time

from . import host, measure, page, rows

NATIVE, WASM, BUILTIN, NOTHING = "native gcc -O2", "wasm, GS", "built in", "no rule"
OTHERS = {"wasm, portable": "without the GS segment", "wasm, GS, fuel": "counting steps",
          BUILTIN: "built in"}
RULES = ("cfs", "eevdf", "deadline", "fifo", "rr")
TASKS = (2, 8, 32, 128)
USUAL = 8  # tasks
LIMIT_NS, LIMIT_WASM = 150, 1.10

METHOD = """\
A decision is what a carrier asks of a run queue (`rules/runqueue.h`) when it switches: the
thread that ran is stopped, the rule charges its time and says its new key, it goes into a
red-black tree, and the least one is taken out (`rh_runqueue_stop`, `rh_runqueue_pick`). All
threads are always runnable; each runs for 1 ms of a clock that is a number; half of them ask for
a budget, which only `deadline` looks at. The switch itself is not in it.

* Each rule is one C source: *native* is gcc -O2's object, *wasm* what our build makes of
  clang's module, *built in* the same source as a part of the program, *no rule* the run queue
  alone, first in first out.
* All are loaded in one process and run in turn, 5,000 decisions at a time; a figure is the 10th
  percentile of {rounds} rounds, in processor time of the thread, then the median of {turns} turns{loud}.
  Ratios are medians of those within a turn.
* **Linux**: two threads on one processor that do nothing but `sched_yield`, processor time for
  each yield. That is its decision and its switch and the system call: not the same thing, but what
  a program pays now.
"""


class Runner:
    def __init__(self, args):
        self.program = os.path.join(os.path.abspath(args.build), "benchmarks", "sched",
                                    "bench-sched")
        self.plan = (1, 10, 0.5) if args.quick else (5, 100, 5)  # turns, rounds, quiet
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

    def ratio(self, rule, tasks, build, peer=NATIVE):
        return statistics.median([turn[rule, tasks, build] / turn[rule, tasks, peer]
                               for turn in self.turns])


def goal_rows(runner):
    for rule in RULES:
        yield rows.at_limit(f"decision of {rule}, {USUAL} threads, native",
                            runner.get(rule, USUAL, NATIVE), "ns", "<=", LIMIT_NS)
    for rule in RULES:
        yield rows.against(f"decision of {rule}, {USUAL} threads, wasm",
                           runner.get(rule, USUAL, WASM), "ns", NATIVE,
                           runner.get(rule, USUAL, NATIVE), "<=", LIMIT_WASM,
                           paired=runner.ratio(rule, USUAL, WASM))


def other_rows(runner):
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


def write_page(runner, result, args, seconds):
    turns, rounds, _ = runner.plan
    loud = f" (the machine was not quiet before {runner.loud} of them)" if runner.loud else ""
    intro = ("Written by `./bench sched --docs`; the figures of every turn are in\n"
             f"`build/bench/sched.runs.json`. The run took {seconds / 60:.0f} minutes. Ratios "
             "count: they\nwere measured side by side; absolute figures belong to this machine.\n")
    page.write(args, "sched.md", "benchmarks-sched.md", page.text_of(
        "ordering threads", intro, METHOD.format(rounds=rounds, turns=turns, loud=loud), [
            ("Goals", page.table(row for row in result if row.goal)),
            ("Goals not met", page.missed(result)),
            ("Beside others", page.table(row for row in result if row.peer and not row.goal)),
            ("Other figures",
             page.table(row for row in result if not row.goal and not row.peer))]))


def run(args):
    os.makedirs(args.out, exist_ok=True)
    began = time.monotonic()
    runner = Runner(args)
    runner.play()
    if not runner.turns:
        return 1
    result = [*goal_rows(runner), *other_rows(runner)]
    with open(os.path.join(args.out, "sched.runs.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": host.describe(), "failures": runner.failures,
                   "turns": [{" / ".join(map(str, key)): ns for key, ns in turn.items()}
                             for turn in runner.turns]}, file, indent=0)
    rows.write(result, os.path.join(args.out, "sched.json"))
    write_page(runner, result, args, time.monotonic() - began)
    print(rows.table(result))
    goals = [row for row in result if row.met is not None]
    print(f"\n{len(result)} rows, {sum(row.met for row in goals)} of {len(goals)} goals met")
    return 1 if runner.failures else 0
