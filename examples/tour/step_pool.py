"""Step 8: one thousand agents.  They live in two processes; a change of a rule reaches all
of them.  The process of ten is stopped: the others do not notice, the center does not
grow, and the ten take a snapshot when they wake.
"""
import contextlib
import json
import os
import re
import signal
import statistics
import time

import kernel
from asker import NAME, Asker
from center import Connection, Events
from stage import PATIENCE, Failed, run
from system import EVERYTHING, WITHOUT_SERVICES, System

APPS, PARTS, SLEEPERS = 960, 29, 10
AWAKE, ALL = APPS + PARTS + 1, APPS + PARTS + 1 + SLEEPERS  # with magic
BEFORE = 20  # changes with everybody awake: they also fill what the center keeps of changes
GROWTH = 4 << 20  # bytes, the most that the center may grow by meanwhile
MAGIC = """
kind: Resource
metadata: {name: magic}
spec: {type: service, interface: libmagic, serve: {library: libmagic.so.1, threads: 2}}
---
kind: Rule
metadata: {name: app000-magic}
spec: {protocol: {edge: [app000, magic], use: msgqueue}}
"""
RESOURCE = "kind: Resource\nmetadata: {name: %s}\nspec: {type: %s%s}\n"


def manifest():
    """magic and 29 more services; 960 applications that call magic, and ten that call
    every service: their share of a change is large."""
    parts = [f"part{number:02}" for number in range(PARTS)]
    every = ", reference: [" + ", ".join(["magic", *parts]) + "]"
    texts = [MAGIC]
    texts += [RESOURCE % (name, "service", "") for name in parts]
    texts += [RESOURCE % (f"app{number:03}", "application", ", reference: [magic]")
              for number in range(APPS)]
    texts += [RESOURCE % (f"sleeper{number}", "application", every)
              for number in range(SLEEPERS)]
    return "---\n".join(texts)


class Center:
    """What the step asks of the center; it closes a connection that is silent for 30 s, so
    each question has its own."""

    def __init__(self, system):
        self.system = system
        self.pid = json.loads(self.get("/apis/v1/system"))["pid"]

    def get(self, path):
        with contextlib.closing(Connection(self.system)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read()

    def resident(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])

    def snapshots(self):
        return int(re.search(rb"^rhodes_push_snapshots_total (\d+)",
                             self.get("/metrics"), re.M)[1])

    def await_settled(self, wanted):
        """Until that many agents have in force what the store has; their revisions."""
        until = time.monotonic() + PATIENCE
        while True:
            items = [item for item in json.loads(self.get("/apis/v1/agents"))["items"]
                     if item["role"] == "agent"]
            settled = [item for item in items
                       if item["settledRevision"] == item["storeRevision"]]
            if len(settled) >= wanted:
                return settled
            if time.monotonic() > until:
                raise Failed(f"{len(settled)} of {wanted} agents have settled")


class Changes:
    """Changes of the hierarchy, each awaited at the agents that are awake."""

    def __init__(self, stage, system):
        self.system, self.events = system, Events(stage, system)
        self.count = self.revision = 0

    def make(self, wanted):
        """Seconds from the command to the last agent that obeys."""
        self.count += 1
        started = time.monotonic()
        applied = self.system.allow(EVERYTHING, self.count)
        if applied.code != 0:
            raise Failed(applied.stderr.decode())
        agents, before = set(), self.revision
        while len(agents) < wanted:
            line = json.loads(self.events.response.readline())
            if line["type"] == "active" and line["name"] == "hierarchy" and \
                    line["revision"] > before:
                self.revision = line["revision"]
                agents.add(line["agent"])
        return time.monotonic() - started


def in_ms(times):
    return f"{statistics.median(times) * 1000:.0f} ms at the median, " \
           f"{max(times) * 1000:.0f} ms at most"


def private(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return 1024 * sum(map(int, re.findall(r"Private_\w+: +(\d+)", rollup.read())))


def sleep(stage, center, changes, asker, ten):
    """The ten are stopped; then as if nothing were."""
    report = stage.report
    awake = [changes.make(ALL) for _ in range(BEFORE)]
    report.check(f"a change of the hierarchy is in force at all {ALL} agents", True,
                 f"{BEFORE} changes, each in force everywhere after {in_ms(awake)}, the "
                 "command included")
    resident, asked = center.resident(), asker.count
    stage.callback(os.kill, ten, signal.SIGCONT)
    kernel.stop(ten)
    asleep = [changes.make(AWAKE) for _ in range(stage.options.changes)]
    report.check(f"ten agents have stopped reading (kill -STOP {ten}): the other {AWAKE} do "
                 "not notice", True, f"{len(asleep)} changes, each in force at all of them "
                 f"after {in_ms(asleep)}; a program made {asker.count - asked} calls by "
                 "its agents meanwhile")
    growth = center.resident() - resident
    report.check("the center's memory stays flat", growth <= GROWTH,
                 f"{resident >> 10} KiB before, {growth / 1024:+.0f} KiB after "
                 f"{len(asleep)} changes of {APPS + (PARTS + 1) * SLEEPERS} edges each")


def wake(report, center, ten):
    snapshots = center.snapshots()
    started = time.monotonic()
    os.kill(ten, signal.SIGCONT)
    settled = center.await_settled(ALL)
    seconds = time.monotonic() - started
    taken = center.snapshots() - snapshots
    report.check("the ten wake, and catch up from a snapshot each", taken == SLEEPERS,
                 f"{taken} snapshots; all {len(settled)} agents are at revision "
                 f"{settled[0]['settledRevision']} after {seconds * 1000:.0f} ms")


def obeys(system, resource):
    """Whether a program of the resource gets its answer, and what it says."""
    done = run([*system.prefix(resource), "/usr/bin/file", "-b", NAME], env=system.env)
    return done.code == 0 and b"ASCII" in done.stdout, (done.stdout + done.stderr).decode()


def step(stage):
    report = stage.report
    report.step("pool", "one thousand agents, and ten that sleep")
    report.begin()
    if stage.options.plain:
        return
    system = System(stage, text=manifest(), options=("--pool", str(AWAKE)))
    center = Center(system)
    agents = {item["resource"]: item["pid"] for item in center.await_settled(ALL)}
    many, ten = agents["app000"], agents["sleeper0"]
    report.check(f"{ALL} agents in two processes, each with its connection to the center",
                 sorted(list(agents.values()).count(pid) for pid in (many, ten)) ==
                 [SLEEPERS, AWAKE],
                 f"{AWAKE} in process {many}, {private(many) // AWAKE >> 10} KiB of private "
                 f"memory each; {SLEEPERS} in process {ten}")
    asker = Asker(stage, system, "app000")
    report.check("a program asks libmagic on and on, through two of these agents",
                 asker.go_on(), asker.good)
    changes = Changes(stage, system)
    sleep(stage, center, changes, asker, ten)
    wake(report, center, ten)
    asker.finish()
    report.check("no call failed and no answer was wrong", not asker.wrong,
                 "\n".join(asker.wrong[:3]) or f"{asker.count} calls")
    before = obeys(system, "sleeper7")
    system.allow(WITHOUT_SERVICES, 0)
    center.await_settled(ALL)
    after = obeys(system, "sleeper7")
    report.check("what has slept obeys like the others: applications may call services, and "
                 "then not any more", before[0] and not after[0], before[1] + after[1])
