#!/usr/bin/python3
"""Rules that come step by step: in a stable order, as far as the agents' word lets them; stopped,
rolled back, paused, resumed, undone; in the middle of which the center may be killed."""
import json
import resource as limits
import unittest

from center_lib import (BOOKMARK, REJECTED, STATS, CenterTest, first, main, number, record, records,
                        resource, result_item, rule, text, u64)

EPERM = -1


def staged(use, *steps, edge=("*", "s"), **plan):
    """The rule r."""
    plan.setdefault("wait", "0s")
    return rule("r", protocol={"edge": list(edge), "use": use,
                               "rollout": {"steps": list(steps), **plan}})


def plain(use, edge=("*", "s")):
    return rule("r", protocol={"edge": list(edge), "use": use})


class Fleet(CenterTest):
    """Callers a00, a01, ... of the service s, each with an agent that obeys."""

    size = 20

    def setUp(self):
        super().setUp()
        self.names = [f"a{i:02}" for i in range(self.size)]
        self.center.apply(resource("s", "service"),
                          *(resource(name, "application", "s") for name in self.names))
        self.agents = {}
        self.rejects = set()

    def join(self, *names):
        for name in names or (*self.names, "s"):
            agent = self.center.subscriber(name)
            agent.take_until(self.center.revision())
            agent.result(agent.revision)
            self.agents[name] = agent

    def leave(self):
        for agent in self.agents.values():
            agent.close()
        self.agents = {}

    def obey(self, agent):
        """Takes one delta or snapshot and settles it, but for edges in self.rejects."""
        quiet = 0
        kind, keys = agent.take()
        while kind == BOOKMARK:  # one in five seconds
            quiet += 1
            self.assertLess(quiet, 6, f"{agent.resource} hears nothing")
            kind, keys = agent.take()
        items = [result_item(key, agent.items[key][0], REJECTED, EPERM, "not in this test")
                 for key in keys if key in agent.items and (agent.resource, key) in self.rejects]
        agent.result(agent.revision, *items)
        return keys

    def show(self, rule_name="r"):
        return self.center.get(f"/apis/v1/rollouts/{rule_name}").json

    def order(self, verb, query=""):
        return self.center.ask("POST", f"/apis/v1/rollouts/r/{verb}{query}")

    def news(self):
        """A function that waits for the next event of the roll-out: (state, step)."""
        connection = self.center.connect()
        self.addCleanup(connection.close)
        connection.request("GET", "/apis/v1/events")
        response = connection.getresponse()

        def next_event():
            quiet = 0
            while quiet < 6:  # bookmarks, one in five seconds
                line = json.loads(response.readline())
                if line["type"] == "rollout":
                    return line["state"], line["step"]
                quiet += line["type"] == "bookmark"
            raise TimeoutError(self.show())
        return next_event

    def using(self, name):
        return self.agents[name].protocol(name, "s")

    def reached(self, use="shm"):
        """Who has it, as the agents of the callers hold it."""
        return {name for name in self.names if self.using(name) == use}

    def settle(self):
        """Lets the agents of the edges that changed obey; returns whose they were."""
        callee = self.agents["s"]
        keys = self.obey(callee)
        for key in keys:
            while self.agents[key[0]].items.get(key) != callee.items.get(key):
                self.obey(self.agents[key[0]])
        return {caller for caller, _ in keys}


