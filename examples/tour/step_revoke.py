"""Step 6: visible revocation.  The hierarchy comes to forbid an edge that is in use: until
a deadline calls still work and both sides know; then they fail in the program's own terms,
and what is not let go is cut off by force, which the record says; the rule is put back, and
the same programs go on.
"""
import os
import select
import signal
import time

import kernel
from asker import Program
from center import Events
from stage import PATIENCE, SLOW
from system import EVERYTHING, WITHOUT_SERVICES, System

GRACE = 3 * SLOW  # seconds
SERVICE = "magic"


def conditions(system, resource):
    found = system.json("get", "resources", resource)
    found = found["items"][0] if "items" in found else found
    return {item["type"]: item["message"] for item in found["status"]["conditions"]}


def servers(system, program):
    """The workers that share a page with a program, by pid."""
    return {pid for pid in system.instances(SERVICE)
            if kernel.shared(program.process.pid, pid)}


def await_that(what):
    """What it returns, once that is something; or after a while anyhow."""
    until = time.monotonic() + PATIENCE
    while not (found := what()) and time.monotonic() < until:
        select.select([], [], [], 0.1)
    return found


def held_one(stage, system, program):
    """A second program, whose calls run in another worker than those of the first."""
    for _ in range(8):
        other = Program(stage, system)
        other.ask()
        pids = servers(system, other) - servers(system, program)
        if pids:
            return other, pids.pop()
    raise RuntimeError("one worker has the pages of all programs")


def said(system, resource):
    """What the agent of a resource wrote when it heard of the revocation."""
    lines = [line for line in system.rhodes("logs", f"agent/{resource}").splitlines()
             if "is revoking" in line]
    return lines[-1] if lines else ""


def forced(system):
    """The entry of the audit log about what was cut off."""
    for item in system.json("get", "audit")["items"]:
        if item["entry"]["result"] == "forced":
            return item["entry"]
    return None


def revoke(stage, system, programs, events, good):
    report, (program, held, worker) = stage.report, programs
    edge = ("programs", SERVICE)
    report.check("the hierarchy is changed: applications may call no service",
                 system.allow(WITHOUT_SERVICES, GRACE).code == 0)
    deadline = events.take("revoking", edge)["deadline"]
    report.check("the edge is revoking, with a deadline that both sides show",
                 all(deadline in conditions(system, name).get("EdgeRevoking", "")
                     for name in edge), f"until {deadline}")
    lines = [await_that(lambda name=name: said(system, name)) for name in edge]
    report.check("so say the agents of both", all(lines), "\n".join(lines))
    stage.callback(os.kill, worker, signal.SIGCONT)
    kernel.stop(worker)
    held.begin()
    asked = 0
    while True:  # the program asks on until the center says that it is over
        answer = program.ask()
        if answer != good:
            break
        asked += 1
    report.check("calls still work until the deadline, and fail after it in the program's "
                 "own terms", asked > 0 and program.process.poll() is None,
                 f"{asked} calls worked, then the program read: {answer}")
    events.take("revoked", edge)
    report.check("then the edge is refused", "EdgeRefused" in conditions(system, "programs"))
    report.check("the call in a stopped worker has no answer", not held.has_answer())
    entry = await_that(lambda: forced(system)) or {}
    report.check("a callee that does not let go is cut off by force, and the record says so",
                 entry.get("edge") == list(edge), f"worker {worker} was stopped (kill -STOP) "
                 f"with a call in it; audit: {entry.get('detail')}")
    os.kill(worker, signal.SIGCONT)
    report.note(f"when the worker goes on, the call in it ends with: {held.answer()}")


def step(stage):
    report = stage.report
    report.step("revoke", "an edge in use becomes illegal, and legal again")
    report.begin()
    if stage.options.plain:
        return
    system = System(stage)
    program = Program(stage, system)
    good = program.ask()
    report.check("one program asks libmagic in another process, by bind",
                 "ASCII" in good, f"{good}; {system.path('programs', 'magic')}")
    events = Events(stage, system)
    before = system.instances(SERVICE)
    held, worker = held_one(stage, system, program)
    revoke(stage, system, (program, held, worker), events, good)
    system.allow(EVERYTHING, GRACE)
    answers = [program.ask(), held.ask()]
    report.check("the rule is put back: the same programs get their answers again, and "
                 "nothing was restarted", answers == [good, good] and
                 system.instances(SERVICE) == before, "; ".join(answers))
    entries = [item["entry"] for item in system.json("get", "audit")["items"]]
    report.check("the audit log tells of it",
                 any(entry["result"] == "revoked" for entry in entries))
