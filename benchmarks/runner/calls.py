"""`./bench calls`: calls, the matrix, registration and the agent, beside what a user would
take instead, in rounds that interleave everything."""
import json
import os
import shutil
import sys
import tempfile
import time

from . import docs, host, measure, plot, rhodes, rows
from .plan import (AWAKE, BLOCKING, LANES, PROGRAMS, PROTOCOLS, QUEUE_LANES, SIZES, SWEPT,
                   Plan, label)

MISSING_SHOWN = 20
MEASURED_S = 0.1  # a look at how busy the machine is

class Runner:
    def __init__(self, args, plan, folder):
        self.root, self.plan = args.build, plan
        self.build = os.path.join(args.build, "benchmarks")
        self.env = {"TMPDIR": folder}
        self.results = measure.Results()
        self.loud = 0  # runs before which the machine did not become quiet
        self.patience = plan.patience
        self.system = self.pool = None
        self.turns = 0
        self.checks = []  # what bench-matrix found, each round

    def run(self, transport, place, *options, seconds=1.0, system=None):
        """system: another one than the first, by whose name the figures are kept."""
        plan = self.plan
        argv = ["-t", transport, "-p", place, "-n", str(plan.calls),
                "-d", f"{plan.seconds * seconds:g}", *options]
        if transport in PROGRAMS:
            argv.insert(0, os.path.join(self.build, PROGRAMS[transport]))
        elif (system or self.system).process:
            argv = (system or self.system).command(transport, argv)
        else:
            return
        began = time.monotonic()
        self.loud += not measure.await_quiet(min(plan.quiet, self.patience))
        self.patience = max(0, self.patience - (time.monotonic() - began - MEASURED_S))
        env = {**self.env, **(system or self.system).env}
        measure.run_program(argv, self.results, env, f", {system.name}" if system else "")

    def latencies(self):
        for transport in BLOCKING:
            self.run(transport, "one")
            self.run(transport, "two")
        for transport in PROTOCOLS:
            self.run(transport, "one", system=self.pool)
        for _ in range(self.plan.turns):
            self.turns += 1
            self.results.turn = self.turns
            for transport in AWAKE:
                self.run(transport, "two", "-n", str(self.plan.calls * 5))
        self.results.turn = None

    def lanes(self):
        for lanes in LANES:
            for place in ("one", "free"):
                for transport in ("slot-futex", "unix-stream", "bind"):
                    self.run(transport, place, "-j", str(lanes))
        for transport in ("slot-spin", "page", "bind"):
            self.run(transport, "two", "-j", "1")

    def sizes(self):
        every = ",".join(map(str, SIZES))
        for transport in SWEPT + PROTOCOLS:
            self.run(transport, "one", "-s", every, seconds=0.5)
        for transport in ["slot-spin", "shared-queue", "bind"] + PROTOCOLS:
            self.run(transport, "two", "-s", every, seconds=0.5)
        for transport in ("shared-queue", "bind"):
            self.run(transport, "free", "-j", str(QUEUE_LANES), "-s", every, seconds=0.5)

    def rounds(self):
        for number in range(self.plan.rounds):
            began = time.monotonic()
            self.latencies()
            self.checks.append(rhodes.figures(self.root, "rhodes/bench-matrix"))
            self.lanes()
            if number < self.plan.sweeps:
                self.sizes()
            print(f"round {number + 1} of {self.plan.rounds}: "
                  f"{time.monotonic() - began:.0f} s", file=sys.stderr)


def awake_rows(results):
    """Each beside what ran just before it: see the method."""
    get = results.get

    def beside(field, transport, peer):
        return (get(field, transport, "two"), "us", peer[0], get(field, peer[1], "two")), \
            results.paired(field, transport, peer[1], "two")
    slot = ("bare spinning slot", "slot-spin")
    for field, name in (("p50", "p50"), ("p999", "p99.9")):
        figures, ratio = beside(field, "bind", slot)
        yield rows.against(f"bind, awake on two cores, 64 B, {name}", *figures, "<=", 1.3,
                           ratio)
    yield rows.stated("bind, awake on two cores, 64 B, back to back",
                      get("rate", "bind", "two", lanes=1), "calls/s",
                      "bare spinning slot", get("rate", "slot-spin", "two", lanes=1))
    for name, transport, peer in (
            ("call page alone, awake on two cores, 64 B, p50", "page", slot),
            ("unmodified program and library by bind, awake, 64 B, p50", "library", slot),
            ("bind, awake on two cores, 64 B, p50, beside iceoryx polling", "bind",
             ("iceoryx polling", "iceoryx-poll"))):
        figures, ratio = beside("p50", transport, peer)
        yield rows.stated(name, *figures, ratio)
    for size in [size for size in SIZES if size < 4096]:
        yield rows.at_limit(f"tail of bind, awake on two cores, {size} B, p99.9",
                            get("p999", "bind", "two", size), "us", "<=", 2)


