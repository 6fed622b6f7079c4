#!/usr/bin/python3
"""A module that is older than the one in force: refused by the center, rejected by agents also when
the center itself has forgotten, and taken when somebody says so."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import unittest

from code_stage import COUNTER, CodeStage

RULE = """
kind: Rule
metadata: {{name: guard}}
spec:
  code: {{hook: filter, edge: [app, lib], module: "{module}", mode: wasm{more}}}
"""
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void) { return %s; }
"""


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Older(CodeStage):
    """The first version lets all calls pass, which is its hole; the second lets none."""

    def setUp(self):
        super().setUp()
        self.first = self.version("RH_FILTER_ALLOW")

    def version(self, answer):
        """Another version of the project guard."""
        if not os.path.exists(self.path("guard")):
            self.here("rule", "new", "guard", "--hook", "filter", "--lang", "c")
        self.path("guard/guard.c", FILTER % answer)
        said = self.here("rule", "publish", "guard")
        self.assertRegex(said, r"(?m)^version +[0-9]+$")
        return re.search(r"^module +(\S+)", said, re.M)[1]

    def apply(self, module, more=""):
        self.ok("apply", "-f", "-", data=RULE.format(module=module, more=more))

    def await_reason(self, wanted):
        while (condition := self.active())["reason"] != wanted:
            pass
        return condition["message"]

    def in_force(self, module, more=""):
        self.apply(module, more)
        self.await_reason("InForce")

    def answered(self, count=5):
        """How many of that many calls are let pass."""
        with self.caller(COUNTER, stderr=subprocess.DEVNULL) as caller:
            said, _ = caller.communicate(f"{count}\n", timeout=60)
        return int(said)

    def kill_agent(self):
        runs = self.log().count("runs for app -> lib")
        os.kill(self.pids("agent/app")[-1], signal.SIGKILL)
        self.await_line("rule guard at revision .* runs for app -> lib", runs + 1)

    @contextlib.contextmanager
    def between_centers(self):
        """While no center is there; then until the next one is ready."""
        with self.without_center():
            ready = len(re.findall("center .* ready system=", self.log()))
            yield
        self.await_line("center .* ready system=", ready + 1)

    def store(self):
        """The files of the center's store."""
        return [name for name in os.listdir(self.path("state")) if name.startswith("store.db")]

    def back_up(self):
        os.mkdir(self.path("backup"))
        with self.between_centers():
            for name in self.store():
                shutil.copy2(self.path("state/" + name), self.path("backup/" + name))

    def restore(self):
        with self.between_centers():
            for name in self.store():
                os.unlink(self.path("state/" + name))
            for name in os.listdir(self.path("backup")):
                shutil.copy2(self.path("backup/" + name), self.path("state/" + name))
        self.assertIn("is a backup: it is of revision", self.log())

    def test_a_center_that_forgot(self):
        self.in_force(self.first)
        self.assertEqual(self.answered(), 5)
        self.back_up()
        self.in_force(self.version("RH_FILTER_DENY"))
        self.assertEqual(self.answered(), 0)
        self.restore()
        # Though what is in force there has a revision that this center's rules have, too.
        message = self.await_reason("Rejected")
        self.assertRegex(message, "version [0-9]+ is older than [0-9]+, which was in force here")
        self.assertEqual(self.answered(), 0)
        self.kill_agent()  # with nothing but its cache, and then the same center
        self.assertIn("is older than", self.await_reason("Rejected"))
        self.assertEqual(self.answered(), 0)
        self.in_force(self.first, ", rollback: true")
        self.assertEqual(self.answered(), 5)
        self.kill_agent()
        self.assertEqual(self.answered(), 5)

    def test_a_center_that_begins_anew(self):
        """Its revisions are others: only a person knows what is newer."""
        self.in_force(self.first)
        for _ in range(3):  # revisions that the next store will not have for a while
            self.in_force(self.version("RH_FILTER_DENY"))
            self.in_force(self.version("RH_FILTER_ALLOW"))
        with self.between_centers():
            for name in self.store():
                os.unlink(self.path("state/" + name))
        self.ok("apply", "-I", self.path("side"), "-f", self.path("system.yaml"))
        deny = self.version("RH_FILTER_DENY")
        self.apply(deny, ", rollback: true")  # up to now, as this center counts
        message = self.await_reason("Rejected")
        number = re.search(r"rollback: ([0-9]+)", message)
        self.assertTrue(number, message)
        self.assertEqual(self.answered(), 5)
        self.in_force(deny, f", rollback: {number[1]}")
        self.assertEqual(self.answered(), 0)

    def test_who_says_so_goes_back(self):
        self.in_force(self.first)
        self.in_force(self.version("RH_FILTER_DENY"))
        self.assertEqual(self.answered(), 0)
        said = self.refused(1, "apply", "-f", "-", data=RULE.format(module=self.first, more=""))
        self.assertIn("rollback: true", said)
        self.in_force(self.first, ", rollback: true")
        self.assertEqual(self.answered(), 5)

    def test_an_undo_reaches_an_agent_that_was_away(self):
        self.in_force(self.first)
        self.in_force(self.version("RH_FILTER_DENY"))
        agent = self.pids("agent/app")[-1]
        os.kill(agent, signal.SIGSTOP)
        self.ok("rollout", "undo", "guard")
        os.kill(agent, signal.SIGKILL)
        self.await_reason("InForce")
        self.assertEqual(self.answered(), 5)
        self.apply(self.first)  # as its file says
        self.assertEqual(self.answered(), 5)


if __name__ == "__main__":
    unittest.main()
