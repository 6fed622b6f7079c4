#!/usr/bin/python3
"""Observers of the center, as raw frames: what they are told, and what one costs that
does not read."""
import socket

from center_lib import (FRAME_ERROR, CenterTest, Link, main, number, record, resource, rule,
                        text, u32)

TRACE, STEP, PUSH_STEP = 144, 145, 146
SUBSCRIBING, PUBLISHING = 1, 2


class Observer(Link):
    def __init__(self, path, resource="", payload=None):
        super().__init__(path, resource, hello=False)
        self.send(TRACE, (record("RESOURCE", resource) if resource else b"")
                  if payload is None else payload)

    def step(self):
        """(process, step, subscriber, revision, records)."""
        kind, found = self.receive()
        if kind == FRAME_ERROR:
            raise RuntimeError(text(found, "TEXT"))
        assert kind == PUSH_STEP, kind
        return (number(found, "FLAGS"), number(found, "STEP"), text(found, "RESOURCE"),
                number(found, "REVISION"), found)


class Trace(CenterTest):
    def observer(self, resource="", **options):
        link = Observer(self.center.run + "/link.sock", resource, **options)
        self.center.links.append(link)
        return link

    def setUp(self):
        super().setUp()
        self.center.apply(resource("a", "application", "s"), resource("s", "service"),
                          rule("r", protocol={"edge": ["a", "s"], "use": "shm"}))

    def use(self, protocol):
        self.center.put(rule("r", protocol={"edge": ["a", "s"], "use": protocol}))
        return self.center.revision()

    def seen(self, observer):
        """The observer is admitted: the center's frames come in order, so ask last."""
        self.center.get("/healthz")
        return observer

    def test_the_steps_of_the_center(self):
        observer = self.observer()
        agent = self.center.subscriber("a")
        agent.take()
        steps = [observer.step() for _ in range(2)]
        self.assertEqual([step[:3] for step in steps],
                         [(SUBSCRIBING, 3, "a"), (SUBSCRIBING, 4, "a")])
        self.assertIn("out/a/", text(steps[0][4], "TEXT"))
        agent.result(agent.revision)
        self.assertEqual(observer.step()[:3], (PUBLISHING, 4, "a"))
        revision = self.use("msgqueue")
        steps = [observer.step() for _ in range(3)]
        self.assertEqual([step[:4] for step in steps], [
            (PUBLISHING, 1, None, revision), (PUBLISHING, 2, None, revision),
            (PUBLISHING, 3, "a", revision)])
        self.assertEqual((text(steps[1][4], "CALLER"), text(steps[1][4], "CALLEE")), ("a", "s"))
        before = agent.bytes
        agent.take()
        self.assertEqual(number(steps[2][4], "BYTES"), agent.bytes - before)
        times = [number(step[4], "TIME") for step in steps]
        self.assertEqual(times, sorted(times))

    def test_one_subscriber(self):
        observer = self.observer("s")
        for name in "as":
            self.center.subscriber(name).take()
        self.assertEqual({observer.step()[2] for _ in range(2)}, {"s"})

    def test_a_snapshot_counts_as_a_whole(self):
        observer = self.observer()
        agent = self.center.subscriber("a")
        agent.take()
        observer.step()
        answer = observer.step()
        self.assertIn("snapshot", text(answer[4], "TEXT"))
        self.assertEqual(number(answer[4], "BYTES"), agent.bytes)

    def test_who_does_not_read_costs_only_itself(self):
        """It never reads; every change reaches the agent, and another observer."""
        lazy = self.observer()
        lazy.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        other = self.observer()
        agent = self.center.subscriber("a")
        agent.take()
        last = 0
        for count in range(400):
            revision = self.use(("msgqueue", "shm")[count % 2])
            agent.take_until(revision)
            while last < revision:
                step = other.step()
                last = step[3] if step[:2] == (PUBLISHING, 3) else last
        self.assertEqual(number(step[4], "COUNT"), None)  # it missed none
        with open(f"/proc/{self.center.process.pid}/status", encoding="ascii") as file:
            memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        self.assertLess(memory, 200_000)
        # When it reads again, it is told how many it missed.
        lazy.sock.setblocking(False)
        told = 0
        try:
            while True:
                lazy.sock.recv(1 << 17)
                told += 1
        except BlockingIOError:
            pass
        lazy.sock.setblocking(True)
        self.use("bind")
        self.assertGreater(number(lazy.step()[4], "COUNT"), 400 - told)

    def test_it_is_no_agent(self):
        self.seen(self.observer())
        self.assertEqual(self.center.get("/apis/v1/agents").json["items"], [])

    def test_it_says_nothing_else(self):
        observer = self.observer()
        observer.send(TRACE, b"")
        with self.assertRaisesRegex(RuntimeError, "not expected"):
            while True:
                observer.step()
        self.assertIsNone(observer.receive())

    def test_a_bad_name(self):
        for payload in (record("RESOURCE", "x" * 300), record("RESOURCE", "a\0b")):
            with self.assertRaisesRegex(RuntimeError, "names no resource"):
                self.observer(payload=payload).step()

    def test_an_agent_cannot_become_one(self):
        agent = self.center.subscriber("a")
        agent.take()
        agent.send(TRACE, u32("COUNT", 1))
        kind, found = agent.receive()
        self.assertEqual(kind, FRAME_ERROR)
        self.assertIn("not expected", text(found, "TEXT"))

    def test_no_more_than_the_limit(self):
        first = [self.observer() for _ in range(8)]
        with self.assertRaisesRegex(RuntimeError, "8 observers look on already"):
            self.observer().step()
        first[3].close()
        # The place is free as soon as the center has seen the hang-up.
        while True:
            observer = self.observer()
            self.use("msgqueue")
            self.use("shm")
            try:
                self.assertEqual(observer.step()[:2], (PUBLISHING, 1))
                break
            except (RuntimeError, TypeError):
                observer.close()


if __name__ == "__main__":
    main()
