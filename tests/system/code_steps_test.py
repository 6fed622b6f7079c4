#!/usr/bin/python3
"""kill -9 at each step of a publish and of a roll-out: of the center, of its builder, and of an
agent, which end where the test says (base/failpoint.h) and are started again; then nothing is
lost that was answered, nothing is half there, and no call that passes is wrong."""
import http.client
import json
import os
import subprocess
import threading
import unittest

from center_lib import Answer, UnixConnection, rule
from center_modules import manifest, sha, tar, wasm
from cli_stage import BUILD, LIMIT
from code_stage import APP, LIB, CodeStage

# Calls until it is told to end; says how many answers were right, and how many wrong.
TRAFFIC = """
import ctypes, select, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
good, wrong, number = 0, 0, 0
while not select.select([sys.stdin], [], [], 0.0005)[0]:
    number = number % 1000000 + 1
    ctypes.set_errno(0)
    answer = lib.twice(number)
    if ctypes.get_errno() == 0:
        good += answer == 2 * number
        wrong += answer != 2 * number
print(good, wrong, flush=True)
"""
# Calls as often as it is told to, and says how many were answered.
COUNTER = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
for line in sys.stdin:
    print(sum(lib.twice(i) == 2 * i for i in range(1, 1 + int(line))), flush=True)