class Steps(Fleet):
    def test_each_step_reaches_what_it_says_and_those_before(self):
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()
        self.center.put(staged("shm", 1, "25%", "100%"))
        seen = []
        for count in (1, 5, 20):
            self.settle()
            seen.append(self.reached())
            self.assertEqual(len(seen[-1]), count)
        self.assertTrue(seen[0] < seen[1] < seen[2])
        self.assertEqual(self.show()["edges"]["total"], 20)

    def test_the_order_is_the_same_in_another_system(self):
        self.join()
        self.center.put(staged("shm", 3, "100%"))
        self.assertEqual(self.settle(), {"a02", "a09", "a19"})

    def test_it_waits_for_the_last_agent(self):
        self.join()
        follow = self.news()
        self.center.put(staged("shm", 2, "100%"))
        self.assertEqual(follow(), ("running", 1))
        keys = self.obey(self.agents["s"])
        early, last = (key[0] for key in keys)
        self.obey(self.agents[early])
        shown = self.show()
        self.assertEqual((shown["step"], shown["edges"]["reached"], shown["edges"]["settled"]),
                         (1, 2, 1))
        self.assertIn(last, shown["message"])
        self.obey(self.agents[last])
        self.assertEqual(follow(), ("running", 2))
        self.settle()
        self.assertEqual(follow(), ("done", 2))
        self.assertEqual(self.show()["state"], "done")

    def test_an_edge_that_comes_meanwhile_has_its_place(self):
        self.join()
        self.center.put(staged("shm", "50%", "100%", wait="1h"))
        self.settle()
        before = self.reached()
        self.center.put(resource("late", "application", "s"))
        self.join("late")
        self.obey(self.agents["s"])
        self.assertEqual(self.reached(), before)
        self.assertIn(self.using("late"), ("shm", "bind"))
        self.assertEqual(self.show()["edges"]["total"], 21)

    def test_without_edges_it_is_done(self):
        follow = self.news()
        self.center.put(staged("shm", 1, "100%", edge=("nobody", "*")))
        self.assertEqual(follow(), ("done", 0))

    def test_a_rule_that_moves_to_another_edge(self):
        self.join("a00", "a01", "s")
        self.center.put(plain("shm", edge=("a00", "s")))
        self.obey(self.agents["s"])
        self.obey(self.agents["a00"])
        self.center.put(staged("msgqueue", 1, "100%", edge=("a01", "s"), wait="1h"))
        self.obey(self.agents["s"])
        uses = {name: self.agents["s"].protocol(name, "s") for name in ("a00", "a01")}
        self.assertIn(uses, ({"a00": "bind", "a01": "bind"}, {"a00": "shm", "a01": "msgqueue"}))
        self.assertEqual(self.show()["edges"]["total"], 2)


