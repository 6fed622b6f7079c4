"""A governed system, started and asked through the command `rhodes` as a user would."""
import itertools
import json
import os
import shutil
import tempfile
import time

from stage import HERE, Failed, run

MANIFEST = os.path.join(HERE, "system.yaml")
NUMBERS = itertools.count(1)
BUILT = "../../build/examples/tour/"
WITHOUT_SERVICES = ("[application, driver], [application, hardware], [service, driver], "
                    "[service, hardware], [driver, hardware]")
EVERYTHING = "[application, service], " + WITHOUT_SERVICES
HIERARCHY = """
kind: Rule
metadata: {name: hierarchy}
spec: {hierarchy: {allow: [%s], grace: %ds}}
"""


class System:
    """`rhodes up` in the background, with folders of its own, until the stage ends.

    `inside` puts a command where the system runs (a network namespace); `protocol` is
    what the manifest says for the packet path instead of msgqueue; `text` is another
    manifest, `options` are more words for `rhodes up`.
    """

    def __init__(self, stage, inside=lambda command: command, env=None, protocol=None,
                 text=None, options=()):
        self.stage = stage
        # Socket paths are short: the folder is not below the stage's.
        self.folder = tempfile.mkdtemp(prefix="rh-")
        stage.callback(shutil.rmtree, self.folder, ignore_errors=True)
        # Message queues are named after the system, and two tours may run at once.
        name = f"tour_{os.getpid()}_{next(NUMBERS)}"
        self.env = {**os.environ, **(env or {}), "RHODES_SYSTEM": name,
                    "RHODES_RUN_DIR": os.path.join(self.folder, "run"),
                    "RHODES_STATE_DIR": os.path.join(self.folder, "state")}
        stage.callback(self.down)
        self.is_up = True
        # A slow machine builds three interfaces for longer than `up` waits by itself.
        up = run(inside([stage.rhodes, "up", "--detach", "-t", "600", *options, "-I", HERE,
                         self.manifest(protocol, text)]), env=self.env)
        if up.code != 0:
            raise Failed(f"rhodes up: {up.stderr.decode()}{self.log()}")

    def manifest(self, protocol, text):
        """system.yaml, or what is given, for this build and protocol."""
        if not text:
            with open(MANIFEST, encoding="utf-8") as file:
                text = file.read()
        text = text.replace(BUILT, self.stage.programs + "/")
        if protocol:
            text = text.replace("use: msgqueue", f"use: {protocol}")
        path = os.path.join(self.folder, "system.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def down(self):
        if self.is_up:
            self.is_up = False
            self.try_rhodes("down")

    def try_rhodes(self, *words, data=b""):
        return run([self.stage.rhodes, *words], data, env=self.env)

    def rhodes(self, *words, data=b""):
        """Output of a command that must work."""
        done = self.try_rhodes(*words, data=data)
        if done.code != 0:
            raise Failed(f"rhodes {' '.join(words)}: exit code {done.code}\n"
                         f"{done.stderr.decode()}{self.log()}")
        return done.stdout.decode()

    def json(self, *words):
        return json.loads(self.rhodes(*words, "-o", "json"))

    def prefix(self, resource):
        """What stands before a program to run it as a resource, also one that was
        registered a moment ago, whose agent is about to listen."""
        return [self.stage.rhodes, "run", "--wait", "20", resource, "--"]

    def log(self, lines=40):
        done = self.try_rhodes("logs", "-n", str(lines))
        return done.stdout.decode(errors="replace")

    def apply(self, text):
        """Applies a manifest given as text; the result, whatever it is."""
        return self.try_rhodes("apply", "-f", "-", data=text.encode())

    def await_rule(self, name, patience=20):
        """Until every agent that the rule is for has it in force."""
        until = time.monotonic() + patience
        while True:
            active = next(condition for condition in
                          self.json("get", "rule", name)["status"]["conditions"]
                          if condition["type"] == "Active")
            if active["reason"] == "InForce":
                return
            if active["reason"] == "Rejected" or time.monotonic() > until:
                raise Failed(f"rule {name}: {active['message']}")

    def allow(self, pairs, grace):
        """Makes the hierarchy of these pairs; what is revoked by it ends after `grace`
        seconds."""
        return self.apply(HIERARCHY % (pairs, grace))

    def agents(self):
        """Resource -> {pid, instances: [{pid}]} of its agent, from `rhodes get`."""
        return {item["resource"]: item for item in self.json("get", "agents")["items"]
                if item["role"] == "agent"}

    def instances(self, resource):
        """Pids of the running instances of a resource."""
        return [item["pid"] for item in self.agents()[resource]["instances"]]

    def edge(self, caller, callee, calls=0, patience=5):
        """The edge in the matrix, once it has counted that many calls: agents tell the
        center from time to time.  After `patience` seconds as it is then."""
        until = time.monotonic() + patience
        while True:
            for edge in self.json("matrix")["edges"]:
                if (edge["caller"], edge["callee"]) == (caller, callee):
                    break
            if edge["observed"] >= calls or time.monotonic() > until:
                return edge
            time.sleep(0.1)

    def path(self, *resources):
        """The processes on the path of a call, as text."""
        agents, words = self.agents(), []
        for name in resources:
            pids = [str(item["pid"]) for item in agents[name]["instances"]]
            words.append(f"agent of {name} {agents[name]['pid']}" +
                         (f", {name} {' '.join(pids)}" if pids else ""))
        return "pids: " + "; ".join(words)
