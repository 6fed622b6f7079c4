#!/usr/bin/python3
"""A program in C gives NULL for all that may not be NULL: each call fails for itself, and no
server of another language ends of it."""
import os
import sys
import unittest

from bind_stage import BUILD, EXAMPLE, BindStage

sys.path.insert(0, EXAMPLE)
import matrix  # pylint: disable=wrong-import-position

PROGRAM = """
import ctypes
ts = ctypes.CDLL("libtextstat.so.1")
size, void = ctypes.c_size_t, ctypes.c_void_p
for name in "doc_open", "repeat", "upper", "doc_title":
    getattr(ts, "ts_" + name).restype = void
for name in "fill", "doc_add", "measure", "parse", "file", "hash":
    getattr(ts, "ts_" + name).restype = ctypes.c_int64
doc = void(ts.ts_doc_open(None))
print(ts.ts_parse(None), ts.ts_file(None), ts.ts_upper(None), ts.ts_repeat(None, 3))
print(ts.ts_summarize(None, None), ts.ts_shift(None, 1), ts.ts_doc_title(None))
print(ts.ts_doc_add(None, b"x"), ts.ts_doc_add(doc, None), ts.ts_doc_count(None, None))
for call in ts.ts_reverse, ts.ts_hash:
    call(None, size(5))
for call in ts.ts_fill(None, size(10), 5), ts.ts_fill(None, size(1 << 40), 5):
    assert call in (-1, 0), call
ts.ts_doc_close(None)
print(ts.ts_doc_add(doc, b"abc"), ts.ts_add(1, 2))
ts.ts_doc_close(doc)
"""
SAID = "-1 -1 None None\n-1 -1 None\n-1 -1 -1\n3 3\n"


class Nulls(BindStage):
    def test_each_server_survives(self):
        os.symlink(os.path.abspath(os.path.join(BUILD, "sdk")), self.path("sdk"))
        self.start()
        for name, (server, _) in matrix.PROGRAMS.items():
            file = server and server[0].format(
                build=os.path.abspath(os.path.join(BUILD, "examples/languages")), here=EXAMPLE)
            if not server or not os.path.exists(file):
                continue  # C would crash, as the function itself would
            with self.subTest(name):
                served = self.begin(file)
                self.assertEqual(self.call("texts_own", "/usr/bin/python3", "-c", PROGRAM), SAID)
                self.ends_in_order(served)


if __name__ == "__main__":
    unittest.main()