class Stops(Fleet):
    def setUp(self):
        super().setUp()
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()

    def reject(self, name):
        """That caller's agent will refuse its edge to s."""
        self.rejects.add((name, (name, "s")))

    def test_a_reject_rolls_back_and_says_why(self):
        self.reject("a19")
        follow = self.news()
        self.center.put(staged("shm", 3, "100%", rollback=True))
        self.assertEqual(follow(), ("running", 1))
        self.settle()
        self.assertEqual(follow(), ("rolled-back", 0))
        self.settle()
        self.assertEqual(self.reached("msgqueue"), set(self.names))
        shown = self.show()
        self.assertEqual((shown["state"], shown["failed"], shown["former"], shown["generation"]),
                         ("rolled-back", 2, 1, 3))
        for word in ("a19 -> s is rejected", "agent of a19", "EPERM", "not in this test"):
            self.assertIn(word, shown["reason"])
        stored = self.center.get("/apis/v1/rules/r").json
        self.assertEqual(stored["spec"], plain("msgqueue")["spec"])
        entries = [e["entry"] for e in self.center.audit() if e["entry"]["name"] == "r"]
        self.assertEqual((entries[0]["verb"], entries[0]["channel"]), ("rollback", "center"))

    def test_without_rollback_it_stands_still(self):
        self.reject("a19")
        follow = self.news()
        self.center.put(staged("shm", 3, "100%"))
        follow()
        self.settle()
        self.assertEqual(follow(), ("stopped", 1))
        self.assertEqual(self.show()["edges"]["reached"], 3)
        self.assertEqual(self.center.get("/apis/v1/rules/r").json["metadata"]["generation"], 2)

    def test_resumed_it_is_sent_again_to_those_that_rejected_it(self):
        self.reject("a19")
        follow = self.news()
        self.center.put(staged("shm", 3, "100%"))
        follow()
        self.settle()
        self.assertEqual(follow(), ("stopped", 1))
        for _ in range(2):  # and is stopped again, for it still cannot obey
            self.order("resume")
            self.assertEqual(follow(), ("running", 1))
            self.assertEqual(self.settle(), {"a19"})
            self.assertEqual(follow(), ("stopped", 1))
            self.assertEqual(self.show()["edges"]["reached"], 3)
        self.rejects.clear()
        self.order("resume")
        self.assertEqual(follow(), ("running", 1))
        self.assertEqual(self.settle(), {"a19"})
        self.assertEqual(follow(), ("running", 2))
        self.assertEqual(self.settle(), set(self.names) - {"a02", "a09", "a19"})
        self.assertEqual(follow(), ("done", 2))
        self.assertEqual(self.reached(), set(self.names))

    def test_undone_and_applied_again_it_is_tried_again(self):
        self.reject("a19")
        follow = self.news()
        wanted = staged("shm", 3, "100%")
        self.center.put(wanted)
        follow()
        self.settle()
        self.assertEqual(follow(), ("stopped", 1))
        self.order("undo")
        self.assertEqual(follow(), ("undone", 0))
        self.rejects.clear()
        self.assertEqual(self.settle(), {"a02", "a09", "a19"})
        self.center.put(wanted)
        self.assertEqual(follow(), ("running", 1))
        self.assertEqual(self.settle(), {"a02", "a09", "a19"})
        self.assertEqual(follow(), ("running", 2))

    def test_as_many_rejects_as_allowed(self):
        self.reject("a19")
        follow = self.news()
        self.center.put(staged("shm", 3, "100%", maxReject=1))
        for expected in (("running", 1), ("running", 2), ("done", 2)):
            self.assertEqual(follow(), expected)
            if expected[0] == "running":
                self.settle()
        self.assertEqual(self.show()["edges"]["rejected"], 1)

    def test_a_rule_that_is_new_goes_back_to_none(self):
        self.center.ask("DELETE", "/apis/v1/rules/r")
        self.settle()
        self.reject("a19")
        follow = self.news()
        self.center.put(staged("shm", 3, "100%", rollback=True))
        follow()
        self.settle()
        self.assertEqual(follow(), ("rolled-back", 1))
        self.settle()
        self.assertEqual(self.reached("bind"), set(self.names))
        shown = self.show()
        self.assertEqual((shown["generation"], shown["edges"]["reached"]), (1, 0))
        self.assertNotIn("former", shown)
        self.rejects.clear()
        self.assertEqual(self.order("resume").json["state"], "running")
        self.settle()
        self.settle()
        self.assertEqual(self.reached(), set(self.names))

    def count(self, name, calls, errors):
        self.agents[name].send(STATS, record("COUNT_ITEM", [
            record("CALLER", name), record("CALLEE", "s"), u64("CALLS", calls),
            u64("ERRORS", errors), u64("BYTES", 0)]))

    def test_errors_over_the_rate_roll_back(self):
        self.count("a02", 1000, 900)  # of before
        self.count("a00", 1000, 900)  # of an edge that is not reached
        follow = self.news()
        self.center.put(staged("shm", 3, "100%", wait="1h", maxErrorRate=0.05, rollback=True))
        follow()
        self.settle()
        self.count("a02", 1100, 905)
        self.count("a00", 3000, 2900)
        self.assertEqual(self.show()["state"], "running")
        self.count("a02", 1100, 906)
        self.assertEqual(follow(), ("rolled-back", 0))
        self.assertIn("6 of 100 calls failed in step 1, maxErrorRate is 0.05",
                      self.show()["reason"])

    def test_each_step_counts_anew(self):
        follow = self.news()
        self.center.put(staged("shm", 3, "100%", maxErrorRate=0.05))
        follow()
        self.count("a02", 1, 1)
        self.settle()
        self.assertEqual(follow(), ("running", 2))
        self.count("a02", 2, 2)
        self.settle()
        self.assertEqual(follow(), ("done", 2))

    def test_the_first_error_of_few_calls_is_no_rate(self):
        follow = self.news()
        self.center.put(staged("shm", 3, "100%", wait="1h", maxErrorRate=0.05))
        follow()
        self.settle()
        self.count("a02", 1, 1)
        self.count("a02", 2, 1)
        self.assertEqual(self.show()["state"], "running")
        self.count("a02", 3, 2)
        self.assertEqual(follow(), ("stopped", 1))


