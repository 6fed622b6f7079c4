#!/usr/bin/python3
"""`rhodes doctor` of a running system: each thing that can be wrong is made for real, and
named; and nothing is said when all is well."""
import contextlib
import ctypes
import glob
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import threading
import unittest

from center_lib import Link
from cli_stage import BUILD, LIMIT, Stage
from cli_watch_test import SYSTEM

RULE = "{{kind: Rule, metadata: {{name: app-lib}}, spec: {{protocol: {{edge: [app, lib], use: {}}}}}}}"
MANY = """
import ctypes, threading
lib = ctypes.CDLL('libtwice.so.1')
print(lib.twice(21), flush=True)
input()
threads = [threading.Thread(target=lib.twice, args=(number,)) for number in range(100)]
for thread in threads:
    thread.start()
print("calling", flush=True)
for thread in threads:
    thread.join()
print("done", flush=True)
"""


class Doctor(Stage):
    has_agents = True

    def start(self, use="shm", before=()):
        self.library()
        subprocess.run([*before, self.rhodes_path, "up", "--detach", "-I", self.path("side"),
                        self.path("system.yaml", SYSTEM.format(use=use))],
                       env=self.env, check=True, timeout=LIMIT, capture_output=True)
        for name in ("app", "lib"):
            self.await_cache(name, 1)

    def findings(self):
        """What is not well: {(check, result): [text, ...]}."""
        done = self.rhodes("doctor", "-o", "json")
        found = {}
        for item in json.loads(done.stdout)["items"]:
            # What this machine lacks is not what is asked here.
            if item["result"] != "ok" and item["check"] not in (
                    "tun", "netns", "msgqueue", "peerpidfd", "compiler", "sockets"):
                found.setdefault(item["check"], []).append((item["result"], item["text"]))
        failed = any(result == "fail" for texts in found.values() for result, _ in texts)
        self.assertEqual(done.returncode, int(failed), done.stdout)
        return found

    def assert_well(self):
        self.assertEqual(self.findings(), {}, self.log())

    def await_well(self):
        """What was made good again takes the time that it takes."""
        while self.findings():
            pass

    def assert_only(self, check, result, *patterns):
        """One thing is wrong, and this is what is said of it."""
        found = self.findings()
        self.assertEqual(list(found), [check], found)
        (was, text), = found[check]
        self.assertEqual(was, result)
        for pattern in patterns:
            self.assertRegex(text, pattern)

    @contextlib.contextmanager
    def stopped(self, pid):
        os.kill(pid, signal.SIGSTOP)
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            while file.read().rsplit(")", 1)[1].split()[0] != "T":
                file.seek(0)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def use(self, protocol):
        self.ok("apply", "-f", "-", data=RULE.format(protocol))

    # ---- well ----

    def test_no_system_is_nothing_wrong(self):
        self.assert_well()
        self.assertIn("no system", self.ok("doctor"))

    def test_all_is_well(self):
        self.start()
        self.assert_well()
        text = self.ok("doctor")
        self.assertRegex(text, r"ok +agents +2 of 2 run")
        self.assertRegex(text, r"ok +caches ")
        self.assertRegex(text, rf"ok +center +pid {self.pids('center')[0]} at revision \d+")
        self.use("msgqueue")  # and stays so when something changes
        self.await_well()
        self.ok("down")
        self.assert_well()

    # ---- processes ----

    def test_a_disk_that_is_full(self):
        mount = ctypes.CDLL(None, use_errno=True)
        state = self.path("small")
        os.makedirs(state, 0o700)
        if os.getuid() != 0 or mount.mount(b"tmpfs", state.encode(), b"tmpfs", 0,
                                           b"size=64k,mode=0700") != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(mount.umount2, state.encode(), 2)
        self.env["RHODES_STATE_DIR"] = state
        self.assert_only("state", "fail", "64 KiB", "make room")

    def test_a_center_that_is_away(self):
        self.start()
        # Nobody starts it again as long as `rhodes up` is stopped.
        up, = [pid for pid in self.holders() if pid not in self.pids("center")]
        with self.stopped(up):
            center = self.pids("center")[-1]
            os.kill(center, signal.SIGKILL)
            found = self.findings()
            self.assertEqual(set(found), {"center", "supervisor"}, found)
            self.assertRegex(found["center"][0][1], "is away: calls go on .*`rhodes logs center`")
            self.assertRegex(found["supervisor"][0][1], f"kill -CONT {up}")
        self.await_line("center +info +ready", 2)
        self.await_well()

    def test_a_center_that_ends_while_it_is_asked(self):
        self.start()
        up, = self.holders()
        with self.stopped(up):
            os.kill(self.pids("center")[-1], signal.SIGKILL)
            path = os.path.join(self.run_dir, "center.sock")
            os.unlink(path)
            with socket.socket(socket.AF_UNIX) as center:
                center.bind(path)
                center.listen()
                asked = threading.Thread(target=self.end_when_asked, args=(center,))
                asked.start()
                found = self.findings()
                asked.join()
            self.assertRegex(found["center"][0][1], "is away: calls go on .*`rhodes logs center`")
        self.await_line("center +info +ready", 2)
        self.await_well()

    @staticmethod
    def end_when_asked(center):
        """As a process that dies: it listens no more, then those who are connected hear it."""
        center.accept()[0].close()  # to see who listens
        asker = center.accept()[0]
        center.close()
        asker.close()

    def holders(self):
        with open(os.path.join(self.run_dir, "up.pid"), encoding="ascii") as file:
            return [int(file.read())]

    def test_a_center_that_is_stopped(self):
        self.start()
        with self.stopped(self.pids("center")[0]):
            self.assert_only("center", "fail", r"is stopped: .*kill -CONT \d+")
        self.await_well()

    def test_a_dead_agent(self):
        self.start()
        up, = self.holders()
        with self.stopped(up):
            os.kill(self.pids("agent/lib")[0], signal.SIGKILL)
            # Its supervisor cannot tell, so it is asked until its socket is closed.
            while "agent" not in (found := self.findings()):
                self.assertEqual(set(found), {"supervisor"}, found)
            # Its worker may have noticed.
            self.assertEqual(set(found) - {"instance"}, {"agent", "supervisor"}, found)
            (result, text), = found["agent"]
            self.assertEqual(result, "fail")
            self.assertRegex(text, "the agent of lib does not run: .*rhodes logs agent/lib")
        self.await_well()

    def test_a_stopped_agent(self):
        self.start()
        pid = self.pids("agent/app")[0]
        with self.stopped(pid):
            self.assert_only("agent", "fail", rf"agent of app \(pid {pid}\) is stopped",
                             f"kill -CONT {pid}")
        self.await_well()

    def test_a_service_that_nobody_serves(self):
        self.start()
        up, = self.holders()
        with self.stopped(up):
            os.kill(self.pids("lib/0")[0], signal.SIGKILL)
            while "instance" not in (found := self.findings()):
                self.assertEqual(set(found), {"supervisor"})
            self.assertRegex(found["instance"][0][1], "lib is served by nobody.*rhodes logs lib")
        self.await_well()

    # ---- rules ----

    def test_a_refused_edge(self):
        self.start()
        self.ok("apply", "-f", "-", data="{kind: Rule, metadata: {name: hierarchy}, spec:"
                " {hierarchy: {allow: [[driver, hardware]], grace: 0s}}}")
        self.assert_only("edge", "warn", "app .*-> lib .*refused by rule hierarchy", "exception")
        self.ok("apply", "-f", "-", data="{kind: Rule, metadata: {name: x}, spec: {exception:"
                " {edge: [app, lib], reason: it was there}}}")
        self.await_well()

    def test_an_edge_that_is_being_revoked(self):
        self.start()
        self.ok("apply", "-f", "-", data="{kind: Rule, metadata: {name: hierarchy}, spec:"
                " {hierarchy: {allow: [[driver, hardware]], grace: 1h}}}")
        self.assert_only("edge", "warn", "app -> lib|app .*-> lib", "put the rule back")

    def test_a_rejected_rule(self):
        humble = ["setpriv", "--bounding-set=-sys_resource"] if os.getuid() == 0 else []
        self.start(before=[*humble, "prlimit", "--msgqueue=0:0"])
        with subprocess.Popen([self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c",
                               MANY], text=True, env=self.env, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:
            self.assertEqual(program.stdout.readline(), "42\n")
            self.use("msgqueue")
            while "rejected" not in self.findings():
                pass
            found = self.findings()
            self.assertEqual(set(found), {"rejected"}, found)
            for result, text in found["rejected"]:
                self.assertEqual(result, "fail")
                self.assertRegex(text, "rejects app -> lib of revision [0-9]+: E.*RLIMIT_MSGQUEUE"
                                       ".*former stays in force")
            self.use("semaphore")
            self.await_well()
            program.kill()

    # ---- the disk ----

    def caches(self, name):
        return sorted(glob.glob(self.path(f"state/agent/{name}/view.[ab]")))

    def await_cache(self, name, count):
        while len(self.caches(name)) < count:
            pass

    def test_a_corrupt_cache(self):
        self.start()
        self.use("msgqueue")
        self.await_cache("app", 2)
        self.await_well()
        for path in self.caches("app")[:1]:
            with open(path, "r+b") as file:
                file.seek(-1, os.SEEK_END)
                last = file.read(1)[0]
                file.seek(-1, os.SEEK_END)
                file.write(bytes([last ^ 1]))
        found = self.findings()
        self.assertRegex(found["cache"][0][1], "app/view.. is corrupt: .*check the disk")
        # At its next start the agent sets it aside.
        os.kill(self.pids("agent/app")[0], signal.SIGKILL)
        self.await_line("set aside as")
        while "set aside" not in str(found := self.findings()):
            pass
        self.assertEqual(list(found), ["cache"], found)
        self.assertRegex(found["cache"][0][1], "corrupt cache of app .*view...corrupt.*remove it")
        for path in glob.glob(self.path("state/agent/app/*.corrupt")):
            os.unlink(path)
        self.await_well()

    def test_a_stale_cache(self):
        """As a backup would be, or a disk that was full."""
        self.start()
        self.use("msgqueue")
        self.await_cache("app", 2)
        self.await_well()
        shutil.copytree(self.path("state/agent/app"), self.path("kept"))
        for protocol in ("semaphore", "shm"):
            self.use(protocol)
            self.await_well()
        for path in self.caches("app"):
            shutil.copy(os.path.join(self.path("kept"), os.path.basename(path)), path)
        self.assert_only("cache", "warn", r"cache of app is stale: it has revision (\d+), in force"
                         r" is (?!\1)\d+", "read-only disk")
        self.use("msgqueue")
        self.await_well()

    def test_no_cache(self):
        self.start()
        self.await_well()
        for path in self.caches("lib"):
            os.unlink(path)
        self.assert_only("cache", "warn", "agent of lib has no whole cache")

    # ---- bounds ----

    def test_a_queue_at_its_limit(self):
        # Queues have names of the whole machine: no other test's is to be looked at.
        self.env["RHODES_SYSTEM"] = "doctor"
        self.start("msgqueue")
        with subprocess.Popen([self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c",
                               MANY], text=True, env=self.env, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as program:
            self.assertEqual(program.stdout.readline(), "42\n")
            self.assert_well()
            with self.stopped(self.pids("agent/lib")[0]):
                program.stdin.write("\n")
                program.stdin.flush()
                self.assertEqual(program.stdout.readline(), "calling\n")
                while "queue" not in (found := self.findings()):
                    self.assertEqual(set(found), {"agent"}, found)
                self.assertRegex(found["queue"][0][1],
                                 r"app -> lib: the message queue /doctor-app-lib-queue is at its"
                                 r" limit of \d+ messages: the agent of lib .*fs.mqueue.msg_max")
            self.assertEqual(program.stdout.readline(), "done\n")
        self.await_well()

    def test_descriptors_at_their_limit(self):
        self.start()
        pid = self.pids("agent/app")[0]
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        count = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (count + 1, before[1]))
        self.assert_only("descriptors", "warn", rf"agent of app \(pid {pid}\) has \d+ of"
                         rf" {count + 1} descriptors open", "ulimit -n")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        self.assert_well()

    # ---- versions ----

    def test_programs_that_were_replaced(self):
        agent = os.path.join(self.bin, "rhodes-agent")
        os.unlink(agent)
        shutil.copy(os.path.join(BUILD, "agent", "rhodes-agent"), agent)
        self.start()
        self.assert_well()
        shutil.copy(agent, agent + ".new")
        os.rename(agent + ".new", agent)
        found = self.findings()
        self.assertEqual(list(found), ["version"], found)
        texts = sorted(text for _, text in found["version"])
        self.assertEqual(len(texts), 2)
        for name, text in zip(("app", "lib"), texts):
            self.assertRegex(text, rf"the agent of {name} \(pid {self.pids('agent/' + name)[0]}\)"
                             rf" still runs the former {re.escape(agent)}.*SIGTERM")
        for name in ("app", "lib"):  # as it says
            os.kill(self.pids("agent/" + name)[0], signal.SIGTERM)
        self.await_well()

    def test_an_agent_of_an_older_protocol(self):
        self.start()
        old = Link(os.path.join(self.run_dir, "link.sock"), "app")  # says version 1
        self.addCleanup(old.close)
        old.view()
        self.assert_only("version", "warn", "agent of app speaks version 1 of the push protocol,"
                         " this program 2: .*rhodes down")

    def test_a_center_of_another_version(self):
        center = os.path.join(self.bin, "rhodes-center")
        version = self.ok("version").split()[1]
        with open(center, "rb") as file:
            program = file.read()
        os.unlink(center)
        with open(center, "wb") as file:
            file.write(program.replace(version.encode(), b"9" + version.encode()[1:]))
        os.chmod(center, 0o755)
        self.start()
        self.assert_only("version", "warn", rf"center is of version 9{re.escape(version[1:])}, this"
                         rf" program of {re.escape(version)}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
