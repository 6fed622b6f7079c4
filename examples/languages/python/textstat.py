"""textstat in Python: serves ../textstat.h.

    rhodes serve -r text_python examples/languages/python/textstat.py
"""
import errno
import math
import os
import re
import threading
from dataclasses import dataclass

import rhodes

UNITS = 3
REPEAT_MAX = 16 << 20
FNV_SEED, FNV_PRIME = 0xcbf29ce484222325, 0x100000001b3


@dataclass
class Counts:
    bytes: int
    words: int
    lines: int
    mean_word: float


@dataclass
class Summary:
    counts: Counts
    longest: tuple[int, int]  # a struct may be a tuple
    letters: list[int]
    share: float
    is_ascii: int


class Doc:
    """What a handle stands for: any object."""

    def __init__(self, title):
        self.title = title
        self.text = []
        self.bytes = 0
        self.lock = threading.Lock()


def wrap(value, bits):
    """A signed integer as C has it after it overflowed."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def to_bytes(text):
    """As the caller had it, also where that was no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def words_of(data):
    return list(re.finditer(rb"[^\x00-\x20]+", data))


def failed(number, value=-1):
    rhodes.set_errno(number)
    return value


# ---- numbers

def ts_add(a: int, b: int) -> int:
    return wrap(a + b, 32)


def ts_sum(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    return wrap(a + b + c + d + e + f, 64)


def ts_max(a: int, b: int) -> int:
    return max(a, b)


def ts_mean(a: float, b: float) -> float:
    return (a + b) / 2


def ts_same(value: float) -> float:
    return value


def ts_next(unit: int) -> int:
    return (unit + 1) % UNITS if 0 <= unit < UNITS else unit


# ---- texts and structs

def count(data):
    words = [len(word.group()) for word in words_of(data)]
    return Counts(len(data), len(words), data.count(b"\n"),
                  sum(words) / len(words) if words else math.nan)


def ts_count(text: str) -> Counts:
    return count(to_bytes(text))


def ts_measure(text: str | None, unit: int) -> int:
    counts = count(to_bytes(text or ""))
    if not 0 <= unit < UNITS:
        return failed(errno.EINVAL)
    return (counts.bytes, counts.words, counts.lines)[unit]


def ts_summarize(text: str) -> tuple[int, Summary]:
    data = to_bytes(text)
    longest = max(words_of(data), key=lambda word: len(word.group()), default=None)
    low = data.lower()
    letters = [low.count(letter) for letter in range(ord("a"), ord("z") + 1)]
    return 0, Summary(count(data),
                      (longest.start(), len(longest.group())) if longest else (0, 0),
                      letters, sum(letters) / len(data) if data else 0.0, data.isascii())


def ts_longer(a, b):
    return b if b.counts.bytes > a.counts.bytes else a


def ts_end(span) -> int:
    return (span.offset + span.length) % (1 << 32)


def ts_shift(span, by: int):
    if not 0 <= span.offset + by < 1 << 32:
        return failed(errno.ERANGE), span
    span.offset += by
    return 0, span


def ts_upper(text: str) -> bytes:
    return to_bytes(text).upper()  # of bytes: a to z only


def ts_repeat(text: str, times: int) -> str | None:
    if len(to_bytes(text)) * times > REPEAT_MAX:
        return failed(errno.EOVERFLOW, None)
    return text * times


def ts_parse(text: str) -> int:
    if not re.fullmatch(r"[ \t-\r]*[-+]?[0-9]+", text, re.ASCII) or text.strip() != text:
        return failed(errno.EINVAL)
    number = int(text)
    return number if -1 << 63 <= number < 1 << 63 else failed(errno.EINVAL)


# ---- bytes and files

def ts_hash(data: bytes) -> int:
    value = FNV_SEED
    for byte in data:
        value = (value ^ byte) * FNV_PRIME % (1 << 64)
    return value


def ts_reverse(data: bytes) -> tuple[int, bytes]:
    return 0, data[::-1]


def ts_fill(cap: int, count: int) -> tuple[int, bytes]:  # pylint: disable=redefined-outer-name
    size = min(cap, count)
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    return size, data


def ts_drain(fd: int) -> int:
    size = 0
    try:
        while part := os.read(fd, 1 << 16):
            size += len(part)
    except OSError as error:
        return failed(error.errno)
    return size


def ts_file(path: str) -> int:
    try:
        with open(path, "rb") as file:
            return ts_drain(file.fileno())
    except OSError as error:
        return failed(error.errno)


# ---- handles

def ts_doc_open(title: str | None) -> Doc:
    return Doc("untitled" if title is None else title)


def ts_doc_close(doc: Doc) -> None:
    doc.text.clear()


def ts_doc_add(doc: Doc, text: str) -> int:
    with doc.lock:
        doc.text.append(to_bytes(text))
        doc.bytes += len(doc.text[-1])
        return doc.bytes


async def ts_doc_count(doc: Doc) -> tuple[int, Counts]:
    with doc.lock:
        return 0, count(b"".join(doc.text))


def ts_doc_title(doc: Doc) -> str:
    return doc.title