class Orders(Fleet):
    def setUp(self):
        super().setUp()
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()

    def test_paused_it_stands_still_until_it_is_resumed(self):
        follow = self.news()
        self.center.put(staged("shm", 1, "50%", "100%"))
        self.assertEqual(follow(), ("running", 1))
        self.assertEqual(self.order("pause").json["state"], "paused")
        self.assertEqual(self.order("pause").status, 200)
        self.settle()
        self.assertEqual(follow(), ("paused", 1))
        self.assertEqual(len(self.reached()), 1)
        self.assertEqual(self.order("resume").json["state"], "running")
        self.assertEqual((follow(), follow()), (("running", 1), ("running", 2)))
        self.settle()
        self.assertEqual(len(self.reached()), 10)

    def test_undone_in_the_middle(self):
        self.center.put(staged("shm", 5, "100%", wait="1h"))
        self.settle()
        answer = self.order("undo")
        self.assertEqual((answer.json["state"], answer.json["generation"]), ("undone", 3))
        self.settle()
        self.assertEqual(self.reached("msgqueue"), set(self.names))
        self.assert_problem(self.order("undo"), 409, "ECANCELED", "undone", "generation")
        self.assert_problem(self.order("resume"), 409, "ECANCELED", "undone",
                            "apply what generation 2 said")

    def test_undone_when_it_was_everywhere_at_once(self):
        self.center.put(plain("shm"))
        self.settle()
        self.assertEqual(self.order("undo").json["state"], "unstaged")
        self.settle()
        self.assertEqual(self.reached("msgqueue"), set(self.names))

    def test_back_to_a_generation(self):
        for use in ("shm", "semaphore", "bind"):
            self.center.put(plain(use))
        self.assertEqual(self.order("undo", "?to=2").json["generation"], 5)
        self.assertEqual(self.center.get("/apis/v1/rules/r").json["spec"], plain("shm")["spec"])
        self.assert_problem(self.order("undo", "?to=77"), 404, "ENOENT", "77", "is at 5")
        self.assert_problem(self.order("undo", "?to=5"), 404, "ENOENT", "5", "says now")

    def test_what_was_cannot_be_again(self):
        """Another rule has taken its place meanwhile."""
        def of(name, use, edge, **more):
            return rule(name, protocol={"edge": edge, "use": use, **more})
        self.center.put(of("q", "shm", ["a00", "s"]))
        self.center.put(of("q", "shm", ["a01", "s"]))
        self.center.put(of("taker", "semaphore", ["a00", "s"]))
        before = self.center.get("/apis/v1/rules/q").json
        answer = self.center.ask("POST", "/apis/v1/rollouts/q/undo")
        self.assert_problem(answer, 409, "EEXIST", "taker", "a00 -> s")
        self.assertEqual(self.center.get("/apis/v1/rules/q").json["spec"], before["spec"])
        self.center.put(of("q", "shm", ["a02", "s"]))
        self.center.put(of("other", "bind", ["a01", "s"]))
        follow = self.news()
        self.rejects.add(("a03", ("a03", "s")))
        self.center.put(of("q", "semaphore", ["a03", "s"], rollout={
            "steps": ["100%"], "wait": "0s", "rollback": True}))
        self.assertEqual(follow(), ("running", 1))
        answer = self.center.put(of("q2", "bind", ["a02", "s"]))
        while self.agents["s"].revision < answer.json["metadata"]["revision"]:
            self.settle()
        self.assertEqual(follow(), ("stopped", 1))
        shown = self.show("q")
        for word in ("a03 -> s is rejected", "cannot be rolled back", "q2"):
            self.assertIn(word, shown["reason"])

    def test_the_hierarchy_and_exceptions_go_back_too(self):
        self.center.put(rule("hierarchy", hierarchy={"allow": [], "grace": "0s"}))
        self.assertEqual(self.center.get("/apis/v1/can-i?caller=a00&callee=s").json["allowed"],
                         False)
        answer = self.center.ask("POST", "/apis/v1/rollouts/hierarchy/undo")
        self.assertEqual((answer.status, answer.json["state"]), (200, "unstaged"))
        self.assertEqual(self.center.get("/apis/v1/can-i?caller=a00&callee=s").json["allowed"],
                         True)

    def test_back_to_what_it_is_already(self):
        """It says the same, and is everywhere at once from then on, also after a restart."""
        self.center.put(staged("shm", 5, "100%", wait="1h"))
        self.center.put(plain("bind"))
        self.center.put(staged("shm", 5, "100%", wait="1h"))
        answer = self.order("undo", "?to=2")
        self.assertEqual((answer.status, answer.json["state"]), (200, "undone"))
        self.center.kill()
        self.center.start()
        self.assertEqual(self.show()["state"], "undone")
        agent = self.center.subscriber("a00")
        agent.take()
        self.assertEqual(agent.protocol("a00", "s"), "shm")

    def test_the_history_keeps_ten(self):
        for i in range(13):
            self.center.put(plain(("shm", "semaphore")[i % 2]))
        items = self.center.get("/apis/v1/rollouts/r/history").json["items"]
        self.assertEqual([item["generation"] for item in items], list(range(14, 3, -1)))
        self.assertEqual(items[1]["spec"], plain("semaphore")["spec"])
        self.center.ask("DELETE", "/apis/v1/rules/r")
        self.center.put(plain("bind"))
        items = self.center.get("/apis/v1/rollouts/r/history").json["items"]
        self.assertEqual([item["generation"] for item in items], [1])

    def test_what_cannot_be_done(self):
        for verb in ("pause", "resume", "undo"):
            answer = self.center.ask("POST", f"/apis/v1/rollouts/none/{verb}")
            self.assert_problem(answer, 404, "ENOENT", "none")
        self.assert_problem(self.order("pause"), 409, "ECANCELED", "step by step")
        self.assert_problem(self.order("undo"), 404, "ENOENT", "no former generation")
        self.assert_problem(self.order("undo", "?to=x"), 400, "EINVAL")
        self.assertEqual(self.center.get("/apis/v1/rollouts/none").status, 404)
        self.assertEqual(self.center.get("/apis/v1/rollouts/none/history").status, 404)

    def test_put_again_before_it_is_over(self):
        self.center.put(staged("shm", 5, "100%", wait="1h"))
        early = self.settle()
        self.center.put(staged("semaphore", 2, "100%", wait="1h"))
        while self.reached("semaphore") == set() or self.reached("shm"):
            self.settle()
        self.assertLess(self.reached("semaphore"), early)
        self.assertEqual(len(self.reached("msgqueue")), 18)
        self.assertEqual(self.show()["former"], 1)

    def test_only_its_plan_changes(self):
        self.center.put(staged("shm", 5, "100%", wait="1h"))
        self.settle()
        before = self.reached()
        self.center.put(staged("shm", 5, "50%", "100%"))
        self.settle()
        self.assertLess(before, self.reached())
        self.assertEqual(len(self.reached()), 10)

    def test_put_without_a_rollout_it_is_everywhere(self):
        self.center.put(staged("shm", 5, "100%", wait="1h"))
        self.settle()
        self.center.put(plain("shm"))
        self.settle()
        self.assertEqual(self.reached(), set(self.names))
        self.assertEqual(self.show()["state"], "unstaged")


