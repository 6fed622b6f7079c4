#!/usr/bin/python3
"""Edges that the rules come to refuse: allowed until a deadline, which outlives the center,
then refused; healed when the rules allow them again."""
import json
import time
import unittest

from center_lib import CenterTest, first, main, number, resource, rule, text

ELAYER = -1001


class Revoking(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.apply(resource("a", "application", "s"), resource("s", "service"))

    def up_to_date(self, name):
        agent = self.center.subscriber(name)
        agent.take_until(self.center.revision())
        return agent

    def forbid(self, grace):
        table = {"allow": [], "grace": grace} if grace else {"allow": []}
        self.assertEqual(self.center.put(rule("hierarchy", hierarchy=table)).status, 200)

    def allow(self):
        self.assertEqual(self.center.put(rule("hierarchy", hierarchy={
            "allow": [["application", "service"]]})).status, 200)

    def conditions(self, name="a"):
        found = self.center.get(f"/apis/v1/resources/{name}").json["status"]["conditions"]
        return {c["type"]: c for c in found}

    def take_edge(self, agent):
        while True:
            _, keys = agent.take()
            if ("a", "s") in keys:
                return agent.edge("a", "s")

    def test_both_sides_see_a_deadline_then_the_refusal(self):
        ends = [self.up_to_date(name) for name in "as"]
        self.center.apply(resource("b", "application"))
        self.forbid("1s")
        now = time.monotonic_ns()
        for end in ends:
            edge = self.take_edge(end)
            self.assertEqual((number(edge, "VERDICT"), number(edge, "AFTER")), (0, ELAYER))
            self.assertLessEqual(number(edge, "DEADLINE"), now + 2 * 10**9)
            self.assertIn("an application may call nothing", text(edge, "TEXT"))
        for name in "as":
            seen = self.conditions(name)["EdgeRevoking"]
            self.assertIn("calls still pass until", seen["message"])
            self.assertEqual(seen["edge"], ["a", "s"])
        self.assertNotIn("EdgeRevoking", self.conditions("b"))
        for end in ends:
            edge = self.take_edge(end)
            self.assertEqual(number(edge, "VERDICT"), ELAYER)
            self.assertIsNone(first(edge, "DEADLINE"))
        self.assertIn("EdgeRefused", self.conditions())
        self.assertNotIn("EdgeRevoking", self.conditions("s"))
        entry = self.center.audit()[0]["entry"]
        self.assertEqual((entry["verb"], entry["result"], entry["name"], entry["edge"]),
                         ("revoke", "revoked", "a", ["a", "s"]))

    def test_taken_back_it_heals(self):
        agent = self.up_to_date("a")
        self.forbid("1h")
        self.assertIsNotNone(first(self.take_edge(agent), "DEADLINE"))
        self.allow()
        edge = self.take_edge(agent)
        self.assertEqual(number(edge, "VERDICT"), 0)
        self.assertIsNone(first(edge, "DEADLINE"))
        self.assertFalse({"EdgeRevoking", "EdgeRefused"} & set(self.conditions()))

    def test_without_grace_it_is_refused_at_once(self):
        agent = self.up_to_date("a")
        self.forbid("0s")
        self.assertEqual(number(self.take_edge(agent), "VERDICT"), ELAYER)

    def test_the_default_is_half_a_minute(self):
        agent = self.up_to_date("a")
        now = time.monotonic_ns()
        self.forbid(None)
        deadline = number(self.take_edge(agent), "DEADLINE")
        self.assertTrue(now + 29 * 10**9 < deadline < now + 60 * 10**9)

    def test_a_restart_keeps_the_deadline(self):
        agent = self.up_to_date("a")
        self.forbid("1h")
        before = number(self.take_edge(agent), "DEADLINE")
        self.center.kill()
        self.center.start()
        after = number(self.up_to_date("a").edge("a", "s"), "DEADLINE")
        self.assertLess(abs(before - after), 5 * 10**9)
        self.assertIn("EdgeRevoking", self.conditions())

    def test_what_ended_while_the_center_was_away_has_ended(self):
        self.forbid("1ms")
        self.center.kill()
        self.center.start()
        agent = self.up_to_date("a")
        while number(agent.edge("a", "s"), "VERDICT") == 0:
            agent.take()
        self.assertEqual(number(agent.edge("a", "s"), "VERDICT"), ELAYER)

    def test_a_type_that_changes_revokes_too(self):
        agent = self.up_to_date("a")
        self.center.put(resource("s", "application"))
        self.assertEqual(number(self.take_edge(agent), "AFTER"), ELAYER)

    def test_an_exception_that_is_deleted_revokes(self):
        self.center.put(rule("x", exception={"edge": ["s", "a"], "reason": "why not"}))
        self.assertEqual(self.center.put(resource("s", "service", "a")).status, 200)
        agent = self.up_to_date("s")
        self.center.ask("DELETE", "/apis/v1/rules/x")
        _, keys = agent.take()
        self.assertIn(("s", "a"), keys)
        self.assertEqual(number(agent.edge("s", "a"), "AFTER"), ELAYER)

    def test_a_dry_run_revokes_nothing(self):
        self.center.put(rule("hierarchy", hierarchy={"allow": []}), query="?dryRun=true")
        self.assertFalse({"EdgeRevoking", "EdgeRefused"} & set(self.conditions()))

    def test_a_removed_reference_ends_at_once(self):
        agent = self.up_to_date("a")
        self.center.put(resource("a", "application"))
        while ("a", "s") in agent.items:
            agent.take()

    def test_the_news_tell(self):
        connection = self.center.connect()
        self.addCleanup(connection.close)
        connection.request("GET", "/apis/v1/events")
        response = connection.getresponse()
        self.forbid("10ms")
        seen = []
        while "revoked" not in seen:
            line = json.loads(response.readline())
            if line.get("edge") == ["a", "s"]:
                seen.append(line["type"])
        self.assertEqual(seen, ["revoking", "revoked"])

    def test_what_is_no_grace(self):
        for grace in ("", "1", "soon", "25h", "-1s", "1d"):
            answer = self.center.put(rule("hierarchy", hierarchy={"allow": [], "grace": grace}))
            self.assert_problem(answer, 400, "EINVAL")
            self.assertEqual(answer.json["pointer"], "/spec/hierarchy/grace")


if __name__ == "__main__":
    main()
