"""What a program in Python may rely on, in tests of the resource that its first word
names; started by `rhodes run`, as an unmodified program."""
import array
import ctypes
import gc
import importlib
import inspect
import math
import os
import random
import struct
import sys
import tempfile
import threading
import unittest

import rhodes

RESOURCE = sys.argv.pop(1)
SEED = int(os.environ.get("SEED", "0"))
ROUNDS = 200
LEAK_ROUNDS = int(os.environ.get("RHODES_LEAK_ROUNDS", "20000"))
RANDOM = random.Random(SEED)
echo = importlib.import_module(RESOURCE)
Deep = rhodes.struct(echo, "echo_deep")  # there is a function called so, too
IN_PYTHON = "python" in RESOURCE


def bits(value):
    return struct.pack("<d", value)


def any_text():
    """Letters of one to four bytes, and now and then bytes that are no UTF-8."""
    text = "".join(chr(RANDOM.choice((RANDOM.randrange(1, 0x80),
                                      RANDOM.randrange(0x80, 0xd800),
                                      RANDOM.randrange(0x10000, 0x110000))))
                   for _ in range(RANDOM.choice((0, 1, 7, 50, 600))))
    if RANDOM.random() < 0.2:
        text += os.fsdecode(bytes([RANDOM.randrange(0x80, 0x100)])) + "."
    return text


def any_deep():
    """A struct with everything in it, as the class that is made for it."""
    return Deep(
        tag=RANDOM.randbytes(3), low=RANDOM.randrange(-16, 16),
        high=RANDOM.randrange(-1024, 1024), flags=RANDOM.randrange(128),
        weight=RANDOM.uniform(-1e300, 1e300), either=RANDOM.randbytes(4),
        at=(RANDOM.randrange(-1 << 15, 1 << 15), 7),
        grid=[[RANDOM.randrange(-1 << 31, 1 << 31) for _ in range(3)] for _ in range(2)],
        pairs=[{"high": RANDOM.getrandbits(64), "low": RANDOM.randrange(-128, 128)}
               for _ in range(2)],
        name=RANDOM.randbytes(8), class_=RANDOM.randrange(1 << 20) / 64)


def plain(value):
    """A struct, however it was given, as tuples."""
    if hasattr(value, "__dataclass_fields__"):
        return tuple(plain(getattr(value, field)) for field in value.__dataclass_fields__)
    if isinstance(value, dict):
        return tuple(plain(part) for part in value.values())
    if isinstance(value, (tuple, list)):
        return tuple(plain(part) for part in value)
    return value


class TestNumbers(unittest.TestCase):
    def test_integers_come_back(self):
        for size in 8, 16, 32, 64:
            for name, low, high in ((f"echo_i{size}", -1 << size - 1, (1 << size - 1) - 1),
                                    (f"echo_u{size}", 0, (1 << size) - 1)):
                function = getattr(echo, name)
                for value in (low, high, *(RANDOM.randint(low, high)
                                           for _ in range(ROUNDS))):
                    self.assertEqual(function(value), value, name)
                for value in low - 1, high + 1, 1 << 70, -1 << 70:
                    with self.assertRaisesRegex(OverflowError, f"{name}.*argument value"):
                        function(value)
                for value in 1.0, "1", None, b"1":
                    self.assertRaises(TypeError, function, value)
        self.assertEqual(echo.echo_bool(True), 1)

    def test_an_enum_may_have_any_value(self):
        for value in 0, -3, 12345:
            self.assertEqual(echo.echo_color(value), value)

    def test_floats_come_back_bit_for_bit(self):
        for value in (0.0, -0.0, math.inf, -math.inf, sys.float_info.max, 5e-324,
                      *(RANDOM.uniform(-1e9, 1e9) for _ in range(ROUNDS))):
            self.assertEqual(bits(echo.echo_f64(value)), bits(value))
            if abs(value) < 1e38 or math.isinf(value):
                narrow, = struct.unpack("<f", struct.pack("<f", value))
                self.assertEqual(bits(echo.echo_f32(value)), bits(narrow))
        for payload in 1, 0x1234, (1 << 51) - 1:
            nan, = struct.unpack("<d", struct.pack("<Q", 0x7ff8 << 48 | payload))
            self.assertEqual(bits(echo.echo_f64(nan)), bits(nan))
        nan, = struct.unpack("<f", struct.pack("<I", 0x7fc01234))
        self.assertEqual(struct.pack("<f", echo.echo_f32(nan)), struct.pack("<f", nan))
        self.assertEqual(echo.echo_f64(3), 3.0)
        self.assertRaises(OverflowError, echo.echo_f32, 1e39)
        self.assertRaises(TypeError, echo.echo_f64, "1")

    def test_numbers_behind_pointers(self):
        self.assertEqual(echo.echo_numbers(41, 0.5), (0, 42, 41.5))
        self.assertEqual((echo.echo_maybe(None), echo.echo_maybe(5)), (-1, 5))
        self.assertRaises(TypeError, echo.echo_numbers, None, 0.5)


