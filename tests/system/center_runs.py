#!/usr/bin/python3
"""How rules of code do where they run, and what they say, as agents tell the center."""
import time

from center_lib import (FRAME_ERROR, STATS, CenterTest, main, record, resource, rule, text, u32,
                        u64)

RULE_STATS, RULE_LOG = 136, 137
KINDS = ["trap", "timeout", "fuel", "memory", "value", "resting", "missed"]
EIDENT, EPROTO = -1011, -71
LINES, RULES = 256, 128


def item(caller, callee, name, revision=1, calls=0, took=0, failures=(), instances=1, dropped=0,
         is_over=0):
    return record("ITEM", [
        record("CALLER", caller), record("CALLEE", callee) if callee else b"",
        record("RULE", name), u64("REVISION", revision), u64("CALLS", calls), u64("TOOK", took),
        *(u64("ERRORS", count) for count in failures), u32("COUNT", instances),
        u64("BYTES", dropped), u32("LAST", is_over)])


def line(caller, callee, name, words, ago_s=0):
    return record("ITEM", [
        record("CALLER", caller), record("CALLEE", callee) if callee else b"",
        record("RULE", name), u64("TIME", time.monotonic_ns() - ago_s * 10**9),
        record("TEXT", words)])


class Runs(CenterTest):
    def setUp(self):
        super().setUp()
        self.center.apply(
            resource("a", "application", "s"), resource("s", "service"),
            *(rule(name, limits={"edge": [caller, callee], "calls": 3}) for name, caller, callee
              in (("r", "a", "s"), ("q", "a", "*"))))

    def agent(self, name):
        agent = self.center.subscriber(name)
        agent.take()
        return agent

    def runs(self, name=None, count=None):
        """When the center has heard what was told: it reads it in its own time."""
        path = f"/apis/v1/rules/{name}/runs" if name else "/apis/v1/runs"
        for _ in range(2000):
            answer = self.center.get(path)
            self.assertEqual(answer.status, 200, answer.body)
            items = answer.json["items"]
            if count is None or len(items) == count:
                return items
        self.fail(f"{items}")

    def until(self, read, wanted):
        for _ in range(5000):
            if (value := read()) == wanted:
                return
        self.assertEqual(value, wanted)

    def test_the_latest_of_each_place(self):
        agent, other = self.agent("a"), self.agent("s")
        agent.send(RULE_STATS, item("a", "s", "r", 7, 100, 5000, range(1, 8), 2, 9) +
                   item("a", "", "q", 8, 3))
        other.send(RULE_STATS, item("a", "s", "r", 7, 50))
        self.runs(count=3)
        found, = [run for run in self.runs("r") if run["agent"] == "a"]
        told_at = found.pop("toldAt")
        self.assertRegex(told_at, r"^20\d\d-")
        self.assertEqual(found, {
            "agent": "a", "rule": "r", "edge": ["a", "s"], "revision": 7, "state": "running",
            "calls": 100, "ns": 5000, "failures": dict(zip(KINDS, range(1, 8))), "instances": 2,
            "linesDropped": 9, "differences": 0})
        self.assertEqual([(run["resource"], run["failures"]["trap"]) for run in self.runs("q")],
                         [("a", 0)])
        agent.send(RULE_STATS, item("a", "s", "r", 8, 101))
        self.until(lambda: sorted(run["calls"] for run in self.runs("r")), [50, 101])
        agent.send(RULE_STATS, item("a", "s", "r", 8, 101, is_over=1))
        self.until(lambda: [run["agent"] for run in self.runs("r")], ["s"])
        # An agent that goes is away, and tells all anew when it is back.
        agent.close()
        self.until(lambda: {run["agent"]: run["state"] for run in self.runs()},
                   {"a": "away", "s": "running"})
        self.agent("a")
        self.until(lambda: [run["agent"] for run in self.runs()], ["s"])
        self.center.ask("DELETE", "/apis/v1/rules/r")
        self.assertEqual(self.runs(), [])
        self.assert_problem(self.center.get("/apis/v1/rules/r/runs"), 404, "ENOENT")
        self.assert_problem(self.center.get("/apis/v1/rules/r/log"), 404, "ENOENT")

    def test_liars_are_sent_away(self):
        cut = item("a", "s", "r")[:-1]
        for kind, payload, code in (
                (RULE_STATS, item("s", "x", "r"), EIDENT),
                (RULE_LOG, line("x", "", "r", "text"), EIDENT),
                (RULE_STATS, record("ITEM", [record("CALLER", "a")]), EPROTO),
                (RULE_STATS, record("ITEM", [record("CALLER", "a"), record("RULE", "r")]), EPROTO),
                (RULE_STATS, record("ITEM", [record("CALLER", "a"), record("RULE", "r" * 70)]), EPROTO),
                (RULE_STATS, cut, EPROTO), (RULE_LOG, record("ITEM", [record("CALLER", "a"),
                                                             record("RULE", "r")]), EPROTO),
                (RULE_LOG, line("a", "s", "r", "x" * 201), EPROTO)):
            agent = self.agent("a")
            agent.send(kind, payload)
            while (got := agent.receive())[0] != FRAME_ERROR:
                pass
            self.assertEqual(int.from_bytes(dict(got[1])[1], "little", signed=True), code,
                             text(got[1], "TEXT"))
        self.assertEqual(self.runs(), [])
        # What a later agent says more is not understood, and no error.
        agent = self.agent("a")
        agent.send(RULE_STATS, item("a", "s", "r", failures=[1] * 9) + u32("FLAGS", 1))
        self.assertEqual(self.runs(count=1)[0]["failures"], dict.fromkeys(KINDS, 1))
        # An earlier one knows fewer kinds.
        agent.send(RULE_STATS, item("a", "s", "r", calls=1, failures=[2] * 6))
        self.until(lambda: self.runs()[0]["failures"],
                   {**dict.fromkeys(KINDS, 2), "missed": 0})

    def log(self, name="r", query=""):
        answer = self.center.get(f"/apis/v1/rules/{name}/log{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json["items"], answer.json["missed"]

    def test_the_last_lines_of_a_rule(self):
        agent = self.agent("a")
        self.assertEqual(self.log(), ([], 0))
        agent.send(RULE_LOG, line("a", "s", "r", "first \x1b[1m\u00e9", ago_s=3600) +
                   line("a", "s", "q", "another's") + line("a", "s", "gone", "nobody's"))
        agent.send(RULE_LOG, line("a", "s", "r", "second"))
        self.until(lambda: len(self.log()[0]), 2)
        (first, second), missed = self.log()
        self.assertEqual((first["text"], first["agent"], missed), ("first ?[1m??", "a", 0))
        self.assertLess(first["time"][:14], second["time"][:14])
        self.assertEqual(second["number"], first["number"] + 1)
        self.assertEqual(self.log(query=f"?after={first['number']}"), ([second], 0))
        self.assertEqual(self.log(query=f"?after={second['number']}"), ([], 0))
        self.assertEqual(self.log(query="?after=999999"), ([], 0))
        self.assertEqual(self.log(query="?limit=1"), ([second], 1))
        self.assert_problem(self.center.get("/apis/v1/rules/r/log?limit=999"), 400, "EINVAL")
        for start in range(0, 300, 50):
            agent.send(RULE_LOG, b"".join(line("a", "s", "r", f"n{start + i}") for i in range(50)))
        self.until(lambda: self.log()[0][-1]["text"], "n299")
        items, missed = self.log()
        self.assertEqual((len(items), missed, items[0]["text"]), (LINES, 46, "n44"))
        numbers = [one["number"] for one in items]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + LINES)))
        self.assertEqual(self.log(query=f"?after={second['number']}")[1], 44)
        self.assertEqual(self.log("q")[0][0]["text"], "another's")

    def test_the_rule_that_was_silent_for_longest_makes_room(self):
        names = [f"r{i}" for i in range(RULES + 1)]
        self.center.apply(resource("b", "application", *[f"s{i}" for i in range(RULES + 1)]))
        self.center.apply(*(rule(name, limits={"edge": ["b", f"s{i}"], "calls": 1})
                            for i, name in enumerate(names)))
        agent = self.agent("b")
        for name in names[:-1]:
            agent.send(RULE_LOG, line("b", "", name, "first", ago_s=10))
        agent.send(RULE_LOG, line("b", "", "r0", "later"))
        self.until(lambda: len(self.log("r0")[0]), 2)
        agent.send(RULE_LOG, line("b", "", names[-1], "new"))
        self.until(lambda: len(self.log(names[-1])[0]), 1)
        lost = [name for name in names if not self.log(name)[0]]
        self.assertEqual(len(lost), 1)
        self.assertNotIn(lost[0], ("r0", names[-1]))
        last = self.log("r0")[0][-1]["number"]
        agent.send(RULE_LOG, line("b", "", lost[0], "again"))
        self.until(lambda: len(self.log(lost[0])[0]), 1)
        self.assertGreater(self.log(lost[0])[0][0]["number"], last)  # no old number comes again


if __name__ == "__main__":
    main()
