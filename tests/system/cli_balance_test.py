#!/usr/bin/python3
"""A rule chooses which instance takes a call: of three workers each has its turn, or each
caller has its own; one of them is killed, and the rule is exchanged, while calls pass."""
import json
import os
import re
import shutil
import signal
import threading
import unittest

from code_stage import APP, LIB, CodeStage

HEADER = """
int twice(int number);
int whose(void);
typedef struct thing thing;
thing *thing_new(void);
int thing_whose(thing *which);
void thing_free(thing *which);
"""
THINGS = """
#include <stdlib.h>
struct thing { int pid; };
thing *thing_new(void)
{
	thing *made = malloc(sizeof *made);
	if (made)
		made->pid = getpid();
	return made;
}
int thing_whose(thing *which) { return which->pid == getpid() ? which->pid : -2; }
void thing_free(thing *which) { free(which); }
"""
SIDE = """
handle thing
thing_new -> new
thing_free (_ destroys)
"""
RULE = """
kind: Rule
metadata: {name: guard}
spec:
  code: {hook: filter, edge: [app, lib], module: "%s", mode: wasm, params: {by: "%s"}}
"""
# Says which worker answered each of so many calls, as they came; how many calls of
# another function were right; and which workers answered for each of so many objects.
CALLER = """
import ctypes, json, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
lib.thing_new.restype = ctypes.c_void_p
for line in sys.stdin:
    whose, twice, things = map(int, line.split())
    made = [ctypes.c_void_p(lib.thing_new()) for _ in range(things)]
    print(json.dumps([[lib.whose() for _ in range(whose)],
                      sum(lib.twice(i) == 2 * i for i in range(twice)),
                      [[lib.thing_whose(thing) for _ in range(4)] for thing in made]]),
          flush=True)
    for thing in made:
        lib.thing_free(thing)
"""
CALLERS = 6
# Chooses the first place, and holds the call for two seconds when it is to.
HOLD = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	if (rh_filter.instances == 0)
		return RH_FILTER_ALLOW;
	rh_filter.chosen = 0;
	if (RH_PARAM_NUMBER("by", 0) == 0) {
		rh_log("passed", 6);
		return RH_FILTER_ALLOW;
	}
	rh_log("held", 4);
	rh_filter.delay_us = 2000000;
	return RH_FILTER_DELAY;
}
"""


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Balance(CodeStage):
    manifest = LIB.replace("workers: 1", "workers: 3") + APP

    def library(self, **more):
        super().library(**more)
        self.path("side/twice.h", HEADER)
        for name, more in ("side/twice.c", THINGS), ("side/libtwice.side", SIDE):
            with open(self.path(name), "a", encoding="utf-8") as file:
                file.write(more)
        self.compile()

    def publish_balance(self):
        self.module = self.published("balance", self.shipped("balance"))

    def choose(self, by):
        """The rule says so, and is in force."""
        self.ok("apply", "-f", "-", data=RULE % (self.module, by))
        while self.active()["reason"] != "InForce":
            pass

    def caller(self, script=CALLER, **pipes):
        started = super().caller(script, **pipes)
        caller = started.__enter__()  # pylint: disable=unnecessary-dunder-call
        self.addCleanup(started.__exit__, None, None, None)
        self.addCleanup(caller.stdin.close)
        return caller

    def ask(self, caller, whose, twice=0, things=0):
        caller.stdin.write(f"{whose} {twice} {things}\n")
        caller.stdin.flush()
        return json.loads(caller.stdout.readline())

    def pid_of(self, caller):
        """The one worker that all calls of the caller go to."""
        pids = set(self.ask(caller, 10)[0])
        self.assertEqual(len(pids), 1)
        return pids.pop()

    def await_three(self, caller):
        """By turns: when each of three was seen, that many are known to the rule."""
        while len(set(self.ask(caller, 3)[0])) < 3:
            pass

    def assert_turns(self, caller):
        pids = self.ask(caller, 30)[0]
        self.assertEqual([pids.count(pid) for pid in set(pids)], [10, 10, 10])

    def test_each_has_its_turn_then_each_caller_its_own(self):
        self.publish_balance()
        callers = [self.caller() for _ in range(CALLERS)]
        self.pid_of(callers[0])  # without a rule, the agent's choice
        self.choose("turn")
        self.await_three(callers[0])
        self.assert_turns(callers[0])
        first = set(self.ask(callers[0], 3)[0])
        self.choose("caller")
        pids = [self.pid_of(caller) for caller in callers]
        os.kill(pids[0], signal.SIGKILL)
        after = pids[0]
        while after in first:  # until one runs in the place of that which ended
            after = self.pid_of_any(callers[0])
            for caller, pid in zip(callers, pids):
                if pid != pids[0]:
                    self.assertEqual(self.pid_of(caller), pid)
        self.assertEqual([self.pid_of(caller) for caller in callers],
                         [after if pid == pids[0] else pid for pid in pids])
        self.choose("turn")
        self.await_three(callers[1])
        self.assert_turns(callers[1])

    def pid_of_any(self, caller):
        pid, = self.ask(caller, 1)[0]
        self.assertGreater(pid, 0, "a call did not run")
        return pid

    def test_workers_are_killed_and_rules_exchanged_while_calls_pass(self):
        self.publish_balance()
        caller, other = self.caller(), self.caller()
        self.choose("turn")
        self.await_three(caller)
        right = []
        thread = threading.Thread(target=lambda: right.append(self.ask(caller, 0, 20000)[1]))
        thread.start()
        for by in "caller", "turn", "caller", "turn":
            os.kill(self.pid_of_any(other), signal.SIGKILL)
            self.choose(by)
        thread.join()
        self.assertEqual(right, [20000])
        self.await_three(caller)
        self.assert_turns(caller)

    def test_an_object_is_called_where_it_was_made(self):
        self.publish_balance()
        caller = self.caller()
        self.choose("turn")
        self.await_three(caller)
        things = self.ask(caller, 0, things=9)[2]
        for pids in things:
            self.assertEqual(pids, pids[:1] * 4)
        self.assertEqual(len({pids[0] for pids in things}), 3)

    def test_a_call_goes_elsewhere_when_its_choice_is_gone(self):
        self.module = self.published("hold", HOLD)
        caller = self.caller()
        self.choose("0")
        self.pid_of_any(caller)  # there is a link now, and so there are places
        first = self.pid_of(caller)
        self.choose("1")
        caller.stdin.write("1 0 0\n")
        caller.stdin.flush()
        while "held" not in self.ok("rule", "log", "guard"):
            pass
        os.kill(first, signal.SIGKILL)
        pid, = json.loads(caller.stdout.readline())[0]
        self.assertGreater(pid, 0)
        self.assertNotEqual(pid, first)
        self.choose("0")
        self.pid_of_any(caller)
        while not re.search(r"held\n.*passed", lines := self.ok("rule", "log", "guard"), re.S):
            pass
        self.assertEqual(lines.count("held"), 1, "the call was made again by its program")


if __name__ == "__main__":
    unittest.main()
