"""Ratios of what was measured right after each other, and how sure their median is."""
import math
import statistics

CONFIDENCE = 0.95


def ranks(count):
    """How many values are left out at each end of the interval of a median: the most for
    which the median of what they come from lies between with the confidence, whatever its
    distribution (of so many values, each is above it or below like heads and tails).
    None: there are too few."""
    below, left_out = 0.0, None
    for k in range(count // 2):
        below += math.comb(count, k) / 2 ** count
        if 2 * below > 1 - CONFIDENCE:
            break
        left_out = k
    return left_out


def bounds(values):
    """The interval; of fewer than six values, from the least to the greatest."""
    values = sorted(values)
    out = ranks(len(values)) or 0
    return values[out], values[-1 - out]


class Ratios:
    """Of pairs of figures; those that lack one are left out."""

    def __init__(self, pairs):
        self.values = [ours / theirs for ours, theirs in pairs
                       if ours is not None and theirs]

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    @property
    def bounds(self):
        return bounds(self.values) if self.values else None


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None
