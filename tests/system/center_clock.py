#!/usr/bin/python3
"""The wall clock of the center jumps, days ahead and back: what has a deadline keeps it, and
nobody loses his connection.  libfaketime stands between the center and the clock; the
monotonic one is left alone."""
import os
import time
from unittest import mock

from center_lib import (BOOKMARK, CenterTest, first, main, number, resource, rule)

PRELOAD = f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1"
ELAYER = -1001
DAY_S = 86400


class Clock(CenterTest):
    def setUp(self):
        if not os.path.exists(PRELOAD):
            self.skipTest(f"{PRELOAD} is not installed")
        super().setUp()
        self.center.stop()
        self.jump("+0")
        with mock.patch.dict(os.environ, LD_PRELOAD=PRELOAD, FAKETIME_NO_CACHE="1",
                             FAKETIME_TIMESTAMP_FILE=self.path(), DONT_FAKE_MONOTONIC="1",
                             FAKETIME_DONT_FAKE_MONOTONIC="1"):
            self.center.start()
        self.center.apply(resource("a", "application", "s"), resource("s", "service"))

    def path(self):
        return os.path.join(self.center.folder, "faketime")

    def jump(self, offset):
        """Sets how far the center's wall clock is off from now on."""
        with open(self.path() + ".new", "w", encoding="ascii") as file:
            file.write(offset + "\n")
        os.rename(self.path() + ".new", self.path())

    def assert_jumped(self, seconds):
        """What is written now says the other time, so the test tests something."""
        self.center.put(resource(f"r{abs(seconds)}_{seconds > 0:d}", "service"))
        said = time.strptime(self.center.audit()[0]["entry"]["time"][:19], "%Y-%m-%dT%H:%M:%S")
        ahead = time.mktime(said) - time.mktime(time.gmtime())
        self.assertLess(abs(ahead - seconds), 3600)

    def up_to_date(self, name):
        agent = self.center.subscriber(name)
        agent.take_until(self.center.revision())
        return agent

    def forbid(self, grace):
        self.center.put(rule("hierarchy", hierarchy={"allow": [], "grace": grace}))

    def conditions(self):
        found = self.center.get("/apis/v1/resources/a").json["status"]["conditions"]
        return {condition["type"] for condition in found}

    def take_edge(self, agent):
        while True:
            _, keys = agent.take()
            if ("a", "s") in keys:
                return agent.edge("a", "s")

    def test_a_deadline_does_not_come_earlier(self):
        agent = self.up_to_date("a")
        self.forbid("1h")
        deadline = number(self.take_edge(agent), "DEADLINE")
        self.jump(f"+{2 * DAY_S}")
        self.assert_jumped(2 * DAY_S)
        self.assertIn("EdgeRevoking", self.conditions())
        self.center.put(rule("p", protocol={"edge": ["a", "s"], "use": "shm"}))
        edge = self.take_edge(agent)
        self.assertEqual(number(edge, "VERDICT"), 0)
        self.assertEqual(number(edge, "DEADLINE"), deadline)

    def test_a_deadline_does_not_come_later(self):
        agent = self.up_to_date("a")
        self.forbid("1s")
        self.assertIsNotNone(first(self.take_edge(agent), "DEADLINE"))
        self.jump(f"-{2 * DAY_S}")
        self.assert_jumped(-2 * DAY_S)
        edge = self.take_edge(agent)  # as soon as it is over
        self.assertEqual(number(edge, "VERDICT"), ELAYER)

    def test_a_step_waits_as_long_as_it_should(self):
        agents = [self.up_to_date(name) for name in "as"]
        self.center.apply(resource("b", "application", "s"))
        agents.append(self.up_to_date("b"))
        plan = {"steps": [1, "100%"], "wait": "1h"}
        self.center.put(rule("r", protocol={"edge": ["*", "s"], "use": "shm", "rollout": plan}))
        revision = self.center.revision()
        for agent in agents:
            agent.take_until(revision)
            agent.result(revision)
        self.jump(f"+{2 * DAY_S}")
        self.assert_jumped(2 * DAY_S)
        shown = self.center.get("/apis/v1/rollouts/r").json
        self.assertEqual((shown["state"], shown["step"]), ("running", 1))

    def test_nobody_is_sent_away(self):
        agent = self.up_to_date("a")
        for offset in (f"+{2 * DAY_S}", f"-{2 * DAY_S}", "+0"):
            self.jump(offset)
            self.assertEqual(agent.take()[0], BOOKMARK)  # every few seconds, as before
        self.center.put(rule("p", protocol={"edge": ["a", "s"], "use": "shm"}))
        self.assertEqual(agent.take()[1], [("a", "s")])


if __name__ == "__main__":
    main()
