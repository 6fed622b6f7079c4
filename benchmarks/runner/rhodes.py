"""Starts a system for the measurements, and measures what is not a call."""
import json
import os
import signal
import statistics
import subprocess
import sys
import time

from . import rows

CALLERS = {"bind": "call_bind", "msgqueue": "call_msgqueue", "shm": "call_shm",
           "semaphore": "call_semaphore", "library": "call_library"}
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
READY_S = 60
STARTS = 20  # of an agent


def manifest(build):
    """Two callees, and a caller for each protocol: an edge has one rule."""
    folder = os.path.join(build, "benchmarks", "rhodes")
    objects = [
        {"kind": "Resource", "metadata": {"name": "bench_bytes"},
         "spec": {"type": "service",
                  "serve": {"program": [os.path.join(folder, "bench-server")]}}},
        {"kind": "Resource", "metadata": {"name": "bench_library"},
         "spec": {"type": "service", "interface": "bench_sum",
                  "serve": {"library": library(build), "threads": 8}}},
    ]
    for protocol, caller in CALLERS.items():
        callee = "bench_library" if protocol == "library" else "bench_bytes"
        use = "bind" if protocol == "library" else protocol
        objects += [
            {"kind": "Resource", "metadata": {"name": caller},
             "spec": {"type": "application", "reference": [callee]}},
            {"kind": "Rule", "metadata": {"name": f"{caller}-{callee}"},
             "spec": {"protocol": {"edge": [caller, callee], "use": use}}},
        ]
    return "---\n".join(json.dumps(item, indent=1) + "\n" for item in objects)


def library(build):
    return os.path.join(build, "benchmarks", "rhodes", "libbench-sum.so")


def children(pid):
    """All descendants of a process."""
    found, todo = [], [pid]
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(name))
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


