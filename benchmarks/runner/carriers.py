"""A system with a resource for each carrier of threads, and a process under each that
starts programs there."""
import json
import os
import re
import shutil
import subprocess
import time

from . import command

LINUX, HOST, FIBER, WASM = "Linux", "host", "fiber", "fiber, wasm"
CARRIERS = (LINUX, HOST, FIBER, WASM)
RESOURCES = {HOST: "bench_host", FIBER: "bench_fiber", WASM: "bench_wasm"}
MODERATIONS = ("interrupt", "polling", "adaptive")  # rules of hook softirq
POLICY = "cfs"
READY_S = 60
LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir,
                       "rules", "library")


class System:
    """`rhodes up`; its rules of code are those that come with Rhodes, as WebAssembly."""

    def __init__(self, build, folder):
        self.folder = folder
        self.rhodes = os.path.join(build, "cli", "rhodes")
        self.env = {**os.environ, "RHODES_SYSTEM": f"bench_sched_{os.getpid()}",
                    "RHODES_RUN_DIR": os.path.join(folder, "r"),
                    "RHODES_STATE_DIR": os.path.join(folder, "s")}

    def run(self, *words):
        return command.run(self.rhodes, self.folder, self.env, *words)

    def __enter__(self):
        path = os.path.join(self.folder, "system.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("---\n".join(json.dumps(
                {"kind": "Resource", "metadata": {"name": name},
                 "spec": {"type": "application"}}) + "\n" for name in
                [*RESOURCES.values(), *map(moderated, MODERATIONS)]))
        try:
            self.run("up", "--detach", path)
            self.put("sched", POLICY, RESOURCES[WASM], ["fair.h"])
            for name in MODERATIONS:
                self.put("softirq", name, moderated(name))
        except BaseException:
            self.__exit__()
            raise
        return self

    def put(self, hook, name, resource, headers=()):
        """The rule of that name is in force at the resource."""
        self.run("rule", "new", name, "--hook", hook, "--lang", "c")
        for file in (f"{name}.c", *headers):
            shutil.copy(os.path.join(LIBRARY, hook, file), os.path.join(self.folder, name))
        module = re.search(r"^module +(\S+)", self.run("rule", "publish", name), re.M)[1]
        rule = f"{resource}-{hook}-code"
        path = os.path.join(self.folder, "rule.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"kind": "Rule", "metadata": {"name": rule}, "spec": {"code": {
                "hook": hook, "resource": resource, "module": module, "mode": "wasm"}}}, file)
        self.run("apply", "-f", path)
        until = time.monotonic() + READY_S
        while (active := self.active(rule))["reason"] != "InForce":
            if active["reason"] == "Rejected" or time.monotonic() > until:
                raise RuntimeError(f"{rule}: {active}")
            time.sleep(0.02)

    def active(self, rule):
        conditions = json.loads(self.run("get", "rule", rule, "-o", "json"))["status"]
        return next(condition for condition in conditions["conditions"]
                    if condition["type"] == "Active")

    def __exit__(self, *_):
        subprocess.run([self.rhodes, "down"], env=self.env, capture_output=True, check=False)


def moderated(name):
    """The resource of a driver under that rule."""
    return f"bench_{name}"


class TooShort(Exception):
    """The program ended before the rule came that it was to be measured with."""


class Starter:
    """bench-span under one carrier."""

    def __init__(self, system, build, carrier):
        self.carrier, self.env = carrier, dict(system.env)
        self.output = os.path.join(system.folder, f"output-{carrier.replace(', ', '-')}")
        command = [os.path.join(build, "benchmarks", "sched", "bench-span")]
        if carrier != LINUX:
            kind = "host" if carrier == HOST else "fiber"
            command = [system.rhodes, "run", "--wait", "20", "-r", RESOURCES[carrier],
                       "--sched", POLICY, "--carrier", kind, "--", *command]
            if kind == "fiber":
                self.env["RHODES_SCHED_STATS"] = self.output + ".stats"
                self.env["BENCH_RULE"] = self.rule()
        self.process = subprocess.Popen(command, env=self.env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def start(self, place, words):
        """What it took; its output is in self.output."""
        self.process.stdin.write("\t".join([place, self.output, *words]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"bench-span under {self.carrier} ended")
        took = json.loads(line)
        with open(self.output + ".err", encoding="utf-8", errors="replace") as file:
            said = file.read().strip()[-300:]
        if took["status"]:
            raise RuntimeError(f"{words[0]} under {self.carrier}: {took['status']}: {said}")
        self.check(took, said)
        return took

    def rule(self):
        """What orders the threads of a program under `fiber`, by name."""
        return f"{RESOURCES[WASM]}-sched-code" if self.carrier == WASM else POLICY

    def check(self, took, said):
        """It ran under what it was to run under."""
        if self.carrier in (LINUX, HOST):
            return
        if self.carrier == WASM and took.get("policy") == POLICY and not took["evicted"]:
            raise TooShort
        if took.get("policy") != self.rule() or took["evicted"]:
            raise RuntimeError(f"under {self.carrier}: the rule was {took.get('policy')}, "
                               f"{took.get('evicted')} threads evicted: {said}")

    def close(self):
        self.process.stdin.close()
        self.process.wait(READY_S)
        self.process.stdout.close()
