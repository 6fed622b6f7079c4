#!/usr/bin/python3
"""The center's side of push: who hears what, in order and without gaps, whatever agents do."""
import json
import os
import resource as limits
import shutil
import socket
import time

from center_lib import (ACTIVE, BOOKMARK, CREDIT, DELTA, FRAME_ERROR, GOAWAY, HELLO, INSTANCES,
                        REJECTED, REPORT, RESULT, ROLE_AGENT, SNAP_BEGIN, SNAP_END, SNAP_ITEM,
                        STAGED, STATS, SUBSCRIBE, TAG, CenterTest, Link, first, main, number,
                        record, records, resource, result_item, rule, text, u32, u64)

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

    def half_a_snapshot(self):
        """An agent that gave credit for a part of what it is to be sent, and read that."""
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        agent = self.center.subscriber("hub", credit=100000)
        agent.is_generous = False
        while agent.bytes < 100000:
            agent.receive()
        return agent

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

    def put_back(self, name, to):
        """The backup of that name in the place of the store."""
        self.center.stop()
        shutil.copyfile(os.path.join(self.center.folder, name),
                        os.path.join(self.center.state, to))
        self.center.start(*self.start_args)

    def test_a_restored_backup_is_another_store(self):
        self.center.stop()
        shutil.copyfile(os.path.join(self.center.state, "store.db"),
                        os.path.join(self.center.folder, "backup"))
        self.center.start(*self.start_args)
        self.use("a", "s", "shm")
        agent = self.up_to_date("a")
        agent.close()
        self.put_back("backup", "store.db")
        self.assertEqual(self.center.revision(), agent.revision)  # and no revision twice
        self.assertIn("is a backup", self.center.read_log())
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["verb"], entry["result"], entry["before"]),
                         ("restore", "restored", agent.revision))
        gone = self.center.get(f"/apis/v1/rules?watch=1&fromRevision={agent.revision - 1}")
        self.assertEqual(gone.status, 410)
        self.use("a", "s", "semaphore")
        again = self.again(agent)  # of a revision that the store has passed meanwhile
        self.assertEqual(again.take()[0], SNAP_END)
        self.assertNotEqual(again.store, agent.store)
        self.assertEqual(again.protocol("a", "s"), "semaphore")
        self.center.stop()
        self.center.start(*self.start_args)
        self.assertEqual(first(self.again(again).welcome, "STORE"), again.store)  # once

    def test_a_new_store_is_another_store(self):
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
        agent = self.half_a_snapshot()
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


