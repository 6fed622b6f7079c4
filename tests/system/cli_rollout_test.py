#!/usr/bin/python3
"""`rhodes diff` and `rhodes rollout`: rules that come step by step to real agents, whose programs
call meanwhile; rejected by one that cannot obey; stopped, taken back, and gone on with after the
center was killed."""
import json
import os
import resource
import signal
import subprocess
import unittest

from cli_stage import Stage

APPS = [f"app{i}" for i in range(6)]
SYSTEM = """
kind: Resource
metadata: {name: lib}
spec:
  type: service
  interface: libtwice
  serve: {library: ./side/libtwice.so.1, workers: 1}
---
kind: Rule
metadata: {name: every}
spec: {protocol: {edge: ["*", lib], use: shm}}
""" + "".join(f"""---
kind: Resource
metadata: {{name: {app}}}
spec: {{type: application, reference: [lib]}}
""" for app in APPS)

RULE = """kind: Rule
metadata: {{name: every}}
spec: {{protocol: {{edge: ["*", lib], use: {use}, rollout: {{steps: {steps}, wait: {wait}{more}}}}}}}
"""

# What an agent is that may not have message queues, nor raise its limit.
POOR = """#!/bin/sh
[ "$(id -u)" -ne 0 ] || without='setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource'
exec prlimit --msgqueue=0:0 $without "$0.real" "$@"
"""

EACH = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1')
for line in sys.stdin:
    print(lib.twice(int(line)), flush=True)
