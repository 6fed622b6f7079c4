#!/usr/bin/python3
"""Rules that are programs, step by step: to fifty agents of which one refuses, and back when
calls fail; and what an agent does without a center, with a damaged disk, or a stranger's key."""
import json
import os
import shutil
import signal
import subprocess
import unittest

from center_durable import Mount
from code_stage import APP, COUNTER, LIB, CodeStage

RULE = """
kind: Rule
metadata: {{name: guard}}
spec:
  code: {{hook: filter, edge: ["*", lib], module: "{module}", mode: wasm{more}}}
"""
STAGED = ", rollout: {steps: [1, \"50%\", \"100%\"], wait: 0s}"
# An agent, which has no room for a rule's memory when it is the one that a file names.
NARROW = """#!/bin/sh
case "$* " in *"--resource $(cat "$0.narrow" 2>/dev/null) "*) ulimit -v 4000000;; esac
exec "$0.real" "$@"
"""
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	%s
}
"""
ALLOW = FILTER % "return RH_FILTER_ALLOW;"
TRAP = FILTER % "if (rh_random() % 2)\n\t\t__builtin_trap();\n\treturn RH_FILTER_ALLOW;"
DENY = FILTER % "return RH_FILTER_DENY;"


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Rollout(CodeStage):
    def apply(self, module, more=""):
        self.ok("apply", "-f", "-", data=RULE.format(module=module, more=more))

    def await_force(self, module, more=""):
        self.apply(module, more)
        while self.active()["reason"] != "InForce":
            pass

    def status(self):
        return self.json("rollout", "status", "guard")

    def await_state(self, state):
        self.await_line(rf"rollout guard: {state} ")

    def caller(self, script=COUNTER, **pipes):
        """Quiet: who has many calls denied says so."""
        return super().caller(script, stderr=subprocess.DEVNULL, **pipes)

    def ask(self, caller, count):
        """How many of that many calls were answered."""
        caller.stdin.write(f"{count}\n")
        caller.stdin.flush()
        return int(caller.stdout.readline())

    def leave(self, caller):
        caller.stdin.close()
        self.assertEqual(caller.wait(60), 0)


class Fifty(Rollout):
    manifest = LIB + "".join(APP.replace("app}", f"app{i}}}") for i in range(49))

    def up(self, *words):
        path = os.path.join(self.bin, "rhodes-agent")
        os.rename(path, path + ".real")
        self.path("bin/rhodes-agent", NARROW)
        os.chmod(path, 0o755)
        super().up(*words)

    def test_one_that_refuses_stops_it_at_the_first_step(self):
        module = self.published("allow", ALLOW)
        first = self.first(module)
        self.path("bin/rhodes-agent.narrow", first)
        os.kill(self.pids("agent/" + first)[-1], signal.SIGKILL)
        self.await_line(rf"agent/{first} .*the center is here", 2)
        self.apply(module, STAGED)
        self.await_state("stopped")
        shown = self.status()
        self.assertEqual((shown["step"], shown["edges"]["reached"], shown["edges"]["total"]),
                         (1, 1, 49))
        self.assertEqual([(place["agent"], place["state"]) for place in shown["agents"]
                          if place["state"] == "rejected"], [(first, "rejected")])
        self.assertIn("ENOMEM", shown["message"])

    def first(self, module):
        """Whose edge comes first in the order of the rule."""
        told = json.loads(self.rhodes("diff", "-o", "json", "-f", "-", data=RULE.format(
            module=module, more=STAGED)).stdout)
        return next(edge["edge"][0] for edge in told["edges"] if edge.get("step") == 1)


class Back(Rollout):
    def good(self):
        """A rule in force that lets all pass, and a caller."""
        self.await_force(self.published("allow", ALLOW))

    def test_back_when_calls_fail(self):
        self.good()
        flaky = self.published("flaky", self.shipped("flaky"))
        with self.caller() as caller:
            self.assertEqual(self.ask(caller, 100), 100)
            self.apply(flaky, ', params: {permille: "200"}, rollout: {steps: ["100%"], '
                       'wait: 1h, maxErrorRate: 0.02, rollback: true}')
            while self.status()["state"] == "running":
                self.ask(caller, 50)
            self.assertEqual(self.status()["state"], "rolled-back")
            while self.active()["reason"] != "InForce":
                pass
            self.assertEqual(self.ask(caller, 200), 200)
            self.leave(caller)

    def test_back_when_the_rule_fails_and_no_call(self):
        self.good()
        trap = self.published("trap", TRAP)
        with self.caller() as caller:
            self.apply(trap, ', onFailure: fail-open, rollout: {steps: ["100%"], wait: 1h, '
                       'maxErrorRate: 0.02, rollback: true}')
            while self.status()["state"] == "running":
                self.assertEqual(self.ask(caller, 50), 50)
            self.assertEqual(self.status()["state"], "rolled-back")
            self.leave(caller)


class Shadow(Rollout):
    def test_it_is_asked_and_not_obeyed(self):
        self.await_force(self.published("allow", ALLOW))
        half = self.published("half", FILTER % "static uint32_t n;\n\n\treturn n++ % 2 ? "
                              "RH_FILTER_DENY : RH_FILTER_ALLOW;")
        rule = RULE.format(module=half, more=", shadow: true").replace("guard", "next")
        self.ok("apply", "-f", "-", data=rule)
        self.await_line("rule next at revision .* runs for app -> lib")
        with self.caller() as caller:
            self.assertEqual(self.ask(caller, 100), 100)
            while not (run := self.runs("next")) or run["calls"] < 100:
                pass
            self.assertEqual((run["calls"], run["differences"]), (100, 50))
            self.assertEqual(self.runs("guard")["differences"], 0)
            self.assertRegex(self.ok("rule", "top", "next", "--once"), r" 50\n")
            self.ok("delete", "rule", "guard")  # compared with a call that passes
            self.await_line("rule guard runs no more for app -> lib")
            self.assertEqual(self.ask(caller, 10), 10)
            self.leave(caller)
        self.assertIn("another rule (next)", self.refused(5, "apply", "-f", "-", data=rule.replace(
            "name: next", "name: third")))
        self.assertIn("only rules of hook filter", self.refused(
            1, "apply", "-f", "-", data=rule.replace("hook: filter", "hook: transform")))

    def runs(self, rule):
        """What is counted of it, or nothing yet."""
        items = self.json("rule", "top", rule, "--once")["items"]
        return items[0] if items else None


class NoRoom(Rollout):
    """A disk that keeps no module costs fetching it again, and nothing else."""

    def without(self, number, flags, data, why):
        mount = Mount(self.path("state/modules"), flags, data)
        if not mount.is_possible:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(mount.remove)
        module = self.published(f"deny{number}", DENY.replace("return", f"rh_random();\n\t//"
                                f" {number}\n\treturn"))
        self.await_force(module)
        self.await_line(f"is not kept: .*{why}")
        with self.caller() as caller:
            self.assertEqual(self.ask(caller, 5), 0)
            self.leave(caller)
        mount.remove()

    def test_it_is_in_force_all_the_same(self):
        self.without(1, 1, b"mode=0700", "Read-only file system")
        os.kill(self.pids("agent/app")[-1], signal.SIGKILL)
        self.await_line("rule guard at revision .* runs for app -> lib", 2)
        self.assertNotEqual(os.listdir(self.path("state/modules")), [])  # there is room again

    def test_a_full_disk(self):
        self.without(2, 0, b"size=4k,mode=0700", "No space left on device")


class Alone(Rollout):
    def setUp(self):
        super().setUp()
        self.deny = self.published("deny", DENY)
        self.await_force(self.deny, ", onFailure: fail-closed")

    def kill_agent(self):
        os.kill(self.pids("agent/app")[-1], signal.SIGKILL)

    def test_it_is_in_force_before_the_center_is_there(self):
        with self.caller() as caller:
            self.assertEqual(self.ask(caller, 5), 0)
            with self.without_center():
                self.kill_agent()
                self.await_line("rule guard at revision .* runs for app -> lib", 2)
                self.assertEqual(self.ask(caller, 5), 0)
            self.leave(caller)

    def test_what_is_damaged_on_the_disk_is_fetched_again(self):
        folder = self.path("state/modules")
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            with open(path, "r+b") as file:
                file.seek(os.stat(path).st_size // 2)
                file.write(b"XXXX")
        self.kill_agent()
        self.await_line("on the disk is damaged")
        self.await_line("rule guard at revision .* runs for app -> lib", 2)
        with self.caller() as caller:
            self.assertEqual(self.ask(caller, 5), 0)
            self.leave(caller)

    def test_what_a_stranger_signed_is_refused(self):
        with open(self.path("state/module.pub"), "w", encoding="ascii") as file:
            file.write("00" * 32 + "\n")
        allow = self.published("allow", ALLOW)
        self.apply(allow)
        while (active := self.active())["reason"] != "Rejected":
            self.assertNotEqual(active["reason"], "InForce")
        self.assertIn("EIDENT", active["message"])
        self.assertIn("not signed by a key", active["message"])
        with self.caller() as caller:
            self.assertEqual(self.ask(caller, 5), 0)  # the former one goes on
            self.leave(caller)


if __name__ == "__main__":
    unittest.main()
