#!/usr/bin/python3
"""Python: a server whose objects programs look into."""
import os
import unittest

from bind_stage import BUILD, HERE, BindStage
from seen_stage import SeenStage


class TestSeen(SeenStage, BindStage):
    blind = "which has no mirror()"

    def setUp(self):
        super().setUp()
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))

    def program(self, name):
        return os.path.join(HERE, "kinds", f"{name}_main.py")

    def test_another_object_in_the_place_of_one(self):
        self.turn("turn.py", """
import struct

class Tally:
    def __init__(self, count):
        self.count = count

    def mirror(self):
        return struct.pack("ii", self.count, 2 * self.count)

def seen_new(count: int):
    return Tally(count)

def seen_turn(tally):
    return Tally(tally.count + 1)
""")

    def test_a_mirror_of_another_length_is_told(self):
        self.serve(self.program("seen"))
        done = self.rhodes("run", "-r", "caller", "--", "/usr/bin/python3", "-c",
                           "import ctypes\nprint(ctypes.CDLL('libseen.so.1').seen_new(-2))")
        self.assertEqual(done.stdout, "0\n")
        self.assertIn("mirror() gives 9 bytes, callers see 8", done.stderr)


if __name__ == "__main__":
    unittest.main()
