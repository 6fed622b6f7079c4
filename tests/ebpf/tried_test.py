#!/usr/bin/python3
"""`rhodes rule test` in the kernel: the connect rule that comes with Rhodes on random
attempts, the same as native code and WebAssembly; a changed copy; without rights.

Real: compilers, kernel.  Skipped, with a message, without root, eBPF or clang."""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RHODES = os.path.abspath(os.path.join(os.environ["RHODES_BUILD"], "cli", "rhodes"))
LIBRARY = os.path.join(SOURCE, "rules", "library")
EBPF = ("ebpf: >-\n  %sclang -g -O2 -target bpf -mcpu=v3 -ffreestanding -Iinclude -c"
        " -o conn.o %s\n")
# A copy in which the decision is strict when it must not be.
CHANGED = ("mkdir changed && cp -r conn.c ebpf changed &&\n  sed -i"
           " 's/!terms->is_strict/terms->is_strict/' changed/ebpf/connect_decide.h &&\n  ")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
QUESTION = 2088  # bytes, of rules/library/connect.c


def question(chance):
    """An attempt, terms, and verdicts of which some are about that place."""
    places = [(bytes([127, 0, 0, chance.randrange(1, 4)]), chance.choice([80, 443]))
              for _ in range(chance.randrange(5))]
    address, port = bytes([127, 0, 0, chance.randrange(1, 4)]), chance.choice([80, 443])
    text = struct.pack("<II4s12xI", 0, chance.choice([6, 6, 6, 17]), address,
                       struct.unpack("<H", struct.pack(">H", port))[0])
    text += struct.pack("<III", chance.randrange(2), chance.randrange(2), len(places))
    for where, at in places:
        text += (bytes(10) + b"\xff\xff" + where if chance.randrange(4) else bytes(16))
        text += struct.pack("<H6xQ", at, chance.choice([1, 2]))
    return text + bytes(QUESTION - len(text))


class Tried(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rh-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        self.run_rhodes("rule", "new", "conn", "--hook", "user")
        shutil.copy(os.path.join(LIBRARY, "connect.c"), self.path("conn.c"))
        os.mkdir(self.path("ebpf"))
        for header in ("connect_decide.h", "endpoint.h"):
            shutil.copy(os.path.join(LIBRARY, "ebpf", header), self.path("ebpf"))
        chance = random.Random(5)
        with open(self.path("inputs.jsonl"), "w", encoding="ascii") as file:
            for _ in range(500):
                print(json.dumps({"call": "rh_user_run", "hex": question(chance).hex()}),
                      file=file)

    def path(self, *names):
        return os.path.join(self.folder, "conn", *names)

    def run_rhodes(self, *words, before=()):
        return subprocess.run([*before, RHODES, *words], cwd=self.folder, text=True,
                              capture_output=True, timeout=120, check=False)

    def add(self, text):
        with open(self.path("rule.yaml"), "a", encoding="ascii") as file:
            file.write(text)

    def try_it(self, before=()):
        done = self.run_rhodes("rule", "test", "conn", "-o", "json", before=before)
        self.assertTrue(done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)

    def mode(self, told, name):
        return [mode for mode in told["modes"] if mode["mode"] == name]

    def test_the_kernel_answers_as_the_others(self):
        self.add(EBPF % ("", "conn.c"))
        code, told = self.try_it()
        self.assertEqual((code, told["ok"], told["different"]), (0, True, []))
        (mode,) = self.mode(told, "ebpf")
        self.assertEqual((mode["ran"], mode["answers"], mode["failures"]), (True, 500, {}))
        self.assertGreater(mode["nsPerCall"], 0)

    def test_a_change_is_seen(self):
        self.add(EBPF % (CHANGED, "changed/conn.c"))
        code, told = self.try_it()
        self.assertEqual((code, told["ok"]), (1, False))
        for different in told["different"]:
            answers = dict(different["answers"])
            self.assertNotEqual(answers.pop("ebpf"), answers["native"])
            self.assertEqual(len(set(answers.values())), 1)
        self.assertTrue(told["different"])

    def test_nobody_asked_for_it(self):
        code, told = self.try_it()
        self.assertEqual((code, self.mode(told, "ebpf")), (0, []))

    def test_without_rights_the_others_are_run(self):
        self.add(EBPF % ("", "conn.c"))
        for root, _, files in os.walk(self.folder):
            for name in (root, *(os.path.join(root, file) for file in files)):
                os.chown(name, 65534, 65534)
        code, told = self.try_it(before=NOBODY)
        (mode,) = self.mode(told, "ebpf")
        self.assertEqual((code, mode["ran"]), (0, False))
        self.assertIn("CAP_BPF", mode["why"])
        self.assertTrue(self.mode(told, "native")[0]["ran"])

    def test_what_cannot_be_tried_there(self):
        self.add(EBPF % ("", "conn.c"))
        with open(self.path("conn.c"), encoding="ascii") as file:
            text = file.read()
        for more, why in (("int32_t rh_init(void) { return 0; }", "a rule with rh_init"),
                          ("", "the kernel refused it: ")):
            changed = text.replace("	if ((uint32_t)length", "	rh_user.bytes[length] = 1;\n"
                                   "	if ((uint32_t)length")
            self.assertNotEqual(changed, text)
            with open(self.path("conn.c"), "w", encoding="ascii") as file:
                file.write((text if more else changed) + "\n" + more)
            done = self.run_rhodes("rule", "test", "conn")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(why, done.stderr)


def main():
    if os.geteuid() != 0 or not shutil.which("clang") or not shutil.which("wasm-ld"):
        print("skipped: needs root, clang and lld", file=sys.stderr)
        sys.exit(77)
    with open("/proc/self/status", encoding="ascii") as file:
        caps = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    if not caps >> 39 & 1:
        print("skipped: CAP_BPF is missing here", file=sys.stderr)
        sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
