#!/usr/bin/python3
"""Rules that run in programs: a block cache in a service, whose rule is changed while it
runs (examples/cache)."""
import contextlib
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import unittest

from center_lib import FRAME_ERROR, frame, number as number_of, records, u32
from cli_stage import BUILD, LIMIT, Stage

# wire/frame.h
ATTACH, ATTACHED, ROLE_CALLER = 16, 17, 1
RULE_GET, RULE, RULE_STATE, RULE_COUNTS, RULE_PUT = range(23, 28)
RULE_FRAMES = RULE_GET, RULE_STATE, RULE_COUNTS, RULE_PUT
KEYED = struct.pack("<HHI5s", 67, 0, 5, b"cache") + struct.pack("<HHI7s", 73, 0, 7, b"entries")
ENOSPC = -28

PROGRAMS = os.path.join(os.path.abspath(BUILD), "examples/cache")
EXAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/cache")
LIBRARY = os.path.join(os.path.abspath(BUILD), "rules/library")
SYSTEM = """
kind: Resource
metadata: {{name: blockcache}}
spec:
  type: service
  interface: blockcache
  serve: {{library: {programs}/libblockcache.so.1, workers: 1}}
---
kind: Resource
metadata: {{name: programs}}
spec: {{type: application}}
---
kind: Resource
metadata: {{name: reader}}
spec: {{type: application, reference: [blockcache]}}
"""
RULE = """
kind: Rule
metadata: {{name: {name}}}
spec:
  code:
    hook: {hook}
    resource: {resource}
    module: {module}
    mode: {mode}
    {more}
"""
SLOTS = 64
HERE = os.path.dirname(os.path.abspath(__file__))
SDK = os.path.join(os.path.abspath(BUILD), "sdk/c/librhodes.so.0")
ASKER = "/usr/bin/python3", os.path.join(HERE, "place_asker.py")
ANSWER = os.path.join(os.path.abspath(BUILD), "tests/unit/answer.so")
# A cache rule that wants no more than 50 slots.
SMALL = """
#include <rhodes/hook/cache.h>
RH_RULE(cache);
int32_t rh_cache_begin(int32_t capacity) { return capacity > 50; }
int32_t rh_cache_hit(int32_t slot) { return (void)slot, 0; }
int32_t rh_cache_victim(int64_t key) { return (void)key, 7; }
int32_t rh_cache_insert(int32_t slot, int64_t key) { return (void)slot, (void)key, 0; }
int32_t rh_cache_remove(int32_t slot) { return (void)slot, 0; }
"""
SEQUENCES = ([os.path.join(os.path.abspath(BUILD), "tests/system/cache_sequence")],
             ["/usr/bin/python3", os.path.join(HERE, "cache_sequence.py")])
JARS = [os.path.join(os.path.abspath(BUILD), path)
        for path in ("sdk/java/rhodes.jar", "tests/java/java-tests.jar")]
if all(map(os.path.exists, JARS)):
    SEQUENCES += (["java", "-cp", ":".join(JARS), "CacheSequence"],)
RULES = "lru", "mru", "fifo", "sieve", "arc"


