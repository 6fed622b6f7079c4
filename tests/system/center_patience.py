#!/usr/bin/python3
"""What the center does after seconds, or a minute, without a word: those tests wait and use
nothing meanwhile, so they run beside others."""
import os
import time

from center_lib import (BOOKMARK, GOAWAY, SNAP_BEGIN, Link, main, number, resource)
from center_push import PushTest, metric


class Seconds(PushTest):
    def stranger(self):
        link = Link(os.path.join(self.center.run, "link.sock"), "", hello=False)
        self.center.links.append(link)
        return link

    def test_heartbeat(self):
        agent = self.up_to_date("a")
        revision = self.use("b", "d", "shm")
        self.assertEqual(agent.take(), (BOOKMARK, []))
        self.assertEqual(agent.revision, revision)
        self.assertEqual(agent.take(), (BOOKMARK, []))  # also when nothing moved on

    def test_one_that_does_not_subscribe(self):
        agent = self.center.subscriber("a", subscribe=False)
        self.assertIsNone(agent.receive())
        self.assertIn("it did not subscribe", self.center.read_log())

    def test_silent_and_deaf_peers_are_dropped_in_time(self):
        """One never says hello, one never reads; it takes the center 5 and 10 s to know."""
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        silent, deaf = self.stranger(), self.center.agent("hub")
        silent.sock.settimeout(30)
        self.assertIsNone(silent.receive())
        deadline = time.monotonic() + 30
        while "it does not read" not in self.center.read_log():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertIn("it did not say hello", self.center.read_log())
        self.assertEqual(self.center.get("/apis/v1/agents").json["items"], [])
        metrics = self.center.get("/metrics").body
        self.assertIn(b"rhodes_link_dropped_total 2\n", metrics)
        deaf.close()


class Minute(PushTest):
    def test_one_that_stops_for_long(self):
        """Its snapshot is given up after 10 s, its connection after 60 s."""
        agent = self.half_a_snapshot()
        deadline = time.monotonic() + 30
        while metric(self.center, "rhodes_push_snapshots_given_up_total") == 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)
        agent.is_generous = True
        agent.credit(1 << 18)
        kind, found = agent.receive()
        self.assertEqual(kind, SNAP_BEGIN)  # from the beginning, on the same connection
        agent.is_generous = False
        agent.sock.settimeout(100)
        while kind != GOAWAY:
            kind, found = agent.receive()
        self.assertEqual(number(found, "CODE"), -110)
        self.assertIsNone(agent.receive())
        self.assertIn("it does not read", self.center.read_log())


if __name__ == "__main__":
    main()
