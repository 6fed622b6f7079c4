#!/usr/bin/env python3
"""Writes the seeds of what carries rules of code into corpus/: y_ is taken, n_ refused.

The names of records are read from wire/frame.h.  What a fuzzer found is not touched."""
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
NAMES = re.findall(r"^\tRH_TAG_(\w+)", (HERE / "../../wire/frame.h").read_text(), re.M)
TAG = {name: i + 1 for i, name in enumerate(NAMES)}
MODULE = "0123456789abcdef" * 4


def record(tag, value):
    if isinstance(value, str):
        value = value.encode()
    return struct.pack("<HHI", TAG[tag], 0, len(value)) + value


def u32(tag, value):
    return record(tag, struct.pack("<I", value & 0xffffffff))


def u64(tag, value):
    return record(tag, struct.pack("<Q", value))


def code(hook="filter", policy="keep-last", module=MODULE, more=b"", params=()):
    """A CODE_ITEM."""
    return record("CODE_ITEM", record("RULE", "limiter") + u64("REVISION", 7) +
                  record("HOOK", hook) + record("MODULE", module) + record("MODE", "wasm") +
                  record("POLICY", policy) + more +
                  b"".join(record("ENV", param) for param in params))


LIMITS = u64("BYTES", 1 << 20) + u64("TOOK", 2000000) + u64("FUEL", 1 << 20)
CODES = {
    "y_none": b"",
    "y_filter": code(params=["rate=100", "error=11"]),
    "y_limits": code(more=LIMITS, params=["empty="]),
    "y_shadow": code() + code(more=u32("FLAGS", 1)),
    "y_chain": b"".join(code("event", "fail-open", more=record("KEY", "late") + u32("COUNT", i))
                        for i in range(4)),
    "y_user": code("user", "fail-closed", more=record("KEY", "place")),
    "y_each_hook": b"".join(code(hook) for hook in
                            ("filter", "cache", "transform", "protocol", "user", "probe")),
    "y_sixteen": code() * 16,
    "n_seventeen": code() * 17,
    "n_hook": code("nothing"),
    "n_policy": code(policy="hope"),
    "n_module": code(module=MODULE[:-1] + "g"),
    "n_param": code(params=["without a value"]),
    "n_params": code(params=[f"p{i}=v" for i in range(200)]),
    "n_nul": code(params=["a=b\0c"]),
    "n_limits": code(more=u64("BYTES", 1 << 62)),
    "n_cut": code(params=["rate=100"])[:-3],
}


def item(body, callee=None):
    """An ITEM as the agent of "magic" gets it, with its length in front."""
    head = record("CALLER", "magic") + (record("CALLEE", callee) if callee else b"")
    return struct.pack("<H", len(head + body) + 12 + 4) + head + u64("REVISION", 1) + body


def edge(codes):
    return item(record("EDGE_ITEM", record("CALLER", "magic") + record("CALLEE", "disk") +
                       u32("VERDICT", 0) + record("PROTOCOL", "shm") + codes), "disk")


def self(codes):
    return item(record("SELF", record("RESOURCE", "magic") + record("TYPE", "service") +
                       u32("LOCALE_ON", 0) + codes))


VIEWS = {
    "y_code": self(CODES["y_chain"]) + edge(CODES["y_limits"]),
    "n_code_self": self(CODES["n_hook"]) + edge(CODES["y_filter"]),
    "n_code_edge": self(CODES["y_chain"]) + edge(CODES["n_param"]),
}


# agent_module_fuzz.c: blobs 0 and 1 are objects, then manifests by enum kind.
GOOD, SAME_OBJECT, STRANGER, OTHER_HOOK, NO_PART, NO_MANIFEST, NO_OBJECT = range(7)


def want(kind, who=0):
    return struct.pack(">BH", 0x80, 1 << 8 | 1 << 11 | kind * 8 + who)