def blocking_rows(get):
    bind = get("p50", "bind", "one")
    yield rows.against("bind, blocking, one core, 64 B, p50", bind, "us",
                       "bare slot with futex", get("p50", "slot-futex", "one"), "<=", 1.2)
    for transport, name in (("pipe", "pipe"), ("unix-stream", "Unix stream socket"),
                            ("iceoryx", "iceoryx"), ("grpc", "gRPC")):
        yield rows.against(f"bind, blocking, one core, 64 B, p50, against {name}", bind,
                           "us", name, get("p50", transport, "one"), "<=", 1)
    for transport, name in (("posix-queue", "POSIX queue"), ("dbus", "dbus-daemon")):
        yield rows.stated(f"bind, blocking, one core, 64 B, p50, beside {name}", bind,
                          "us", name, get("p50", transport, "one"))
    yield rows.stated("call page alone, blocking, one core, 64 B, p50",
                      get("p50", "page", "one"), "us",
                      "bare slot with futex", get("p50", "slot-futex", "one"))
    yield rows.stated("unmodified program and library by bind, one core, 64 B, p50",
                      get("p50", "library", "one"), "us",
                      "bare slot with futex", get("p50", "slot-futex", "one"))
    yield rows.stated("bind, blocking, two cores, 64 B, p50", get("p50", "bind", "two"),
                      "us", "bare slot with futex", get("p50", "slot-futex", "two"))


def agent_path_rows(get):
    peers = (("unix-stream", "Unix stream socket", 2), ("dbus", "dbus-daemon", 0.5),
             ("grpc", "gRPC", 0.5))
    for mark, where in (("", ""), (", pooled", ", both agents in one process")):
        for protocol in PROTOCOLS:
            for transport, name, factor in peers:
                yield rows.against(
                    f"agent path over {protocol}{where}, one core, 64 B, p50, against {name}",
                    get("p50", protocol + mark, "one"), "us",
                    name, get("p50", transport, "one"), "<=", factor)


def relay_rows(get):
    """What two processes in between cost when they do nothing but pass on."""
    for transport, name in (("relay-epoll", "eventfd and epoll"), ("relay-futex", "futex")):
        yield rows.stated(f"bare chain of four processes by {name}, one core, 64 B, p50",
                          get("p50", transport, "one"), "us",
                          "Unix stream socket", get("p50", "unix-stream", "one"))
    for protocol in PROTOCOLS:
        yield rows.stated(f"agent path over {protocol}, beside the bare chain by epoll",
                          get("p50", protocol, "one"), "us",
                          "bare chain", get("p50", "relay-epoll", "one"))


def cpu_rows(get):
    bind = get("cpu", "bind", "one")
    yield rows.at_limit("CPU time of a call by bind, all processes, one core, 64 B", bind,
                        "us", "<=", 4.5)
    for transport, name in (("slot-futex", "bare slot with futex"),
                            ("unix-stream", "Unix stream socket"), ("grpc", "gRPC")):
        yield rows.stated(f"CPU time of a call by bind, beside {name}", bind, "us",
                          name, get("cpu", transport, "one"))
    for protocol in PROTOCOLS:
        yield rows.stated(f"CPU time of a call over {protocol}, all processes, one core",
                          get("cpu", protocol, "one"), "us",
                          "Unix stream socket", get("cpu", "unix-stream", "one"))


def lane_rows(get):
    for place, where in (("free", ""), ("one", ", one core")):
        for lanes in LANES:
            callers = f"{lanes} caller{'s' if lanes > 1 else ''}{where}, by bind"
            bind = get("rate", "bind", place, lanes=lanes)
            yield rows.against(callers, bind, "calls/s", "a bare page and thread each",
                               get("rate", "slot-futex", place, lanes=lanes), ">=", 0.8)
            yield rows.against(f"{callers}, against a Unix socket", bind, "calls/s",
                               "a connection and thread each",
                               get("rate", "unix-stream", place, lanes=lanes), ">=", 1)