class Results(PushTest):
    """What agents say of their items is shown wherever somebody would look."""

    def setUp(self):
        super().setUp()
        self.revision = self.use("a", "s", "shm", "fast")

    def condition(self, path="rules/fast"):
        conditions = self.center.get(f"/apis/v1/{path}").json["status"]["conditions"]
        return next(c for c in conditions if c["type"] == "Active")

    def assert_active(self, active, total, reason, *words):
        self.round_trip()
        condition = self.condition()
        self.assertEqual((condition["active"], condition["total"], condition["reason"]),
                         (active, total, reason), condition)
        self.assertEqual(condition["status"], "True" if active == total else "False")
        for word in words:
            self.assertIn(word, condition["message"])
        return condition.get("agents", [])

    def round_trip(self):
        """What was sent before is handled."""
        self.center.subscriber("nobody").close()

    def agent_json(self, name):
        self.round_trip()
        return next(a for a in self.center.get("/apis/v1/agents").json["items"]
                    if a["resource"] == name)

    def standing(self):
        self.round_trip()
        return self.center.ask("POST", "/apis/v1/explain",
                               {"caller": "a", "callee": "s"}).json["standing"]

    def test_active_is_what_was_settled(self):
        self.assertEqual(self.assert_active(0, 2, "Unreachable"),
                         [{"agent": "a", "state": "unreachable", "edge": ["a", "s"]},
                          {"agent": "s", "state": "unreachable", "edge": ["a", "s"]}])
        a, s = self.up_to_date("a"), self.up_to_date("s")
        self.assertEqual([place["state"] for place in self.assert_active(0, 2, "Pending")],
                         ["pending", "pending"])
        a.result(a.revision)
        self.assert_active(1, 2, "Pending", "s: pending")
        s.result(s.revision)
        self.assert_active(2, 2, "InForce", f"in force since revision {self.revision}")
        self.assertEqual(self.standing(), {"caller": {"state": "active"},
                                           "callee": {"state": "active"}})
        self.use("a", "s", "bind", "fast")  # changed: not active before they say so
        self.assert_active(0, 2, "Pending")
        for agent in (a, s):
            agent.take_until(self.center.revision())
        self.assert_active(0, 2, "Pending")
        for agent in (a, s):
            agent.result(agent.revision)
        self.assert_active(2, 2, "InForce")
        s.close()
        self.wait_for(lambda: self.condition()["active"] == 1)
        self.assert_active(1, 2, "Unreachable", "s: unreachable")

    def wait_for(self, done):
        deadline = time.monotonic() + 20
        while not done():
            self.assertLess(time.monotonic(), deadline)

    def test_settled_in_between_is_not_settled(self):
        a = self.up_to_date("a")
        a.result(a.revision)
        self.use("a", "s", "bind", "fast")
        a.take_until(self.center.revision())
        a.result(a.revision - 1)
        self.assertEqual(self.agent_json("a")["lag"], 1)
        self.assert_active(0, 2, "Unreachable")
        self.assertEqual(self.standing()["caller"], {"state": "pending"})

    def test_rejected(self):
        a, s = self.up_to_date("a"), self.up_to_date("s")
        for agent in (a, s):
            agent.result(agent.revision)
        self.use("a", "s", "msgqueue", "fast")
        for agent in (a, s):
            agent.take_until(self.center.revision())
        a.result(a.revision)
        s.result(s.revision, result_item(("a", "s"), s.revision, REJECTED, -28,
                                         "RLIMIT_MSGQUEUE leaves no room"))
        why = {"state": "rejected", "code": "ENOSPC", "text": "RLIMIT_MSGQUEUE leaves no room"}
        places = self.assert_active(1, 2, "Rejected", "s: rejected: ENOSPC: RLIMIT_MSGQUEUE")
        self.assertEqual(places, [{**why, "agent": "s", "edge": ["a", "s"],
                                   "revision": s.revision}])
        self.assertEqual(self.standing(), {"caller": {"state": "active"}, "callee": why})
        self.assertEqual(self.agent_json("s")["unsettled"],
                         [{**why, "edge": ["a", "s"], "revision": s.revision}])
        for name in "as":
            self.assertEqual(self.condition(f"resources/{name}")["reason"], "Rejected")
        # Other changes do not send it again, and leave it rejected.
        self.center.put(resource("s", "service", allow={"uid": [1]}))
        self.assertEqual(s.take(), (DELTA, [("s", None)]))
        s.result(s.revision)
        self.assert_active(1, 2, "Rejected")
        # A change of its own does.
        revision = self.use("a", "s", "shm", "fast")
        self.assertEqual(s.take(), (DELTA, [("a", "s")]))
        self.assert_active(0, 2, "Pending")
        a.take_until(revision)
        a.result(revision)
        s.result(revision)
        self.assert_active(2, 2, "InForce")
        self.assertEqual(self.agent_json("s")["unsettled"], [])

    def test_what_was_rejected_is_the_rule_that_came(self):
        a, s = self.up_to_date("a"), self.up_to_date("s")
        before = self.revision
        self.use("a", "s", "msgqueue", "fast")
        for agent in (a, s):
            agent.take_until(self.center.revision())
        a.result(a.revision)
        for instead, reason, active in ((None, "Rejected", 1), (before, "Unreachable", 2),
                                        (0, "Rejected", 1), (before, "Unreachable", 2),
                                        (s.revision + 1, "Rejected", 1)):  # another store's
            s.result(s.revision, result_item(("a", "s"), s.revision, REJECTED, -28, "no room",
                                             instead=instead))
            self.assert_active(1, 2, "Rejected", "no room")
            hierarchy = self.condition("rules/hierarchy")
            self.assertEqual((hierarchy["reason"], hierarchy["active"]), (reason, active))
            self.assertEqual("no room" in json.dumps(hierarchy), reason == "Rejected")

    def test_staged_then_active(self):
        a, s = self.up_to_date("a"), self.up_to_date("s")
        a.result(a.revision)
        s.result(s.revision, result_item(("a", "s"), s.revision, STAGED))
        self.assertEqual(self.assert_active(1, 2, "Pending", "s: staged")[0]["state"], "staged")
        s.result(s.revision, result_item(("a", "s"), s.revision, ACTIVE))
        self.assert_active(2, 2, "InForce")

    def test_a_new_connection_starts_with_nothing_said(self):
        s = self.up_to_date("s")
        s.result(s.revision, result_item(("a", "s"), s.revision, REJECTED, -71, "x"))
        self.assertEqual(self.agent_json("s")["source"], "live")
        s = self.again(s)
        self.wait_for(lambda: len(self.center.get("/apis/v1/agents").json["items"]) < 2)
        agent = self.agent_json("s")
        self.assertEqual((agent["source"], agent["unsettled"]), ("cache", []))
        self.assertEqual(self.standing()["callee"], {"state": "pending"})
        s.take()
        s.result(s.revision, result_item(("a", "s"), s.revision, REJECTED, -71, "x"))
        self.assertEqual(self.standing()["callee"],
                         {"state": "rejected", "code": "EPROTO", "text": "x"})
        s.subscribe(revision=0)  # a snapshot sends all anew
        s.take()
        self.assertEqual(self.standing()["callee"], {"state": "pending"})
        s.result(s.revision)
        self.assertEqual(self.standing()["callee"], {"state": "active"})

    def test_more_than_it_keeps(self):
        names = [f"n{i}" for i in range(100)]
        self.center.apply(resource("hub", "application", *names),
                          *[resource(name, "service") for name in names])
        hub = self.up_to_date("hub")
        hub.result(hub.revision, *[result_item(("hub", name), hub.revision, STAGED)
                                   for name in names])
        agent = self.agent_json("hub")
        self.assertEqual((len(agent["unsettled"]), agent["unsettledMore"]), (64, 36))
        condition = self.condition("resources/hub")
        self.assertEqual((condition["active"], len(condition["agents"])), (0, 32))
        hub.result(hub.revision, *[result_item(("hub", name), hub.revision, ACTIVE)
                                   for name in names])
        self.assertEqual(self.agent_json("hub")["unsettled"], [])

    def test_any_text(self):
        s = self.up_to_date("s")
        s.result(s.revision, result_item(("a", "s"), s.revision, REJECTED, -71, b"\xff" * 500))
        self.assertEqual(self.agent_json("s")["unsettled"][0]["text"], "?" * 127)

    def test_a_hierarchy_counts_every_place(self):
        a = self.up_to_date("a")
        a.result(a.revision)
        condition = self.condition("rules/hierarchy")
        self.round_trip()
        condition = self.condition("rules/hierarchy")
        self.assertEqual((condition["active"], condition["total"], condition["status"]),
                         (1, 4, "False"))  # a -> s and b -> d, at both ends each
        self.assertEqual([place["agent"] for place in condition["agents"]], ["b", "d", "s"])

    def test_agents(self):
        a = self.up_to_date("a")
        agent = self.agent_json("a")
        self.assertEqual({key: agent[key] for key in (
            "wireVersion", "revision", "storeRevision", "settledRevision", "source", "stalled",
            "lag", "unsettled")}, {
                "wireVersion": 2, "revision": self.revision, "storeRevision": self.revision,
                "settledRevision": 0, "source": "none", "stalled": False, "unsettled": [],
                "lag": self.revision})
        a.result(a.revision)
        agent = self.agent_json("a")
        self.assertEqual((agent["lag"], agent["source"], agent["settledRevision"]),
                         (0, "live", self.revision))
        self.use("b", "d", "shm")  # nothing of its: it does not lag
        self.assertEqual(self.agent_json("a")["lag"], 0)
        a.close()
        old = self.center.agent("b")
        old.view()
        agent = self.agent_json("b")
        self.assertEqual((agent["wireVersion"], "lag" in agent), (1, False))

    def test_an_agent_of_version_1_has_what_it_was_sent(self):
        for name in "as":
            self.center.agent(name).view()
        self.assert_active(2, 2, "InForce")

    def test_the_news(self):
        a, s = self.up_to_date("a"), self.up_to_date("s")
        for agent in (a, s):
            agent.result(agent.revision)
        self.round_trip()
        connection = self.center.connect()
        self.addCleanup(connection.close)
        connection.request("GET", "/apis/v1/rules?watch=1")
        stream = connection.getresponse()
        revision = self.use("a", "s", "msgqueue", "fast")
        for agent in (a, s):
            agent.take_until(revision)
        s.result(revision, result_item(("a", "s"), revision, REJECTED, -28, "no room"))
        self.round_trip()
        a.result(revision)
        self.center.put(rule("hierarchy", hierarchy={"allow": [["application", "service"]],
                                                     "grace": "0s"}))
        a.take_until(self.center.revision())
        a.result(a.revision)
        events = []
        while len(events) < 3:
            event = json.loads(stream.readline())
            if event["type"] not in ("put", "bookmark", "revoked"):  # b -> d
                events.append({key: value for key, value in event.items()
                               if key not in ("time", "number")})
        self.assertEqual(events, [
            {"type": "rejected", "name": "fast", "agent": "s", "edge": ["a", "s"],
             "revision": revision, "code": "ENOSPC", "text": "no room"},
            {"type": "active", "name": "fast", "agent": "a", "edge": ["a", "s"],
             "revision": revision},
            {"type": "active", "name": "hierarchy", "agent": "a", "edges": 1,
             "revision": a.revision}])


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


