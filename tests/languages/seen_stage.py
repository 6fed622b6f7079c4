"""What a program in C sees of objects that a server in another language has: a part of the
tests of each of these languages."""
import os

from bind_stage import HERE

# As a program that is compiled with another header than the library's own sees it.
LOOK = r"""
import ctypes
import struct

seen = ctypes.CDLL("libseen.so.1")
seen.seen_new.restype = ctypes.c_void_p


def look(tally):
    return struct.unpack("4xii", ctypes.string_at(tally, 12))
"""
PROGRAM = LOOK + r"""
tally = ctypes.c_void_p(seen.seen_new(40))
other = ctypes.c_void_p(seen.seen_new(7))
print(look(tally.value), look(other.value))
print(seen.seen_add(tally, 2), look(tally.value), look(other.value))
half = ctypes.c_void_p()
print(seen.seen_split(tally, ctypes.byref(half)), look(tally.value), look(half.value))
print(seen.seen_add(half, -21), look(half.value), look(tally.value))
for number in range(1000):
    seen.seen_add(tally, number)
    assert look(tally.value)[1] == number
seen.seen_close(half)
print(look(tally.value))
seen.seen_close(tally)
seen.seen_close(other)
"""
SEEN = """(40, 0) (7, 0)
42 (42, 2) (7, 0)
0 (21, 2) (21, 0)
0 (0, -21) (21, 2)
(499521, 999)
"""
# A function that puts another object in the place of the one that it is given.
TURN = {
    "libseen.side": "interface libseen\nheader seen.h\nsoname libseen.so.1\nlibrary none\n"
                    "handle struct tally mirror 4 8\nseen_new -> new\n"
                    "seen_turn (inout handle struct tally|tally)\n",
    "seen.h": "struct tally;\nstruct tally *seen_new(int count);\n"
              "void seen_turn(struct tally **tally);\n",
}
TURNS = r"""
first, other = ctypes.c_void_p(seen.seen_new(1)), ctypes.c_void_p()
other.value = first.value
seen.seen_turn(ctypes.byref(other))
print(other.value != first.value, look(first.value), look(other.value))
"""
BLIND = "import ctypes\nprint(ctypes.CDLL('libseen.so.1').seen_new(-1))"
PYTHON = "/usr/bin/python3"


class SeenStage:
    blind = None  # what is said of an object that cannot be looked into: seen_new(-1)

    """Mixed into a stage that can build: program("seen") is a server of this folder."""

    def setUp(self):
        super().setUp()
        for file in "seen.h", "libseen.side":
            os.symlink(os.path.join(HERE, "kinds", file), self.path(file))
        self.up(self.path("seen.yaml", """
kind: Resource
metadata: {name: text_own}
spec: {type: service, interface: libseen}
---
kind: Resource
metadata: {name: caller}
spec: {type: application, reference: [text_own]}
"""))

    def turn(self, file, text):
        """A server that says in a language what seen_turn does."""
        for name, of in TURN.items():
            os.unlink(self.path(name))
            self.path(name, of)
        self.ok("down")
        self.up(self.path("seen.yaml"))
        self.serve(self.path(file, text))
        self.assertEqual(self.call("caller", PYTHON, "-c", LOOK + TURNS), "True (1, 2) (2, 4)\n")

    def test_programs_look_into_its_objects(self):
        self.serve(self.program("seen"))
        self.assertEqual(self.call("caller", PYTHON, "-c", PROGRAM), SEEN)
        if self.blind:
            done = self.rhodes("run", "-r", "caller", "--", PYTHON, "-c", BLIND)
            self.assertEqual(done.stdout, "0\n")
            self.assertIn(self.blind, done.stderr)
