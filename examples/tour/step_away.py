"""Step 7: center gone.  The center is killed while two programs call; an agent and the
service behind it are killed as well, and start again from what they remember.  The center
comes back, everybody tells it which revision he has, and nothing is there twice.
"""
import fcntl
import os
import re
import select
import signal
import threading
import time

from asker import NAME, Asker
from center import Events
from stage import PATIENCE, Failed
from system import System

BY_AGENTS = """
kind: Rule
metadata: {name: file-magic}
spec: {protocol: {edge: [file, magic], use: msgqueue}}
"""
LATER = """
kind: Rule
metadata: {name: file-magic}
spec: {protocol: {edge: [file, magic], use: shm}}
"""
DOWN = 3  # exit code of rhodes: nobody answers


class Log:
    """The system's log from now on, which is written whether the center is there or not."""

    def __init__(self, system):
        self.file = open(os.path.join(system.env["RHODES_RUN_DIR"], "system.log"),
                         encoding="utf-8", errors="replace")
        system.stage.callback(self.file.close)
        self.file.seek(0, os.SEEK_END)
        self.lines = []

    def take(self, *patterns):
        """Waits until each of them was found; the last match of each."""
        found, until = {}, time.monotonic() + PATIENCE
        while len(found) < len(patterns):
            for line in self.file:
                self.lines.append(line)
                for pattern in patterns:
                    match = re.search(pattern, line)
                    found.update({pattern: match} if match else {})
            if len(found) < len(patterns):
                if time.monotonic() > until:
                    raise Failed("not in the log: " + ", ".join(set(patterns) - set(found)))
                select.select([], [], [], 0.01)
        return [found[pattern] for pattern in patterns]


class Maintenance:
    """What an administrator does to copy the store of a running system: whoever holds the
    lock of the center keeps it away, `flock <run>/center.lock cp ...`."""

    def __init__(self, system):
        self.path = os.path.join(system.env["RHODES_RUN_DIR"], "center.lock")
        self.file = open(self.path, encoding="ascii")
        system.stage.callback(self.file.close)

    def begin(self):
        """Kills the center, having asked for the lock before: the kernel gives it then."""
        pid = int(self.file.read())
        waiter = threading.Thread(target=fcntl.flock, args=(self.file, fcntl.LOCK_EX))
        waiter.start()
        while waiter.is_alive():  # the next center may have been quicker
            with open(self.path, encoding="ascii") as file:
                center = file.read().strip()
            os.kill(int(center), signal.SIGKILL)
            waiter.join(0.1)
        return pid

    def end(self):
        fcntl.flock(self.file, fcntl.LOCK_UN)


def pids_of(lines, name):
    return [int(pid) for pid in re.findall(rf" {name} started \(pid (\d+)\)", "".join(lines))]


def remembered(system):
    """Everything that the center is to have once, and as it was."""
    kinds = ("resources", "interfaces", "rules", "audit")
    found = {kind: system.json("get", kind)["items"] for kind in kinds}
    # What is observed moves on; what was registered does not.
    return {kind: [item if kind == "audit" else
                   (item["metadata"], item["spec"]) for item in items]
            for kind, items in found.items()}


