#!/usr/bin/python3
"""What an unmodified program sees of a rule that denies its calls, or holds them up: what the
side file says of each function, with every errno that a rule may give; and of an agent that
ends while it holds a call back."""
import errno
import os
import shutil
import signal
import unittest

from cli_stage import LIMIT
from code_stage import CodeStage

# Denies a call with the errno that is its argument; 0 lets it pass, and what is negative
# waits as many milliseconds.
FILTER = """
#include <rhodes/hook/filter.h>
RH_RULE(filter);
int32_t rh_filter_before(void)
{
	int32_t number;

	if (rh_filter.visible < 12)
		return RH_FILTER_ALLOW;
	__builtin_memcpy(&number, rh_filter.bytes + 8, 4); /* behind the mask of NULLs */
	if (number == 0)
		return RH_FILTER_ALLOW;
	if (number < 0) {
		rh_log("held", 4);
		rh_filter.delay_us = (uint32_t)-number * 1000;
		return RH_FILTER_DELAY;
	}
	rh_filter.error = (uint32_t)number;
	return RH_FILTER_DENY;
}
"""
RULE = """
kind: Rule
metadata: {name: guard}
spec:
  code: {hook: filter, edge: [app, lib], module: "%s", mode: wasm, onFailure: fail-open}
"""
HEADER = """
int twice(int number);
const char *named(int number);
double half(int number);
int dated(int number);
int quiet(int number);
void gone(int number);
void fatal(int number);
int once(int number);
"""
SOURCE = """
int twice(int number) { return 2 * number; }
const char *named(int number) { return number == 0 ? "zero" : "other"; }
double half(int number) { return number / 2.0; }
int dated(int number) { return number; }
int quiet(int number) { return number; }
void gone(int number) { (void)number; }
void fatal(int number) { (void)number; }
int once(int number) { return number + 1; }
"""
SIDE = """interface libtwice
header twice.h
soname libtwice.so.1
library ./libtwice.so.1
twice idempotent
named
half
dated                 on_error: return -7, errno EBUSY
quiet                 on_error: return 5
gone
fatal                 on_error: abort
once
"""
# NAME NUMBER: what the call returned, and the errno after it.
CALLER = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
lib.named.restype = ctypes.c_char_p
lib.half.restype = ctypes.c_double
lib.gone.restype = lib.fatal.restype = None
for line in sys.stdin:
    name, number = line.split()
    ctypes.set_errno(0)
    print(getattr(lib, name)(int(number)), ctypes.get_errno(), flush=True)
"""
LAST = 133 # of Linux's numbers


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Deny(CodeStage):
    def library(self, body=None):
        folder = self.path("side")
        os.makedirs(folder, exist_ok=True)
        self.path("side/twice.h", HEADER)
        self.path("side/twice.c", '#include "twice.h"\n' + SOURCE)
        self.compile()
        self.path("side/libtwice.side", SIDE)
        return folder

    def setUp(self):
        super().setUp()
        self.ok("apply", "-f", self.path("rule.yaml", RULE % self.published("guard", FILTER)))
        while self.active()["reason"] != "InForce":
            self.assertEqual(self.active()["reason"] in ("Pending", "InForce"), True)

    def tell(self, caller, name, number):
        caller.stdin.write(f"{name} {number}\n")
        caller.stdin.flush()

    def ask(self, caller, name, number):
        self.tell(caller, name, number)
        return caller.stdout.readline().rstrip("\n")

    def finish(self, caller):
        caller.stdin.close()
        self.assertEqual(caller.wait(LIMIT), 0)

    def test_each_errno_comes_as_the_side_file_says(self):
        with self.caller(CALLER) as caller:
            for number in range(1, LAST + 1):
                self.assertEqual(self.ask(caller, "twice", number), f"-1 {number}")
            for number in (errno.EPERM, errno.EAGAIN, errno.EHOSTUNREACH):
                self.assertEqual(self.ask(caller, "named", number), f"None {number}")
                self.assertEqual(self.ask(caller, "half", number), f"nan {number}")
                self.assertEqual(self.ask(caller, "dated", number), f"-7 {errno.EBUSY}")
                self.assertEqual(self.ask(caller, "quiet", number), f"5 {number}")
                self.assertEqual(self.ask(caller, "gone", number), f"None {number}")
            self.assertEqual(self.ask(caller, "named", 0), "b'zero' 0")
            self.assertEqual(self.ask(caller, "gone", 0), "None 0")
            self.finish(caller)

    def test_what_is_no_errno_is_a_refusal(self):
        """Our own codes say that a call was lost, or ran nowhere and may go again: they are
        not a rule's to give."""
        with self.caller(CALLER) as caller:
            for number in [LAST + 1, *range(1000, 1030), 4095]:
                self.assertEqual(self.ask(caller, "twice", number), f"-1 {errno.EIO}")
            self.assertEqual(self.ask(caller, "twice", 0), "0 0")
            self.finish(caller)
        failures = self.json("rule", "top", "guard")["items"][0]["failures"]
        self.assertEqual(set(failures.values()), {0})
        # What nothing has as an error is the rule's, and passes with fail-open.
        with self.caller(CALLER) as caller:
            self.assertEqual(self.ask(caller, "twice", 4096), "8192 0")
            self.finish(caller)

    def test_a_function_whose_every_result_would_be_believed(self):
        with self.caller(CALLER) as caller:
            self.assertEqual(self.ask(caller, "fatal", 0), "None 0")
            self.tell(caller, "fatal", errno.EPERM)
            self.assertEqual(caller.wait(LIMIT), -signal.SIGABRT)

    def held(self, caller, name, ms):
        """The rule has seen the call, and holds it back."""
        self.tell(caller, name, -ms)
        self.await_line("rule guard: held", self.seen + 1)
        self.seen += 1

    def test_its_agent_ends_while_a_call_is_held_back(self):
        """Killed, or told to end: what may run twice runs again by the next agent, whose rule
        holds it back anew; of the other nobody knows whether it ran."""
        self.seen = 0
        with self.caller(CALLER) as caller:
            for number in (signal.SIGKILL, signal.SIGTERM):
                self.held(caller, "twice", 1000)
                os.kill(self.pids("agent/app")[-1], number)
                self.assertEqual(caller.stdout.readline(), "-2000 0\n")
                self.seen += 1
                self.held(caller, "once", 5000)
                os.kill(self.pids("agent/app")[-1], number)
                self.assertEqual(caller.stdout.readline(), f"-1 {errno.EIO}\n")
                self.assertEqual(self.ask(caller, "once", 0), "1 0")
            self.finish(caller)

    def test_who_is_killed_while_a_call_is_held_back(self):
        self.seen = 0
        with self.caller(CALLER) as caller, self.caller(CALLER) as other:
            self.held(caller, "twice", 5000)
            caller.kill()
            self.assertEqual(self.ask(other, "twice", 0), "0 0")
            self.finish(other)


if __name__ == "__main__":
    unittest.main(verbosity=2)
