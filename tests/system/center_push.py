#!/usr/bin/python3
"""The center's side of push: who hears what, in order and without gaps, whatever agents do."""
import os
import resource as limits
import socket
import time
import unittest

from center_lib import (BOOKMARK, CREDIT, DELTA, FRAME_ERROR, GOAWAY, HELLO, INSTANCES, REJECTED,
                        REPORT, RESULT, ROLE_AGENT, SNAP_BEGIN, SNAP_END, SNAP_ITEM, STAGED, STATS,
                        SUBSCRIBE, Center, CenterTest, Link, first, main, number, record, records,
                        resource, result_item, rule, text, u32, u64)

ELAYER, EPROTO, EIDENT, EVERSION, ENOSPC, ELOST = -1001, -71, -1011, -1009, -28, -1002
USES = ("shm", "msgqueue", "semaphore", "bind")


def rss(center):
    """Resident bytes of the center."""
    for line in center.get("/metrics").body.decode().splitlines():
        if line.startswith("process_resident_memory_bytes "):
            return int(line.split()[1])
    raise AssertionError("no such metric")


def metric(center, name):
    for line in center.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    raise AssertionError(f"no metric {name}")


class PushTest(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.apply(resource("a", "application", "s"), resource("s", "service"),
                          resource("b", "application", "d"), resource("d", "driver"))

    def use(self, caller, callee, use, name=None):
        answer = self.center.put(rule(name or f"p.{caller}.{callee}",
                                      protocol={"edge": [caller, callee], "use": use}))
        self.assertIn(answer.status, (200, 201), answer.body)
        return self.center.revision()

    def up_to_date(self, name, **options):
        agent = self.center.subscriber(name, **options)
        agent.take_until(self.center.revision())
        return agent

    def raise_files(self, count):
        """Starts the center anew, with room for so many descriptors, as the test has."""
        soft, hard = limits.getrlimit(limits.RLIMIT_NOFILE)
        if hard < count:
            self.skipTest("not enough descriptors")
        limits.setrlimit(limits.RLIMIT_NOFILE, (max(soft, count), hard))
        self.center.stop()
        self.center.start(*self.start_args)

    def again(self, agent, **options):
        """The same agent on a new connection."""
        agent.close()
        options = {"store": agent.store, "revision": agent.revision, "items": agent.items,
                   **options}
        return self.center.subscriber(agent.resource, **options)


class Order(PushTest):
    def test_welcome_and_snapshot(self):
        agent = self.center.subscriber("a")
        system = self.center.get("/apis/v1/system").json
        self.assertEqual(first(agent.welcome, "STORE").hex(), system["storeId"])
        self.assertEqual(number(agent.welcome, "VERSION"), 2)
        self.assertEqual(number(agent.welcome, "REVISION"), system["revision"])
        self.assertEqual(text(agent.welcome, "SYSTEM"), "rhodes")
        self.assertEqual(agent.take(), (SNAP_END, [("a", None), ("a", "s")]))
        self.assertEqual(agent.frames[1:], [SNAP_BEGIN, SNAP_ITEM, SNAP_END])
        self.assertEqual(agent.revision, system["revision"])
        own = records(agent.items[("a", None)][1])
        self.assertEqual((text(own, "RESOURCE"), text(own, "TYPE")), ("a", "application"))
        edge = agent.edge("a", "s")
        self.assertEqual((text(edge, "CALLER_TYPE"), text(edge, "TYPE"), text(edge, "RULE")),
                         ("application", "service", "hierarchy"))

    def test_an_unregistered_resource_comes_and_goes(self):
        agent = self.up_to_date("new")
        self.assertEqual(agent.items, {})
        self.center.put(resource("new", "application", "s"))
        self.assertEqual(agent.take(), (DELTA, [("new", None), ("new", "s")]))
        self.center.ask("DELETE", "/apis/v1/resources/new")
        kind, keys = agent.take()
        self.assertEqual((kind, sorted(keys, key=str)), (DELTA, [("new", "s"), ("new", None)]))
        self.assertEqual(agent.items, {})

    def test_both_ends_get_the_same_bytes_and_others_none(self):
        agents = {name: self.up_to_date(name) for name in "asbd"}
        before = {name: agent.bytes for name, agent in agents.items()}
        revision = self.use("a", "s", "shm")
        for name in "as":
            self.assertEqual(agents[name].take(), (DELTA, [("a", "s")]))
            self.assertEqual(agents[name].revision, revision)
        self.assertEqual(agents["a"].items[("a", "s")], agents["s"].items[("a", "s")])
        self.assertEqual(agents["a"].items[("a", "s")][0], revision)
        self.assertEqual(agents["a"].bytes - before["a"], agents["s"].bytes - before["s"])
        # The next that the others hear is a change of theirs (or a heartbeat).
        revision = self.use("b", "d", "shm")
        for name in "bd":
            kinds, keys = agents[name].take_until(revision)
            self.assertEqual(keys, [("b", "d")])
            before[name] += kinds.count(BOOKMARK) * 32
        item = agents["b"].items[("b", "d")][1]
        for name in "bd":  # heads, names and revision of one item, and nothing else
            self.assertEqual(agents[name].bytes - before[name],
                             16 + 16 + 12 + 8 + 9 + 9 + 16 + 8 + len(item))
        for agent in agents.values():
            agent.close()

    def test_every_change_in_order(self):
        agent = self.up_to_date("a")
        other = self.up_to_date("s")
        for i in range(200):
            revision = self.use("a", "s", USES[i % 4])
            if i % 3 == 0:
                kinds, keys = agent.take_until(revision)
                self.assertNotIn(SNAP_END, kinds)
                self.assertEqual(set(keys), {("a", "s")})
                self.assertEqual(agent.protocol("a", "s"), USES[i % 4])
        kinds, keys = other.take_until(revision)  # it let 200 changes wait
        self.assertEqual(len(keys), 200)
        self.assertNotIn(SNAP_END, kinds)
        agent.take_until(revision)
        self.assertEqual(agent.items[("a", "s")], other.items[("a", "s")])

    def test_changes_of_one_request_come_together(self):
        agent = self.up_to_date("a")
        self.center.apply(resource("a", "application", "s", "x", "y"), resource("x", "driver"))
        kind, keys = agent.take()
        self.assertEqual((kind, set(keys)), (DELTA, {("a", None), ("a", "x"), ("a", "y")} -
                                             {("a", None)}))

    def test_what_changes_nothing_is_not_told(self):
        agent = self.up_to_date("s")
        self.center.put(resource("a", "driver", "s"), query="?dryRun=true")
        self.center.put(resource("new", "application", "s"), query="?dryRun=true")
        self.center.ask("DELETE", "/apis/v1/resources/a?dryRun=true")
        self.center.put(resource("a", "driver", "s"))            # refused
        self.center.put(resource("a", "application", "s"))       # unchanged
        self.center.put(resource("s", "service", description="x"))
        revision = self.use("a", "s", "shm")
        kinds, keys = agent.take_until(revision)
        self.assertEqual(keys, [("a", "s")])
        self.assertLessEqual(set(kinds), {DELTA, BOOKMARK})

    def test_a_hierarchy_reaches_every_edge(self):
        agents = [self.up_to_date(name) for name in "asbd"]
        self.center.put(rule("hierarchy", hierarchy={"allow": [], "grace": "0s"}))
        for agent in agents:
            kind, keys = agent.take()
            self.assertEqual(kind, DELTA)
            self.assertEqual(len(keys), 1)
            self.assertEqual(agent.verdict(*keys[0]), ELAYER)

    def test_heartbeat(self):
        agent = self.up_to_date("a")
        revision = self.use("b", "d", "shm")
        began = time.monotonic()
        self.assertEqual(agent.take(), (BOOKMARK, []))
        self.assertEqual(agent.revision, revision)
        self.assertEqual(agent.take(), (BOOKMARK, []))  # also when nothing moved on
        self.assertLess(time.monotonic() - began, 20)

    def test_a_large_resource_comes_in_parts(self):
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        agent = self.up_to_date("hub")
        self.assertEqual(len(agent.items), 1001)
        self.assertGreater(agent.frames.count(SNAP_ITEM), 3)
        before = len(agent.frames)
        self.center.apply(*[resource(name, "service") for name in names])
        kind, keys = agent.take()
        self.assertEqual((kind, len(keys)), (DELTA, 1000))
        self.assertGreater(len(agent.frames) - before, 3)
        self.assertEqual(agent.verdict("hub", names[-1]), 0)


class Resume(PushTest):
    start_args = ("--ring", "64,65536")

    def test_nothing_changed(self):
        agent = self.again(self.up_to_date("a"))
        began = time.monotonic()
        self.assertEqual(agent.take(), (BOOKMARK, []))
        self.assertLess(time.monotonic() - began, 4, "it came at once, not as a heartbeat")

    def test_changes_while_away(self):
        agent, other = self.up_to_date("a"), self.up_to_date("s")
        agent.close()
        for i in range(20):
            revision = self.use("a", "s", USES[i % 4])
        agent = self.again(agent)
        kinds, keys = agent.take_until(revision)
        self.assertNotIn(SNAP_END, kinds)
        self.assertEqual(len(keys), 20)
        other.take_until(revision)
        self.assertEqual(agent.items[("a", "s")], other.items[("a", "s")])

    def test_what_nobody_watched(self):
        agent = self.up_to_date("a")
        agent.close()
        time_limit = time.monotonic() + 10
        while self.center.get("/apis/v1/agents").json["items"]:
            self.assertLess(time.monotonic(), time_limit)
        revision = self.use("a", "s", "shm")
        agent = self.again(agent)
        self.assertEqual(agent.take_until(revision)[0], [SNAP_END])
        self.assertEqual(agent.protocol("a", "s"), "shm")

    def test_the_ring_forgot(self):
        agent, other = self.up_to_date("a"), self.center.subscriber("s", credit=17)
        for _ in range(2):
            other.receive()
        other.credit(other.bytes - 17 + 1)  # enough for the end of the snapshot
        other.receive()
        other.revision = self.center.revision()
        agent.close()
        for i in range(100):
            revision = self.use("a", "s", USES[i % 4])
        agent = self.again(agent)
        self.assertEqual(agent.take_until(revision)[0], [SNAP_END])
        other.credit(1 << 20)  # on the same connection
        self.assertEqual(other.take_until(revision)[0], [SNAP_END])
        self.assertEqual(agent.items, {("a", None): agent.items[("a", None)],
                                       ("a", "s"): other.items[("a", "s")]})

    def test_another_store(self):
        agent = self.up_to_date("a")
        revision = agent.revision
        agent.close()
        agent = self.again(agent, store=b"another store..", revision=revision)
        self.assertEqual(agent.take()[0], SNAP_END)

    def test_a_revision_that_is_none(self):
        agent = self.up_to_date("a")
        agent.close()
        agent = self.center.subscriber("a", store=agent.store, revision=agent.revision + 5)
        agent.revision = 0
        self.assertEqual(agent.take()[0], SNAP_END)

    def test_the_center_starts_anew(self):
        agent = self.up_to_date("a")
        late = self.up_to_date("s")
        late.close()
        revision = self.use("a", "s", "shm")
        agent.take_until(revision)
        self.center.kill()
        self.center.start(*self.start_args)
        again = self.again(agent)
        self.assertEqual(again.take(), (BOOKMARK, []))  # it has all
        self.assertEqual(again.welcome and first(again.welcome, "STORE"), agent.store)
        late = self.again(late)
        self.assertEqual(late.take()[0], SNAP_END)
        self.assertEqual(late.protocol("a", "s"), "shm")
        revision = self.use("a", "s", "semaphore")
        for agent in (again, late):
            self.assertEqual(agent.take_until(revision)[1], [("a", "s")])

    def test_a_restored_backup_is_another_store(self):
        agent = self.up_to_date("a")
        self.center.stop()
        for name in os.listdir(self.center.state):
            if name.startswith("store.db"):
                os.unlink(os.path.join(self.center.state, name))
        self.center.start(*self.start_args)
        again = self.again(agent)
        self.assertEqual(again.take()[0], SNAP_END)
        self.assertEqual(again.items, {})

    def test_asked_again(self):
        agent = self.up_to_date("a")
        agent.subscribe(revision=0)
        self.assertEqual(agent.take()[0], SNAP_END)
        agent.subscribe(prefixes=["out/a/s"], revision=0)
        agent.take()
        self.assertEqual(list(agent.items), [("a", "s")])


class Slow(PushTest):
    start_args = ("--ring", "256,131072")

    def test_credit(self):
        agent = self.center.subscriber("a", credit=0)
        other = self.up_to_date("s")
        agent.credit(1)
        self.assertEqual(agent.receive()[0], SNAP_BEGIN)
        self.assertEqual(other.items[("a", "s")][0], self.center.revision())
        agents = self.center.get("/apis/v1/agents").json["items"]
        self.assertEqual([a["resource"] for a in agents if a["pendingBytes"] > 0], ["a"])
        agent.credit(1 << 20)
        self.assertEqual([agent.receive()[0] for _ in range(2)], [SNAP_ITEM, SNAP_END])

    def test_credit_is_counted(self):
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        agent = self.center.subscriber("hub", credit=100000)
        agent.is_generous = False
        while agent.bytes < 100000:
            agent.receive()
        self.assertLess(agent.bytes, 100000 + 65536)
        self.assertNotIn(SNAP_END, agent.frames)
        agent.sock.setblocking(False)
        other = self.up_to_date("a")  # a round trip: it would have come
        self.assertRaises(BlockingIOError, agent.receive)
        other.close()
        agent.sock.settimeout(20)
        agent.credit(1 << 20)
        while agent.frames[-1] != SNAP_END:
            agent.receive()

    def test_snapshots_take_turns(self):
        """Sixteen that got no further hold all places; one that leaves gives its own away."""
        held = [self.center.subscriber("a", credit=1) for _ in range(16)]
        for agent in held:
            self.assertEqual(agent.receive()[0], SNAP_BEGIN)
        late = self.center.subscriber("s")
        late.sock.settimeout(0.3)
        self.assertRaises(TimeoutError, late.receive)
        late.sock.settimeout(20)
        held[0].close()
        self.assertEqual(late.take()[0], SNAP_END)

    def test_ten_that_do_not_read_cost_nothing(self):
        """Thousands of changes, ten readers that stopped: memory stays, others do not wait."""
        slow = [self.up_to_date("a") for _ in range(10)]
        quick = self.up_to_date("s")
        sizes = []
        for i in range(4000):
            self.use("a", "s", USES[i % 4])
            kinds, _ = quick.take_until(self.center.revision())
            self.assertNotIn(SNAP_END, kinds)
            if i in (1000, 3999):
                sizes.append(rss(self.center))
        self.assertLess(sizes[1] - sizes[0], 1 << 20, sizes)
        for agent in slow:
            kinds, _ = agent.take_until(quick.revision)
            self.assertEqual(agent.items[("a", "s")], quick.items[("a", "s")])

    def test_memory_of_a_subscriber(self):
        """Measured: about 500 bytes; the limit is what it must never be."""
        self.raise_files(4000)
        names = [f"r{i}" for i in range(1000)]
        self.center.apply(*[resource(name, "application", "s") for name in names])
        self.up_to_date("s")
        before = rss(self.center)
        agents = [self.center.subscriber(name) for name in names]
        revision = self.center.revision()
        for agent in agents:
            agent.take_until(revision)
            agent.result(revision)
        self.up_to_date("a")
        each = (rss(self.center) - before) / len(agents)
        print(f"{each:.0f} bytes a subscriber", end=" ", flush=True)
        self.assertLess(each, 16384)

    def test_one_that_stops_for_long(self):
        """Its snapshot is given up after 10 s, its connection after 60 s."""
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        agent = self.center.subscriber("hub", credit=100000)
        agent.is_generous = False
        while agent.bytes < 100000:
            agent.receive()
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


class Liars(PushTest):
    """Each is told why and cut off; the center and the others go on."""

    def assert_cut(self, agent, code, *words):
        error = None
        while (got := Link.receive(agent)) is not None:
            if got[0] == FRAME_ERROR:
                error = got[1]
        self.assertIsNotNone(error)
        self.assertEqual(number(error, "CODE"), code, text(error, "TEXT"))
        for word in words:
            self.assertIn(word, text(error, "TEXT"))

    def test_versions(self):
        for version in (0, 3, 0xffffffff):
            link = Link(os.path.join(self.center.run, "link.sock"), "a", hello=False)
            self.addCleanup(link.close)
            link.send(HELLO, u32("VERSION", version) + u32("ROLE", ROLE_AGENT) +
                      record("RESOURCE", "a"))
            self.assert_cut(link, EVERSION, f"version {version}", "1 to 2")
        old = self.center.agent("a")  # version 1, as ever
        self.assertEqual(old.view().protocol("a", "s"), "bind")
        agent = self.up_to_date("a")
        self.use("a", "s", "shm")
        self.assertEqual(old.view().protocol("a", "s"), "shm")
        self.assertEqual(agent.take(), (DELTA, [("a", "s")]))

    def test_what_it_may_not_watch(self):
        for prefix, code in (("resource/s", EIDENT), ("out/s/", EIDENT), ("in/s/a", EIDENT),
                             ("out/", EIDENT), ("resource/", EIDENT), ("out/as/", EIDENT),
                             ("rule/x", EPROTO), ("", EPROTO), ("out/a/X", EPROTO),
                             ("out/a/" + "b" * 200, EPROTO), ("out/a/b\0c", EPROTO)):
            agent = self.center.subscriber("a", subscribe=False)
            agent.subscribe(1000, prefixes=["resource/a", prefix])
            self.assert_cut(agent, code)
        agent = self.center.subscriber("a", subscribe=False)
        agent.subscribe(1000, prefixes=[f"out/a/x{i}" for i in range(9)])
        self.assert_cut(agent, ENOSPC)
        self.assert_nobody_hears_of_others()

    def assert_nobody_hears_of_others(self):
        agent = self.up_to_date("b")
        self.use("a", "s", "shm")
        revision = self.use("b", "d", "shm")
        self.assertEqual(agent.take_until(revision)[1], [("b", "d")])

    def test_frames_out_of_place(self):
        good = u64("REVISION", 0) + record("PREFIX", "resource/a")
        for kind, payload in ((RESULT, u64("REVISION", 0)), (CREDIT, u64("BYTES", 1)),
                              (HELLO, u32("VERSION", 2)), (DELTA, b""), (SUBSCRIBE, b""),
                              (SUBSCRIBE, record("PREFIX", "resource/a")),
                              (SUBSCRIBE, good + u32("BYTES", 1)),
                              (SUBSCRIBE, good + u64("BYTES", 1 << 40)),
                              (SUBSCRIBE, good + b"\1"), (GOAWAY, b"")):
            agent = self.center.subscriber("a", subscribe=False)
            agent.send(kind, payload)
            self.assert_cut(agent, EPROTO)
        for kind, payload in ((HELLO, u32("VERSION", 2)), (CREDIT, b""), (RESULT, b""),
                              (CREDIT, u32("BYTES", 1)), (CREDIT, u64("BYTES", 1 << 27)),
                              (CREDIT, u64("BYTES", (1 << 64) - 1)),
                              (SUBSCRIBE, good + u64("BYTES", 1 << 26)),
                              (STATS, record("COUNT_ITEM", b"\1")), (REPORT, b"\1\2\3"),
                              (INSTANCES, b"\1\2\3"), (BOOKMARK, b""), (99, b"")):
            agent = self.up_to_date("a")
            agent.send(kind, payload)
            self.assert_cut(agent, EPROTO)
        self.assertEqual(self.center.get("/healthz").status, 200)

    def test_results_of_what_was_never_sent(self):
        agent = self.up_to_date("a")
        revision = agent.revision
        for payload, code in (
                (u64("REVISION", revision + 1), EPROTO),
                (u64("REVISION", revision) + result_item(("a", "s"), revision + 1, STAGED), EPROTO),
                (u64("REVISION", revision) + result_item(("a", "s"), revision, 0), EPROTO),
                (u64("REVISION", revision) + result_item(("a", "s"), revision, 7), EPROTO),
                (u64("REVISION", revision) + result_item(("b", "d"), revision, STAGED), EIDENT),
                (u64("REVISION", revision) + result_item(("s", None), revision, STAGED), EIDENT),
                (u64("REVISION", revision) + record("RESULT_ITEM", b"\1"), EPROTO)):
            agent = self.up_to_date("a")
            agent.send(RESULT, payload)
            self.assert_cut(agent, code)
        agent = self.up_to_date("a")
        agent.result(revision)
        agent.result(revision - 1)  # it falls back
        self.assert_cut(agent, EPROTO, "settles")

    def test_reports_for_others(self):
        agent = self.up_to_date("a")
        agent.report("b", "d", 1, "x")
        self.assert_cut(agent, EIDENT)

    def test_garbage_ends_that_connection_only(self):
        good = self.up_to_date("a")
        for data in (b"x", os.urandom(300), bytes(70000)):
            agent = self.up_to_date("a")
            agent.sock.send(data)
            self.assert_cut(agent, EPROTO)
        self.use("a", "s", "shm")
        self.assertEqual(good.take(), (DELTA, [("a", "s")]))

    def test_one_that_does_not_subscribe(self):
        agent = self.center.subscriber("a", subscribe=False)
        self.assertIsNone(agent.receive())
        self.assertIn("it did not subscribe", self.center.read_log())


class Away(PushTest):
    def test_the_center_says_when_it_stops(self):
        agent = self.up_to_date("a")
        self.center.stop()
        kind, found = agent.receive()
        self.assertEqual((kind, number(found, "CODE")), (GOAWAY, ELOST))
        self.assertIsNone(agent.receive())

    def test_too_many_peers(self):
        self.raise_files(10000)
        path = os.path.join(self.center.run, "link.sock")
        links = []
        for _ in range(4096):
            link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.addCleanup(link.close)
            link.connect(path)
            links.append(link)
        late = Link(path, "a", hello=False)
        self.addCleanup(late.close)
        kind, found = late.receive()
        self.assertEqual((kind, number(found, "CODE")), (GOAWAY, ENOSPC))
        self.assertGreater(number(found, "DELAY"), 0)
        links.pop().close()


class Reports(PushTest):
    def test_reports_are_written(self):
        agent = self.up_to_date("s")
        agent.report("a", "s", 3, "pages that were not let go")
        self.up_to_date("a")  # a round trip
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["channel"], entry["verb"], entry["result"], entry["name"],
                          entry["edge"], entry["code"], entry["detail"]),
                         ("link", "report", "forced", "s", ["a", "s"], "EREVOKED",
                          "3 by force: pages that were not let go"))
        self.assertEqual(metric(self.center, "rhodes_link_reports_total"), 3)

    def test_reports_do_not_flood_the_log(self):
        agent = self.up_to_date("s")
        before = len(self.center.audit())
        for _ in range(400):
            agent.report("a", "s", 1, "x")
        self.up_to_date("a")
        self.assertEqual(metric(self.center, "rhodes_link_reports_total"), 400)
        written = len(self.center.audit()) - before
        self.assertEqual(written + metric(self.center, "rhodes_link_reports_unwritten_total"), 400)
        self.assertLess(written, 200)


if __name__ == "__main__":
    main()
