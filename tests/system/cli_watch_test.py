#!/usr/bin/python3
"""`rhodes watch`: what became active where, through a center that is killed, a store that
forgot, and readers that leave."""
import contextlib
import json
import os
import re
import select
import signal
import socket
import sqlite3
import subprocess
import unittest

from cli_stage import LIMIT, Stage

SYSTEM = """
kind: Resource
metadata: {{name: lib}}
spec: {{type: service, interface: libtwice, serve: {{library: ./side/libtwice.so.1}}}}
---
kind: Resource
metadata: {{name: app}}
spec: {{type: application, reference: [lib]}}
---
kind: Rule
metadata: {{name: app-lib}}
spec: {{protocol: {{edge: [app, lib], use: {use}}}}}
"""
RULE = "{{kind: Rule, metadata: {{name: {0}}}, spec: {{protocol: {{edge: [app, lib], use: {1}}}}}}}"
EACH = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1')
for line in sys.stdin:
    print(lib.twice(int(line)), flush=True)
"""


class Reader:
    """A running command, and what it printed, line by line."""

    def __init__(self, stage, *words):
        self.stage = stage
        self.errors = open(stage.path("errors"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [stage.rhodes_path, *words], stdout=subprocess.PIPE,
            stderr=self.errors, env=stage.env)
        self.rest, self.seen = b"", []
        stage.addCleanup(self.close)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def line(self):
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
            got = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not got:
                raise EOFError(f"after {self.seen}: {self.said()}{self.stage.log()}")
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        self.seen.append(line.decode())
        return self.seen[-1]

    def until(self, pattern):
        """Reads up to a line that matches, and gives it."""
        while not re.search(pattern, line := self.line()):
            pass
        return line

    def event(self, **wanted):
        """Reads up to an event like that, and gives it."""
        while True:
            event = json.loads(self.line())
            if all(event.get(key) == value for key, value in wanted.items()):
                return event

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(LIMIT)


class Watch(Stage):
    has_agents = True

    def start(self, use="shm"):
        self.library()
        self.up("-I", self.path("side"), self.path("system.yaml", SYSTEM.format(use=use)))

    def watch(self, *words):
        """One that follows: it has said where it begins, and nothing after is missed."""
        reader = Reader(self, "watch", *words)
        if "json" not in words:
            self.assertRegex(reader.line(), "^TIME +REVISION +EVENT +OBJECT +AGENT +WHAT$")
        return reader

    def following(self, *words):
        """From the beginning, so that the first lines tell that it is there."""
        reader = self.watch("rules", "--from", "0", *words)
        if "json" in words:
            reader.event(type="put", revision=self.revision())
        else:
            reader.until("put +rule hierarchy")
        return reader

    def revision(self):
        return max(item["metadata"]["revision"] for item in
                   self.json("get", "rules")["items"])

    def use(self, protocol, name="app-lib"):
        self.ok("apply", "-f", "-", data=RULE.format(name, protocol))
        return self.revision()

    def program(self):
        """One that calls when it is asked to."""
        return subprocess.Popen([self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c",
                                 EACH], text=True, env=self.env, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)

    def ask(self, program, number):
        program.stdin.write(f"{number}\n")
        program.stdin.flush()
        self.assertEqual(program.stdout.readline(), f"{2 * number}\n")

    def kill_center(self):
        """Returns when it is back."""
        before = len(re.findall("center +info +ready", self.log()))
        os.kill(self.pids("center")[-1], signal.SIGKILL)
        self.await_line("center +info +ready", before + 1)

    def edit_store(self, statement):
        """As only time would change it; the system must be down."""
        with contextlib.closing(sqlite3.connect(self.path("state/store.db"))) as store:
            with store:
                store.execute(statement)

    # ---- following ----

    def test_a_rule_becomes_active_at_both_ends(self):
        self.start()
        reader = self.following()
        revision = self.use("msgqueue")
        reader.until(rf"^\S+ +{revision} +put +rule app-lib +- +app -> lib: use msgqueue$")
        agents = {re.search(r"active +rule app-lib +(\S+) +app -> lib$",
                            reader.until(rf"^\S+ +{revision} +active"))[1] for _ in range(2)}
        self.assertEqual(agents, {"app", "lib"})
        self.assertEqual(reader.end(), 0)
        self.assertEqual(reader.said(), "")

    def test_an_edge_in_use_is_swapped_before_it_is_active(self):
        self.start()
        reader = self.following("-o", "json")
        with self.program() as program:
            self.ask(program, 4)
            revision = self.use("semaphore")
            states = []
            while states.count("active") < 2:
                event = json.loads(reader.line())
                if event["revision"] == revision and "agent" in event:
                    states.append(event["type"])
                    self.assertEqual(event["edge"], ["app", "lib"])
            self.assertIn("staged", states)
            program.stdin.close()

    def test_a_rejection_says_who_and_why(self):
        """The agents may have no message queues: they keep what they had."""
        self.library()
        humble = ["setpriv", "--bounding-set=-sys_resource"] if os.getuid() == 0 else []
        subprocess.run([*humble, "prlimit", "--msgqueue=0:0", self.rhodes_path, "up", "--detach",
                        "-I", self.path("side"),
                        self.path("system.yaml", SYSTEM.format(use="shm"))],
                       env=self.env, check=True, timeout=LIMIT)
        with self.program() as program:
            self.ask(program, 4)
            reader = self.following()
            revision = self.use("msgqueue")
            line = reader.until(rf"^\S+ +{revision} +rejected +rule app-lib +(app|lib) ")
            self.assertRegex(line, r"app -> lib: E\w+: .*RLIMIT_MSGQUEUE")
            self.ask(program, 5)
            program.stdin.close()

    def test_one_name(self):
        self.start()
        reader = self.watch("rules", "hierarchy", "-o", "json", "--from", "0")
        reader.event(type="put")
        self.use("msgqueue")
        self.ok("apply", "-f", "-", data="{kind: Rule, metadata: {name: hierarchy}, spec:"
                " {hierarchy: {allow: [[driver, hardware]], grace: 100ms}}}")
        reader.event(type="revoked")
        for line in reader.seen:
            event = json.loads(line)
            if event["type"] not in ("bookmark", "reset"):
                self.assertEqual(event["object"]["metadata"]["name"] if "object" in event
                                 else event["name"], "hierarchy")

    def test_every_kind(self):
        self.start()
        reader = self.watch("all", "-o", "json", "--from", "0")
        kinds = set()
        while len(kinds) < 3:
            event = json.loads(reader.line())
            if event["type"] == "put":
                kinds.add(event["object"]["kind"])
        self.assertEqual(kinds, {"Resource", "Rule", "Interface"})
        self.ok("delete", "rule", "app-lib")
        gone = reader.event(type="delete")
        self.assertEqual(gone["object"]["metadata"]["name"], "app-lib")

    # ---- going on ----

    def test_a_killed_center_is_awaited(self):
        self.start()
        reader = self.following()
        self.use("msgqueue")
        reader.until("active +rule app-lib")
        reader.until("active +rule app-lib")
        self.kill_center()
        # How it stands, which nobody told while there was no center.
        reader.until("(active|unreachable) +rule app-lib")
        revision = self.use("semaphore")
        reader.until(rf" {revision} +put +rule app-lib .*use semaphore")
        reader.until(rf" {revision} +active +rule app-lib")
        self.assertEqual(sum(" put " in line and "msgqueue" in line for line in reader.seen), 1)
        self.assertRegex(reader.said(), 'the center of "test" is away; waiting')
        self.assertRegex(reader.said(), "the center is back; going on from revision")
        self.assertEqual(reader.end(), 0)

    def test_nothing_is_missed_or_told_twice_over_many_kills(self):
        self.start()
        reader = self.following("-o", "json")
        first = self.revision()
        made = []
        for count in range(6):
            made.append(self.use(("msgqueue", "semaphore")[count % 2]))
            if count % 2:
                self.kill_center()
        told = []
        while not told or told[-1] < made[-1]:
            event = json.loads(reader.line())
            if event["type"] == "put" and event["revision"] > first:
                told.append(event["revision"])
        self.assertEqual(told, sorted(set(told)))
        # Changes that came while it was away are told as one, the latest.
        self.assertLessEqual(set(told), set(made))
        self.assertEqual(told[-1], made[-1])

    def test_a_system_that_stops_is_awaited_too(self):
        self.start()
        reader = self.following("-o", "json")
        self.ok("down")
        self.up()
        reader.event(type="resumed")
        reader.event(type="put", revision=self.use("msgqueue"))
        self.assertEqual(reader.end(signal.SIGTERM), 0)

    def test_where_too_many_watch_already(self):
        self.start()
        others = []
        for _ in range(128):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.addCleanup(sock.close)
            sock.settimeout(LIMIT)
            sock.connect(os.path.join(self.run_dir, "center.sock"))
            sock.sendall(b"GET /apis/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertTrue(sock.recv(64).startswith(b"HTTP/1.1 200"))
            others.append(sock)
        reader = self.watch("rules", "-o", "json")
        while "does not serve us now: 128 clients watch already" not in reader.said():
            self.assertIsNone(reader.process.poll())
        self.assertNotIn("is back", reader.said())
        for sock in others:
            sock.close()
        revision = self.use("msgqueue")
        reader.event(type="put", revision=revision)
        self.assertIn("is back", reader.said())
        self.assertEqual(reader.end(), 0)

    # ---- what is no longer known ----

    def test_what_was_compacted_is_read_anew(self):
        self.start()
        reader = self.following("-o", "json")
        self.ok("down")
        self.edit_store("UPDATE meta SET value = value + 100 WHERE name = 'revision'")
        self.edit_store("UPDATE meta SET value = (SELECT value FROM meta WHERE name ="
                        " 'revision') WHERE name = 'compacted'")
        self.up()
        reader.event(type="reset")
        names = {reader.event(type="put")["object"]["metadata"]["name"] for _ in range(2)}
        self.assertEqual(names, {"app-lib", "hierarchy"})
        self.assertRegex(reader.said(), "is no longer known, only since .*: get the list")
        self.assertIn("all there is follows", reader.said())
        reader.event(type="put", revision=self.use("msgqueue"))

    def test_a_start_from_what_was_compacted(self):
        self.start()
        self.ok("down")
        self.edit_store("UPDATE meta SET value = 2 WHERE name = 'compacted'")
        self.up()
        for start in ("1", "0"):
            reader = self.watch("rules", "--from", start)
            reader.until("put +rule app-lib")
            self.assertEqual("no longer known" in reader.said(), start == "1")
            self.assertEqual(reader.end(), 0)

    def test_another_store_is_noticed(self):
        self.start()
        reader = self.following("-o", "json")
        self.ok("down")
        os.unlink(self.path("state/store.db"))
        self.up(self.path("system.yaml"), "-I", self.path("side"))
        reader.event(type="reset")
        reader.event(type="put")
        self.assertIn("another store", reader.said())

    # ---- ending ----

    def test_the_reader_leaves(self):
        self.start()
        reader = self.following()
        reader.process.stdout.close()  # nothing happens: it must not wait for a change
        self.assertEqual(reader.process.wait(LIMIT), 0)
        self.assertEqual(reader.said(), "")

    def test_a_reader_that_leaves_in_the_middle(self):
        self.start()
        done = subprocess.run(["sh", "-c", f"({self.rhodes_path} watch all --from 0; echo $? >"
                               f"{self.path('code')}) | head -n 2"], env=self.env, text=True,
                              timeout=LIMIT, check=True, capture_output=True)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertEqual(done.stderr, "")
        with open(self.path("code"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "0\n")

    def test_ctrl_c_while_nobody_reads(self):
        """The pipe is full, and the write waits."""
        self.start()
        reader = self.watch("all", "-o", "json", "--from", "0")
        fd = reader.process.stdout.fileno()
        for count in range(400):
            self.use(("msgqueue", "shm")[count % 2])
            with open(f"/proc/{reader.process.pid}/wchan", encoding="ascii") as file:
                if "pipe" in file.read():
                    break
        self.assertTrue(select.select([fd], [], [], 0)[0])
        self.assertEqual(reader.end(), 0)

    def test_a_wait_for_the_center_can_be_ended(self):
        self.start()
        reader = self.following("-o", "json")
        self.ok("down")
        while "is away" not in reader.said():
            pass
        self.assertEqual(reader.end(), 0)

    # ---- bad words ----

    def test_bad_words(self):
        self.assertIn("no system", self.refused(3, "watch", "rules"))
        self.assertIn("cannot be watched", self.refused(2, "watch", "agents"))
        self.assertIn("one kind", self.refused(2, "watch", "all", "x"))
        self.assertIn("json or table", self.refused(2, "watch", "rules", "-o", "yaml"))
        self.assertIn("from", self.refused(2, "watch", "rules", "--from", "-3"))
        self.start()
        self.assertIn("not reached", self.refused(1, "watch", "rules", "--from", "999999"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