class DryRun(Fleet):
    def changes(self, *objects):
        """(before, after, step) by edge, of what a dry run says."""
        before = self.center.revision()
        answer = self.center.apply(*objects, query="?dryRun=true").json
        self.assertEqual(self.center.revision(), before)

        def word(side):
            return side.get("protocol") if side["verdict"] == "OK" else side["verdict"]
        return {tuple(e["edge"]): (word(e["before"]), word(e["after"]), e.get("step"))
                for e in answer["edges"]}

    def test_which_edges_would_change_in_which_step(self):
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()
        told = self.changes(staged("shm", 1, "25%", "100%"))
        self.assertEqual(set(told), {(name, "s") for name in self.names})
        steps = {step: {c for (c, _), t in told.items() if t == ("msgqueue", "shm", step)}
                 for step in (1, 2, 3)}
        self.assertEqual([len(steps[i]) for i in (1, 2, 3)], [1, 4, 15])
        self.assertEqual(self.show()["state"], "unstaged")
        self.center.put(staged("shm", 1, "25%", "100%", wait="1h"))
        self.settle()
        self.assertEqual(self.reached(), steps[1])

    def test_at_once(self):
        self.assertEqual(self.changes(plain("shm", ("a00", "s"))),
                         {("a00", "s"): ("bind", "shm", None)})
        self.assertEqual(self.changes(plain("bind", ("a00", "s"))), {})

    def test_other_objects(self):
        self.assertEqual(self.changes(resource("new", "application", "s")),
                         {("new", "s"): ("ENOEDGE", "bind", None)})
        self.assertEqual(self.changes(resource("a00", "application")),
                         {("a00", "s"): ("bind", "ENOEDGE", None)})
        told = self.changes(rule("hierarchy", hierarchy={"allow": []}))
        self.assertEqual(len(told), self.size)
        self.assertEqual(told[("a07", "s")], ("bind", "ELAYER", None))

    def test_what_is_left_out_is_not_noted(self):
        self.join("a00", "s")
        self.changes(plain("shm"))
        self.center.put(resource("other", "driver"))  # a change of others
        for agent in self.agents.values():
            agent.sock.settimeout(0.2)
            self.assertRaises(TimeoutError, agent.take)

    def test_a_refusal_leaves_it_as_it_was(self):
        answer = self.center.apply(plain("shm"), resource("s", "service", "a00"),
                                   query="?dryRun=true")
        self.assert_problem(answer, 403, "ELAYER")
        self.join("a00")
        self.center.put(plain("shm"))
        self.agents["a00"].take()
        self.assertEqual(self.using("a00"), "shm")


