#!/usr/bin/python3
"""Rules that carry and change messages, published to a running system.  A protocol that a
user wrote: an edge is swapped to it under calls and back, a version that fails is rejected,
and no call is lost by a swap.  A transform: what calls carry is another thing.  Events:
rules see what happens to a resource, in order."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import unittest

from cli_stage import LIMIT
from code_stage import CodeStage

RULE = """
kind: Rule
metadata: {{name: carry}}
spec:
  code: {{hook: {hook}, edge: [app, lib], module: {module}, mode: wasm{more}}}
"""
# Calls until a line comes; says how many were answered rightly, and what others got.
CALLER = """
import ctypes, select, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
good, bad = 0, {}
print(lib.twice(1), flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    for i in range(100):
        ctypes.set_errno(0)
        if lib.twice(i) == 2 * i and ctypes.get_errno() == 0:
            good += 1
        else:
            bad[ctypes.get_errno()] = bad.get(ctypes.get_errno(), 0) + 1
    if good % 1000 == 0:
        print(good, flush=True)
print('end', good, bad, flush=True)
"""
# Carries so many messages as they are, then changes a byte of each.
LIAR = """
#include <rhodes/hook/protocol.h>
RH_RULE(protocol);
static int32_t count;
int32_t rh_protocol_send(int32_t length)
{
    rh_protocol.bytes[0] = (uint8_t)length;
    rh_protocol.bytes[1] = (uint8_t)(length >> 8);
    __builtin_memcpy(rh_protocol.bytes + 2, rh_protocol.message, (size_t)length);
    if (++count > 500)
        rh_protocol.bytes[2 + length / 2] ^= 1;
    return length + 2;
}
int32_t rh_protocol_receive(int32_t at, int32_t end)
{
    int32_t length;
    if (end - at < 2)
        return 0;
    length = rh_protocol.bytes[at] | rh_protocol.bytes[at + 1] << 8;
    if (end - at - 2 < length)
        return 0;
    __builtin_memcpy(rh_protocol.message, rh_protocol.bytes + at + 2, (size_t)length);
    rh_protocol.used = (uint32_t)(length + 2);
    return length;
}
"""
REFUSES = "int32_t rh_protocol_open(void) { return rh_protocol.side == %s; }\n"
# 7 becomes 8 on the way out, and 16 becomes 18 on the way back.
CHANGES = """
#include <rhodes/hook/transform.h>
RH_RULE(transform);
int32_t rh_transform_run(int32_t length)
{
    uint8_t was = rh_transform.kind == RH_TRANSFORM_CALL ? 7 : 16;
    int32_t found = 0;
    for (int32_t i = 0; i < length; i++)
        if (rh_transform.bytes[i] == was && ++found)
            rh_transform.bytes[i] = was == 7 ? 8 : 18;
    return found ? length : (int32_t)RH_TRANSFORM_SAME;
}
"""
FAILS = """
#include <rhodes/hook/transform.h>
RH_RULE(transform);
int32_t rh_transform_run(int32_t length)
{
    (void)length;
    return rh_transform.kind == RH_TRANSFORM_CALL ? 1000000 : (int32_t)RH_TRANSFORM_SAME;
}
"""
EVENT = """
kind: Rule
metadata: {{name: {name}}}
spec:
  code:
    hook: event
    resource: lib
    event: {event}
    order: {order}
    module: {module}
    mode: wasm
    params: {params}
"""
WRITES = """
#include <rhodes/hook/event.h>
RH_RULE(event);
int32_t rh_event_see(void)
{
    rh_log((const char *)rh_event.name, 8);
    return RH_EVENT_PASS;
}
"""
DROPS = """
#include <rhodes/hook/event.h>
RH_RULE(event);
int32_t rh_event_see(void) { return RH_EVENT_DROP; }
"""
# Says what twice(7) is, for each line that comes.
ASKER = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1', use_errno=True)
for line in sys.stdin:
    ctypes.set_errno(0)
    print(lib.twice(7), ctypes.get_errno(), flush=True)
"""


@unittest.skipUnless(shutil.which("clang") and shutil.which("wasm-ld"), "no clang")
class Rules(CodeStage):
    """What both have."""
    def apply(self, module, more=""):
        self.ok("apply", "-f", self.path("rule.yaml", RULE.format(hook=self.hook, module=module,
                                                                  more=more)))

    def await_reason(self, wanted):
        """Waits until the condition has that reason, and returns its message."""
        while (condition := self.active("carry"))["reason"] != wanted:
            self.assertIn(condition["reason"], ("Pending", "InForce", "Rejected"))
        return condition["message"]


class Carry(Rules):
    hook = "protocol"

    @contextlib.contextmanager
    def caller(self):
        with self.started("run", "app", "--", "/usr/bin/python3", "-c", CALLER,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as caller:
            self.assertEqual(caller.stdout.readline(), "2\n")
            yield caller

    def end_caller(self, caller):
        """How many calls were answered rightly, and which errno the others got."""
        said = []
        reader = threading.Thread(target=lambda: said.extend(caller.stdout))
        reader.start()
        caller.stdin.write("end\n")
        caller.stdin.close()
        reader.join(LIMIT)
        self.assertEqual(caller.wait(LIMIT), 0)
        _, good, bad = said[-1].split(None, 2)
        return int(good), eval(bad)  # pylint: disable=eval-used

    def more_calls(self, caller):
        """Waits until calls were answered that began after this."""
        for _ in range(2):
            caller.stdout.readline()

    def test_an_edge_is_swapped_to_it_under_calls_and_back(self):
        lines, crc = (self.published(name, self.shipped(name)) for name in ("lines", "crc"))
        with self.caller() as caller:
            for module in (lines, crc, lines):
                self.apply(module)
                self.await_reason("InForce")
                self.more_calls(caller)
            self.await_line("calls to lib go by module instead of module")
            self.ok("delete", "rule", "carry")
            self.await_line("calls to lib go by shm instead of module")
            self.more_calls(caller)
            good, bad = self.end_caller(caller)
        self.assertEqual(bad, {})
        self.assertGreater(good, 1000)

    def test_one_that_changes_what_it_carries_is_rejected_and_calls_go_on(self):
        with self.caller() as caller:
            self.apply(self.published("liar", LIAR))
            self.assertIn("not as it was sent", self.await_reason("Rejected"))
            self.more_calls(caller)
            # It is not taken again: the link begins without it, and stays so.
            self.assertEqual(self.here("logs", "-n", "10000").count(
                "calls to lib go by module"), 1)
            good, bad = self.end_caller(caller)
        # Those that were under way when it was found out, each at most once.
        self.assertLess(sum(bad.values()), 20)
        self.assertGreater(good, 1000)

    def test_one_that_an_end_refuses_is_rejected_at_both(self):
        crc = self.published("crc", self.shipped("crc"))
        with self.caller() as caller:
            self.apply(crc)
            self.await_reason("InForce")
            for side in ("RH_PROTOCOL_CALLER", "RH_PROTOCOL_CALLEE"):
                name = side[-6:].lower()
                self.apply(self.published(name, LIAR + REFUSES % side))
                self.assertIn("refuses this channel", self.await_reason("Rejected"))
                self.more_calls(caller)
            good, bad = self.end_caller(caller)
        self.assertEqual(bad, {})
        self.assertGreater(good, 1000)


class Change(Rules):
    hook = "transform"

    def ask(self, asker):
        asker.stdin.write("?\n")
        asker.stdin.flush()
        return tuple(int(word) for word in asker.stdout.readline().split())

    def test_what_calls_carry_is_changed_both_ways(self):
        with self.started("run", "app", "--", "/usr/bin/python3", "-c", ASKER,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asker:
            self.assertEqual(self.ask(asker), (14, 0))
            self.apply(self.published("seven", CHANGES))
            self.await_reason("InForce")
            self.assertEqual(self.ask(asker), (18, 0))
            fails = self.published("fails", FAILS)
            self.apply(fails, ", onFailure: fail-open")
            self.await_reason("InForce")
            self.assertEqual(self.ask(asker), (14, 0))
            self.apply(fails, ", onFailure: fail-closed")
            self.await_reason("InForce")
            self.assertNotEqual(self.ask(asker)[1], 0)
            self.ok("delete", "rule", "carry")
            self.await_line("rule carry runs no more for app -> lib")
            self.assertEqual(self.ask(asker), (14, 0))
            asker.stdin.close()
            self.assertEqual(asker.wait(LIMIT), 0)


class Events(Rules):
    hook = "event"
    killed = None  # last
    down = 0

    def rule(self, name, event, module, order=5, params="{}"):
        self.ok("apply", "-f", self.path(name + ".yaml", EVENT.format(
            name=name, event=event, module=module, order=order, params=params)))
        self.await_line(f"rule {name} at revision [0-9]+ runs for lib")

    def kill(self, count):
        """The instance of lib, that many times, each when it is up."""
        for _ in range(count):
            found = self.killed
            while found in (self.killed, None):
                found = next((item["instances"][0]["pid"]
                              for item in self.json("get", "agents")["items"]
                              if item["resource"] == "lib" and item["instances"]), None)
            os.kill(found, signal.SIGKILL)
            self.killed = found
            self.down += 1
            self.await_line("event instance.down of lib", self.down)

    def lines(self, pattern):
        return len(re.findall(pattern, self.here("logs", "-n", "10000")))

    def test_rules_see_what_happens_in_order(self):
        writes = self.published("writes", WRITES)
        self.rule("often", "instance.down", self.published("escalate",
                                                           self.shipped("escalate")),
                  params='{emit: flapping, count: "2", seconds: "600"}')
        self.rule("writer", "flapping", writes)
        self.kill(2)
        self.assertEqual(self.lines("rule writer: flapping"), 1)
        self.assertEqual(self.lines("event flapping of lib, emitted by a rule"), 1)
        # One that comes before it drops the event: it is not seen any more.
        self.rule("quiet", "flapping", self.published("drops", DROPS), order=1)
        self.kill(2)
        self.assertEqual(self.lines("rule writer: flapping"), 1)
        self.ok("delete", "rule", "quiet")
        self.await_line("rule quiet runs no more for lib")
        self.kill(2)
        self.assertEqual(self.lines("rule writer: flapping"), 2)

    def test_what_makes_no_sense_is_refused(self):
        module = self.published("writes", WRITES)
        for text, why in ((EVENT.format(name="a", event="Not a name", order=1, module=module,
                                        params="{}"), "the name of an event is"),
                          (EVENT.format(name="a", event="a", order=70000, module=module,
                                        params="{}"), "order"),
                          (RULE.format(hook="event", module=module, more=""),
                           "must have the resource")):
            said = self.rhodes("apply", "-f", self.path("bad.yaml", text))
            self.assertNotEqual(said.returncode, 0)
            self.assertIn(why, said.stdout + said.stderr)


if __name__ == "__main__":
    unittest.main()