def tell(blob, lie=0, offset=0, length=0xffff, more=b""):
    return struct.pack(">BBBBH", 0x83, blob, lie, offset // 2, length) + more


def whole(blob):
    """By parts of 64 bytes, of what has at most 400."""
    return b"".join(tell(blob, 0, offset, 63) for offset in range(0, 384, 64))


def raw(frame):
    return struct.pack(">BH", 0x87, len(frame)) + frame


def damage(blob, data):
    return struct.pack(">BBH", 6, blob, len(data)) + data


REFUSAL = record("MODULE", MODULE) + u32("CODE", -2) + record("TEXT", "it is not here")
MODULES = {
    "y_good": b"\0" + want(GOOD) + whole(2 + GOOD) + tell(0),
    "y_beginning": b"\1" + want(GOOD) + whole(2 + GOOD) + tell(0),
    "y_shared": b"\0" + want(GOOD) + want(SAME_OBJECT, 1) + whole(2 + GOOD) + tell(0) +
                whole(2 + SAME_OBJECT) + whole(1),
    "y_forgotten": b"\0" + want(GOOD) + b"\x82" + whole(2 + GOOD) + tell(0),
    "y_damaged": b"\0" + damage(2 + GOOD, b"x" * 201) + want(GOOD) + whole(2 + GOOD) + tell(0),
    "n_bytes": b"\0" + want(SAME_OBJECT) + tell(2 + SAME_OBJECT, 1),
    "n_total": b"\0" + want(GOOD) + tell(2 + GOOD, 2, more=b"\xff" * 4),
    "n_offset": b"\0" + want(GOOD) + tell(2 + GOOD, 8, more=b"\0\x10"),
    "n_refused": b"\0" + want(GOOD) + bytes([0x85 | (2 + GOOD) * 8 & 0x78]) + b"\x7f\xfe",
    "n_raw": b"\0" + want(GOOD) + raw(REFUSAL) + raw(record("MODULE", MODULE)),
} | {
    f"n_kind_{kind}": b"\0" + want(kind) + whole(2 + kind) + whole(1)
    for kind in (STRANGER, OTHER_HOOK, NO_PART, NO_MANIFEST, NO_OBJECT)
}


# channel_fuzz.c: submit by the caller (5), poll (0x82) and release (0x84) by the callee.
SUBMIT, POLL, RELEASE, WRITE, ARM = b"\x05", b"\x82", b"\x84", b"\x00", b"\xa6"
ROUND = SUBMIT + b"\x10" + POLL + RELEASE
CHANNELS = {
    "y_calls": b"\0\0\1\2" + ROUND * 8 + ARM,
    "y_long": b"\0\0\1\2" + (SUBMIT + b"\xfa") * 5 + (POLL + RELEASE) * 5,
    "y_both": b"\0\0\1\2" + (ROUND + b"\x85\x20\x02\x04") * 6,
    "n_caller_lies": b"\x60\0\3\4" + ROUND * 16,
    "n_callee_lies": b"\0\x60\3\4" + ROUND * 16,
    "n_both_lie": b"\xff\xff\5\6" + ROUND * 16,
    "n_sent": b"\0\0\1\2" + ROUND * 2 + WRITE + b"\xa0\x02\0\0\0\xff" + POLL,
    "n_tail": b"\0\0\1\2" + ROUND * 2 + WRITE + b"\x04\x00\xff\xff\xff\xff" + POLL + ARM,
    "n_shorter": b"\0\0\1\2" + SUBMIT + b"\x10" + WRITE + b"\x04\x02\0\0\0\0" +
                 WRITE + b"\x04\x00\0\0\0\x14" + POLL + WRITE + b"\x04\x00\0\0\0\x0a" + POLL,
    "n_bytes": b"\0\0\1\2" + SUBMIT + b"\x10" + WRITE + b"\x04\x24\0\0\0\xff" + POLL,
}


def main():
    for name, seeds in {"agent_codespec": CODES, "agent_view": VIEWS, "agent_module": MODULES,
                        "protocol_module": CHANNELS}.items():
        folder = HERE / "corpus" / name
        folder.mkdir(exist_ok=True)
        for seed, data in seeds.items():
            (folder / seed).write_bytes(data)


if __name__ == "__main__":
    main()
