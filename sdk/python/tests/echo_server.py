"""echo in Python: serves echo.h."""
import os
import queue
import threading

import rhodes


def same(value):
    return value


for name in ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "bool",
             "color", "deep", "text", "own"):
    rhodes.serves("echo_" + name)(same)


class Box:
    count = 0
    lock = threading.Lock()

    def __init__(self, text):
        self.text = text
        with Box.lock:
            Box.count += 1


def echo_deep_pointer(deep):
    return 0, deep


def echo_grid(numbers: list) -> tuple[int, list]:
    return 0, numbers


def echo_numbers(number: int, both: float) -> tuple[int, int, float]:
    return 0, number + 1, both + number


def echo_maybe(number: int | None) -> int:
    return -1 if number is None else number


def echo_out_text(text: str) -> tuple[int, str]:
    return 0, text


def echo_path(path: str | None) -> tuple[int, str | None]:
    return int(path is not None), path


def echo_bytes(data: bytes, cap: int) -> tuple[int, bytes]:
    return len(data[:cap]), data[:cap]


def echo_words(words: bytes, cap: int) -> tuple[int, bytes]:
    return 0, words[:4 * cap]


def echo_half(data: bytes) -> tuple[int, bytes]:
    return 0, data[:len(data) // 2]


async def echo_fd(fd: int) -> tuple[int, int]:
    return 0, os.dup(fd)


def echo_box_new(text: str) -> Box:
    return Box(text)


def echo_box_two(box: Box) -> tuple[int, Box]:
    return 0, Box(box.text)


def echo_box_bytes(box: Box) -> bytes:
    return box.text.encode()


def echo_box_same(box: Box) -> Box:
    return box


def echo_box_text(box: Box) -> str:
    return box.text


def echo_box_say(_: Box, text: str) -> str:
    return text


def echo_box_drop(box: Box) -> None:
    del box
    with Box.lock:
        Box.count -= 1


def echo_box_count() -> int:
    return Box.count


class Meeting:
    changed = threading.Condition()
    inside = met = 0


def echo_meet(count: int) -> int:
    with Meeting.changed:
        Meeting.inside += 1
        Meeting.met = max(Meeting.met, Meeting.inside)
        Meeting.changed.notify_all()
        Meeting.changed.wait_for(lambda: Meeting.met >= count, 30)
        Meeting.inside -= 1
        return Meeting.met


rings = queue.SimpleQueue()


def echo_rung():
    number = 0
    while True:
        who = rings.get()
        number += 1
        yield 0, number, (number, who), f"ring {number}"


def echo_ring(who: int, count: int) -> None:
    for _ in range(count):
        rings.put(who)


def echo_pid() -> int:
    return os.getpid()


def echo_fail(number: int) -> int:
    if number:
        raise LookupError(f"no number {number}: ä\udcff")
    rhodes.set_errno(number)
    return -1


def echo_die():
    os._exit(3)