class TestCalling(unittest.TestCase):
    def test_arguments_have_names(self):
        self.assertEqual(str(inspect.signature(echo.echo_bytes)), "(bytes, cap)")
        self.assertEqual(echo.echo_i8(value=3), 3)
        self.assertEqual(echo.echo_bytes(cap=2, bytes=b"abc"), (2, b"ab"))
        self.assertEqual(echo.echo_bytes(b"abc", cap=2), (2, b"ab"))
        for values, names in (((), {}), ((1, 2), {}), ((1,), {"value": 1}),
                              ((), {"other": 1})):
            self.assertRaises(TypeError, echo.echo_i8, *values, **names)

    def test_unknown_functions_are_no_attributes(self):
        self.assertFalse(hasattr(echo, "echo_nothing"))
        self.assertIn("echo_deep", dir(echo))

    def test_names_are_taken_from_it(self):
        scope = {}
        exec(f"from {RESOURCE} import echo_i8", scope)
        self.assertEqual(scope["echo_i8"](-5), -5)

    def test_ctypes_reaches_the_same(self):
        library = ctypes.CDLL("libecho.so.1")
        self.assertEqual(library.echo_i32(-7), -7)
        self.assertEqual(library.echo_pid(), echo.echo_pid())


class TestTexts(unittest.TestCase):
    def test_texts_come_back(self):
        for _ in range(ROUNDS):
            text = any_text()
            self.assertEqual(echo.echo_text(text), text)
            self.assertEqual(echo.echo_own(text), text)
            self.assertEqual(echo.echo_out_text(text), (0, text))
            self.assertEqual(echo.echo_path(text), (1, text))
            self.assertEqual(echo.echo_text(os.fsencode(text)), text)

    def test_none_where_it_may_be(self):
        self.assertIsNone(echo.echo_text(None))
        self.assertEqual(echo.echo_path(None), (0, None))
        self.assertRaises(TypeError, echo.echo_own, None)

    def test_what_is_no_text(self):
        for function in echo.echo_text, echo.echo_own, echo.echo_path:
            for nul in "a\0b", b"a\0b":
                self.assertRaisesRegex(ValueError, r"^echo_\w+\(\): argument \w+: embedded null",
                                       function, nul)
            self.assertRaises(TypeError, function, 5)
        self.assertRaises(UnicodeEncodeError, echo.echo_text, "\ud800")

    def test_paths_are_files(self):
        with tempfile.TemporaryDirectory() as folder:
            class Path:
                def __fspath__(self):
                    return folder
            self.assertEqual(echo.echo_path(Path()), (1, folder))

    def test_a_long_text(self):
        text = "ä" * (4 << 20)
        self.assertEqual(echo.echo_text(text), text)


