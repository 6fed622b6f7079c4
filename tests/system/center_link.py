#!/usr/bin/python3
"""The center and its agents: who hears of what, and what a lying peer gets."""
import os
import socket
import time

from center_lib import (FRAME_ERROR, HELLO, INSTANCES, ROLE_SUPERVISOR, STATS, CenterTest, Link,
                        frame, main, number, record, resource, rule, text, u32, u64)

ELAYER, EPENDING = -1001, -1016
SO_PASSRIGHTS = 83  # Linux 6.16


class Views(CenterTest):
    def assert_heard_nothing(self, agent, caller, callee):
        """A change that concerns it is the next thing it hears of."""
        name = f"marker.{caller}.{callee}"
        self.center.put(rule(name, protocol={"edge": [caller, callee], "use": "semaphore"}))
        self.assertEqual(agent.view().revision, self.center.revision())

    def test_view_of_a_resource(self):
        self.center.apply(
            resource("nic", "hardware"),
            resource("driver", "driver", "nic", "later", interface="net", serve={
                "library": "libnetdriver.so", "workers": 2}, allow={
                "uid": [7, 8], "exe": ["/usr/bin/a", "/usr/bin/b"]},
                     context={"env": ["PATH"], "locale": True}))
        agent = self.center.agent("driver")
        view = agent.view()
        self.assertEqual(view.revision, self.center.revision())
        self.assertEqual(view.system, "rhodes")
        self.assertEqual(text(view.own, "RESOURCE"), "driver")
        self.assertEqual(text(view.own, "TYPE"), "driver")
        self.assertEqual(text(view.own, "INTERFACE"), "net")
        self.assertEqual(text(view.own, "LIBRARY"), "libnetdriver.so")
        self.assertEqual([int.from_bytes(v, "little") for t, v in view.own if t == 30], [7, 8])
        self.assertEqual([v for t, v in view.own if t == 32], [b"/usr/bin/a", b"/usr/bin/b"])
        self.assertEqual(number(view.own, "LOCALE_ON"), 1)
        self.assertEqual(view.verdict("driver", "nic"), 0)
        self.assertEqual(view.verdict("driver", "later"), EPENDING)
        self.assertEqual(view.protocol("driver", "nic"), "bind")
        edge = view.edges[("driver", "nic")]
        self.assertEqual(text(edge, "TYPE"), "hardware")
        self.assertEqual(text(edge, "RULE"), "hierarchy")
        self.assertIn("driver (driver) -> nic (hardware): allowed by rule hierarchy",
                      text(edge, "TEXT"))

    def test_default_uid_is_who_applied(self):
        self.center.put(resource("a", "application"))
        view = self.center.agent("a").view()
        self.assertEqual(number(view.own, "UID"), os.getuid())

    def test_unregistered_then_registered_then_deleted(self):
        agent = self.center.agent("a")
        self.assertIsNone(agent.view().own)
        self.center.put(resource("a", "application"))
        self.assertIsNotNone(agent.view().own)
        self.center.ask("DELETE", "/apis/v1/resources/a")
        self.assertIsNone(agent.view().own)

    def test_both_ends_hear_and_nobody_else(self):
        self.center.apply(resource("a", "application", "s"), resource("s", "service"),
                          resource("b", "application", "d"), resource("d", "driver"))
        agents = {name: self.center.agent(name) for name in "asbd"}
        for agent in agents.values():
            agent.view()
        self.center.put(rule("p", protocol={"edge": ["a", "s"], "use": "shm"}))
        self.assertEqual(agents["a"].view().protocol("a", "s"), "shm")
        self.assertEqual(agents["s"].view().protocol("a", "s"), "shm")
        self.assert_heard_nothing(agents["b"], "b", "d")
        self.assertEqual(agents["d"].view().protocol("b", "d"), "semaphore")

    def test_dry_run_refusal_and_unchanged_send_nothing(self):
        self.center.apply(resource("a", "application", "s"), resource("s", "service"))
        agent = self.center.agent("s")
        agent.view()
        self.center.put(resource("a", "driver", "s"), query="?dryRun=true")
        self.center.put(resource("a", "driver", "s"))
        self.center.put(resource("a", "application", "s"))
        self.center.put(resource("other", "application"))
        self.assert_heard_nothing(agent, "a", "s")

    def test_an_edge_that_becomes_illegal_is_shown_to_both(self):
        self.center.put(resource("a", "service", "b"))
        caller = self.center.agent("a")
        self.assertEqual(caller.view().verdict("a", "b"), EPENDING)
        self.assertEqual(self.center.put(resource("b", "application")).status, 201)
        view = caller.view()
        self.assertEqual(view.verdict("a", "b"), ELAYER)
        self.assertIn("refused by rule hierarchy", text(view.edges[("a", "b")], "TEXT"))
        callee = self.center.agent("b")
        self.assertEqual(callee.view().verdict("a", "b"), ELAYER)
        self.center.put(rule("x", exception={"edge": ["a", "b"], "reason": "measured"}))
        self.assertEqual(caller.view().verdict("a", "b"), 0)
        self.assertEqual(callee.view().verdict("a", "b"), 0)

    def test_exception_expires_by_itself(self):
        self.center.apply(resource("d", "driver"), resource("s", "service"))
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        answer = self.center.apply(
            rule("x", exception={"edge": ["d", "s"], "reason": "a test", "expires": soon}),
            resource("d", "driver", "s"))
        self.assertEqual(answer.status, 200, answer.body)
        agent = self.center.agent("d")
        self.assertEqual(agent.view().verdict("d", "s"), 0)
        view = agent.view()
        self.assertEqual(view.verdict("d", "s"), ELAYER)
        self.assertIn("has expired", text(view.edges[("d", "s")], "TEXT"))
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["verb"], entry["name"], entry["channel"]),
                         ("expire", "x", "center"))
        condition = self.center.get("/apis/v1/rules/x").json["status"]["conditions"][0]
        self.assertEqual((condition["status"], condition["reason"]), ("False", "Expired"))

    def test_hierarchy_change_reaches_everybody_it_changes(self):
        self.center.apply(resource("a", "application", "s"), resource("s", "service"))
        agent = self.center.agent("a")
        agent.view()
        answer = self.center.put(rule("hierarchy", hierarchy={"allow": [], "grace": "0s"}))
        self.assertEqual(answer.status, 200)
        view = agent.view()
        self.assertEqual(view.verdict("a", "s"), ELAYER)
        self.assertIn("an application may call nothing", text(view.edges[("a", "s")], "TEXT"))

    def test_a_view_of_many_edges_comes_in_parts(self):
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        view = self.center.agent("hub").view()
        self.assertEqual(len(view.edges), 1000)

    def test_plan_for_the_supervisor(self):
        self.center.apply(resource("s", "service", serve={"program": ["/bin/true", "-x"]}))
        supervisor = self.center.agent("", ROLE_SUPERVISOR)
        plan = supervisor.plan()
        self.assertEqual(plan["revision"], self.center.revision())
        self.assertEqual([r["name"] for r in plan["resources"]], ["s"])
        self.assertEqual(plan["resources"][0]["spec"]["serve"]["program"], ["/bin/true", "-x"])
        self.center.put({"kind": "Interface", "metadata": {"name": "libx"}, "spec": {
            "text": "f, i32|a, i32\n", "soname": "libx.so.1", "hash": "0" * 16}})
        plan = supervisor.plan()
        self.assertEqual(plan["interfaces"][0]["spec"]["soname"], "libx.so.1")
        self.assertNotIn("text", plan["interfaces"][0]["spec"])

    def test_a_large_plan_comes_in_parts(self):
        self.center.apply(*[resource(f"r{i}", "application", description="d" * 900)
                            for i in range(300)])
        plan = self.center.agent("", ROLE_SUPERVISOR).plan()
        self.assertEqual(len(plan["resources"]), 300)