class Killed(Fleet):
    def restart(self):
        self.leave()
        self.center.kill()
        self.center.start()
        self.join()

    def test_killed_in_the_middle_it_goes_on(self):
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()
        self.center.put(staged("shm", 3, "50%", "100%", wait="50ms"))
        self.settle()
        before = self.reached()
        self.restart()
        self.assertLessEqual(before, self.reached())
        while len(self.reached()) < self.size:
            self.settle()
        follow = self.news()
        while self.show()["state"] == "running":
            follow()
        self.assertEqual(self.show()["state"], "done")

    def test_what_was_decided_is_remembered(self):
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()
        self.center.put(staged("shm", 3, "100%", wait="1h"))
        self.settle()
        self.order("pause")
        reached = self.reached()
        self.restart()
        shown = self.show()
        self.assertEqual((shown["state"], shown["step"], shown["former"]), ("paused", 1, 1))
        self.assertEqual(self.reached(), reached)
        self.order("undo")
        self.restart()
        self.assertEqual(self.show()["state"], "undone")
        self.assertEqual(self.reached("msgqueue"), set(self.names))


class Limits(Fleet):
    def limit(self, name):
        """(calls, rule) as the agent of the caller holds it, and the protocol."""
        item = first(self.agents[name].edge(name, "s"), "LIMIT_ITEM")
        found = records(item) if item else None
        return found and (number(found, "COUNT"), text(found, "RULE")), self.using(name)

    def test_a_limit_reaches_both_ends_and_takes_bind_away(self):
        self.join("a00", "a01", "s")
        self.center.put(rule("few", limits={"edge": ["*", "s"], "calls": 7}))
        self.center.put(rule("one", limits={"edge": ["a01", "s"], "calls": 1}))
        self.center.put(rule("p", protocol={"edge": ["a01", "s"], "use": "msgqueue"}))
        for agent in self.agents.values():
            agent.take_until(self.center.revision())
        self.assertEqual(self.limit("a00"), ((7, "few"), "shm"))
        self.assertEqual(self.limit("a01"), ((1, "one"), "msgqueue"))
        self.assertEqual(self.agents["s"].items[("a01", "s")], self.agents["a01"].items[("a01",
                                                                                       "s")])
        answer = self.center.ask("POST", "/apis/v1/explain", {"caller": "a00", "callee": "s"})
        self.assertEqual((answer.json["limit"]["calls"], answer.json["limit"]["rule"]),
                         (7, "few"))
        self.assertEqual(answer.json["protocol"]["use"], "shm")
        self.center.ask("DELETE", "/apis/v1/rules/few")
        self.agents["a00"].take_until(self.center.revision())
        self.assertEqual(self.limit("a00"), (None, "bind"))

    def test_step_by_step_and_back(self):
        self.join()
        self.center.put(rule("r", limits={"edge": ["*", "s"], "calls": 9}))
        self.settle()
        self.rejects.add(("a02", ("a02", "s")))
        follow = self.news()
        self.center.put(rule("r", limits={"edge": ["*", "s"], "calls": 3, "rollout": {
            "steps": [3, "100%"], "wait": "0s", "rollback": True}}))
        self.assertEqual(follow(), ("running", 1))
        self.settle()
        calls = [self.limit(name)[0][0] for name in self.names]
        self.assertEqual((calls.count(3), calls.count(9)), (3, 17))
        self.assertEqual(follow(), ("rolled-back", 0))
        self.settle()
        self.assertEqual({self.limit(name)[0][0] for name in self.names}, {9})

    def test_a_rule_that_becomes_another_one(self):
        self.join()
        self.center.put(plain("msgqueue"))
        self.settle()
        self.center.put(rule("r", limits={"edge": ["*", "s"], "calls": 3, "rollout": {
            "steps": [3, "100%"], "wait": "1h"}}))
        self.settle()
        found = [self.limit(name) for name in self.names]
        self.assertEqual((found.count(((3, "r"), "shm")), found.count((None, "msgqueue"))),
                         (3, 17))
        self.leave()
        self.center.kill()
        self.center.start()
        self.join()
        self.assertEqual([self.limit(name) for name in self.names], found)
        self.order("undo")
        self.settle()
        self.assertEqual(self.reached("msgqueue"), set(self.names))

    def test_what_is_no_limit(self):
        for calls in (0, 65536, "3", None):
            answer = self.center.put(rule("r", limits={"edge": ["*", "s"], "calls": calls}))
            self.assert_problem(answer, 400, "EINVAL")
            self.assertEqual(answer.json["pointer"], "/spec/limits/calls")


