"""Calls over an edge while its protocol changes, and as long without."""
import itertools
import json
import os
import statistics
import subprocess
import threading
import time

from .change import Connection, Stream

ROUND = ("msgqueue", "bind", "semaphore", "shm")
CALM = "shm"  # the protocol without changes
EVERY_S = 0.1
CALLS = 4_000_000  # more than fit into the time
RULE = "call_swap-bench_bytes"


class Swap:
    """`rhodes up` with one edge."""

    def __init__(self, build, folder):
        self.build, self.folder = build, os.path.join(folder, "swap")
        self.rhodes = os.path.join(build, "cli", "rhodes")
        self.env = {**os.environ, "RHODES_SYSTEM": f"bench_swap_{os.getpid()}",
                    "RHODES_RUN_DIR": os.path.join(self.folder, "r"),
                    "RHODES_STATE_DIR": os.path.join(self.folder, "s")}
        self.protocols, self.protocol = itertools.cycle(ROUND), CALM

    def rule(self, protocol):
        return {"kind": "Rule", "metadata": {"name": RULE}, "spec": {
            "protocol": {"edge": ["call_swap", "bench_bytes"], "use": protocol}}}

    def __enter__(self):
        os.makedirs(self.folder)
        path = os.path.join(self.folder, "system.yaml")
        server = os.path.join(self.build, "benchmarks", "rhodes", "bench-server")
        objects = [
            {"kind": "Resource", "metadata": {"name": "bench_bytes"},
             "spec": {"type": "service", "serve": {"program": [server]}}},
            {"kind": "Resource", "metadata": {"name": "call_swap"},
             "spec": {"type": "application", "reference": ["bench_bytes"]}},
            self.rule(CALM)]
        with open(path, "w", encoding="utf-8") as file:
            file.write("---\n".join(json.dumps(item) + "\n" for item in objects))
        done = subprocess.run([self.rhodes, "up", "--detach", path], env=self.env,
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"rhodes up: {done.stderr}")
        socket = os.path.join(self.folder, "r", "center.sock")
        self.rest, self.stream = Connection(socket), Stream(socket)
        return self

    def change(self, protocol):
        """Milliseconds until it is active at both ends."""
        self.protocol = protocol
        began = time.perf_counter()
        revision = self.rest.ask("PUT", f"/apis/v1/rules/{RULE}",
                                 self.rule(protocol))["metadata"]["revision"]
        mark, seen = f'"revision":{revision},'.encode(), b""
        self.stream.sock.setblocking(True)
        self.stream.sock.settimeout(30)
        while sum(mark in line for line in seen.split(b"\n")
                  if b'"type":"active"' in line) < 2:
            seen += self.stream.read()
            if b'"type":"rejected"' in seen:
                raise RuntimeError(seen.decode())
        return (time.perf_counter() - began) * 1e3

    def swap_until(self, is_over, times):
        """Every tenth of a second, or as soon as the one before is active."""
        try:
            while not is_over.is_set():
                if self.protocol == (protocol := next(self.protocols)):
                    continue  # that would be no change
                took = self.change(protocol)
                times.append(took)
                is_over.wait(max(0, EVERY_S - took / 1e3))
            if self.protocol != CALM:
                self.change(CALM)
        except (OSError, RuntimeError) as error:
            times.append(error)

    def calls(self, seconds, swaps):
        """What the caller printed: {"p50", "p999", "max", ...} in us, and of the swaps."""
        program = os.path.join(self.build, "benchmarks", "rhodes", "bench-caller")
        command = [self.rhodes, "run", "--wait", "20", "call_swap", "--", program, "-t",
                   "shm", "-p", "free", "-n", str(CALLS), "-d", str(seconds)]
        is_over, times = threading.Event(), []
        swapper = threading.Thread(target=self.swap_until, args=(is_over, times))
        if swaps:
            swapper.start()
        try:
            done = subprocess.run(command, env=self.env, capture_output=True, text=True,
                                  timeout=60 + 4 * seconds, check=False)
        finally:
            is_over.set()
            if swaps:
                swapper.join()
        if done.returncode:
            raise RuntimeError(f"bench-caller: {done.stderr.strip()[-400:]}")
        if times and isinstance(times[-1], Exception):
            raise RuntimeError(f"a change of the protocol: {times[-1]}")
        found = json.loads(done.stdout.splitlines()[-1])
        return {**found, "swaps": len(times),
                "active": statistics.median(times) if times else None}

    def __exit__(self, *_):
        self.stream.close()
        self.rest.close()
        subprocess.run([self.rhodes, "down"], env=self.env, capture_output=True, check=False)
