"""Step 6: visible revocation.  The hierarchy comes to forbid an edge that is in use: until
a deadline calls still work and both sides know; then they fail in the program's own terms,
and what is not let go is taken away; the rule is put back, and the same program goes on.
"""
import http.client
import json
import os
import socket
import subprocess

from stage import HERE, PYTHON
from system import System

GRACE = 3  # seconds
TABLE = """
kind: Rule
metadata: {name: hierarchy}
spec: {hierarchy: {allow: [%s], grace: %ds}}
"""
ALL = ("[application, service], [application, driver], [application, hardware], "
       "[service, driver], [service, hardware], [driver, hardware]")
WITHOUT_SERVICES = ("[application, driver], [application, hardware], [service, driver], "
                    "[service, hardware], [driver, hardware]")
NAME = "/etc/passwd"


class Connection(http.client.HTTPConnection):
    """HTTP over the center's Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Events:
    """The center's stream of events."""

    def __init__(self, stage, system):
        self.connection = Connection(os.path.join(system.env["RHODES_RUN_DIR"], "center.sock"))
        stage.callback(self.connection.close)
        self.connection.request("GET", "/apis/v1/events")
        self.response = self.connection.getresponse()

    def take(self, kind, edge):
        """Waits for the next event of that type about that edge."""
        while True:
            line = json.loads(self.response.readline())
            if line["type"] == kind and line.get("edge") == list(edge):
                return line


class Program:
    """One process that asks, all through the step."""

    def __init__(self, stage, system, resource="programs"):
        self.process = stage.start(
            [*system.prefix(resource), PYTHON, os.path.join(HERE, "magic_ask.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=system.env)

    def ask(self):
        self.process.stdin.write(NAME.encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()


def conditions(system):
    found = system.json("get", "resources", "programs")
    found = found["items"][0] if "items" in found else found
    return {item["type"]: item["message"] for item in found["status"]["conditions"]}


def revoke(stage, system, program, events, good):
    report = stage.report
    edge = ("programs", "magic")
    report.check("the hierarchy is changed: applications may call no service",
                 system.apply(TABLE % (WITHOUT_SERVICES, GRACE)).code == 0)
    deadline = events.take("revoking", edge)["deadline"]
    report.check("the edge is revoking, with a deadline that everybody can see",
                 deadline in conditions(system).get("EdgeRevoking", ""),
                 f"until {deadline}")
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
    report.check("then the edge is refused", "EdgeRefused" in conditions(system))


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
    before = system.instances("magic")
    revoke(stage, system, program, events, good)
    system.apply(TABLE % (ALL, GRACE))
    answer = program.ask()
    report.check("the rule is put back: the same program gets its answers again, and nothing "
                 "was restarted", answer == good and system.instances("magic") == before,
                 answer)
    entries = [item["entry"] for item in system.json("get", "audit")["items"]]
    report.check("the audit log tells of it",
                 any(entry["result"] == "revoked" for entry in entries))
