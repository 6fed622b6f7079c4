#!/usr/bin/python3
"""Streams of changes: complete, in order, resumed from a revision, and told when they
cannot be."""
import contextlib
import json
import os
import socket
import sqlite3

from center_lib import CenterTest, main, resource, rule


class Stream:
    """A stream as a client reads it, line by line."""

    def __init__(self, center, path, **headers):
        self.connection = center.connect()
        self.connection.request("GET", path, headers={
            key.replace("_", "-"): value for key, value in headers.items()})
        self.response = self.connection.getresponse()
        self.kind = self.response.headers.get("Content-Type")

    def lines(self, count):
        return [json.loads(self.response.readline()) for _ in range(count)]

    def changes(self, count):
        """The next changes of objects: (type, revision, name)."""
        found = []
        while len(found) < count:
            line = json.loads(self.response.readline())
            if "object" in line:
                found.append((line["type"], line["revision"],
                              line["object"]["metadata"]["name"]))
        return found

    def rest(self):
        return self.response.read()

    def close(self):
        self.connection.close()


class Watch(CenterTest):
    def stream(self, path, **headers):
        stream = Stream(self.center, path, **headers)
        self.addCleanup(stream.close)
        return stream

    def test_changes_come_as_they_happen(self):
        stream = self.stream("/apis/v1/resources?watch=1")
        self.assertEqual((stream.response.status, stream.kind), (200, "application/x-ndjson"))
        self.center.put(resource("a", "application"))
        self.assertEqual(stream.changes(1), [("put", 2, "a")])
        self.center.apply(resource("b", "service"), resource("a", "application", "b"))
        self.assertEqual(sorted(stream.changes(2)), [("put", 3, "a"), ("put", 3, "b")])
        self.center.put(rule("r", protocol={"edge": ["a", "b"], "use": "shm"}))
        self.center.ask("DELETE", "/apis/v1/resources/a")
        self.assertEqual(stream.changes(1), [("delete", 5, "a")])  # and no rule

    def test_what_is_refused_or_dry_is_not_told(self):
        stream = self.stream("/apis/v1/resources?watch=true")
        self.center.put(resource("d", "driver", "d2"), query="?dryRun=true")
        self.center.put(resource("d", "nonsense"))
        self.center.put(resource("e", "driver"))
        self.assertEqual([name for _, _, name in stream.changes(1)], ["e"])

    def test_the_object_is_whole(self):
        stream = self.stream("/apis/v1/resources?watch=1")
        self.center.put(resource("a", "application", "nobody"))
        self.assertEqual(stream.lines(1)[0]["object"],
                         self.center.get("/apis/v1/resources/a").json)

    def test_from_a_revision(self):
        self.center.put(resource("a", "application"))
        self.center.put(resource("b", "application"))
        self.center.ask("DELETE", "/apis/v1/resources/a")
        self.assertEqual(self.stream("/apis/v1/resources?watch=1&fromRevision=2").changes(2),
                         [("put", 3, "b"), ("delete", 4, "a")])
        everything = self.stream("/apis/v1/events?fromRevision=0").changes(3)
        self.assertEqual([name for _, _, name in everything], ["hierarchy", "b", "a"])

    def test_one_name(self):
        stream = self.stream("/apis/v1/resources?watch=1&name=b")
        self.center.put(resource("a", "application"))
        self.center.put(resource("b", "application"))
        self.assertEqual(stream.changes(1), [("put", 3, "b")])

    def test_a_restart_is_bridged(self):
        self.center.put(resource("a", "application"))
        stream = self.stream("/apis/v1/resources?watch=1")
        self.center.put(resource("b", "application"))
        (_, seen, _), = stream.changes(1)
        self.center.stop()
        last = json.loads(stream.rest().splitlines()[-1])
        self.assertEqual((last["type"], last["status"]), ("error", 503))
        self.center.start()
        self.center.put(resource("c", "application"))
        self.assertEqual(
            self.stream(f"/apis/v1/resources?watch=1&fromRevision={seen}").changes(1),
            [("put", 4, "c")])

    def test_a_bookmark_says_that_nothing_happened(self):
        line, = self.stream("/apis/v1/rules?watch=1").lines(1)
        self.assertEqual(line, {"type": "bookmark", "revision": 1})

    def test_server_sent_events(self):
        stream = self.stream("/apis/v1/resources?watch=1", Accept="text/event-stream",
                             Last_Event_ID="1")
        self.assertEqual(stream.kind, "text/event-stream")
        self.center.put(resource("a", "application"))
        self.assertEqual(stream.response.readline(), b"id: 2\n")
        self.assertTrue(stream.response.readline().startswith(b"data: {"))
        self.assertEqual(stream.response.readline(), b"\n")

    def test_a_browser_resumes_where_it_was(self):
        """It says in a header what it saw last, and its first address again."""
        for name in "abc":
            self.center.put(resource(name, "application"))
        stream = self.stream("/apis/v1/resources?watch=1&fromRevision=1",
                             Accept="text/event-stream", Last_Event_ID="3")
        self.assertEqual(stream.response.readline(), b"id: 4\n")
        self.assertIn(b'"name":"c"', stream.response.readline())
        stream.response.readline()
        self.center.ask("DELETE", "/apis/v1/resources/a")
        self.assertEqual(stream.response.readline(), b"id: 5\n")

    def test_bad_questions(self):
        for path, word in (("/apis/v1/resources?watch=perhaps", "neither true nor false"),
                           ("/apis/v1/resources?watch=1&fromRevision=9", "not reached"),
                           ("/apis/v1/resources?watch=1&fromRevision=-1", "fromRevision"),
                           ("/apis/v1/resources?fromRevision=1", "watch=true"),
                           ("/apis/v1/events?name=" + "x" * 65, "too long")):
            self.assert_problem(self.center.get(path), 400, "EINVAL", word)

    def test_what_was_compacted_is_gone(self):
        """Tombstones are kept, but not for ever; here as if there had been enough."""
        self.center.put(resource("a", "application"))
        self.center.stop()
        with contextlib.closing(sqlite3.connect(self.center.state + "/store.db")) as store:
            with store:
                store.execute("UPDATE meta SET value = 2 WHERE name = 'compacted'")
        self.center.start()
        gone = self.center.get("/apis/v1/resources?watch=1&fromRevision=1")
        self.assert_problem(gone, 410, "ESTALE", "no longer known")
        head = gone.json["revision"]
        self.assertEqual(head, 2)
        self.assert_problem(self.center.ask(
            "GET", "/apis/v1/resources?watch=1",
            headers={"Accept": "text/event-stream", "Last-Event-ID": "1"}),
            410, "ESTALE", "no longer known")
        stream = self.stream(f"/apis/v1/resources?watch=1&fromRevision={head}")
        self.center.put(resource("z", "application"))
        self.assertEqual(stream.changes(1), [("put", head + 1, "z")])

    def test_from_nothing_is_never_too_old(self):
        """More than a batch of it, of which the first are older than what is known."""
        names = [f"r{number:03}" for number in range(300)]
        for at in range(0, 300, 100):
            self.center.apply(*(resource(name, "application") for name in names[at:at + 100]))
        self.center.stop()
        with contextlib.closing(sqlite3.connect(self.center.state + "/store.db")) as store:
            with store:
                store.execute("UPDATE meta SET value = (SELECT value FROM meta WHERE "
                              "name = 'revision') WHERE name = 'compacted'")
        self.center.start()
        stream = self.stream("/apis/v1/resources?watch=1&fromRevision=0")
        told = stream.changes(300)
        self.assertEqual(([name for _, _, name in told], {kind for kind, _, _ in told}),
                         (names, {"put"}))
        revision = self.center.put(resource("z", "application")).json["metadata"]["revision"]
        self.center.ask("DELETE", "/apis/v1/resources/r000")
        self.assertEqual(stream.changes(2), [("put", revision, "z"), ("delete", revision + 1, "r000")])

    def test_no_more_than_the_limit(self):
        streams = [self.stream("/apis/v1/events") for _ in range(128)]
        self.assert_problem(self.center.get("/apis/v1/events"), 503, "EAGAIN", "128")
        self.center.put(resource("a", "application"))
        for stream in streams:
            self.assertEqual(stream.changes(1), [("put", 2, "a")])

    def test_strangers_cannot_use_up_the_streams(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.center.folder, 0o755)
        os.chmod(self.center.run, 0o755)
        reader, writer = os.pipe()
        release, hold = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hold)
            os.setuid(65534)
            streams = [Stream(self.center, "/apis/v1/events") for _ in range(100)]
            os.write(writer, b"x")
            os.read(release, 1)
            os._exit(sum(stream.response.status == 200 for stream in streams))
        os.close(release)
        os.close(writer)
        self.assertEqual(os.read(reader, 1), b"x")
        stream = self.stream("/apis/v1/events")
        self.assertEqual(stream.response.status, 200)
        self.center.put(resource("a", "application"))
        self.assertEqual(stream.changes(1), [("put", 2, "a")])
        os.close(hold)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 32)
        os.close(reader)


class SlowReaders(CenterTest):
    def rss(self):
        with open(f"/proc/{self.center.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def test_who_does_not_read_costs_nobody(self):
        """Ten that never read, one that does: it hears all, and memory stays flat."""
        lazy = []
        for _ in range(10):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(self.center.run + "/center.sock")
            sock.sendall(b"GET /apis/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            lazy.append(sock)
            self.addCleanup(sock.close)
        stream = Stream(self.center, "/apis/v1/resources?watch=1")
        self.addCleanup(stream.close)
        before = None
        for count in range(3000):
            self.center.put(resource("a", "application", description=str(count) + "x" * 500))
            stream.changes(1)
            if count == 500:
                before = self.rss()
        self.assertLess(self.rss() - before, 4096)


if __name__ == "__main__":
    main()