class TestBytes(unittest.TestCase):
    def test_bytes_come_back(self):
        for size in (0, 1, 383, 384, 385, 4095, 1 << 20,
                     *(RANDOM.randrange(5000) for _ in range(ROUNDS))):
            data = RANDOM.randbytes(size)
            self.assertEqual(echo.echo_bytes(data, size), (size, data))
            self.assertEqual(echo.echo_half(data), (0, data[:size // 2]))

    def test_any_buffer_will_do(self):
        data = b"0123456789"
        for given in (bytearray(data), memoryview(data), array.array("B", data),
                      (ctypes.c_char * 10).from_buffer_copy(data)):
            self.assertEqual(echo.echo_bytes(given, 20), (10, data))
        self.assertRaises(TypeError, echo.echo_bytes, "text", 4)
        self.assertRaises(BufferError, echo.echo_bytes, memoryview(data)[::2], 4)

    def test_buffers_are_written_in_place(self):
        room = bytearray(8)
        used, part = echo.echo_bytes(b"abc", room)
        self.assertEqual((used, part, room), (3, b"abc", b"abc\0\0\0\0\0"))
        self.assertIs(part.obj, room)
        room = bytearray(b"abcdef")
        self.assertEqual(echo.echo_half(room), (0, b"abc"))
        self.assertRaises(BufferError, echo.echo_bytes, b"abc", b"read-only")
        del part
        room.clear()  # nothing holds it any more

    def test_elements_of_four_bytes(self):
        words = array.array("I", [1, 2, 3])
        self.assertEqual(echo.echo_words(words, 2), (0, words.tobytes()[:8]))
        room = array.array("I", [9] * 4)
        self.assertEqual(echo.echo_words(words, room)[0], 0)
        self.assertEqual(room.tolist(), [1, 2, 3, 9])
        self.assertRaises(ValueError, echo.echo_words, b"12345", 2)

    def test_the_room_has_limits(self):
        for room in -1, (64 << 20) + 1:
            self.assertRaises((ValueError, OverflowError), echo.echo_bytes, b"", room)
        self.assertRaises(ValueError, echo.echo_bytes, bytes((64 << 20) + 1), 0)

    def test_the_largest_payload(self):
        data = bytes(range(256)) * (64 << 12)
        used, back = echo.echo_bytes(data, len(data))
        self.assertEqual((used, back == data), (len(data), True))

    def test_a_name_has_no_nul(self):
        self.assertRaises(ValueError, rhodes.open, RESOURCE + "\0")


class TestStructs(unittest.TestCase):
    def test_structs_come_back(self):
        for _ in range(ROUNDS):
            deep = any_deep()
            self.assertEqual(plain(echo.echo_deep(deep)), plain(deep))
            result, again = echo.echo_deep_pointer(deep)
            self.assertEqual((result, plain(again)), (0, plain(deep)))

    def test_a_struct_begins_as_zeros(self):
        zero = Deep()
        self.assertEqual(echo.echo_deep(zero), zero)
        self.assertEqual((zero.tag, zero.grid, zero.at.x), (b"\0\0\0", [[0] * 3] * 2, 0))

    def test_what_does_not_fit(self):
        for field, value, error in (
                ("tag", b"1234", ValueError), ("low", 16, OverflowError),
                ("low", -17, OverflowError), ("flags", 128, OverflowError),
                ("grid", [[1, 2, 3]], ValueError), ("grid", [[1, 2, 1 << 31]] * 2,
                                                    OverflowError),
                ("at", (1, 2, 3), ValueError), ("at", {"x": 1}, KeyError),
                ("pairs", 5, TypeError), ("either", b"12345", ValueError),
                ("name", "text", TypeError), ("at", object(), AttributeError)):
            deep = any_deep()
            setattr(deep, field, value)
            with self.assertRaises(error, msg=f"{field} {value}"):
                echo.echo_deep(deep)

    def test_arrays(self):
        self.assertEqual(echo.echo_grid([1, -2, 3, 4]), (0, [1, -2, 3, 4]))
        self.assertEqual(echo.echo_grid((1, -2, 3, 4)), (0, [1, -2, 3, 4]))
        self.assertRaises(ValueError, echo.echo_grid, [1, 2, 3])


class TestHandles(unittest.TestCase):
    def test_an_object_lives_with_its_handle(self):
        before = echo.echo_box_count()
        box = echo.echo_box_new("text")
        self.assertEqual(echo.echo_box_count(), before + 1)
        self.assertEqual((echo.echo_box_text(box), echo.echo_box_bytes(box)),
                         ("text", b"text"))
        self.assertIs(echo.echo_box_same(box), box)
        result, two = echo.echo_box_two(box)
        self.assertEqual((result, echo.echo_box_text(two)), (0, "text"))
        self.assertEqual(echo.echo_box_count(), before + 2)
        del two
        self.assertEqual(echo.echo_box_count(), before + 1)
        with box:
            pass
        self.assertEqual(echo.echo_box_count(), before)

    def test_it_is_no_more_when_it_was_destroyed(self):
        box = echo.echo_box_new("text")
        self.assertFalse(box.closed)
        echo.echo_box_drop(box)
        self.assertTrue(box.closed)
        for function in echo.echo_box_text, echo.echo_box_drop, echo.echo_box_same:
            self.assertRaisesRegex(ValueError, "closed", function, box)
        box.close()  # a second time is none

    def test_only_handles_are_handles(self):
        for value in 5, "text", object(), rhodes:
            self.assertRaises(TypeError, echo.echo_box_text, value)
        self.assertRaises(TypeError, rhodes.Handle)


class TestFiles(unittest.TestCase):
    def test_descriptors_travel(self):
        reader, writer = os.pipe()
        result, again = echo.echo_fd(writer)
        self.assertEqual(result, 0)
        os.write(again, b"over there")
        self.assertEqual(os.read(reader, 100), b"over there")
        for fd in reader, writer, again:
            os.close(fd)
        with tempfile.TemporaryFile() as file:
            result, fd = echo.echo_fd(file)
            os.write(fd, b"12345")
            os.close(fd)
            self.assertEqual(file.tell(), 5)


class TestErrors(unittest.TestCase):
    def test_errno_is_the_functions(self):
        if not IN_PYTHON:
            self.assertEqual((echo.echo_fail(34), rhodes.get_errno()), (-1, 34))

    @unittest.skipUnless(IN_PYTHON, "a function of C raises nothing")
    def test_what_it_raises_arrives(self):
        with self.assertRaises(rhodes.RhodesRaisedError) as caught:
            echo.echo_fail(7)
        error = caught.exception
        self.assertEqual((error.language, error.type, error.code, error.ran),
                         ("python", "LookupError", "ERAISED", True))
        self.assertIn("no number 7: ä", error.message)
        self.assertRegex(error.stack, r"echo_server\.py.*\n.*raise LookupError")
        self.assertEqual(echo.echo_i8(1), 1)


class TestEvents(unittest.TestCase):
    def test_events_come_in_order(self):
        who = RANDOM.randrange(-128, 128)
        echo.echo_ring(who, 3)
        got = []
        while len(got) < 3:
            event = echo.echo_rung()  # waits
            if event[2].low == who:  # not one of another run
                got.append(event)
        first = got[0][1]
        self.assertEqual([(result, number - first, pair.high - first, text)
                          for result, number, pair, text in got],
                         [(0, number, number, f"ring {first + number}")
                          for number in range(3)])

    def test_none_is_told_when_none_comes(self):
        child = os.fork()  # with a shorter patience, which is read once
        if child == 0:
            os.environ["RHODES_TIMEOUT_MS"] = "50"
            os.execv(sys.executable, [sys.executable, "-c",
                                      f"import {RESOURCE} as echo\n"
                                      "while echo.echo_rung(): pass"])
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)


class TestThreads(unittest.TestCase):
    def test_sixty_four_are_in_calls_at_once(self):
        met, wrong = [], []

        def work(number):
            met.append(echo.echo_meet(64))
            for round_ in range(50):
                text = f"{number} {round_}"
                box = echo.echo_box_new(text)
                if (echo.echo_text(text), echo.echo_box_text(box)) != (text, text):
                    wrong.append(text)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((met, wrong), ([64] * 64, []))

    def test_texts_of_one_object_are_not_mixed_up(self):
        box = echo.echo_box_new("")
        wrong = []

        def work(number):
            for round_ in range(200):
                text = chr(ord("a") + number) * (1 + (number + round_) * 7919 % 3000)
                said = echo.echo_box_say(box, text)
                if said != text:
                    wrong.append((text[0], len(text), sorted(set(said)), len(said)))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class TestFork(unittest.TestCase):
    def test_a_child_calls_as_its_own(self):
        box = echo.echo_box_new("parent's")
        before = echo.echo_box_count()
        child = os.fork()
        if child == 0:
            own = echo.echo_box_new("child's")
            os._exit(echo.echo_i8(5) == 5 and echo.echo_box_text(own) == "child's" and 40)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 40)
        child = os.fork()
        if child == 0:
            del box
            gc.collect()
            os._exit(41)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 41)
        self.assertEqual(echo.echo_box_text(box), "parent's")
        self.assertLessEqual(echo.echo_box_count(), before + 1)


