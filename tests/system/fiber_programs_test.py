#!/usr/bin/python3
"""Unmodified programs under the carrier `fiber` give what they give without it."""
import os
import random
import shutil
import unittest

from fiber_stage import Stage

ROUNDS = int(os.environ.get("RHODES_ROUNDS", "1"))


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"{program} is not installed")


def text(size, seed=5):
    """Words: something to compress, the same each time."""
    chance = random.Random(seed)
    words = [chance.randbytes(chance.randrange(2, 9)).hex() for _ in range(4000)]
    parts = []
    while size > 0:
        parts.append(" ".join(chance.choices(words, k=1000)).encode())
        size -= len(parts[-1])
    return b"".join(parts)


class Programs(Stage):
    def setUp(self):
        super().setUp()
        with open(self.path("input"), "wb") as file:
            file.write(text(6 << 20))

    def same(self, *command):
        """The same bytes, by threads that the runtime scheduled."""
        plain = self.run_plain(*command)
        for _ in range(ROUNDS):
            self.assertEqual(self.run_fiber(*command), plain)
            block = self.block()
            self.assertEqual(block.policy, self.policy)
            self.assertGreater(block.switches, 8)
            self.assertEqual(block.evicted, 0, self.errors)

    @needs("zstd")
    def test_zstd(self):
        self.same("zstd", "-q", "-T8", "-B512K", "-6", "-c", self.path("input"))

    @needs("xz")
    def test_xz(self):
        self.same("xz", "-T8", "-1", "--block-size=512KiB", "-c", self.path("input"))

    @needs("pbzip2")
    def test_pbzip2(self):
        self.same("pbzip2", "-p8", "-b3", "-c", self.path("input"))


if __name__ == "__main__":
    unittest.main()
