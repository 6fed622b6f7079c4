#!/usr/bin/python3
"""The interval of a median of ratios (benchmarks/runner/paired.py) is what it is said to be."""
import itertools
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../benchmarks"))
from runner import paired  # noqa: E402


def coverage(count, left_out):
    """How often the median lies between, by counting every way in which values can fall
    below it or above."""
    ways = [sum(way) for way in itertools.product((0, 1), repeat=count)]
    return sum(left_out < below < count - left_out for below in ways) / len(ways)


class Paired(unittest.TestCase):
    def test_the_interval_is_the_narrowest_that_is_sure_enough(self):
        for count in range(6, 17):
            out = paired.ranks(count)
            self.assertGreaterEqual(coverage(count, out), paired.CONFIDENCE, count)
            self.assertLess(coverage(count, out + 1), paired.CONFIDENCE, count)

    def test_of_twenty_it_is_from_the_sixth_to_the_fifteenth(self):
        self.assertEqual(paired.bounds(range(20, 0, -1)), (6, 15))

    def test_of_too_few_it_is_all_of_them(self):
        self.assertIsNone(paired.ranks(5))
        self.assertEqual(paired.bounds([3, 1, 2, 5, 4]), (1, 5))

    def test_a_pair_that_lacks_one_is_no_ratio(self):
        ratios = paired.Ratios([(2, 1), (None, 1), (3, None), (9, 3), (4, 4)])
        self.assertEqual(ratios.values, [2, 3, 1])
        self.assertEqual(ratios.median, 2)
        self.assertIsNone(paired.Ratios([]).bounds)


if __name__ == "__main__":
    unittest.main()