"""


def staged(use, steps='[1, "50%", "100%"]', wait="0s", more=""):
    return RULE.format(use=use, steps=steps, wait=wait, more=more)


class Rollout(Stage):
    has_agents = True

    def setUp(self):
        super().setUp()
        self.callers = {}
        self.library()
        self.manifest = self.path("system.yaml", SYSTEM)

    def start(self):
        self.up("-I", self.path("side"), self.manifest)
        for app in APPS:
            self.callers[app] = subprocess.Popen(
                [self.rhodes_path, "run", app, "--", "/usr/bin/python3", "-c", EACH],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.env)
            self.addCleanup(self.end_caller, self.callers[app])
        self.call()

    def end_caller(self, caller):
        caller.stdin.close()
        caller.wait(60)
        caller.stdout.close()

    def call(self):
        """Every program calls once: each edge has a channel, and it works."""
        for number, caller in enumerate(self.callers.values()):
            caller.stdin.write(f"{number}\n")
            caller.stdin.flush()
        for number, caller in enumerate(self.callers.values()):
            self.assertEqual(caller.stdout.readline(), f"{2 * number}\n", self.log())

    def apply(self, text):
        return self.ok("apply", "-f", "-", data=text)

    def assert_told(self, rule, *words):
        """Who applies what is there already is told why it is not in force, and what to do."""
        text = self.apply(rule)
        for word in ("Rule/every unchanged", *words):
            self.assertIn(word, text)
        item, = json.loads(self.ok("apply", "-f", "-", "-o", "json", data=rule))["results"]
        shown = self.status()
        for key in ("state", "generation", "step", "orders"):
            self.assertEqual(item["rollout"][key], shown[key])
        for key in ("total", "reached"):
            self.assertEqual(item["rollout"]["edges"][key], shown["edges"][key])

    def finding(self):
        """What the doctor says of it, (result, text), or None."""
        items = json.loads(self.rhodes("doctor", "-o", "json").stdout)["items"]
        found = [(item["result"], item["text"]) for item in items if item["check"] == "roll-out"]
        self.assertLess(len(found), 2)
        return found[0] if found else None

    def assert_found(self, result, *words):
        was, text = self.finding()
        self.assertEqual(was, result)
        for word in ("rule every: ", *words):
            self.assertIn(word, text)

    def status(self):
        return self.json("rollout", "status", "every")

    def await_state(self, state):
        self.await_line(rf"rollout every: {state} ")

    def poor_agents(self):
        path = os.path.join(self.bin, "rhodes-agent")
        os.rename(path, path + ".real")
        self.path("bin/rhodes-agent", POOR)
        os.chmod(path, 0o755)

    def test_an_agent_that_cannot_obey_stops_it(self):
        self.poor_agents()
        self.start()
        self.apply(staged("msgqueue", more=", rollback: true"))
        self.await_state("rolled-back")
        text = self.ok("rollout", "status", "every")
        for word in ("rolled-back", "1 edge was rejected, maxReject is 0", "RLIMIT_MSGQUEUE",
                     "generation 3 is as 1 was"):
            self.assertIn(word, text)
        self.assertIn("rolled-back", self.ok("rollout", "status"))
        self.assert_found("warn", "generation 2 is rolled back", "-> lib is rejected at the agent of",
                          "RLIMIT_MSGQUEUE", "apply what generation 2 said again")
        history = self.ok("rollout", "history", "every").splitlines()
        self.assertEqual([line.split()[0] for line in history], ["GENERATION", "3", "2", "1"])
        self.call()
        self.await_shm()

    def test_one_that_stops_half_way(self):
        self.poor_agents()
        self.start()
        rule = staged("msgqueue")
        self.apply(rule)
        self.await_state("stopped")
        words = ("stopped in step 1 of 3: generation 2 is at 1 of 6 edges", "1 edge was rejected",
                 "-> lib is rejected at the agent of", "RLIMIT_MSGQUEUE",
                 "put right what stopped it, then `rhodes rollout resume every`")
        self.assert_told(rule, *words)
        self.assert_found("fail", *words)
        self.ok("rollout", "undo", "every")
        self.assertIsNone(self.finding())

    def test_a_rule_that_was_not_there_before(self):
        """Undone it stays, and no edge has it."""
        self.start()
        self.ok("delete", "rule", "every")
        rule = staged("semaphore", wait="1h")
        self.apply(rule)
        self.ok("rollout", "undo", "every")
        words = ("generation 1 is undone", "no edge has it", "`rhodes rollout resume every` begins"
                 " it anew")
        self.assert_told(rule, *words)
        self.assert_found("warn", *words)
        self.assertIn("running before step 1 of 3: generation 1 is at 0 of 6 edges",
                      self.ok("rollout", "resume", "every"))
        self.assertIsNone(self.finding())
        text = ""
        while "goes on in" not in text:
            text = self.ok("rollout", "status", "every")
        self.assertRegex(text, r"goes on in (1h|59m( \d+s)?)\n")

    def starve(self):
        """No agent of a program can open anything any more; returns what lets them again."""
        pids = [self.pids(f"agent/{app}")[-1] for app in APPS]
        limits = [resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids]
        for pid, (_, hard) in zip(pids, limits):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, hard))

        def feed():
            for pid, limit in zip(pids, limits):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        return feed

    def await_places(self, state):
        """Waits until each of the places that have the rule is in that state."""
        while {place["state"] for place in self.status()["agents"]} != {state}:
            pass

    def revision(self):
        return self.json("get", "rule", "every")["metadata"]["revision"]

    def test_applied_again_it_is_tried_again_by_those_that_could_not(self):
        self.start()
        feed = self.starve()
        rule = 'kind: Rule\nmetadata: {name: every}\nspec: {protocol: {edge: ["*", lib],' \
               ' use: semaphore}}\n'
        self.assertEqual(self.apply(rule), "Rule/every configured\n")
        again = "sent again to 7 agents that rejected it: " + ", ".join([*APPS, "lib"])
        for _ in range(2):  # it is asked, and still cannot
            self.await_places("rejected")
            revision = self.revision()
            self.assertEqual(self.apply(rule), f"Rule/every unchanged; {again}\n")
            self.assertGreater(self.revision(), revision)
        self.await_places("rejected")
        self.assertIn("apply the rule again", self.rhodes("doctor").stdout)
        feed()
        revision = self.revision()
        self.assertEqual(self.ok("apply", "--dry-run", "-f", "-", data=rule),
                         f"Rule/every unchanged; would be {again} (dry run)\n")
        self.assertEqual(self.revision(), revision)
        item, = json.loads(self.ok("apply", "-f", "-", "-o", "json", data=rule))["results"]
        self.assertEqual(item["result"], "unchanged")
        self.assertEqual(item["sentAgain"], {"total": 7, "agents": [*APPS, "lib"]})
        self.assertEqual(item["revision"], self.revision())
        self.await_places("active")
        self.call()
        self.assertNotIn("rejects", self.rhodes("doctor").stdout)
        self.assertEqual(self.apply(rule), "Rule/every unchanged\n")
        self.assertEqual(self.revision(), item["revision"])
        self.assertEqual(self.json("get", "rule", "every")["metadata"]["generation"], 2)
        entries = [line["entry"] for line in self.json("get", "audit")["items"]]
        self.assertEqual([entry["result"] for entry in entries if entry["name"] == "every"],
                         ["created", "configured", *["sent-again"] * 3])

    def test_a_resource_applied_again_has_its_edges_tried_again(self):
        self.start()
        feed = self.starve()
        self.apply(staged("semaphore", steps='["100%"]', more=", maxReject: 9"))
        self.await_places("rejected")
        feed()
        text = self.apply("kind: Resource\nmetadata: {name: app3}\nspec: {type: application,"
                          " reference: [lib]}\n")
        self.assertEqual(text, "Resource/app3 unchanged; sent again to 2 agents that rejected it:"
                         " app3, lib\n")
        while {place["state"] for place in self.status()["agents"]
               if place["edge"][0] == "app3"} != {"active"}:
            pass
        self.assertEqual({place["state"] for place in self.status()["agents"]
                          if place["edge"][0] != "app3"}, {"rejected"})

    def test_a_stopped_roll_out_is_tried_again_where_it_stands(self):
        self.start()
        feed = self.starve()
        rule = staged("semaphore")
        self.apply(rule)
        self.await_state("stopped")
        feed()
        text = self.apply(rule)
        self.assertIn("Rule/every unchanged; sent again to 2 agents that rejected it: app", text)
        self.assertIn("stopped in step 1 of 3", text)
        self.await_places("active")
        self.assertEqual(self.status()["state"], "stopped")
        self.assertIn("running", self.ok("rollout", "resume", "every"))
        self.await_state("done")

    def test_resumed_it_is_tried_again_by_those_that_could_not(self):
        self.start()
        feed = self.starve()
        self.apply(staged("semaphore"))
        self.await_state("stopped")
        feed()
        self.assertIn("running", self.ok("rollout", "resume", "every"))
        self.await_state("done")
        self.assertEqual({place["state"] for place in self.status()["agents"]}, {"active"})
        self.call()

    def test_what_a_callers_agent_cannot_open_is_rejected_at_both_ends(self):
        """It never asks the callee's agent, which has the rule all the same."""
        self.poor_agents()
        self.start()
        self.apply(staged("msgqueue", steps='["100%"]', more=", maxReject: 9"))
        self.await_state("done")
        places = self.status()["agents"]
        self.assertEqual(sorted((place["edge"][0], place["agent"]) for place in places),
                         sorted((app, agent) for app in APPS for agent in (app, "lib")))
        for place in places:
            self.assertEqual(place["state"], "rejected", place)
            self.assertIn("RLIMIT_MSGQUEUE", place["text"])
        self.call()

    def await_shm(self):
        """After the roll-back every edge has the former protocol, in the word of its agents."""
        while True:
            places = self.status()["agents"]
            if all(place["state"] == "active" for place in places):
                break
        for app in APPS:
            self.assertEqual(self.json("explain", app, "lib")["protocol"]["use"], "shm")

    def test_paused_resumed_and_undone(self):
        self.start()
        self.apply(staged("semaphore", wait="1h"))
        self.await_state("running step=1/3")
        self.assertIn("paused", self.ok("rollout", "pause", "every"))
        self.call()
        shown = self.status()
        self.assertEqual((shown["state"], shown["edges"]["reached"]), ("paused", 1))
        self.assert_told(staged("semaphore", wait="1h"), "paused in step 1 of 3: generation 2 is at"
                         " 1 of 6 edges", "`rhodes rollout resume every` lets it go on",
                         "`rhodes rollout undo every` takes it back")
        self.assert_found("warn", "paused in step 1 of 3", "`rhodes rollout resume every`")
        told = [self.ok("explain", app, "lib") for app in APPS]
        self.assertEqual(sum("shm, by rule every (revision" in one and
                             "has not come to this edge" in one for one in told), 5)
        self.assertEqual(sum("semaphore, by rule every" in one for one in told), 1)
        self.assertIn("running", self.ok("rollout", "resume", "every"))
        self.assert_told(staged("semaphore", wait="1h"), "running in step 1 of 3",
                         "`rhodes rollout status every` tells how far it is")
        self.assertIsNone(self.finding())
        self.assertIn("undone", self.ok("rollout", "undo", "every"))
        self.assertNotIn("0 of 0", self.ok("rollout", "status"))
        self.assertIsNone(self.finding())
        self.call()
        self.await_shm()
        self.assertIn("is undone already", self.refused(5, "rollout", "undo", "every"))
        self.ok("rollout", "undo", "every", "--to", "2")
        self.assertEqual(self.json("explain", "app0", "lib")["protocol"]["use"], "semaphore")

    def test_the_center_killed_in_the_middle(self):
        self.start()
        self.apply(staged("semaphore", wait="200ms"))
        self.await_state("running step=1/3")
        os.kill(self.pids("center")[-1], signal.SIGKILL)
        self.call()
        self.await_state("done")
        self.call()
        shown = self.status()
        self.assertEqual((shown["state"], shown["edges"]["reached"], shown["edges"]["settled"]),
                         ("done", 6, 6))

    def test_what_would_change(self):
        self.start()
        rule = self.path("rule.yaml", staged("bind"))
        text = self.rhodes("diff", "-f", rule)
        self.assertEqual(text.returncode, 1, text.stderr)
        for word in ("Rule/every configured", 'spec.protocol.use: "shm" -> "bind"',
                     'spec.protocol.rollout.steps: (none) -> [1,"50%","100%"]'):
            self.assertIn(word, text.stdout)
        steps = [line.split()[-1] for line in text.stdout.splitlines() if " -> lib" in line]
        self.assertEqual(sorted(steps), ["1", "2", "2", "3", "3", "3"])
        self.assertEqual(self.status()["generation"], 1)
        self.assertEqual(self.ok("diff", "-f", self.manifest, "-I", self.path("side")), "")
        new = self.rhodes("diff", "-f", "-", data="kind: Resource\nmetadata: {name: new}\n"
                          "spec: {type: application, reference: [lib]}\n")
        self.assertIn("Resource/new created", new.stdout)
        self.assertNotIn("(none) -> (none)", new.stdout)
        self.assertRegex(new.stdout, r"new -> lib +not declared +shm +at once")
        self.assertIn("refused by rule hierarchy", self.refused(
            1, "diff", "-f", "-", data="kind: Resource\nmetadata: {name: lib}\n"
            "spec: {type: service, reference: [app0]}\n"))

    def test_wrong_words(self):
        self.start()
        self.assertIn("none of status", self.refused(2, "rollout", "stop", "every"))
        self.assertIn("which rule", self.refused(2, "rollout", "undo"))
        self.assertIn("a number", self.refused(2, "rollout", "undo", "every", "--to", "last"))
        self.assertIn("which manifest", self.refused(2, "diff"))
        self.assertIn("no Rule named other", self.refused(4, "rollout", "status", "other"))