class Reports(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.apply(resource("a", "application", "s"), resource("s", "service"))

    def observed(self):
        return self.center.ask("POST", "/apis/v1/explain",
                               {"caller": "a", "callee": "s"}).json["observed"]

    def stats(self, agent, calls, caller="a", callee="s"):
        agent.send(STATS, record("COUNT_ITEM", [
            record("CALLER", caller), record("CALLEE", callee), u64("CALLS", calls),
            u64("ERRORS", calls // 10), u64("BYTES", calls * 8)]))
        self.center.agent("a").view()  # a round trip: the frame before it is read

    def test_counts_are_cumulative_and_survive_a_reset(self):
        agent = self.center.agent("a")
        agent.view()
        self.stats(agent, 10)
        self.stats(agent, 30)
        self.assertEqual(self.observed(), {"calls": 30, "errors": 3, "bytes": 240})
        agent.close()
        again = self.center.agent("a")
        again.view()
        self.stats(again, 5)  # began anew
        self.assertEqual(self.observed()["calls"], 35)
        matrix = self.center.get("/apis/v1/matrix").json
        self.assertEqual(matrix["planes"]["observed"], [[0, 35], [0, 0]])
        self.assertEqual(matrix["planes"]["allowed"], [[0, 1], [0, 0]])

    def test_metrics_of_an_edge(self):
        agent = self.center.agent("a")
        self.stats(agent, 20)
        lines = self.center.get("/metrics").body.decode().splitlines()
        self.assertIn('rhodes_edge_calls_total{caller="a",callee="s"} 20', lines)
        self.assertIn('rhodes_edge_errors_total{caller="a",callee="s"} 2', lines)
        self.assertIn('rhodes_edge_bytes_total{caller="a",callee="s"} 160', lines)
        for line in lines:
            self.assertRegex(line, r"^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? \d+)$")

    def test_counts_survive_what_is_undone(self):
        agent = self.center.agent("a")
        agent.view()
        self.stats(agent, 10)
        self.center.ask("DELETE", "/apis/v1/resources/a?dryRun=true")
        self.center.put(resource("a", "application"), query="?dryRun=true")
        self.center.apply(resource("a", "application"), resource("z", "driver", "s"))
        self.assertEqual(self.observed()["calls"], 10)

    def test_the_callee_does_not_count_twice(self):
        caller, callee = self.center.agent("a"), self.center.agent("s")
        self.stats(caller, 10)
        self.stats(callee, 7)
        self.stats(callee, 70)
        self.assertEqual(self.observed()["calls"], 10)

    def test_instances_are_leases(self):
        agent = self.center.agent("s")
        agent.view()
        agent.send(INSTANCES, b"".join(
            record("INSTANCE_ITEM", [u64("INSTANCE", i), u32("PID", 100 + i)]) for i in (1, 2)))
        self.center.agent("s").view()
        self.assertEqual(self.ready(), ("True", "2 instances"))
        agents = self.center.get("/apis/v1/agents").json["items"]
        self.assertIn([{"instance": 1, "pid": 101}, {"instance": 2, "pid": 102}],
                      [a["instances"] for a in agents])
        agent.close()
        deadline = time.monotonic() + 10
        while self.ready()[0] == "True" and time.monotonic() < deadline:
            pass
        self.assertEqual(self.ready(), ("False", "no instance is up"))

    def ready(self):
        conditions = self.center.get("/apis/v1/resources/s").json["status"]["conditions"]
        return next((c["status"], c["message"]) for c in conditions if c["type"] == "Ready")


class Liars(CenterTest):
    """Each is told why and cut off; the center and the others go on."""

    def setUp(self):
        super().setUp()
        self.center.apply(resource("a", "application", "s"), resource("s", "service"))
        self.path = os.path.join(self.center.run, "link.sock")

    def stranger(self):
        link = Link(self.path, "", hello=False)
        self.addCleanup(link.close)
        return link

    def assert_dropped(self, link, code=None):
        error = None
        while (got := link.receive()) is not None:
            if got[0] == FRAME_ERROR:
                error = number(got[1], "CODE")
        if code is not None:
            self.assertEqual(error, code)
        self.assertEqual(self.center.get("/healthz").status, 200)

    def test_garbage(self):
        for data in (b"x", b"\0" * 24, os.urandom(200), frame(HELLO, b"", magic=1),
                     frame(HELLO, b"abc", length=4000), frame(HELLO, b"\1\0\0\0\xff\xff\xff\xff"),
                     frame(HELLO, u32("VERSION", 1)), frame(STATS), frame(99)):
            link = self.stranger()
            link.sock.send(data)
            self.assert_dropped(link)

    def test_other_version_and_role(self):
        for version, role, name, code in ((9, 4, "a", -1009), (1, 1, "a", -71), (1, 4, "", -71),
                                          (1, 4, "A!", -71), (1, 4, "x" * 64, -71)):
            link = self.stranger()
            link.send(HELLO, u32("VERSION", version) + u32("ROLE", role) +
                      record("RESOURCE", name))
            self.assert_dropped(link, code)

    def test_counts_for_others(self):
        agent = self.center.agent("a")
        agent.view()
        agent.send(STATS, record("COUNT_ITEM", [record("CALLER", "x"), record("CALLEE", "y"),
                                                u64("CALLS", 1)]))
        self.assert_dropped(agent, -1011)

    def test_broken_reports(self):
        for kind, payload in (
                (STATS, record("COUNT_ITEM", b"\1")),
                (STATS, record("COUNT_ITEM", [record("CALLER", "a"), record("CALLEE", "s"),
                                              u32("CALLS", 1)])),
                (INSTANCES, record("INSTANCE_ITEM", [u64("INSTANCE", 1)])),
                (INSTANCES, b"\1\2\3"),
                (INSTANCES, b"".join(record("INSTANCE_ITEM", [u64("INSTANCE", i), u32("PID", 1)])
                                     for i in range(257))),
                (HELLO, u32("VERSION", 1))):
            agent = self.center.agent("a")
            agent.view()
            agent.send(kind, payload)
            self.assert_dropped(agent)

    def test_descriptors_are_not_kept(self):
        agent = self.center.agent("a")
        agent.view()
        folder = f"/proc/{self.center.process.pid}/fd"
        if not os.access(folder, os.R_OK):
            self.skipTest("the center's descriptors may not be listed")
        before = len(os.listdir(folder))
        reader, writer = os.pipe()
        for _ in range(50):
            try:
                socket.send_fds(agent.sock, [frame(STATS)], [reader, writer])
            except PermissionError:  # nobody may, where the kernel can say so
                agent.send(STATS, b"")
        self.center.agent("a").view()
        self.assertLessEqual(len(os.listdir(folder)), before + 2)

    def test_nobody_hands_over_a_descriptor(self):
        """Whoever closes one last may have to wait for as long as its sender likes."""
        for name, kind in (("link.sock", socket.SOCK_SEQPACKET),
                           ("center.sock", socket.SOCK_STREAM)):
            with self.subTest(name), socket.socket(socket.AF_UNIX, kind) as sock:
                try:
                    sock.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS)
                except OSError:
                    self.skipTest("this kernel lets descriptors through to everybody")
                sock.connect(os.path.join(self.center.run, name))
                with self.assertRaises(PermissionError):
                    socket.send_fds(sock, [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], [0])

    def test_another_user(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        os.chmod(self.center.folder, 0o755)
        os.chmod(self.center.run, 0o755)
        pid = os.fork()
        if pid == 0:
            code, link = 1, None
            try:
                os.setuid(65534)
                link = Link(self.path, "a")
                code = 0 if link.receive() is None else 2
            except (ConnectionResetError, BrokenPipeError):
                code = 0
            finally:
                if link:
                    link.close()
                os._exit(code)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)

    def test_a_peer_that_does_not_read_costs_only_itself(self):
        names = [f"{'n' * 50}_{i}" for i in range(1000)]
        self.center.apply(resource("hub", "application", *names))
        slow = self.center.agent("hub")
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        quick = self.center.agent("a")
        quick.view()
        for i in range(30):  # each changes the hub's view, 250 KiB
            use = ("shm", "msgqueue")[i % 2]
            answer = self.center.apply(
                rule("h", protocol={"edge": ["hub", names[0]], "use": use}),
                rule("p", protocol={"edge": ["a", "s"], "use": use}))
            self.assertEqual(answer.status, 200)
            self.assertEqual(quick.view().protocol("a", "s"), use)
        agents = self.center.get("/apis/v1/agents").json["items"]
        pending = {a["resource"]: a["pendingBytes"] for a in agents}
        self.assertLess(pending["hub"], 1 << 20)
        self.assertGreater(pending["hub"], 0)
        self.assertEqual(pending["a"], 0)
        views = 1  # it reads at last: the newest comes, not all
        while slow.view().revision < self.center.revision():
            views += 1
        self.assertLess(views, 30)


if __name__ == "__main__":
    main()
