"""Every function of textstat, called from Python.

    rhodes run texts_python -- python3 examples/languages/python/caller.py text_python

Prints "ok N checks, p50 N ns" and ends with 0; or what differs, and 1.
"""
import errno
import importlib
import math
import os
import statistics
import struct
import sys
import tempfile
import time

import rhodes

CALLS = 20000
SIZES = 0, 1, 383, 384, 385, 5000, 1 << 20, 64 << 20
NAN = struct.unpack("<d", struct.pack("<Q", 0x7ff8000000001234))[0]


class Checks:
    """Counts what is right, and tells what is not."""

    def __init__(self):
        self.count = 0
        self.missed = 0

    def same(self, got, wanted, what=""):
        self.count += 1
        if got != wanted:
            self.missed += 1
            print(f"differs: {what} {str(got)[:200]!r} is not {str(wanted)[:200]!r}")


def numbers(ts, check):
    check.same(ts.ts_add(2, 3), 5)
    check.same(ts.ts_add(0x7fffffff, 1), -0x80000000)
    check.same(ts.ts_sum(-128, 255, -32768, 65535, 0xffffffff, -1),
               -128 + 255 - 32768 + 65535 + 0xffffffff - 1)
    check.same(ts.ts_sum(1, 1, 1, 1, 1, (1 << 63) - 6), (1 << 63) - 1)
    check.same(ts.ts_max((1 << 64) - 1, 1), (1 << 64) - 1)
    check.same(ts.ts_max(1 << 63, (1 << 63) + 1), (1 << 63) + 1)
    check.same(math.isclose(ts.ts_mean(1.5, 2.25), 1.875), True)
    check.same(ts.ts_mean(math.inf, 1), math.inf)
    check.same(struct.pack("<d", ts.ts_same(NAN)), struct.pack("<d", NAN), "a NaN")
    check.same(math.copysign(1, ts.ts_same(-0.0)), -1.0)
    check.same([ts.ts_next(unit) for unit in (0, 2, 77)], [1, 0, 77])


def refused(ts, check):
    """What does not fit is told before anything is sent."""
    for error, function, *values in (
            (OverflowError, ts.ts_add, 1 << 31, 0), (OverflowError, ts.ts_max, -1, 0),
            (OverflowError, ts.ts_sum, 128, 0, 0, 0, 0, 0), (TypeError, ts.ts_add, "1", 0),
            (TypeError, ts.ts_add, 1.5, 0), (TypeError, ts.ts_add, 1),
            (OverflowError, ts.ts_mean, 0, 1e300), (ValueError, ts.ts_count, "a\0b"),
            (TypeError, ts.ts_count, None), (TypeError, ts.ts_hash, "text"),
            (TypeError, ts.ts_doc_add, object(), ""), (TypeError, ts.ts_doc_add, None, "")):
        try:
            function(*values)
        except error:
            check.same(True, True)
        else:
            check.same(None, error, f"{function.__name__}{values}")


def texts(ts, check):
    counts = ts.ts_count("one two  three\nfour")
    check.same((counts.bytes, counts.words, counts.lines), (19, 4, 1))
    check.same(math.isclose(counts.mean_word, 3.75), True)
    check.same(math.isnan(ts.ts_count("").mean_word), True)
    check.same((ts.ts_measure("a b\n", 1), ts.ts_measure("a b\n", 2)), (2, 1))
    check.same(ts.ts_measure(None, 0), 0)
    check.same((ts.ts_measure("a", 9), rhodes.get_errno()), (-1, errno.EINVAL))
    result, summary = ts.ts_summarize("Hello, wonderful world")
    check.same(result, 0)
    check.same((summary.longest.offset, summary.longest.length), (7, 9))
    check.same((summary.letters[11], summary.letters[7]), (4, 1))
    check.same(math.isclose(summary.share, 19 / 22, rel_tol=1e-6), True)
    check.same((summary.is_ascii, summary.counts.words), (1, 3))
    check.same(ts.ts_longer(ts.ts_summarize("x")[1], summary), summary)
    check.same(ts.ts_summarize("ä")[1].is_ascii, 0)
    check.same(ts.ts_upper("Straße"), "STRAßE")
    check.same(ts.ts_upper(""), "")
    check.same(ts.ts_upper(b"a\xff\xfe"), "A\udcff\udcfe")  # no UTF-8: comes back as it was
    check.same(ts.ts_repeat("ab", 3), "ababab")
    check.same(ts.ts_repeat("abc", 1 << 30), None)
    check.same((ts.ts_parse("-42"), ts.ts_parse("9223372036854775807")),
               (-42, (1 << 63) - 1))
    check.same((ts.ts_parse("4x"), rhodes.get_errno()), (-1, errno.EINVAL))
    check.same(ts.ts_parse("9223372036854775808"), -1)


def structs(ts, check):
    span = ts.ts_span(10, 5)
    check.same((ts.ts_end(span), ts.ts_end((10, 5)), ts.ts_end({"offset": 1, "length": 2})),
               (15, 15, 3))
    result, moved = ts.ts_shift(span, -3)
    check.same((result, moved.offset, moved.length), (0, 7, 5))
    check.same(ts.ts_shift(moved, -8), (-1, moved))


def buffers(ts, check):
    check.same((ts.ts_hash(b""), ts.ts_hash(b"a")),
               (0xcbf29ce484222325, 0xaf63dc4c8601ec8c))
    for size in SIZES:
        filled, data = ts.ts_fill(size, 0xffffffff)
        check.same((filled, len(data)), (size, size))
        check.same(data[-1:], bytes([(size - 1) % 256]) if size else b"")
        check.same(ts.ts_reverse(data), (0, data[::-1]), f"{size} bytes")
    room = bytearray(8)
    filled, part = ts.ts_fill(room, 3)  # written in place
    check.same((filled, bytes(part), bytes(room)), (3, b"\0\1\2", b"\0\1\2\0\0\0\0\0"))


def files(ts, check):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"12345")
        file.seek(0)
        check.same(ts.ts_drain(file), 5)
        check.same(ts.ts_file(file.name), 5)
        name = file.name
    check.same(ts.ts_file(name), -1)
    check.same(ts.ts_file(os.path.join(os.curdir, "no such file")), -1)


def handles(ts, check):
    with ts.ts_doc_open("notes") as doc, ts.ts_doc_open(None) as other:
        check.same(doc is not other, True)
        check.same((ts.ts_doc_title(doc), ts.ts_doc_title(other)), ("notes", "untitled"))
        check.same((ts.ts_doc_add(doc, "one "), ts.ts_doc_add(doc, "two\n")), (4, 8))
        result, counts = ts.ts_doc_count(doc)
        check.same((result, counts.words, counts.lines), (0, 2, 1))
        check.same(ts.ts_doc_count(other)[1].bytes, 0)
    try:
        ts.ts_doc_add(doc, "more")
    except ValueError:
        check.same(doc.closed, True)
    else:
        check.same(None, ValueError, "a closed handle")


def median(ts):
    took = []
    for number in range(CALLS):
        start = time.perf_counter_ns()
        ts.ts_add(number, 1)
        took.append(time.perf_counter_ns() - start)
    return int(statistics.median(took))


def main():
    ts = importlib.import_module(sys.argv[1])  # the resource, as a module
    check = Checks()
    for part in numbers, refused, texts, structs, buffers, files, handles:
        part(ts, check)
    if check.missed:
        print(f"{check.missed} of {check.count} checks failed")
        return 1
    print(f"ok {check.count} checks, p50 {median(ts)} ns")
    return 0


if __name__ == "__main__":
    sys.exit(main())
