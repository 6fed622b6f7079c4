"""`./bench sched`: programs with threads under Linux and under each carrier of hook sched, the
papers' Figures 14 and 15; tasklets and the rules of hook softirq; and what a decision of a
rule costs."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from . import (carriers, decisions, host, measure, paired, programs, rows, sched_docs,
               sched_plot, softirqs)

USED = ("task", "application")  # chapters of which processor time is told


class Plan:
    """How often and how long; --quick only shows that everything runs."""

    def __init__(self, args):
        self.is_quick = args.quick
        self.runs = args.runs or (2 if args.quick else 20)
        self.megabytes = 1.2 if args.quick else 12  # of most inputs
        self.programs_s = 19 * 60  # then no other turn of programs begins
        self.every = 1 if args.quick else 2  # turns in which programs run that need not often
        self.turns = self.runs * self.every
        self.tasklets = 20000 if args.quick else 100000
        self.ring_ms = 50 if args.quick else 200
        self.quiet = 0.5 if args.quick else 20


class Runner:
    def __init__(self, args, folder):
        self.build, self.folder, self.plan = os.path.abspath(args.build), folder, Plan(args)
        self.decisions = decisions.Decisions(self.build, args.quick)
        self.programs = self.softirqs = None
        self.failures, self.is_loud = [], False

    def guarded(self, what, step):
        began = time.monotonic()
        try:
            step()
        except (OSError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
            self.failures.append(f"{what}: {str(error)[-400:]}")
            print(f"failed: {self.failures[-1]}", file=sys.stderr)
        print(f"{what}: {time.monotonic() - began:.0f} s", file=sys.stderr)

    def play(self):
        self.is_loud = not measure.await_quiet(self.plan.quiet)
        with carriers.System(self.build, self.folder) as system:
            self.programs = programs.Programs(system, self.build, self.folder, self.plan)
            with contextlib.closing(self.programs):
                self.guarded("programs", self.programs.play)
            self.softirqs = softirqs.Softirqs(system, self.build, self.plan)
            self.guarded("softirqs", self.softirqs.play)
        self.guarded("decisions", self.decisions.play)

    def all_failures(self):
        parts = (self, self.decisions, self.programs, self.softirqs)
        return [failure for part in parts if part for failure in part.failures]


def program_rows(found):
    """Of each program and figure a row a carrier, beside Linux."""
    for program in found.all:
        if program.most:
            continue
        for field, words in program.figures:
            for carrier in carriers.CARRIERS[1:]:
                yield rows.bounded(f"{program.name}{words}, {carrier}",
                                   found.get(program, carrier, field), program.unit,
                                   carriers.LINUX, found.get(program, carriers.LINUX, field),
                                   found.ratios(program, carrier, field),
                                   programs.LIMITS.get(carrier))


def limited_rows(found):
    """Of programs whose figures have a limit of their own."""
    for program in found.all:
        for field, words in program.figures if program.most else ():
            for carrier in carriers.CARRIERS:
                name, took = f"{program.name}{words}, {carrier}", found.get(program, carrier, field)
                yield rows.at_limit(name, took, program.unit, "<=", program.most) \
                    if carrier in programs.LIMITS else rows.stated(name, took, program.unit)


def used_rows(found):
    """Processor time, of the programs that are to do a certain work."""
    for program in found.all:
        if program.chapter in USED:
            for carrier in carriers.CARRIERS[1:]:
                yield rows.bounded(f"{program.name}, processor time, {carrier}",
                                   found.get(program, carrier, "cpu"), "ms", carriers.LINUX,
                                   found.get(program, carriers.LINUX, "cpu"),
                                   found.ratios(program, carrier, "cpu"))


def lent_rows(found):
    """What a task takes longer as a whole than from its first thread on."""
    for carrier, words in ((carriers.LINUX, "start and end of a program"),
                           (carriers.FIBER, "start and end of a program under fiber"),
                           (carriers.WASM, "the same, and until a lent rule orders threads")):
        yield rows.stated(words, paired.median(
            run and run["wall"] - run["ms"] for program in found.all
            if program.chapter == "task" for run in found.runs[program, carrier]), "ms")


TASKLETS = {"batch": ("64 tasklets from a thread, for each", "ns"),
            "inside": ("64 tasklets from one of them, for each", "ns"),
            "again": ("a tasklet that schedules itself", "ns"),
            "everywhere": ("64 tasklets from a thread, on all processors, for each", "ns"),
            "one_p50": ("hand-over to a tasklet, ksoftirqd asleep, p50", "us"),
            "one_p99": ("hand-over to a tasklet, ksoftirqd asleep, p99", "us")}


def tasklet_rows(found):
    for field in ("inside", "batch"):
        took = found.tasklet(softirqs.TASKLET, field)
        yield rows.stated(f"tasklets a second on one processor, "
                          f"{TASKLETS[field][0].split(', ')[0]}", took and 1e9 / took, "1/s")
    for field, (words, unit) in TASKLETS.items():
        yield rows.bounded(words, found.tasklet(softirqs.TASKLET, field), unit,
                           "a thread with a queue", found.tasklet(softirqs.THREAD, field),
                           found.tasklet_ratios(field))


MODERATED = (("packets a second", "rate", "1/s", softirqs.FLOOD),
             ("processor time a packet", "cpu_us", "us", softirqs.FLOOD),
             ("latency, p50", "p50", "us", softirqs.LOW),
             ("latency, p99", "p99", "us", softirqs.LOW),
             ("processors in use", "share", "", softirqs.LOW),
             ("latency, p50", "p50", "us", softirqs.MIDDLE),
             ("latency, p99", "p99", "us", softirqs.MIDDLE),
             ("processors in use", "share", "", softirqs.MIDDLE))


def moderation_rows(found):
    for words, field, unit, rate in MODERATED:
        for driver in carriers.MODERATIONS:
            yield rows.bounded(f"{words}, {rate}, rule {driver}",
                               found.get(driver, rate, field), unit, "a thread alone",
                               found.get(softirqs.DIRECT, rate, field),
                               found.ratios(driver, rate, field))


def keep(runner, result, out):
    found = runner.programs
    with open(os.path.join(out, "sched.runs.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": host.describe(), "failures": runner.all_failures(),
                   "programs": {f"{program.name} / {carrier}": runs for (program, carrier), runs
                                in (found.runs if found else {}).items()},
                   "tasklets": runner.softirqs and runner.softirqs.tasklets,
                   "rings": {" / ".join(key): runs for key, runs in
                             (runner.softirqs.rings if runner.softirqs else {}).items()},
                   "decisions": [{" / ".join(map(str, key)): ns for key, ns in turn.items()}
                                 for turn in runner.decisions.turns]}, file, indent=0)
    rows.write(result, os.path.join(out, "sched.json"))


def chapters_of(runner):
    """Rows by chapter."""
    found, soft = runner.programs, runner.softirqs
    return {"programs": list(program_rows(found)) if found else [],
            "limited": list(limited_rows(found)) if found else [],
            "used": list(used_rows(found)) if found else [],
            "lent": list(lent_rows(found)) if found else [],
            "tasklets": list(tasklet_rows(soft)) if soft else [],
            "moderation": list(moderation_rows(soft)) if soft else [],
            "decisions": list(decisions.goal_rows(runner.decisions)),
            "others": list(decisions.other_rows(runner.decisions))}


def run(args):
    os.makedirs(args.out, exist_ok=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        folder = tempfile.mkdtemp(prefix="sched-", dir=where)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        runner = Runner(args, folder)
        runner.guarded("all", runner.play)
    chapters = chapters_of(runner)
    result = [row for part in chapters.values() for row in part]
    keep(runner, result, args.out)
    sched_plot.draw(runner, args)
    sched_docs.write(runner, chapters, args, time.monotonic() - began)
    print(rows.table(result))
    goals = [row for row in result if row.met is not None]
    missing = [row for row in result if row.missing]
    for failure in runner.all_failures():
        print(f"failed: {failure}", file=sys.stderr)
    print(f"\n{len(result)} rows, {sum(row.met for row in goals)} of {len(goals)} goals met, "
          f"{len(missing)} missing")
    return 1 if missing or runner.all_failures() else 0
