#!/usr/bin/python3
"""`rhodes up`, `down`, `serve`, `logs`: the supervisor with real processes."""
import http.client
import json
import os
import re
import signal
import subprocess
import unittest

from cli_stage import LIMIT, Stage

SYSTEM = """
kind: Resource
metadata: {name: nic}
spec: {type: hardware}
---
kind: Resource
metadata: {name: net_driver}
spec: {type: driver, reference: [nic]}
"""

# A program with a child in a session of its own, and one whose parent is gone.
FAMILY = """
kind: Resource
metadata: {name: clock}
spec:
  type: application
  serve:
    restart: never
    program:
    - /bin/sh
    - -c
    - "setsid sleep 1000 & echo child $!;
       setsid sh -c 'sleep 1000 & echo orphan $!'; exec sleep 1000"
"""


class Up(Stage):
    def setUp(self):
        super().setUp()
        self.manifest = self.path("system.yaml", SYSTEM)

    def all_pids(self):
        return sum((self.pids(name) for name in
                    ("center", "agent/nic", "agent/net_driver")), [])

    def test_up_and_down(self):
        text = self.up(self.manifest)
        self.assertIn('the system "test" is ready: 2 resources, 3 processes', text)
        self.assertIn("Resource/nic created", text)
        again = self.refused(5, "up", self.manifest)
        self.assertIn("is running already, under pid", again)
        self.refused(5, "up", "--detach")
        self.assertIn("is down", self.ok("down"))
        self.assert_ends(self.all_pids())
        self.assertEqual(len(self.all_pids()), 3)
        self.assertIn("no system", self.refused(3, "down"))
        self.assertIn("no system", self.refused(3, "get", "resources"))
        # What was applied is there again.
        self.assertIn("2 resources, 3 processes", self.up())

    def test_it_ends_in_order(self):
        self.up(self.manifest)
        self.ok("down")
        log = self.log()
        self.assertLess(log.index("agent/nic ended"), log.index("center ended"))
        self.assertLess(log.index("agent/net_driver ended"), log.index("center ended"))

    def test_in_the_foreground_until_ctrl_c(self):
        with subprocess.Popen([self.rhodes_path, "up", self.manifest], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, env=self.env) as up:
            lines = []
            for line in up.stdout:
                lines.append(line)
                if "is ready" in line:
                    break
            up.send_signal(signal.SIGINT)
            rest, _ = up.communicate(timeout=LIMIT)
        self.assertEqual(up.returncode, 0)
        self.assertIn("stopping, asked by Ctrl-C", rest)
        self.assertIn('the system "test" is down', rest)
        self.assertNotIn("\033", "".join(lines) + rest)
        self.assert_ends(self.all_pids())

    def test_detached_it_holds_no_output(self):
        # communicate() in run() would wait for ever for the end of the pipe.
        self.up(self.manifest)

    def test_a_killed_agent_comes_back(self):
        self.up(self.manifest)
        first = self.pids("agent/nic")[0]
        os.kill(first, signal.SIGKILL)
        self.await_line(r"agent/nic started", 2)
        self.assertIn(f"agent/nic was killed by signal 9, Killed (pid {first})",
                      self.log())
        self.assertNotIn("agent/nic starts again in", self.log())

    def test_a_killed_center_comes_back(self):
        self.up(self.manifest)
        os.kill(self.pids("center")[0], signal.SIGKILL)
        self.await_line(r"center started", 2)
        self.await_line(r"link: joined", 2)
        self.assertIn("unchanged", self.ok("apply", "-f", self.manifest))
        # The agents were left alone, and what is applied now reaches the plan.
        self.assertEqual(len(self.pids("agent/nic")), 1)
        self.ok("delete", "resource", "net_driver")
        self.await_line(r"agent/net_driver ended")

    def test_a_plan_that_could_not_be_written_is_written_later(self):
        """Also when no other comes; who is started while the center is away goes by it."""
        self.up(self.manifest)
        in_the_way = os.path.join(self.run_dir, "plan.json.new")
        os.mkdir(in_the_way)
        self.ok("apply", "-f", "-", data="kind: Resource\nmetadata: {name: more}\n"
                "spec: {type: application}\n")
        self.await_line(r"plan.json cannot be written: .*trying again")
        os.rmdir(in_the_way)
        self.await_line(r"the plan is on the disk again")
        with open(os.path.join(self.run_dir, "plan.json"), encoding="utf-8") as file:
            self.assertIn("more", [one["name"] for one in json.load(file)["resources"]])

    def test_nothing_survives_kill_9(self):
        self.up(self.manifest)
        supervisor = self.supervisor()
        pids = self.all_pids()
        self.assertEqual(len(pids), 3)
        os.kill(supervisor, signal.SIGKILL)
        self.assert_ends([supervisor, *pids])
        self.assertIn("no system", self.refused(3, "down"))
        # The stale pid file is nobody's lock.
        self.up()

    def family(self):
        """Starts a system whose program has children; all pids of it."""
        self.up(self.path("family.yaml", FAMILY))
        self.await_line("clock/0 .* orphan ")
        self.await_line("clock/0 .* child ")
        pids = [int(pid) for pid in re.findall(r"(?:child|orphan) (\d+)", self.log())]
        self.assertEqual(len(pids), 2)
        return pids + self.pids("clock/0") + self.pids("center")

    def supervisor(self):
        with open(os.path.join(self.run_dir, "up.pid"), encoding="utf-8") as file:
            return int(file.read())

    @staticmethod
    def stat(pid):
        """State and parent of a process."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
            return state, int(parent)
        except (FileNotFoundError, ProcessLookupError):
            return "", 0

    def keeper(self):
        return self.stat(self.supervisor())[1]

    def test_children_of_programs_end_with_the_system(self):
        for end in ("supervisor", "keeper", "down"):
            with self.subTest(end):
                pids = self.family()
                self.assertTrue(all(map(self.is_ours, pids)))
                if end == "down":
                    self.ok("down")
                else:
                    os.kill(getattr(self, end)(), signal.SIGKILL)
                self.assert_ends(pids)
                if end == "supervisor":
                    self.await_line("the supervisor was killed by signal 9")
                self.assert_ends([self.supervisor()])
                os.unlink(os.path.join(self.run_dir, "system.log"))

    def test_a_stray_of_a_program_is_collected(self):
        orphan = self.family()[1]
        os.kill(orphan, signal.SIGKILL)
        self.assert_ends([orphan])
        # What the supervisor hears after that end is done after it is collected.
        self.ok("apply", "-f", self.manifest)
        self.await_line("agent/nic started")
        self.assertNotIn(("Z", self.supervisor()), map(self.stat, filter(
            str.isdigit, os.listdir("/proc"))))

    def test_changes_are_followed(self):
        self.up(self.manifest)
        self.ok("apply", "-f", "-", data="kind: Resource\nmetadata: {name: fs}\n"
                "spec: {type: service, reference: [net_driver]}\n")
        self.await_line(r"agent/fs started")
        self.ok("delete", "resource", "fs")
        self.await_line(r"agent/fs ended")
        self.assertEqual(len(self.pids("agent/nic")), 1)

    def test_one_that_does_not_end_is_killed(self):
        self.agent("trap '' TERM; echo deaf; sleep 1000 & while :; do wait; done")
        with subprocess.Popen([self.rhodes_path, "up", self.manifest], text=True,
                              stdout=subprocess.PIPE, env=self.env) as up:
            for line in up.stdout:
                if "deaf" in line:
                    break
            up.send_signal(signal.SIGTERM)
            rest, _ = up.communicate(timeout=LIMIT)
        self.assertEqual(up.returncode, 0)
        self.assertIn("does not end; killing it", rest)
        self.assert_ends(self.all_pids())

    def test_a_second_ctrl_c_waits_no_longer(self):
        self.agent("trap '' TERM; echo deaf; while :; do sleep 1000 & wait; done")
        with subprocess.Popen([self.rhodes_path, "up", self.manifest], text=True,
                              stdout=subprocess.PIPE, env=self.env) as up:
            for line in up.stdout:
                if "deaf" in line:
                    break
            up.send_signal(signal.SIGINT)
            for line in up.stdout:
                if "stopping, asked" in line:
                    break
            up.send_signal(signal.SIGINT)
            rest, _ = up.communicate(timeout=LIMIT)
        self.assertIn("asked again: killing what is left", rest)
        # Before that word it may be: a busy machine needs long to say it.
        _, _, after = rest.partition("asked again")
        self.assertNotIn("does not end", after)
        self.assertNotIn("started", after)
        self.assert_ends(self.all_pids())

    def test_a_bad_manifest_leaves_nothing(self):
        bad = self.path("bad.yaml", SYSTEM.replace("driver,", "drvier,"))
        for words in (["up", bad], ["up", "--detach", bad]):
            text = self.refused(1, *words)
            self.assertIn(f"{bad}:8:14: Resource/net_driver: spec.type", text)
        self.assert_ends(self.all_pids())
        self.refused(3, "get", "resources")
        self.assertIn("No such file", self.refused(4, "up", "-d", "nowhere.yaml"))

    def test_a_store_that_cannot_be_opened_stops_it(self):
        os.mkdir(self.env["RHODES_STATE_DIR"], 0o700)
        with open(os.path.join(self.env["RHODES_STATE_DIR"], "store.db"), "w",
                  encoding="utf-8") as file:
            file.write("this is no store\n" * 500)
        self.assertIn("did not start", self.refused(1, "up", "--detach", self.manifest))
        self.assertIn("the center did not start", self.log())

    def test_not_ready_in_time(self):
        self.agent("echo unready; while :; do sleep 1000 & wait; done")
        # On a busy machine the center itself may not be there in so short a time.
        for limit in (1, 5, 25):
            text = self.refused(1, "up", "--detach", "-t", str(limit), self.manifest)
            self.assertIn("system.log tells why", text)
            self.assert_ends(self.all_pids())
            if f"not ready in {limit} s: agent" in self.log():
                break
        self.assertIn(f"not ready in {limit} s: agent/net_driver is not; stopping",
                      self.log())

    def test_an_interface_is_not_built_in_time(self):
        os.unlink(os.path.join(self.bin, "rhodes-interface"))
        os.chmod(self.path("bin/rhodes-interface", "#!/bin/sh\nexec sleep 1000\n"), 0o755)
        manifest = self.path("lib.yaml", "{kind: Resource, metadata: {name: lib}, spec: "
                             "{type: service, interface: libtwice, "
                             "serve: {library: ./side/libtwice.so.1}}}")
        folder = self.library()
        for limit in (1, 5, 25):
            self.refused(1, "up", "--detach", "-t", str(limit), "-I", folder, manifest)
            self.assert_ends(self.all_pids())
            if f"not ready in {limit} s: center is not" not in self.log():
                break
        self.assertIn(f"not ready in {limit} s: what the manifests say (their interfaces are "
                      "being built; -t gives it more time) is not; stopping", self.log())

    def test_a_failing_agent_is_tried_again_later(self):
        self.agent("echo no luck; exit 3")
        with subprocess.Popen([self.rhodes_path, "up", self.manifest], text=True,
                              stdout=subprocess.PIPE, env=self.env) as up:
            pauses = []
            for line in up.stdout:
                if "agent/nic starts again in" in line:
                    pauses.append(line.split(" in ")[1].strip())
                if len(pauses) == 3:
                    break
            up.send_signal(signal.SIGTERM)
            up.communicate(timeout=LIMIT)
        self.assertEqual(pauses, ["0.1 s", "0.2 s", "0.4 s"])

    def test_logs_of_one_resource(self):
        self.agent('echo "I am $6"')
        self.up(self.manifest)
        self.assertIn("I am nic", self.ok("logs", "nic"))
        self.assertNotIn("net_driver", self.ok("logs", "agent/nic"))
        self.assertIn("ready system=test", self.ok("logs", "center"))
        self.assertEqual(self.ok("logs", "-n", "1").count("\n"), 1)
        self.assertIn('no line of the log is of "nobody"', self.refused(4, "logs", "nobody"))

    def status(self, port, token=None, host=None):
        """What `curl` would get of the list of resources."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        connection.putrequest("GET", "/apis/v1/resources", skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{port}")
        if token:
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status

    def test_tcp_needs_the_token_and_the_host(self):
        text = self.up("--tcp", "127.0.0.1:0", self.manifest)
        path = os.path.join(self.run_dir, "token")
        port = int(text.split("http://127.0.0.1:")[1].split(",")[0])
        self.assertIn(f"for clients that send the token in {path}", text)
        self.assertIn(f"REST is also at http://127.0.0.1:{port}, for clients that send"
                      f" the token in {path}", self.log())
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="ascii") as file:
            token = file.read().strip()
        self.assertEqual(self.status(port, token), 200)
        self.assertEqual(self.status(port, token, f"localhost:{port}"), 200)
        self.assertEqual(self.status(port), 401)
        self.assertEqual(self.status(port, "0" * len(token)), 401)
        self.assertEqual(self.status(port, token, "evil.example"), 403)
        self.assertEqual(self.status(port, token, f"127.0.0.1:{port + 1}"), 403)
        self.assertIn(f'curl -H "Authorization: Bearer $(cat {path})"'
                      f" http://127.0.0.1:{port}/apis/v1/resources", text)

    def test_tcp_is_opt_in_and_loopback_only(self):
        for address in ("0.0.0.0:80", "127.0.0.1", "127.0.0.1:x", "localhost:80"):
            text = self.refused(2, "up", "--detach", "--tcp", address, self.manifest)
            self.assertIn(f"--tcp {address}: must be 127.0.0.1:PORT", text)
        self.up(self.manifest)
        self.assertFalse(os.path.exists(os.path.join(self.run_dir, "token")))
        self.assertNotIn("tcp port=", self.log())

    def test_two_systems_side_by_side(self):
        self.up(self.manifest)
        other = {"RHODES_RUN_DIR": self.path("run2"), "RHODES_SYSTEM": "other",
                 "RHODES_STATE_DIR": self.path("state2")}
        done = self.rhodes("up", "--detach", env=other)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.rhodes("get", "resources", "-o", "name", env=other).stdout,
                         "")
        self.assertIn("Resource/nic", self.ok("get", "resources", "-o", "name"))
        self.assertEqual(self.rhodes("down", env=other).returncode, 0)
        self.ok("get", "resources")

    def test_a_folder_of_another_system_is_left_alone(self):
        """Where the folder is given, the name decides whether it is the one that was meant."""
        self.up(self.manifest)
        pid = self.pids("center")[-1]
        for words in (("-S", "other", "down"), ("down", "-S", "other"),
                      ("-S", "other", "get", "resources"), ("-S", "other", "logs"),
                      ("-S", "other", "apply", self.manifest), ("-S", "other", "doctor"),
                      ("-S", "other", "run", "nic", "--", "true")):
            text = self.refused(3, *words)
            self.assertIn('no system "other" is here: RHODES_RUN_DIR, '
                          f'{self.run_dir} belongs to the system "test"', text)
            self.assertIn('use -S test, for "other" set RHODES_RUN_DIR', text)
        done = self.rhodes("down", env={"RHODES_SYSTEM": "other"})
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual(self.pids("center"), [pid])
        text = self.refused(5, "-S", "other", "up", "--detach")
        self.assertIn(f'the system "test" is running in {self.run_dir}', text)
        self.assertIn('"other" needs a folder of its own', text)
        self.ok("-S", "test", "get", "resources")
        done = self.rhodes("-S", "test", "get", "resources", env={"RHODES_SYSTEM": "other"})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_who_names_no_system_is_told_which_one_it_is(self):
        self.up(self.manifest)
        del self.env["RHODES_SYSTEM"]
        text = self.refused(4, "run", "nobody", "--", "true")
        self.assertNotIn('"rhodes"', text)
        text = self.refused(5, "up", "--detach")
        self.assertIn(f'the system "test" is running in {self.run_dir}', text)
        text = self.ok("run", "nic", "--", "env")
        self.assertIn("RHODES_SYSTEM=test\n", text)
        self.assertIn('the system "test" is down', self.ok("down"))
        self.assertIn('no system "test" is running here', self.refused(3, "down"))
        self.assertIn("is ready", self.ok("-S", "other", "up", "--detach"))
        self.assertIn('the system "other" is down', self.ok("down"))


if __name__ == "__main__":
    unittest.main()