class Program:
    """A program with a cache, which says what it throws out, or with other places."""

    def __init__(self, stage, *command):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [stage.rhodes_path, "run", "--wait", "20", "programs", "--", *command],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**stage.env, "RHODES_LIBRARY": SDK})
        stage.addCleanup(self.kill)

    def tell(self, lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()
        return [self.process.stdout.readline().strip() for _ in lines]

    def rule(self):
        return self.tell([""])[0]

    def stop(self):
        """It answers nobody until it is told to go on, or killed."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(LIMIT)
        self.process.stdout.close()

    def end(self):
        self.process.stdin.close()
        return self.process.wait(LIMIT)


def framed(kind, number, payload):
    """A frame with a number of its own."""
    head = struct.unpack("<HBBHHIIQ", frame(kind, payload)[:24])
    return struct.pack("<HBBHHIIQ", *head[:-1], number) + payload


def answer(sock):
    """The code of the next frame, 0 of one that is no error."""
    data = sock.recv(65536)
    return number_of(records(data[24:]), "CODE") if data[3] == FRAME_ERROR else 0


def lie(noise):
    """A record with bytes that may or may not make sense."""
    size = noise.choice((0, 1, 4, 7, 8, 8, 8, 40))
    return struct.pack("<HHI", noise.randrange(80), 0, noise.choice((size, size, 1 << 30))) + \
        noise.randbytes(size)


class Cache(Stage):
    has_agents = True

    @contextlib.contextmanager
    def attached(self, resource):
        """A socket of this process, attached to that agent."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
            sock.settimeout(LIMIT)
            sock.connect(os.path.join(self.run_dir, f"agent/{resource}.sock"))
            sock.send(frame(ATTACH, u32("VERSION", 1) + u32("ROLE", ROLE_CALLER)))
            self.assertEqual(sock.recv(65536)[3], ATTACHED)
            yield sock

    def setUp(self):
        super().setUp()
        for name in ("blockcache.h", "blockcache.side"):
            with open(os.path.join(EXAMPLE, name), encoding="utf-8") as file:
                self.path(name, file.read().replace("../../build/examples/cache", PROGRAMS))
        self.up("-I", self.folder, self.path("system.yaml", SYSTEM.format(programs=PROGRAMS)))
        self.modules = {}

    def module(self, name, kind="so", hook="cache"):
        """What the center made of a rule of the library."""
        key = name + "." + kind
        if key not in self.modules:
            said = self.ok("rule", "publish", os.path.join(LIBRARY, key), "--hook", hook)
            self.modules[key] = re.search(r"^module +(\S+)", said, re.M)[1]
        return self.modules[key]

    def apply(self, module, mode="native", more="", name="eviction", hook="cache",
              resource="blockcache"):
        self.ok("apply", "-f", self.path("rule.yaml", RULE.format(
            name=name, hook=hook, resource=resource, module=module, mode=mode, more=more)))

    def condition(self, name="eviction"):
        return next(one for one in self.json("get", "rule", name)["status"]["conditions"]
                    if one["type"] == "Active")

    def await_reason(self, wanted, name="eviction"):
        """Waits until the rule is so, and returns the message."""
        while (condition := self.condition(name))["reason"] != wanted:
            self.assertIn(condition["reason"], ("Pending", "InForce", "Rejected"), condition)
        return condition["message"]

    def in_force(self, *args, name="eviction", **more):
        """Applies it; returns when it is in force."""
        self.apply(*args, name=name, **more)
        self.await_reason("InForce", name)

    def sequence(self, command, capacity=40):
        return Program(self, *command, "entries", str(capacity))

    def make(self, pattern, slots=SLOTS):
        subprocess.run([PROGRAMS + "/workload", "make", self.path("data"), pattern,
                        str(slots)], check=True, timeout=LIMIT)

    def read(self, pattern, slots=SLOTS):
        """What a program reads through the cache; its figures."""
        return json.loads(self.ok("run", "--wait", "20", "reader", "--",
                                  PROGRAMS + "/workload", "run", self.path("data"),
                                  pattern, str(slots)))

    def counted(self):
        """How the rule does, as the process told its agent and that the center."""
        for _ in range(1000):
            runs = self.json("rule", "top", "eviction")["items"]
            if runs and runs[0]["calls"]:
                self.assertEqual((runs[0]["resource"], runs[0]["agent"]), ("blockcache",) * 2)
                return runs[0]
        return self.fail(f"{runs}")

    def test_the_rule_decides_what_is_missed(self):
        self.make("dinero")
        before = self.read("dinero")
        self.assertEqual((before["rule"], before["misses"]), ("", before["reads"]))
        self.in_force(self.module("lru"))
        lru = self.read("dinero")
        self.assertEqual((lru["rule"], lru["misses"]), ("eviction", lru["reads"]))
        self.assertGreater(self.counted()["calls"], lru["reads"])
        self.in_force(self.module("mru"))
        mru = self.read("dinero")
        # 80 blocks, 64 slots, 9 times: all but 63 of the 80 are there each time.
        self.assertLess(mru["misses"], lru["misses"] * 0.4)
        self.ok("delete", "rule", "eviction")
        self.await_line("rule eviction runs no more")
        self.assertEqual(self.read("dinero")["rule"], "")

    def test_caches_of_python_and_java_do_what_one_of_c_does(self):
        """... under each rule, and over every change of it while both run."""
        keys = random.Random(3)
        sequences = [self.sequence(command) for command in SEQUENCES]
        for name in ("", *RULES):
            if name:
                self.in_force(self.module(name), name="evict", resource="programs")
            self.assertEqual([each.rule() for each in sequences],
                             ["evict" if name else ""] * len(SEQUENCES))
            asked = [keys.choice((keys.randrange(30), keys.randrange(100)))
                     for _ in range(500)]
            of_c, *others = [each.tell(asked) for each in sequences]
            self.assertEqual(others, [of_c] * len(others))
            self.assertGreater(sum(gone != "-" for gone in of_c), 50, name)
        self.assertEqual([each.end() for each in sequences], [0] * len(SEQUENCES))

    def built(self, name, hook, source):
        """The module of a rule that is written here, as a native object."""
        self.path(f"{name}.c", source)
        subprocess.run(["gcc", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-I",
                        os.path.join(HERE, "../../rules/author"), "-I",
                        os.path.join(BUILD, "rules/author"), "-o", self.path(f"{name}.so"),
                        self.path(f"{name}.c")], check=True, timeout=LIMIT)
        said = self.ok("rule", "publish", self.path(f"{name}.so"), "--hook", hook)
        return re.search(r"^module +(\S+)", said, re.M)[1]

    def answers(self, name, key, mark, module):
        self.in_force(module, name=name, hook="user", resource="programs",
                      more=f'key: {key}\n    params: {{mark: "{mark}"}}')

    def test_a_program_asks_by_keys_of_its_own(self):
        said = self.ok("rule", "publish", ANSWER, "--hook", "user")
        module = re.search(r"^module +(\S+)", said, re.M)[1]
        asker = Program(self, *ASKER)
        self.assertEqual(asker.tell(["one m", "two m"]), ["- -", "- -"])
        self.answers("first", "one", 1, module)
        self.assertEqual(asker.tell(["one m", "two m"]), ["0100000001000000 first", "- -"])
        self.answers("second", "two", 2, module)
        self.assertEqual(asker.tell(["one m", "two m"]),
                         ["0100000002000000 first", "0200000001000000 second"])
        # The same rule again with another parameter: it goes on counting.
        self.answers("second", "two", 9, module)
        self.assertEqual(asker.tell(["two m", "two rab", "two d"]),
                         ["0900000002000000 second", b"bar".hex() + " second", "- second"])
        self.ok("delete", "rule", "second")
        self.await_line("rule second runs no more")
        late = Program(self, *ASKER)
        self.assertEqual(late.tell(["two m", "one m"]), ["- -", "0100000001000000 first"])
        self.assertEqual([asker.end(), late.end()], [0, 0])

    def test_one_process_that_refuses_keeps_the_former_rule_for_all(self):
        command = SEQUENCES[0]
        small, large = self.sequence(command), self.sequence(command, 60)
        self.in_force(self.module("lru"), name="evict", resource="programs")
        self.assertEqual([small.rule(), large.rule()], ["evict", "evict"])
        module = self.built("small", "cache", SMALL)
        self.apply(module, name="evict", resource="programs")
        message = self.await_reason("Rejected", "evict")
        self.assertRegex(message, rf"process {large.process.pid} refuses it at entries: the "
                                  "rule refuses a cache of 60 slots")
        # lru it is again, for both: the first that came goes.
        small.tell(range(40))
        self.assertEqual(small.tell([100, 101]), ["0", "1"])
        large.end()
        self.in_force(module, name="evict", resource="programs",
                      more='params: {again: "1"}')
        self.assertEqual(small.tell([102, 103]), ["7", "102"])

    def test_a_program_that_is_stopped_is_waited_for(self):
        command = SEQUENCES[0]
        stopped, other = self.sequence(command), self.sequence(command)
        self.assertEqual([stopped.rule(), other.rule()], ["", ""])
        stopped.stop()
        self.apply(self.module("lru"), name="evict", resource="programs")
        while other.rule() != "evict":
            pass
        self.assertEqual(self.condition("evict")["reason"], "Pending")
        stopped.go_on()
        self.await_reason("InForce", "evict")
        self.assertEqual(stopped.rule(), "evict")
        # One that is killed in the middle of it is not.
        stopped.stop()
        self.apply(self.module("mru"), name="evict", resource="programs")
        other.tell(range(40))
        while other.tell([100, 200])[1] != "100":
            other.tell(range(40))
        self.assertEqual(self.condition("evict")["reason"], "Pending")
        stopped.kill()
        self.await_reason("InForce", "evict")

    def test_an_agent_that_is_killed_in_the_middle_comes_back_to_it(self):
        stopped, other = (self.sequence(SEQUENCES[0]) for _ in range(2))
        self.in_force(self.module("lru"), name="evict", resource="programs")
        self.assertEqual([stopped.rule(), other.rule()], ["evict", "evict"])
        stopped.stop()
        self.apply(self.module("mru"), name="evict", resource="programs")
        while self.condition("evict")["reason"] != "Pending":
            pass
        before = self.pids("agent/programs")[-1]
        os.kill(before, signal.SIGKILL)
        self.await_line(r" agent/programs started \(pid (?!%d\))" % before)
        stopped.go_on()
        self.await_reason("InForce", "evict")
        for program in (stopped, other):
            program.tell(range(40))
            self.assertEqual(program.tell([100, 200]), ["39", "100"])

    def test_a_process_that_lies_about_rules_harms_nobody(self):
        honest = self.sequence(SEQUENCES[0])
        self.in_force(self.module("lru"), name="evict", resource="programs")
        self.assertEqual(honest.rule(), "evict")
        agents = self.pids("agent/programs")
        noise = random.Random(5)
        with self.attached("programs") as liar:
            for number in range(1, 301):
                liar.send(framed(RULE_GET, number, KEYED))
            codes = [answer(liar) for _ in range(300)]
            self.assertEqual(codes.count(ENOSPC), 300 - 256)
            liar.setblocking(False)
            for _ in range(5000):
                # The lists of tags and frames end before and behind those of rules.
                lies = b"".join(lie(noise) for _ in range(noise.randrange(6)))
                with contextlib.suppress(BlockingIOError):
                    liar.send(framed(noise.choice(RULE_FRAMES), noise.randrange(400), lies))
                with contextlib.suppress(BlockingIOError):
                    while liar.recv(65536):
                        pass
            self.assertEqual(honest.rule(), "evict")
            # It is asked like any other, and says nothing: until it goes.
            liar.setblocking(True)
            self.apply(self.module("mru"), name="evict", resource="programs")
            honest.tell(range(40))
            while honest.tell([100, 200])[1] != "100":
                honest.tell(range(40))
            self.assertEqual(self.condition("evict")["reason"], "Pending")
        self.await_reason("InForce", "evict")
        self.assertEqual(self.pids("agent/programs"), agents)


if __name__ == "__main__":
    unittest.main(verbosity=2)