class System:
    """`rhodes up` of the benchmark's system, in folders of its own."""

    def __init__(self, build, folder, results, name="system", options=()):
        self.build, self.folder, self.results = os.path.abspath(build), folder, results
        self.name, self.options = name, options
        self.rhodes = os.path.join(self.build, "cli", "rhodes")
        self.process, self.env, self.idle_kib = None, {}, None

    def __enter__(self):
        base = os.path.join(self.folder, self.name)
        os.makedirs(base)
        for name in ("sum.h", "bench_sum.side"):
            with open(os.path.join(HERE, "rhodes", name), encoding="utf-8") as source, \
                    open(os.path.join(base, name), "w", encoding="utf-8") as target:
                target.write(source.read().replace("@library@", library(self.build)))
        path = os.path.join(base, "system.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(manifest(self.build))
        self.env = {"RHODES_RUN_DIR": os.path.join(base, "run"),
                    "RHODES_STATE_DIR": os.path.join(base, "state"),
                    "RHODES_LOG": "warn"}
        try:
            self.start(path)
        except (OSError, RuntimeError) as error:
            self.results.failures.append(f"rhodes up: {error}")
            print(f"failed: rhodes up: {error}", file=sys.stderr)
            self.__exit__()
        return self

    def start(self, path):
        log = open(os.path.join(self.folder, self.name + ".log"), "w", encoding="utf-8")
        self.process = subprocess.Popen([self.rhodes, "up", *self.options, path], stdout=log,
                                        stderr=log, env={**os.environ, **self.env})
        until = time.monotonic() + READY_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > until:
                with open(log.name, encoding="utf-8") as file:
                    raise RuntimeError("not ready: " + file.read()[-2000:])
            time.sleep(0.1)
        self.env["BENCH_PIDS"] = " ".join(map(str, children(self.process.pid)))
        self.idle_kib = max(map(private_kib, self.agents().values()), default=None)

    def is_ready(self):
        done = subprocess.run([self.rhodes, "get", "resources", "-o", "json"],
                              capture_output=True, text=True, check=False,
                              env={**os.environ, **self.env})
        if done.returncode:
            return False
        items = json.loads(done.stdout)
        items = items.get("items", items) if isinstance(items, dict) else items
        ready = {item["metadata"]["name"] for item in items
                 for condition in item.get("status", {}).get("conditions", [])
                 if condition["type"] == "Ready" and condition["status"] == "True"}
        return {"bench_bytes", "bench_library"} <= ready

    def command(self, transport, options):
        program = os.path.join(self.build, "benchmarks", "rhodes", "bench-caller")
        return [self.rhodes, "run", CALLERS[transport], "--", program, *options]

    def agents(self):
        """Pids of the agents, by resource."""
        found = {}
        for pid in children(self.process.pid) if self.process else []:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                words = file.read().split("\0")
            if os.path.basename(words[0]) == "rhodes-agent" and "--resource" in words:
                found[words[words.index("--resource") + 1]] = pid
        return found

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process = None


def figures(build, program):
    """Values by name, of a program that prints a line of JSON a figure."""
    try:
        done = subprocess.run([os.path.join(build, "benchmarks", program)], timeout=120,
                              capture_output=True, text=True, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"failed: {program}: {error}", file=sys.stderr)
        return {}
    if done.returncode:
        print(f"failed: {program}: {done.stderr.strip()}", file=sys.stderr)
    return {line["name"]: line["value"] for line in map(json.loads,
                                                        done.stdout.splitlines())}


def matrix_rows(rounds):
    """What bench-matrix printed in each round."""
    def get(name):
        values = [found[name] for found in rounds if name in found]
        return statistics.median(values) if values else None
    where = "100,000 resources, 1,000,000 references"
    for kind, words, limit in (("independent", "independent", 50),
                               ("dependent", "dependent random", 150)):
        yield rows.at_limit(f"edge check, {words}, {where}", get(f"edge_test_{kind}"), "ns",
                            "<=", limit)
        yield rows.stated(f"edge check, {words}, beside one read of a table as large",
                          get(f"edge_test_{kind}"), "ns", "a line at random",
                          get(f"line_{kind}"))
    yield rows.at_limit("matrix, bytes a reference", get("matrix_bytes_per_reference"),
                        "B", "<=", 64)
    for name, words in (("may_call_independent", "whole check of a call, independent"),
                        ("may_call_dependent", "whole check of a call, dependent"),
                        ("walk_every_row", "walk of every row, an edge"),
                        ("walk_every_column", "walk of every column, an edge")):
        yield rows.stated(f"{words}, {where}", get(name), "ns")


def registration_rows(build):
    """What bench-registration prints."""
    found = figures(build, "registration/bench-registration")
    yield rows.at_limit("registrations through REST, durable, 16 clients",
                        found.get("registrations_per_second"), "1/s", ">=", 1000)
    yield rows.stated("registrations through REST, durable, 1 client",
                      found.get("registrations_per_second_1_client"), "1/s",
                      "fdatasync of a page on the same disk",
                      found.get("fdatasync_per_second"))
    yield rows.stated("registrations by apply of 1,000 at once, durable",
                      found.get("registrations_per_second_batch_1000"), "1/s")


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file
                   if line.startswith(("Private_Clean:", "Private_Dirty:")))


def start_agent(system, number):
    """Milliseconds from just before fork and exec until the agent says ready."""
    ours, theirs = os.pipe()
    program = os.path.join(system.build, "agent", "rhodes-agent")
    began = time.perf_counter()
    agent = subprocess.Popen([program, "--run-dir", system.env["RHODES_RUN_DIR"],
                              "--resource", f"spare_{number}", "--ready-fd", str(theirs)],
                             pass_fds=[theirs], stderr=subprocess.DEVNULL)
    os.close(theirs)
    told = os.read(ours, 16)
    spent = (time.perf_counter() - began) * 1e3
    os.close(ours)
    agent.terminate()
    agent.wait(10)
    return spent if told else None


def agent_rows(system):
    """Before a call was made: system.idle_kib; and after all the measurements."""
    used = [private_kib(pid) for pid in system.agents().values()]
    yield rows.at_limit("an agent's private memory, before its first call, the largest",
                        system.idle_kib, "KiB", "<=", 1024)
    yield rows.at_limit("an agent's private memory, after all the calls above, the largest",
                        max(used) if used else None, "KiB", "<=", 1024)
    spent = [start_agent(system, i) for i in range(STARTS)] if system.process else []
    spent = sorted(time for time in spent if time is not None)
    complete = len(spent) == STARTS
    yield rows.at_limit(f"an agent is ready after exec, slowest of {STARTS}",
                        spent[-1] if complete else None, "ms", "<=", 20)
    yield rows.stated(f"an agent is ready after exec, median of {STARTS}",
                      spent[STARTS // 2] if complete else None, "ms")


def other_rows(build, system, checks):
    yield from matrix_rows(checks)
    yield from registration_rows(build)
    yield from agent_rows(system)