class Stale(PushTest):
    def ages(self, agent, name):
        """Milliseconds by class; None for ever."""
        own = records(agent.items[(name, None)][1])
        items = [records(value) for tag, value in own if tag == TAG["STALE_ITEM"]]
        return {text(item, "RULE"): number(item, "DELAY") for item in items}

    def test_every_resource_hears_how_old_rules_may_be(self):
        agents = {name: self.up_to_date(name) for name in "as"}
        self.assertEqual(self.ages(agents["a"], "a"), {})
        self.center.put(rule("stale", stale={"layering": "never", "revocation": "forever",
                                             "protocol": "10m"}))
        for name, agent in agents.items():
            self.assertEqual(agent.take()[1], [(name, None)])
            self.assertEqual(self.ages(agent, name),
                             {"layering": 0, "revocation": None, "protocol": 600000})
            agent.result(agent.revision)
        places = {"active": 0}
        while places["active"] < 2:  # b and d have no agent
            places = self.center.get("/apis/v1/rules/stale").json["status"]["conditions"][0]
        self.assertEqual(places["total"], 4)
        late = self.center.subscriber("a")
        late.take()
        self.assertEqual(self.ages(late, "a")["protocol"], 600000)
        self.center.ask("DELETE", "/apis/v1/rules/stale")
        for name, agent in agents.items():
            agent.take()
            self.assertEqual(self.ages(agent, name), {})


if __name__ == "__main__":
    main()
