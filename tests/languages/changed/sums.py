"""Serves sums, of either day."""
for number in range(20):
    globals()[f"sums_more_{number}"] = int


def sums_add(a: int, b: int) -> int:
    return a + b


def sums_same(a: int) -> int:
    return a


def sums_gone(a: int) -> int:
    return a