class WithAFullDisk(Fleet):
    def fill(self, is_full):
        limits.prlimit(self.center.process.pid, limits.RLIMIT_FSIZE,
                       (1 if is_full else limits.RLIM_INFINITY, limits.RLIM_INFINITY))

    def test_it_says_why_it_does_not_go_on_and_goes_on_later(self):
        self.join()
        follow = self.news()
        self.center.put(staged("shm", 1, "100%"))
        self.assertEqual(follow(), ("running", 1))
        self.fill(True)
        self.settle()
        for _ in range(2000):  # it looks 10 ms after an agent's word
            if "it cannot go on" in self.show()["message"]:
                break
        self.assertIn("the disk is full", self.show()["message"])
        self.assertEqual(self.show()["step"], 1)
        self.assertEqual(self.order("pause").status, 507)
        self.assertEqual(self.show()["state"], "running")
        self.fill(False)
        self.order("pause")
        self.assertEqual(follow(), ("paused", 1))
        self.order("resume")
        self.assertEqual(follow(), ("running", 1))
        self.assertEqual(follow(), ("running", 2))
        self.assertNotIn("cannot go on", self.show()["message"])


class Patterns(CenterTest):
    def test_the_most_specific_wins(self):
        self.center.apply(*(resource(name, "application", "s", "t") for name in "ab"),
                          resource("s", "service"), resource("t", "service"))
        agents = {name: self.center.subscriber(name) for name in "ab"}
        rules = (("any", ["*", "*"], "msgqueue"), ("to_s", ["*", "s"], "shm"),
                 ("of_a", ["a", "*"], "semaphore"), ("a_t", ["a", "t"], "bind"))
        for name, edge, use in rules:
            answer = self.center.put(rule(name, protocol={"edge": edge, "use": use}))
            self.assertEqual(answer.status, 201)
        for agent in agents.values():
            agent.take_until(self.center.revision())
        found = {(c, s): agents[c].protocol(c, s) for c in "ab" for s in "st"}
        self.assertEqual(found, {("a", "s"): "semaphore", ("a", "t"): "bind",
                                 ("b", "s"): "shm", ("b", "t"): "msgqueue"})
        for name, use in (("a_t", "semaphore"), ("of_a", "msgqueue"), ("any", "bind")):
            self.center.ask("DELETE", f"/apis/v1/rules/{name}")
            agents["a"].take_until(self.center.revision())
            self.assertEqual(agents["a"].protocol("a", "t"), use)

    def test_two_rules_for_one_pattern(self):
        self.center.put(rule("x", protocol={"edge": ["*", "s"], "use": "shm"}))
        answer = self.center.put(rule("y", protocol={"edge": ["*", "s"], "use": "bind"}))
        self.assert_problem(answer, 409, "EEXIST", "x", "* -> s")

    def test_what_is_no_pattern_and_no_plan(self):
        def refused(pointer, word, edge=("*", "s"), **plan):
            answer = self.center.put(rule("r", protocol={
                "edge": list(edge), "use": "shm", "rollout": plan}))
            self.assert_problem(answer, 400, "EINVAL", word)
            self.assertEqual(answer.json["pointer"], "/spec/protocol" + pointer)
        refused("/edge/0", "not a name", edge=("**", "s"), steps=["100%"])
        refused("/edge", "may not call itself", edge=("s", "s"), steps=["100%"])
        refused("/rollout", "steps")
        refused("/rollout/steps", "at least one step", steps=[])
        refused("/rollout/steps", 'end with "100%"', steps=[1, "50%"])
        refused("/rollout/steps/1", "more than the step before", steps=[2, 2, "100%"])
        refused("/rollout/steps/2", "more than the step before", steps=[2, "50%", "5%", "100%"])
        refused("/rollout/steps/1", "before all percentages", steps=["5%", 7, "100%"])
        refused("/rollout/steps/0", "neither", steps=["0%", "100%"])
        refused("/rollout/steps/0", "neither", steps=["101%"])
        refused("/rollout/steps/0", "neither", steps=["5.5%", "100%"])
        refused("/rollout/steps/0", "number of edges", steps=[1.5, "100%"])
        refused("/rollout/steps/0", "not between", steps=[0, "100%"])
        refused("/rollout/wait", "is not a time", steps=["100%"], wait="soon")
        refused("/rollout/maxReject", "not between", steps=["100%"], maxReject=64)
        refused("/rollout/maxErrorRate", "between 0 and 1", steps=["100%"], maxErrorRate=2)
        refused("/rollout/maxErrorRate", "six decimals", steps=["100%"], maxErrorRate=0.0000005)
        refused("/rollout/rollback", "boolean", steps=["100%"], rollback="yes")
        refused("/rollout/pace", "pace", steps=["100%"], pace=1)


if __name__ == "__main__":
    main()
