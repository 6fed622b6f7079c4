"""A server of objects that programs look into, in Python."""
import struct
import threading


class Tally:
    def __init__(self, count):
        self.lock = threading.Lock()
        self.now = count, 0  # the count, and what was added last

    def mirror(self):
        return struct.pack("ii", *self.now)


class Long(Tally):
    def mirror(self):
        return bytes(9)


def seen_new(count: int):
    return Tally(count) if count >= 0 else object() if count == -1 else Long(count)


def seen_add(tally: Tally, by: int) -> int:
    with tally.lock:
        tally.now = tally.now[0] + by, by
        return tally.now[0]


def seen_split(tally: Tally):
    with tally.lock:
        tally.now = tally.now[0] // 2, tally.now[1]
        return 0, Tally(tally.now[0])


def seen_close(_: Tally) -> None:
    pass