"""
ALLOW, DENY = 0, 1
TRAP = b"\0\0\x0b"  # the code of a function that only traps
# Of the center while a part is put, and while the manifest is posted; and of its builder.
PART = ["part-staged", "committing", "committed", "answering", "answered"]
MANIFEST = ["manifest-posted", "build-ordered", "build-taken", "object-put", "signed",
            "publish-staged", "committing", "committed", "answering", "answered"]
BUILDER = ["building", "built"]
# Which time it is passed counts: the rule, its two steps, and that it is done.
ROLL_OUT = [(point, passing) for point in ("committing", "committed") for passing in
            (1, 2, 3, 4)] + [("pushed", 1), ("pushed", 2), ("pushed", 3), ("answering", 1),
            ("answered", 1), ("step-staged", 1), ("step-staged", 2), ("finish-staged", 1),
            ("module-asked", 1), ("module-asked", 2), ("module-sent", 1), ("module-sent", 2),
            ("result-taken", 1), ("result-taken", 3)]
AGENT = ["item-received", "item-put", "module-wanted", "module-part", "module-here",
         "module-written", "module-kept", "module-verified", "rule-loading", "rule-loaded",
         "rule-exchanged", "result-told"]
# Back: after the rule and its step.
ROLL_BACK = [("rollback-staged", 1), ("committing", 3), ("committed", 3), ("pushed", 3)]
if not os.environ.get("RHODES_SLOW"):  # each kind once; the supervisor waits longer each time
    PART = ["committing", "answered"]
    MANIFEST = ["build-taken", "signed", "publish-staged", "committed"]
    BUILDER = ["building"]
    ROLL_OUT = [("committed", 1), ("pushed", 2), ("step-staged", 1), ("module-asked", 1),
                ("module-sent", 1), ("result-taken", 1), ("finish-staged", 1)]
    AGENT = ["item-put", "module-part", "module-written", "rule-loaded", "rule-exchanged",
             "result-told"]
    ROLL_BACK = ROLL_BACK[:1]


class Steps(CodeStage):
    manifest = LIB + APP + APP.replace("name: app", "name: tool")

    def up(self, *words):
        for program in ("center", "agent"):
            path = os.path.join(self.bin, "rhodes-" + program)
            os.remove(path)
            os.symlink(os.path.abspath(f"{BUILD}/tests/system/{program}-failing"), path)
        self.armed = self.env["RHODES_FAIL_FILE"] = self.path("armed")
        super().up(*words)
        self.before = set()
        self.before = set(self.stored())

    def arm(self, point, passing=1):
        self.point = f"{point} {passing}"
        os.rename(self.path("arming", self.point + "\n"), self.armed)

    def assert_killed(self):
        self.assertFalse(os.path.exists(self.armed), f"nobody was killed at {self.point}")

    # ---- the center, which may be away ----

    def ask(self, method, path, body=None):
        """Its answer; None: it went away before it gave one."""
        connection = UnixConnection(os.path.join(self.run_dir, "center.sock"), LIMIT)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
        try:
            connection.request(method, "/apis/v1/" + path, body, {"Content-Type": kind})
            return Answer(connection.getresponse())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def asked(self, *words):
        """Its answer, also when it has to be started first."""
        while (answer := self.ask(*words)) is None:
            threading.Event().wait(0.02)  # asking is no event
        return answer

    def put(self, data):
        return self.ask("PUT", "modules/" + sha(data), data)

    def stored(self):
        """What it has of modules, but for those of the interface that calls go by."""
        return {item["metadata"]["name"]: item["spec"]
                for item in self.asked("GET", "modules").json["items"]
                if item["metadata"]["name"] not in self.before}

    def publish(self, parts):
        """Its name; everybody lives."""
        for data in parts.values():
            self.assertIn(self.put(data).status, (200, 201))
        made = self.ask("POST", "modules", manifest(parts))
        self.assertIn(made.status, (200, 201), made.body)
        return made.json["metadata"]["name"]

    def files(self, folder):
        """What lies there, but for what belongs to a name or a hash."""
        try:
            return os.listdir(self.path("state/" + folder))
        except FileNotFoundError:
            return []


class Publish(Steps):
    def parts(self):
        """Of a rule that nobody published."""
        return {"wasm": wasm(size=300), "source": tar(os.urandom(16))}

    def check(self, acknowledged):
        """What was answered is there, and what is there is whole."""
        stored = self.stored()
        self.assertLessEqual(acknowledged, set(stored))
        for name in stored:
            self.assertEqual(sha(self.asked("GET", "modules/" + name).body), name)
        for spec in stored.values():
            for part in spec.get("manifest", {}).get("parts", {}).values():
                self.assertIn(part["sha256"], stored)

    def check_again(self, parts):
        """Published again it is there, and nothing else; then it goes with all of it."""
        name = self.publish(parts)
        stored = self.stored()
        self.assertEqual(set(stored), {name} | {
            part["sha256"] for part in stored[name]["manifest"]["parts"].values()})
        self.assertEqual(self.files("build"), [])
        self.assertEqual([file for file in self.files("built") if len(file) != 64], [])
        self.assertEqual(self.ask("DELETE", "modules/" + name).status, 200)
        self.assertEqual(self.stored(), {})

    def test_while_a_part_is_put(self):
        for point in PART:
            with self.subTest(point):
                parts = self.parts()
                self.arm(point)
                answer = self.put(parts["wasm"])
                self.asked("GET", "system")
                self.assert_killed()
                self.check({sha(parts["wasm"])} if answer else set())
                self.check_again(parts)

    def test_while_the_manifest_is_posted(self):
        for point in MANIFEST + BUILDER:
            with self.subTest(point):
                parts = self.parts()
                for data in parts.values():
                    self.assertEqual(self.put(data).status, 201)
                self.arm(point)
                answer = self.ask("POST", "modules", manifest(parts))
                self.asked("GET", "system")
                self.assert_killed()
                if point in BUILDER:  # another one did it
                    self.assertEqual(answer.status, 201, answer.body)
                self.check({sha(data) for data in parts.values()} |
                           ({answer.json["metadata"]["name"]} if answer else set()))
                self.check_again(parts)


class RollOut(Steps):
    def setUp(self):
        super().setUp()
        self.made = 0
        self.traffic = subprocess.Popen(
            [self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c", TRAFFIC], text=True,
            env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.traffic.kill)

    def end_traffic(self):
        """No answer was wrong."""
        told, _ = self.traffic.communicate("\n", LIMIT)
        good, wrong = map(int, told.split())
        self.assertEqual(wrong, 0)
        self.assertGreater(good, 0)

    def rule(self, module, rollout, **more):
        return {"objects": [rule("guard", code={
            "hook": "filter", "edge": ["*", "lib"], "module": "sha256:" + module, "mode": "wasm",
            "rollout": rollout, **more})]}

    def new(self, **what):
        """A module whose object nobody has, either."""
        self.made += 1
        return self.publish({"wasm": wasm(size=300, buffer=1024 + 16 * self.made, **what)})

    def said(self):
        """The module of the rule, or None."""
        code = (self.asked("GET", "rules/guard").json.get("spec") or {}).get("code")
        return code and code["module"].removeprefix("sha256:")

    def apply(self, body, module, former):
        """Until it is answered; what was not is there, or as it was."""
        while not (answer := self.ask("POST", "apply", body)):
            self.assertIn(self.said(), (module, former))
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.said(), module)

    def await_state(self, wanted):
        while (told := self.asked("GET", "rollouts/guard").json)["state"] != wanted or any(
                place["state"] != "active" for place in told["agents"]):
            self.assertIn(told["state"], ("running", wanted), told)
            threading.Event().wait(0.02)  # asking is no event
        return told

    def calls(self, resource):
        """How many of five new calls pass there."""
        done = subprocess.run(
            [self.rhodes_path, "run", resource, "--", "/usr/bin/python3", "-c", COUNTER], text=True,
            input="5\n", env=self.env, capture_output=True, timeout=LIMIT, check=True)
        return int(done.stdout)

    def check_force(self, verdict):
        for resource in ("app", "tool"):
            self.assertEqual(self.calls(resource), 5 if verdict == ALLOW else 0)
        self.assertEqual([file for file in self.files("modules")
                          if len(file.removesuffix(".manifest")) != 64], [])

    def roll_out(self, point, passing, verdict, former):
        module = self.new(verdict=verdict)
        self.arm(point, passing)
        self.apply(self.rule(module, {"steps": [1, "100%"], "wait": "0s"}), module, former)
        told = self.await_state("done")
        self.assert_killed()
        self.assertEqual((told["edges"]["reached"], told["edges"]["total"]), (2, 2))
        self.check_force(verdict)
        return module

    def play(self, points):
        former = None
        for number, (point, passing) in enumerate(points):
            with self.subTest(point, passing=passing):
                former = self.roll_out(point, passing, (ALLOW, DENY)[number % 2], former)
        self.end_traffic()

    def test_the_center_is_killed(self):
        self.play(ROLL_OUT)

    def test_an_agent_is_killed(self):
        self.play([(point, 1) for point in AGENT])

    def test_on_the_way_back(self):
        former = self.new(verdict=ALLOW)
        self.apply(self.rule(former, {"steps": ["100%"], "wait": "0s"}), former, None)
        self.await_state("done")
        for point, passing in ROLL_BACK:
            with self.subTest(point, passing=passing):
                module = self.new(code=TRAP)
                self.arm(point, passing)
                self.ask("POST", "apply", self.rule(
                    module, {"steps": ["100%"], "wait": "1h", "maxErrorRate": 0.02,
                             "rollback": True}, onFailure="fail-open"))
                self.await_state("rolled-back")
                self.assert_killed()
                self.assertEqual(self.said(), former)
                self.check_force(ALLOW)
        self.end_traffic()


if __name__ == "__main__":
    unittest.main()
