"""Rules that are programs, in running systems: published until they are in force, in one
agent and in 1,000, what they take there, and what a call takes that one of them sees."""
import json
import os
import re
import select
import statistics
import subprocess
import time

from . import command
from .change import READY_S, Agents, Connection, Stream

# Another constant each time: nothing of the one before can be used again.
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	return rh_filter.function == %du ? RH_FILTER_DENY : RH_FILTER_ALLOW;
}
"""
PLAIN, RULED, CALLEE = "call_plain", "call_ruled", "bench_bytes"


class Author:
    """Who writes a small rule and publishes it to a center."""

    def __init__(self, build, folder, env, path, edge):
        self.rhodes = os.path.join(build, "cli", "rhodes")
        self.folder, self.env, self.path, self.edge = folder, env, path, edge
        self.rest, self.stream, self.number = Connection(path), Stream(path), 0
        self.run("rule", "new", "small", "--hook", "filter", "--lang", "c")

    def run(self, *words):
        return command.run(self.rhodes, self.folder, self.env, *words)

    def publish(self, count):
        """Publishes another rule and applies it.  Seconds: of the build and the store,
        and from the start until each of count agents said that it is active."""
        self.number += 1
        with open(os.path.join(self.folder, "small", "small.c"), "w",
                  encoding="utf-8") as file:
            file.write(FILTER % (1000 * os.getpid() + self.number))
        began = time.perf_counter()
        module = re.search(r"^module +(\S+)", self.run("rule", "publish", "small"), re.M)[1]
        published = time.perf_counter() - began
        with open(os.path.join(self.folder, "rule.yaml"), "w", encoding="utf-8") as file:
            json.dump({"kind": "Rule", "metadata": {"name": "small"}, "spec": {"code": {
                "hook": "filter", "edge": self.edge, "module": module, "mode": "wasm"}}},
                file)
        self.run("apply", "-f", "rule.yaml")
        revision = self.rest.ask("GET", "/apis/v1/rules/small")["metadata"]["revision"]
        return published, self.await_active(revision, count, began)

    def await_active(self, revision, count, began):
        """Seconds from began, for each agent that has it."""
        times, rest = {}, b""
        while len(times) < count:
            if not select.select([self.stream], [], [], READY_S)[0]:
                raise RuntimeError(f"the rule is active at {len(times)} of {count} agents")
            *lines, rest = (rest + self.stream.read()).split(b"\n")
            now = time.perf_counter() - began
            for line in lines:
                if b'"small"' not in line or not line.startswith(b"{"):
                    continue
                event = json.loads(line)
                if event.get("type") == "rejected":
                    raise RuntimeError(line.decode())
                if event.get("type") == "active" and event["revision"] == revision and \
                        event["agent"] != self.edge[1]:  # filters run at the caller's
                    times.setdefault(event["agent"], now)
        return sorted(times.values())

    def close(self):
        self.stream.close()
        self.rest.close()


class Local:
    """`rhodes up` with two callers of one service; what one of them calls is filtered."""

    def __init__(self, build, folder):
        self.build, self.folder = build, os.path.join(folder, "local")
        self.rhodes = os.path.join(build, "cli", "rhodes")
        self.env = {**os.environ, "RHODES_SYSTEM": f"bench_rules_{os.getpid()}",
                    "RHODES_RUN_DIR": os.path.join(self.folder, "r"),
                    "RHODES_STATE_DIR": os.path.join(self.folder, "s")}

    def __enter__(self):
        os.makedirs(self.folder)
        server = os.path.join(self.build, "benchmarks", "rhodes", "bench-server")
        objects = [{"kind": "Resource", "metadata": {"name": CALLEE},
                    "spec": {"type": "service", "serve": {"program": [server]}}}]
        for caller in (PLAIN, RULED):
            objects += [
                {"kind": "Resource", "metadata": {"name": caller},
                 "spec": {"type": "application", "reference": [CALLEE]}},
                {"kind": "Rule", "metadata": {"name": f"{caller}-{CALLEE}"},
                 "spec": {"protocol": {"edge": [caller, CALLEE], "use": "shm"}}}]
        path = os.path.join(self.folder, "system.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("---\n".join(json.dumps(item) + "\n" for item in objects))
        done = subprocess.run([self.rhodes, "up", "--detach", path], env=self.env,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"rhodes up: {done.stderr}")
        self.author = Author(self.build, self.folder, self.env,
                             os.path.join(self.folder, "r", "center.sock"), [RULED, CALLEE])
        return self

    def publishes(self, times):
        """Pairs of seconds: built and stored, active."""
        self.author.publish(1)  # the first one reads the compilers from disk
        found = [self.author.publish(1) for _ in range(times)]
        return [(published, active[0]) for published, active in found]

    def call(self, caller, seconds):
        """Microseconds a call, and of processor time of all processes but the caller."""
        program = os.path.join(self.build, "benchmarks", "rhodes", "bench-caller")
        done = subprocess.run(
            [self.rhodes, "run", "--wait", "20", caller, "--", program, "-t", "shm", "-p",
             "one", "-n", "1000000", "-d", str(seconds)],
            env={**self.env, "BENCH_PIDS": self.pids()}, capture_output=True, text=True,
            timeout=60 + 4 * seconds, check=False)
        if done.returncode:
            raise RuntimeError(f"bench-caller: {done.stderr.strip()[-400:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def pids(self):
        """Of the agents and the server: who else is on the path of a call."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    is_ours = self.env["RHODES_SYSTEM"].encode() in file.read()
            except OSError:
                continue
            if is_ours:
                found.append(name)
        return " ".join(found)

    def calls(self, turns, seconds):
        """Pairs of what bench-caller found, without a rule and with one."""
        return [(self.call(PLAIN, seconds), self.call(RULED, seconds))
                for _ in range(turns)]

    def __exit__(self, *_):
        if hasattr(self, "author"):
            self.author.close()
        subprocess.run([self.rhodes, "down"], env=self.env, capture_output=True, check=False)


def of_pool(build, folder, count, times):
    """Of rules of that many pooled agents: for each publish what every agent took, and the
    bytes of private memory that one took with its first rule and with a fresh one after
    all."""
    with Agents(build, folder, count, True) as agents:
        env = {**os.environ, "RHODES_RUN_DIR": agents.run, "RHODES_STATE_DIR": agents.state}
        author = Author(build, agents.folder, env, agents.path, ["*", "hub"])
        try:
            before = agents.private_an_agent()
            found = [author.publish(count)]
            first = agents.private_an_agent()
            found += [author.publish(count) for _ in range(times)]
            after = agents.private_an_agent()
        finally:
            author.close()
        return {"times": [active for _, active in found[1:]],
                "published": statistics.median(published for published, _ in found[1:]),
                "bytes": (first - before) * (count + 1) / count,
                "grown": (after - first) * (count + 1) / count}
