"""Starts the measuring programs and keeps what they print."""
import collections
import json
import os
import statistics
import subprocess
import sys
import time

TIMEOUT = 120


class Results:
    """Every line of every run; asked for medians."""

    def __init__(self):
        self.lines = collections.defaultdict(list)
        self.failures = []
        self.turn = None  # a number while transports run right after each other

    def add(self, line):
        line["turn"] = self.turn
        key = (line["what"], line["transport"], line["place"], line["size"],
               line.get("lanes", 1))
        self.lines[key].append(line)

    def get(self, field, transport, place, size=64, lanes=None):
        """The median over the rounds (for max: the worst), or None."""
        what = "latency" if lanes is None else "rate"
        lines = self.lines.get((what, transport, place, size, lanes or 1))
        if not lines:
            return None
        values = [line[field] for line in lines]
        return max(values) if field == "max" else statistics.median(values)

    def paired(self, field, transport, peer, place, size=64):
        """The median of the ratios of two that ran in the same turn, or None."""
        ours, theirs = ({line["turn"]: line[field] for line in
                         self.lines.get(("latency", name, place, size, 1), [])
                         if line["turn"] is not None} for name in (transport, peer))
        ratios = [ours[turn] / theirs[turn] for turn in ours if theirs.get(turn)]
        return statistics.median(ratios) if ratios else None

    def spread(self, field, transport, place, size=64, lanes=None):
        """Lowest and highest over the rounds."""
        what = "latency" if lanes is None else "rate"
        values = [line[field] for line in
                  self.lines.get((what, transport, place, size, lanes or 1), [])]
        return (min(values), max(values)) if values else (None, None)

    def others(self):
        """What else used the machine: the share of each timed span, in percent."""
        return [line["other"] for lines in self.lines.values() for line in lines]


def busy_share(seconds=0.1):
    """The share of the machine's CPU time that is in use."""
    def read():
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(n) for n in file.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]
    total, idle = read()
    time.sleep(seconds)
    total2, idle2 = read()
    return 1 - (idle2 - idle) / max(1, total2 - total)


def await_quiet(limit):
    """Waits until the machine is at most 10 % busy; gives up after limit seconds."""
    until = time.monotonic() + limit
    while busy_share() > 0.10:
        if time.monotonic() > until:
            return False
    return True


def run_program(argv, results, env=None, mark=""):
    """Runs one measuring program and adds its lines, with a mark behind the transport's
    name; a failure is kept and told."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT,
                              env={**os.environ, **(env or {})}, check=False)
        out, reason = done.stdout, None
        if done.returncode:
            reason = f"exit {done.returncode}: {done.stderr.strip()[-400:]}"
    except subprocess.TimeoutExpired as late:
        out = (late.stdout or b"").decode() if late.stdout else ""
        reason = f"no end after {TIMEOUT} s"
    except OSError as error:
        out, reason = "", str(error)
    if reason:
        name = " ".join([os.path.basename(argv[0])] + argv[1:])
        results.failures.append(f"{name}: {reason}")
        print(f"failed: {results.failures[-1]}", file=sys.stderr)
    for line in out.splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):  # not one that was cut short
            line = json.loads(line)
            line["transport"] += mark
            results.add(line)
