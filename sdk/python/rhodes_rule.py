"""Places in a Python program where rules of Rhodes decide (see rhodes-rule.h).

    import rhodes_rule

    pages = rhodes_rule.Cache("pages", 1000)
    if (page := pages.get(address)) is None:
        page = pages[address] = fetch(address)

Which entry goes when the thousand are full is said by the rule of hook `cache` that the
center has for the resource this program runs as, and may change while it runs; without
one the oldest goes.

    place = rhodes_rule.Place("next-task")
    answer = place.ask(question)     # bytes, or None: decide without a rule

RHODES_LIBRARY may name another librhodes than the loader finds.
"""
import ctypes
import os
import threading

__all__ = ["Cache", "Place", "RuleError"]

KEYS = 1 << 64
ROOM = 65536


class RuleError(OSError):
    """The code and the words of librhodes."""


def _load():
    lib = ctypes.CDLL(os.environ.get("RHODES_LIBRARY", "librhodes.so.0"))
    handle, text = ctypes.c_void_p, ctypes.c_char_p
    slot, size, ns = ctypes.c_uint32, ctypes.c_size_t, ctypes.c_uint64
    for name, result, arguments in (
            ("rh_last_error", text, []),
            ("rh_rule_open", ctypes.c_int, [text, ns, ctypes.POINTER(handle)]),
            ("rh_rule_close", None, [handle]),
            ("rh_rule_run", ctypes.c_int,
             [handle, text, size, size, ctypes.POINTER(size)]),
            ("rh_rule_name", ctypes.c_int, [handle, text, size]),
            ("rh_slots_open", ctypes.c_int, [text, slot, ns, ctypes.POINTER(handle)]),
            ("rh_slots_close", None, [handle]),
            ("rh_slots_hit", ctypes.c_int, [handle, slot]),
            ("rh_slots_admit", ctypes.c_int, [handle, ctypes.c_uint64]),
            ("rh_slots_place", slot,
             [handle, ctypes.c_uint64, ctypes.POINTER(ctypes.c_int)]),
            ("rh_slots_remove", ctypes.c_int, [handle, slot]),
            ("rh_slots_name", ctypes.c_int, [handle, text, size])):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


LIB = _load()


def _check(code):
    if code < 0:
        raise RuleError(-code, LIB.rh_last_error().decode())
    return code


def _name(function, handle):
    name = ctypes.create_string_buffer(64)
    return name.value.decode() if function(handle, name, len(name)) else None


class Place:
    """A place where a rule of hook `user` answers."""

    def __init__(self, key, timeout=0):
        """Waits for the agent's word at most `timeout` seconds; 0: 30."""
        self._handle = ctypes.c_void_p()
        self._room = ctypes.create_string_buffer(ROOM)
        self._lock = threading.Lock()
        _check(LIB.rh_rule_open(key.encode(), int(timeout * 1e9),
                                ctypes.byref(self._handle)))

    def ask(self, question):
        """The rule's answer, or None: there is none."""
        if len(question) > ROOM:
            raise RuleError(90, f"a question has at most {ROOM} bytes")
        length = ctypes.c_size_t()
        with self._lock:
            self._room[:len(question)] = question
            if not _check(LIB.rh_rule_run(self._handle, self._room, len(question), ROOM,
                                          ctypes.byref(length))):
                return None
            return self._room[:length.value]

    @property
    def rule(self):
        """The name of the rule in force, or None."""
        return _name(LIB.rh_rule_name, self._handle)

    def close(self):
        handle, self._handle = self._handle, None
        LIB.rh_rule_close(handle)


class Cache:
    """A mapping of at most `capacity` entries, of which a rule says which one goes.

    Looking something up counts as a use; `in`, `len` and iterating do not.  What the rule
    does not admit is not kept.  Integers from 0 to 2**64 - 1 are the rule's keys as they
    are; other keys are their hashes to it.
    """

    def __init__(self, key, capacity, timeout=0, on_evict=None):
        """`on_evict(key, value)` is called with what goes because the rule says so."""
        self._handle = ctypes.c_void_p()
        self._lock = threading.RLock()
        self._slots = {}               # key -> slot
        self._entries = [None] * capacity  # slot -> (key, value)
        self._on_evict = on_evict
        self._was_full = ctypes.c_int()
        _check(LIB.rh_slots_open(key.encode(), capacity, int(timeout * 1e9),
                                 ctypes.byref(self._handle)))

    @property
    def rule(self):
        """The name of the rule in force, or None."""
        return _name(LIB.rh_slots_name, self._handle)

    @property
    def capacity(self):
        return len(self._entries)

    def close(self):
        handle, self._handle = self._handle, None
        LIB.rh_slots_close(handle)

    def __getitem__(self, key):
        with self._lock:
            slot = self._slots[key]
            LIB.rh_slots_hit(self._handle, slot)
            return self._entries[slot][1]

    def get(self, key, default=None):
        with self._lock:
            return self[key] if key in self._slots else default

    def __setitem__(self, key, value):
        with self._lock:
            if key in self._slots:
                self[key]  # pylint: disable=pointless-statement
                self._entries[self._slots[key]] = key, value
            else:
                self._insert(key, value)

    def _insert(self, key, value):
        number = key if isinstance(key, int) and 0 <= key < KEYS else hash(key) % KEYS
        if not LIB.rh_slots_admit(self._handle, number):
            return
        slot = LIB.rh_slots_place(self._handle, number, ctypes.byref(self._was_full))
        gone = self._entries[slot]
        if gone:
            del self._slots[gone[0]]
        self._slots[key] = slot
        self._entries[slot] = key, value
        if gone and self._on_evict:
            self._on_evict(*gone)

    def __delitem__(self, key):
        with self._lock:
            slot = self._slots.pop(key)
            self._entries[slot] = None
            LIB.rh_slots_remove(self._handle, slot)

    def __contains__(self, key):
        return key in self._slots

    def __len__(self):
        return len(self._slots)

    def __iter__(self):
        with self._lock:
            return iter(list(self._slots))
