#!/usr/bin/python3
"""Calls of a live edge, written down to test rules with: what is in the file, who may,
and what becomes of it when something fails."""
import base64
import contextlib
import json
import os
import signal
import stat
import subprocess
import unittest

from cli_stage import BUILD, LIMIT, Stage

SYSTEM = """
kind: Resource
metadata: {name: lib}
spec:
  type: service
  interface: libtwice
  serve: {library: ./side/libtwice.so.1, workers: 1}
---
kind: Resource
metadata: {name: the_app}
spec: {type: application, reference: [lib]}
---
kind: Rule
metadata: {name: app-lib}
spec: {protocol: {edge: [the_app, lib], use: %s}}
"""
# A line "N" is a call with N bytes; it answers by their sum.
CALLER = """
import ctypes, sys
lib = ctypes.CDLL('libtwice.so.1')
lib.total.restype = ctypes.c_uint
for line in sys.stdin:
    size = int(line)
    bytes_of = bytes(i % 251 for i in range(size))
    print(lib.total(bytes_of, ctypes.c_size_t(size)), flush=True)
"""


def total(size):
    return sum(i % 251 for i in range(size)) % 2**32


class Record(Stage):
    has_agents = True

    def start(self, use="shm"):
        self.library()
        self.path("side/twice.h", "#include <stddef.h>\n"
                  "unsigned total(const unsigned char *bytes, size_t len);\n")
        self.path("side/twice.c", '#include "twice.h"\n'
                  "unsigned total(const unsigned char *bytes, size_t len)\n"
                  "{ unsigned sum = 0; while (len--) sum += bytes[len]; return sum; }\n")
        self.compile()
        self.path("side/libtwice.side", "interface libtwice\nheader twice.h\n"
                  "soname libtwice.so.1\nlibrary ./libtwice.so.1\ntotal idempotent\n")
        self.up("-I", self.path("side"), self.path("system.yaml", SYSTEM % use))

    @contextlib.contextmanager
    def caller(self):
        """call(size) makes one call, and looks at the answer."""
        with self.started("run", "the_app", "--", "/usr/bin/python3", "-c", CALLER,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            def call(size=1):
                program.stdin.write(f"{size}\n")
                program.stdin.flush()
                self.assertEqual(program.stdout.readline(), f"{total(size)}\n", self.log())

            call()
            yield call
            program.stdin.close()
            program.wait(LIMIT)

    def lines(self, path):
        with open(path, encoding="ascii") as file:
            text = file.read()
        self.assertTrue(text.endswith("\n"))
        self.assertTrue(text.startswith("# Calls of the_app -> lib, recorded 2"))
        return [json.loads(line) for line in text.splitlines()[1:]]

    def until(self, path, count, call, *sizes):
        """Calls until the file has that many lines: before it listens calls pass by."""
        def has():
            try:
                with open(path, "rb") as file:
                    return file.read().count(b"\n") - 1
            except FileNotFoundError:
                return 0
        while has() < count:
            for size in sizes or (1,):
                call(size)

    def test_calls_with_their_bytes(self):
        self.start()
        path = self.path("recorded.jsonl")
        sizes = (5, 40000, 80000)
        with self.caller() as call, \
                self.started("rule", "record", "the_app", "--calls", "6", "-o", path,
                             stderr=subprocess.PIPE) as record:
            while record.poll() is None:
                for size in sizes:
                    call(size)
            said = record.stderr.read()
        self.assertEqual(record.returncode, 0, said)
        self.assertIn(f"{path}: 6 calls and 6 replies of the_app -> lib", said)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        lines = self.lines(path)
        before = [line for line in lines if line["call"] == "rh_filter_before"]
        after = [line for line in lines if line["call"] == "rh_filter_after"]
        self.assertEqual((len(before), len(after)), (6, 6))
        self.assertEqual({line["function"] for line in lines}, {before[0]["function"]})
        self.assertEqual({line["caller"] for line in lines}, {before[0]["caller"]})
        self.assertGreater(int(before[0]["function"], 16), 2**32)
        self.assertEqual({line["status"] for line in after}, {0})
        seen = set()
        for line in before:
            body = base64.b64decode(line["base64"])
            self.assertEqual(line["visible"], len(body))
            size = min(sizes, key=lambda size, line=line: abs(size - line["length"]))
            self.assertIn(bytes(i % 251 for i in range(min(size, 65000))), body)
            self.assertEqual(len(body), min(line["length"], 65536))
            seen.add(size)
        self.assertEqual(seen, set(sizes))
        answers = {total(size).to_bytes(4, "little") for size in sizes}
        for line in after:
            body = base64.b64decode(line["base64"])
            self.assertTrue(any(answer in body for answer in answers), body)
        # And a rule is tested with it; the other form of the name, a file that is there.
        rule = os.path.abspath(os.path.join(BUILD, "rules/library/limiter.so"))
        said = self.json("rule", "test", rule, "--hook", "filter", "--inputs", path)
        self.assertEqual((said["inputs"], said["ok"]), (12, True))
        self.assertIn("cannot make", self.refused(1, "rule", "record", "the_app-lib", "-o", path))

    def test_what_cannot_be_recorded(self):
        self.start("bind")
        said = self.refused(1, "rule", "record", "the_app", "lib")
        self.assertIn("the_app -> lib uses bind: its calls pass no agent", said)
        self.assertIn("spec: {protocol: {edge: [the_app, lib], use: shm}}", said)
        for words, code, why in ((("nobody",), 4, "there is no resource nobody"),
                                 (("a-b-c",), 4, "no edge of that name"),
                                 (("the_app", "other"), 4, "does not reference other"),
                                 (("lib",), 4, "lib references nobody"),
                                 (("nobody", "lib"), 4, "there is no resource nobody"),
                                 (("a", "b", "c"), 2, "too many words"),
                                 ((), 2, "which one?")):
            self.assertIn(why, self.refused(code, "rule", "record", *words))
        self.assertIn("one word too many", self.refused(2, "rule", "new", "a", "b"))
        self.refused(2, "rule", "record", "the_app", "--calls", "0")

    def test_a_reader_that_is_slow_costs_no_call(self):
        self.start()
        path = self.path("recorded.jsonl")
        with self.caller() as call, \
                self.started("rule", "record", "the_app-lib", "-o", path, "--calls", "900",
                             stderr=subprocess.PIPE) as record:
            self.until(path, 2, call)
            record.send_signal(signal.SIGSTOP)
            for _ in range(100):
                call(20000)  # more than a socket takes, and than is kept
            record.send_signal(signal.SIGCONT)
            while record.poll() is None:
                call()
            said = record.stderr.read()
        self.assertEqual(record.returncode, 0, said)
        self.assertRegex(said, r"note: \d+ calls were left out between them")
        calls = [line["call"] for line in self.lines(path)]
        self.assertEqual(calls.count("rh_filter_before"), 900)

    def test_a_full_disk_a_lost_agent_and_ctrl_c_leave_whole_lines(self):
        self.start()
        path = self.path("full.jsonl")
        words = [self.rhodes_path, "rule", "record", "the_app", "-o"]
        with self.caller() as call:
            with subprocess.Popen(["bash", "-c", 'ulimit -f 4; trap "" XFSZ; exec "$@"', "-",
                                   *words, path], env=self.env, text=True,
                                  stderr=subprocess.PIPE) as record:
                while record.poll() is None:
                    call(100)
                said = record.stderr.read()
            self.assertEqual(record.returncode, 1, said)
            self.assertRegex(said, r"full.jsonl: File too large; what was written until")
            self.assertGreater(len(self.lines(path)), 2)
            path = self.path("stopped.jsonl")
            with self.started(*words[1:], path, stderr=subprocess.PIPE) as record:
                self.until(path, 4, call)
                record.send_signal(signal.SIGINT)
                said = record.communicate(timeout=LIMIT)[1]
            self.assertEqual(record.returncode, 0, said)
            self.assertGreaterEqual(len(self.lines(path)), 4)
            path = self.path("lost.jsonl")
            with self.started(*words[1:], path, stderr=subprocess.PIPE) as record:
                self.until(path, 4, call)
                os.kill(self.pids("agent/the_app")[-1], signal.SIGKILL)
                said = record.communicate(timeout=LIMIT)[1]
            self.assertEqual(record.returncode, 1, said)
            self.assertIn("the agent of the_app is gone; what was written until", said)
            self.assertGreaterEqual(len(self.lines(path)), 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