LIMITED = """
kind: Resource
metadata: {name: lib}
spec:
  type: service
  interface: libtwice
  serve: {library: ./side/libtwice.so.1, workers: 1, threads: 2}
---
kind: Resource
metadata: {name: app}
spec: {type: application, reference: [lib]}
"""
ONE = """kind: Rule
metadata: {name: one-at-a-time}
spec: {limits: {edge: [app, lib], calls: 1}}
"""
CALL = "import ctypes; print(ctypes.CDLL('libtwice.so.1').twice(%d))"


class Limits(Stage):
    """The call of 1 waits until somebody writes into the gate."""
    has_agents = True

    def setUp(self):
        super().setUp()
        self.gate = self.path("gate")
        os.mkfifo(self.gate)
        self.library("if (number == 1) { FILE *gate = fopen(\"%s\", \"r\"); fgetc(gate);"
                     " fclose(gate); } return 2 * number;" % self.gate)
        self.up("-I", self.path("side"), self.path("system.yaml", LIMITED))

    def run_app(self, number, **options):
        return subprocess.Popen([self.rhodes_path, "run", "app", "--", "/usr/bin/python3", "-c",
                                 CALL % number], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=self.env, **options)

    def test_more_calls_than_the_rule_allows_are_refused(self):
        self.ok("apply", "-f", "-", data=ONE)
        self.assertIn("1 call under way, by rule one-at-a-time", self.ok("explain", "app",
                                                                          "lib"))
        first = self.run_app(1)
        with open(self.gate, "w", encoding="ascii") as gate:  # the worker is in the call
            second = self.run_app(21).communicate(timeout=60)
            self.assertEqual(second[0], "-1\n")
            for word in ("app -> lib", "as many calls are under way (1)", "rule one-at-a-time"):
                self.assertIn(word, second[1])
            self.ok("delete", "rule", "one-at-a-time")
            self.assertEqual(self.run_app(21).communicate(timeout=60)[0], "42\n")
            gate.write(".")
        self.assertEqual(first.communicate(timeout=60)[0], "2\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