def size_rows(get):
    for protocol in ["bind"] + PROTOCOLS:
        for place, where in (("one", "one core"), ("two", "two cores")):
            for size in SIZES:
                head = f"{protocol}, {label(size)}, {where}"
                for field, name in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"),
                                    ("max", "max")):
                    yield rows.stated(f"{head}, {name}", get(field, protocol, place, size),
                                      "us")
                rate = get("rate", protocol, place, size)
                yield rows.stated(f"{head}, bytes/s", rate and rate * size / 1e6, "MB/s")


def large_rows(get):
    size = 1 << 20
    yield rows.against("bind, 1 MiB, one core, p50", get("p50", "bind", "one", size), "us",
                       "iceoryx", get("p50", "iceoryx", "one", size), "<=", 1)

    def bandwidth(transport, place):
        time_us = get("p50", transport, place, size)
        return time_us and size / time_us
    # The callee's read is its own work and in the figure, so it is in the peer's too.
    yield rows.against("bind, 1 MiB, one core, bandwidth, one copy and the callee's read",
                       bandwidth("bind", "one"), "MB/s",
                       "memcpy and read", bandwidth("memcpy+read", "one"), ">=", 0.8)
    yield rows.stated("bind, 1 MiB, one core, bandwidth, beside a copy nobody reads",
                      bandwidth("bind", "one"), "MB/s",
                      "memcpy", bandwidth("memcpy", "one"))


def queue_rows(get):
    for size in SIZES:
        yield rows.against(
            f"{QUEUE_LANES} callers with a page each, {label(size)}, by bind",
            get("rate", "bind", "free", size, QUEUE_LANES), "calls/s",
            "one shared queue with atomics",
            get("rate", "shared-queue", "free", size, QUEUE_LANES), ">=", 1)
    for size in SIZES:
        yield rows.stated(f"max latency, {label(size)}, two cores, by bind",
                          get("max", "bind", "two", size), "us",
                          "one shared queue with atomics",
                          get("max", "shared-queue", "two", size))


def all_rows(runner, extra):
    get = runner.results.get
    groups = (blocking_rows, agent_path_rows, relay_rows, cpu_rows, lane_rows,
              large_rows, queue_rows)
    yield from awake_rows(runner.results)
    yield from (row for group in groups for row in group(get))
    yield from extra
    yield from size_rows(get)


def keep(runner, result, out):
    """Everything measured, for whoever doubts a median."""
    lines = [line for lines in runner.results.lines.values() for line in lines]
    with open(os.path.join(out, "calls.runs.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": host.describe(), "lines": lines,
                   "failures": runner.results.failures}, file, indent=0)
    rows.write(result, os.path.join(out, "calls.json"))


def tell(runner, result):
    goals = [row for row in result if row.met is not None]
    missing = [row for row in result if row.missing]
    print(rows.table([row for row in result if row.goal or row.peer]))
    print(f"\n{len(result)} rows, {sum(row.met for row in goals)} of {len(goals)} goals met,"
          f" {len(missing)} missing")
    if runner.loud:
        print(f"note: the machine was not quiet before {runner.loud} runs")
    for row in missing[:MISSING_SHOWN]:
        print(f"missing: {row.name}", file=sys.stderr)
    if len(missing) > MISSING_SHOWN:
        print(f"missing: {len(missing) - MISSING_SHOWN} more, see calls.json",
              file=sys.stderr)
    return 1 if missing else 0


def run(args):
    os.makedirs(args.out, exist_ok=True)
    plan = Plan(args.quick)
    folder = tempfile.mkdtemp(prefix="bench-")
    runner = Runner(args, plan, folder)
    began = time.monotonic()
    try:
        with rhodes.System(args.build, folder, runner.results) as runner.system, \
                rhodes.System(args.build, folder, runner.results, "pooled",
                              ["--pool", "100"]) as runner.pool:
            runner.rounds()
            extra = list(rhodes.other_rows(args.build, runner.system, runner.checks))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result = list(all_rows(runner, extra))
    keep(runner, result, args.out)
    plot.draw(runner.results.get, args.out)
    docs.write(runner, result, args, time.monotonic() - began)
    return tell(runner, result)