def away(report, system, log, askers):
    agents = system.agents()
    killed = agents["magic"]["pid"], *system.instances("magic")
    maintenance = Maintenance(system)
    pid = maintenance.begin()
    code = system.try_rhodes("get", "resources").code
    report.check("kill -9 of the center, whose lock a backup holds from then on: it cannot "
                 "be asked", code == DOWN, f"pid {pid}; rhodes get: exit code {code}")
    report.check("calls go on, through the agents and past them",
                 all(asker.go_on() for asker in askers),
                 ", ".join(f"{asker.resource}: {asker.count} calls" for asker in askers))
    for victim in killed:
        os.kill(victim, signal.SIGKILL)
    cache, *_ = log.take(r" agent/magic +info +starting (source=cache revision=\d+.*)",
                         r" magic/0 +info +serving libmagic",
                         r" magic/1 +info +serving libmagic")
    now = [pids_of(log.lines, name)[-1] for name in ("agent/magic", "magic/0", "magic/1")]
    report.check("kill -9 of the service's agent and of both its workers: all three are back "
                 "without the center, the agent from its disk cache", True,
                 f"killed: {' '.join(map(str, killed))}; now {' '.join(map(str, now))}; "
                 f"agent of magic: {cache[1]}")
    report.check("both programs still get their answers",
                 all(asker.go_on() for asker in askers))
    new = system.try_rhodes("run", "file", "--", "file", "-b", NAME)
    report.check("so does one that is started only now", new.code == 0 and
                 b"ASCII" in new.stdout, (new.stdout + new.stderr).decode())
    refused = system.apply(LATER)
    report.check("a change is refused meanwhile", refused.code == DOWN,
                 refused.stderr.decode())
    return maintenance


def counted(system, pair):
    """Calls of an edge as the agent of the caller counts them, and the center's number."""
    mine = next(item["calls"] for item in system.json("top", "--once")["items"]
                if (item["caller"], item["callee"]) == pair)
    return mine, system.edge(*pair)["observed"]


def reconciled(system, asker):
    """The numbers of an edge when they are the same, or as they are after a while."""
    until = time.monotonic() + PATIENCE
    while True:
        mine, theirs = counted(system, (asker.resource, "magic"))
        if mine == theirs >= asker.count or time.monotonic() > until:
            return mine, theirs
        select.select([], [], [], 0.1)


def back(report, system, log, before, maintenance):
    names = sorted(metadata["name"] for metadata, _ in before["resources"])
    maintenance.end()
    log.take(*(rf" agent/{name} +info +the center is here" for name in names))
    after = remembered(system)
    agents = [item for item in system.json("get", "agents")["items"]
              if item["role"] == "agent"]
    report.check("the center is back and has what it had: no object anew, none twice, no "
                 "line of audit more", after == before, "; ".join(
                     f"{len(items)} {kind}" for kind, items in after.items()))
    report.check("each agent is there once, at the revision of the store",
                 sorted(item["resource"] for item in agents) == names and
                 len({item["storeRevision"] for item in agents}) == 1 and
                 all(item["settledRevision"] == item["storeRevision"] for item in agents),
                 f"{len(agents)} agents, revision {agents[0]['storeRevision']}")


def step(stage):
    report = stage.report
    report.step("away", "the center is gone, and comes back")
    report.begin()
    if stage.options.plain:
        return
    system = System(stage)
    system.apply(BY_AGENTS)
    askers = [Asker(stage, system, name) for name in ("file", "programs")]
    report.check("two programs ask libmagic in another process on and on: one through the "
                 "agents by msgqueue, one by bind", all(asker.go_on() for asker in askers),
                 f"{askers[0].good}; {system.path('file', 'programs', 'magic')}")
    before, log = remembered(system), Log(system)
    maintenance = away(report, system, log, askers)
    back(report, system, log, before, maintenance)
    events = Events(stage, system)
    system.apply(LATER)
    events.take("active", ("file", "magic"))
    report.check("a change now reaches the agents that started without the center, and is "
                 "active at both ends", all(asker.go_on() for asker in askers))
    for asker in askers:
        asker.finish()
    wrong = [answer for asker in askers for answer in asker.wrong]
    report.check("no call failed and no answer was wrong, from the first to the last",
                 not wrong, "\n".join(wrong[:3]) or ", ".join(
                     f"{asker.resource}: {asker.count} calls" for asker in askers))
    numbers = {asker: reconciled(system, asker) for asker in askers}
    report.check("the center has counted each call once that the agents have counted",
                 all(mine == theirs >= asker.count
                     for asker, (mine, theirs) in numbers.items()), "; ".join(
                     f"{asker.resource} -> magic: {theirs}, {mine} at its agent"
                     for asker, (mine, theirs) in numbers.items()))