class TestLeaks(unittest.TestCase):
    @staticmethod
    def use():
        """Descriptors, mapped memory and objects of the interpreter."""
        gc.collect()
        with open("/proc/self/maps", encoding="ascii") as file:
            maps = sum(1 for _ in file)
        return len(os.listdir("/proc/self/fd")), maps, sys.getallocatedblocks()

    @staticmethod
    def once():
        echo.echo_i32(12345678)
        echo.echo_own("a text")
        echo.echo_bytes(b"some bytes", 20)
        echo.echo_deep(DEEP)
        echo.echo_box_same(echo.echo_box_new("box"))
        try:
            echo.echo_i8(1000)
        except OverflowError:
            pass
        if IN_PYTHON:
            try:
                echo.echo_fail(1)
            except rhodes.RhodesRaisedError:
                pass

    def test_nothing_is_left_of_many_calls(self):
        for _ in range(200):
            self.once()
        references = [sys.getrefcount(value) for value in (DEEP, echo.echo_i32, None)]
        boxes = echo.echo_box_count()
        before = self.use()
        for _ in range(LEAK_ROUNDS // 6):
            self.once()
        after = self.use()
        self.assertEqual(after[0], before[0], "descriptors")
        self.assertLess(after[1] - before[1], 3, "mapped memory")
        self.assertLess(after[2] - before[2], 200, "objects of the interpreter")
        self.assertEqual(echo.echo_box_count(), boxes)
        for value, count in zip((DEEP, echo.echo_i32, None), references):
            self.assertLess(sys.getrefcount(value) - count, 50)


DEEP = any_deep()

if __name__ == "__main__":
    print(f"seed {SEED}", file=sys.stderr)
    unittest.main()
