#!/usr/bin/python3
"""Many agents in one process, started by `rhodes up --pool`: what a user sees is the same,
and what happens to one of them happens to no other."""
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from cli_stage import LIMIT, Stage

OTHERS = 60
CALLED = """
kind: Resource
metadata: {name: lib}
spec: {type: service, interface: libtwice, serve: {library: ./side/libtwice.so.1}}
---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [lib]}
---
kind: Rule
metadata: {name: app-lib}
spec: {protocol: {edge: [app, lib], use: shm}}
"""
OTHER = """
kind: Resource
metadata: {name: %s}
spec: {type: application, reference: [lib]}
"""
EACH = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1')
for line in sys.stdin:
    print(lib.twice(int(line)), flush=True)
"""
AGENT_BYTES = 1 << 20  # of private memory, the most of an agent


class Calls(threading.Thread):
    """A program that calls all the while."""

    def __init__(self, test):
        super().__init__(daemon=True)
        self.process = subprocess.Popen(
            [test.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c", EACH],
            text=True, env=test.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.count, self.wrong, self.is_over = 0, [], False
        self.moved = threading.Condition()
        self.start()

    def run(self):
        while not self.is_over:
            self.process.stdin.write(f"{self.count}\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
            with self.moved:
                if answer != f"{2 * self.count}\n":
                    self.wrong.append(answer)
                self.count += 1
                self.is_over |= not answer
                self.moved.notify_all()

    def go_on(self, calls=100):
        with self.moved:
            wanted = self.count + calls
            self.moved.wait_for(lambda: self.count >= wanted or self.wrong, 60)

    def finish(self):
        self.is_over = True
        self.join(60)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)


class Pool(Stage):
    has_agents = True

    def start(self, most=1000):
        self.library()
        self.names = [f"other{number:02}" for number in range(OTHERS)]
        text = "---".join([CALLED, *(OTHER % name for name in self.names)])
        self.up("--pool", str(most), "-I", self.path("side"),
                self.path("system.yaml", text))
        self.names += ["app", "lib"]

    def calls(self):
        """A program that calls through the agents of app and lib until the test ends."""
        calls = Calls(self)
        self.addCleanup(calls.finish)
        calls.go_on()
        return calls

    def agents(self):
        return {agent["resource"]: agent for agent in self.json("get", "agents")["items"]
                if agent["role"] == "agent"}

    def here(self):
        """Who said that the center is here, each time."""
        return re.findall(r" agent/(\w+) +info +the center is here", self.log())

    def pool_file(self, pool):
        with open(os.path.join(self.run_dir, "agent", f"pool.{pool}"),
                  encoding="ascii") as file:
            return file.read().split()

    def path_of(self, resource, suffix):
        return os.path.join(self.run_dir, "agent", f"{resource}.{suffix}")

    def cache(self, resource, name):
        return self.path(os.path.join("state", "agent", resource, name))

    def await_caches(self):
        """Rules are saved beside the calls, so later than they are in force."""
        until = time.monotonic() + LIMIT
        while not all(os.path.exists(self.cache(name, "view.a")) or
                      os.path.exists(self.cache(name, "view.b")) for name in self.names):
            self.assertLess(time.monotonic(), until, self.log())

    def assert_undisturbed(self, calls, here):
        """Calls went on, and no agent has lost the center meanwhile."""
        calls.go_on()
        self.assertEqual(calls.wrong, [])
        self.assertEqual([name for name in self.here() if name in here], here)

    def test_agents_of_one_process_carry_calls(self):
        self.start()
        calls = self.calls()
        agents = self.agents()
        self.assertEqual(sorted(agents), sorted(self.names))
        self.assertEqual({agent["pid"] for agent in agents.values()},
                         set(self.pids("agents-0")))
        calls.go_on()
        calls.finish()
        self.assertEqual(calls.wrong, [])
        top = {item["caller"]: item for item in self.json("top", "--once")["items"]}
        self.assertEqual((top["app"]["calls"], top["app"]["protocol"]),
                         (calls.count, "shm"))
        self.assertEqual(self.pids("agent/app"), [])
        self.assertIn("agent/app", self.ok("logs", "app"))
        with open(f"/proc/{self.pids('agents-0')[0]}/smaps_rollup", encoding="ascii") as file:
            private = 1024 * sum(map(int, re.findall(r"Private_\w+: +(\d+)", file.read())))
        print(f"{private // len(self.names)} bytes of private memory an agent, "
              f"{len(self.names)} in the process")
        self.assertLess(private, AGENT_BYTES * len(self.names))

    def test_a_killed_pool_comes_back_with_all_of_them(self):
        self.start()
        calls = self.calls()
        self.await_caches()
        os.kill(self.pids("agents-0")[0], signal.SIGKILL)
        self.await_line("starting source=cache", len(self.names))
        self.await_line("the center is here", 2 * len(self.names))
        calls.go_on()
        self.assertEqual(calls.wrong, [])  # twice is idempotent
        self.assertEqual({agent["pid"] for agent in self.agents().values()},
                         {self.pids("agents-0")[1]})

    def test_one_comes_and_one_goes(self):
        self.start()
        calls, here = self.calls(), self.here()
        for turn in range(1, 4):
            self.ok("apply", "-f", "-", data=OTHER % "late")
            self.await_line("agent/late +info +the center is here", turn)
            self.assertTrue(os.path.exists(self.path_of("late", "sock")))
            self.ok("delete", "resource", "late")
            self.await_line("agent/late +info +it has left", turn)
            for suffix in ("sock", "counters"):
                self.assertFalse(os.path.exists(self.path_of("late", suffix)))
        self.assert_undisturbed(calls, here)
        self.assertEqual(sorted(self.agents()), sorted(self.names))
        # One in the middle of a call goes, too, and is in nobody's way when it is back.
        calls.finish()
        self.ok("delete", "resource", "app")
        self.await_line("agent/app +info +it has left")
        self.ok("apply", "-I", self.path("side"), "-f", self.path("system.yaml"))
        self.await_line("agent/app +info +the center is here", 2)
        calls = self.calls()
        self.assertEqual(calls.wrong, [])

    def test_the_agent_of_a_service_goes_after_its_instances(self):
        self.start()
        self.calls()
        worker = self.pids("lib/0")
        self.ok("delete", "resource", "lib")
        self.await_line("agent/lib +info +it has left")
        self.assert_ends(worker)
        self.assertLess(self.log().index(f"lib/0 ended (pid {worker[0]})"),
                        self.log().index("the agent of lib leaves"))

    def test_one_that_cannot_work_disturbs_nobody(self):
        self.start()
        calls, here = self.calls(), self.here()
        os.mkdir(self.path_of("taken", "sock"))
        self.ok("apply", "-f", "-", data=OTHER % "taken")
        self.await_line("agent/taken +error +it cannot work, and is tried again: .*taken.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
            peer.connect(self.path_of("other07", "sock"))
            peer.send(b"\xff" * 100)
            while peer.recv(1 << 16):  # until it hangs up
                pass
        self.assert_undisturbed(calls, here)
        os.rmdir(self.path_of("taken", "sock"))
        self.await_line("agent/taken +info +the center is here")
        self.assert_undisturbed(calls, here)

    def test_a_damaged_cache_is_of_one_alone(self):
        self.start()
        self.await_caches()
        for name in ("view.a", "view.b"):
            path = self.cache("other03", name)
            if os.path.exists(path):
                with open(path, "r+b") as file:
                    file.seek(40)
                    file.write(b"\xff\xff\xff")
        os.kill(self.pids("agents-0")[0], signal.SIGKILL)
        self.await_line("agent/other03 +error +the cache .* is damaged: set aside")
        self.await_line("the center is here", 2 * len(self.names))
        self.assertEqual(self.log().count("starting source=cache"), len(self.names) - 1)
        self.assertEqual(set(re.findall(r"(\w+) +error +the cache", self.log())),
                         {"other03"})
        self.assertEqual(self.calls().wrong, [])

    def test_a_file_that_is_no_pool_changes_nothing(self):
        self.start()
        calls, here = self.calls(), self.here()
        path = os.path.join(self.run_dir, "agent", "pool.0")
        for text, why in (("", "does not end"), ("app\nlib", "does not end"),
                          ("app\nNo Name\n", "is no name of a resource"),
                          ("app\n\0lib\n", "there is a NUL in it")):
            with open(path + ".test", "w", encoding="ascii") as file:
                file.write(text)
            os.rename(path + ".test", path)
            self.await_line(f"agents-0 +error +the pool stays as it was: .*{why}")
        os.mkfifo(path + ".test")  # which nobody will ever write
        os.rename(path + ".test", path)
        self.await_line("agents-0 +error +the pool stays as it was: .*no regular file")
        self.assert_undisturbed(calls, here)

    def test_a_file_that_cannot_be_written_is_written_later(self):
        """When nothing else happens in the system."""
        self.start()
        beside = os.path.join(self.run_dir, "agent", "pool.0.new")
        os.mkdir(beside)
        self.ok("apply", "-f", "-", data=OTHER % "aaa")
        self.await_line("pool.0 cannot be written: .*; trying again")
        os.rmdir(beside)
        self.await_line("agent/aaa +info +the center is here")
        self.assertEqual(self.log().count("cannot be written"), 1)

    def test_several_pools_and_nobody_moves(self):
        self.start(most=25)
        self.assertEqual([len(self.pool_file(pool)) for pool in range(3)], [25, 25, 12])
        calls, here = self.calls(), self.here()
        first = self.pool_file(0)
        self.ok("delete", "resource", first[3])
        self.await_line("it has left")
        self.ok("apply", "-f", "-", data=OTHER % "aaa")
        self.await_line("agent/aaa +info +the center is here")
        self.assertEqual(self.pool_file(0), sorted([*first[:3], *first[4:], "aaa"]))
        here.remove(first[3])
        calls.go_on()
        self.assertEqual(calls.wrong, [])
        self.assertEqual([name for name in self.here() if name not in ("aaa", first[3])],
                         here)
        self.assertEqual(len(self.pids("agents-2")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
