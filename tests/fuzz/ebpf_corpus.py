#!/usr/bin/python3
"""Seeds for the fuzzers of eBPF, made of our own objects:

    ebpf_corpus.py FOLDER OBJECT...

FOLDER/ebpf_object has the objects, whole (y_), cut and changed (n_); FOLDER/ebpf_frames
what is said on bpf.sock about them, by the numbers of rules/ebpf/frame.h."""
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FRAMES = os.path.join(HERE, "..", "..", "rules", "ebpf", "frame.h")
CLIENT, CHILD, HELPER, ORDER, MAPS = range(5)  # as ebpf_frames_fuzz.c has them


def numbers(enum):
    """What an enum of frame.h says: its first name has a number, the others follow."""
    with open(FRAMES, encoding="utf-8") as file:
        body = re.search(r"enum " + enum + r" \{(.*?)\n\};", file.read(), re.S).group(1)
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    names, at = {}, 0
    for entry in filter(None, (word.strip() for word in body.split(","))):
        name, _, value = entry.partition("=")
        at = int(value) if value else at
        names[name.strip()] = at
        at += 1
    return names


TYPE, TAG = numbers("rh_bpf_frame"), numbers("rh_bpf_tag")


def record(tag, value):
    if isinstance(value, str):
        value = value.encode()
    return struct.pack("<HHI", TAG["RH_BPF_TAG_" + tag], 0, len(value)) + value


def u32(tag, value):
    return record(tag, struct.pack("<I", value))


def u64(tag, value):
    return record(tag, struct.pack("<Q", value))


def frame(kind, payload=b"", descriptors=0):
    return struct.pack("<BBH", TYPE["RH_BPF_" + kind], descriptors, len(payload)) + payload


def pair(tag, name, text):
    return record(tag, record("NAME", name) + record("TEXT", text))


def entry(key, value=None):
    return record("ENTRY", record("KEY", key) +
                  (b"" if value is None else record("VALUE", value)))


def one_map(name, kind):
    return record("MAP", record("NAME", name) + record("TYPE", kind) + u32("KEY_BYTES", 8) +
                  u32("VALUE_BYTES", 8) + u32("COUNT", 64))


ONE = struct.pack("<Q", 1)
LOAD = (record("NAME", "app/counts") + pair("POINT", "on_connect4", "connect4:/") +
        pair("POINT", "on_connect6", "connect6:/a/b") + pair("PARAM", "strict", "1") +
        record("KEEP", "verdicts") + u64("BYTES", 1 << 20))
READ = u64("HANDLE", 1) + record("NAME", "counts")
RULE = record("RULE", record("NAME", "app/counts") + u64("HANDLE", 1) +
              record("HASH", bytes(32)) + u32("COUNT", 2) + u32("PID", 7))
ENTRIES = entry(ONE, ONE) + entry(ONE[::-1], ONE)
SEEDS = {
    "client_asks": (CLIENT, frame("LIST") + frame("MAPS", u64("HANDLE", 1)) +
                    frame("READ", READ) + frame("WRITE", READ + ENTRIES) +
                    frame("UNLOAD", u64("HANDLE", 1))),
    "client_loads": (CLIENT, frame("LOAD", LOAD + record("HASH", bytes(32)), 1)),
    "client_stranger": (CLIENT, frame("LOADED", u64("HANDLE", 1))),
    "child_brings": (CHILD, frame("CHILD_MAP", one_map("counts", "hash"), 1) +
                     frame("CHILD_LINK", record("NAME", "on_connect4"), 3) +
                     frame("CHILD_DONE", u32("COUNT", 1))),
    "child_programs": (CHILD, frame("CHILD_PROGRAM", record("NAME", "on_connect4"), 1) * 2),
    "helper_ran": (HELPER, frame("RAN", record("PROGRAM", record("NAME", "on_connect4") + record(
        "TEXT", "connect4:/") + u64("CALLS", 7) + u64("TOOK", 70) + u64("MISSED", 1))) * 4),
    "child_links": (CHILD, frame("CHILD_LINK", record("NAME", "on_connect4"), 3) +
                    frame("CHILD_DONE", u32("COUNT", 0))),
    "child_refuses": (CHILD, frame("REFUSED", record("CODE", struct.pack("<i", -2)) +
                                   record("TEXT", "why") + record("LOG", "R0 !read_ok"))),
    "helper_tells": (HELPER, frame("RULES", RULE) + frame("MAP_LIST", one_map("a", "hash")) +
                     frame("ENTRIES", ENTRIES + u32("LAST", 1)) + frame("WRITTEN") +
                     frame("LOADED", u64("HANDLE", 1) + u32("COUNT", 0))),
    "helper_goes_on": (HELPER, frame("RULES") + frame("MAP_LIST") +
                       frame("ENTRIES", ENTRIES + u32("LAST", 0)) +
                       frame("ENTRIES", entry(ONE, ONE) + u32("LAST", 1))),
    "helper_refuses": (HELPER, frame("REFUSED", record("CODE", struct.pack("<i", -2)) +
                                     record("TEXT", "there is none")) * 3),
    "order_whole": (ORDER, frame("LOAD", LOAD)),
    "order_twice": (ORDER, frame("LOAD", LOAD + pair("POINT", "on_connect4", "connect4:/"))),
    "order_nothing": (ORDER, frame("LOAD", record("NAME", "a/b")) * 2),
    "order_points": (ORDER, b"".join(frame("LOAD", record("NAME", "a/b") + pair(
        "POINT", "on_connect4", point)) for point in (
            "tracepoint:sched/sched_switch", "raw_tracepoint:sys_enter", "tp_btf:x",
            "uprobe:/bin/true:main", "uretprobe:/bin/true:main", "site:/bin/true:a",
            "kprobe:vfs_read", "kretprobe:vfs_read", "perf:cpu-clock@99"))),
    "maps_read": (MAPS, (frame("LOADED") + frame("LOADED", record("KEY", ONE)))),
    "maps_written": (MAPS, frame("LOAD", ENTRIES + entry(ONE))),
}


def write(folder, name, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def main():
    folder, *objects = sys.argv[1:]
    for path in objects:
        name = os.path.basename(path)
        with open(path, "rb") as file:
            data = file.read()
        place = os.path.join(folder, "ebpf_object")
        write(place, "y_" + name, data)
        write(place, "n_cut_" + name, data[:len(data) // 2])
        changed = bytearray(data)
        changed[0x28] ^= 0xff  # where the sections are
        write(place, "n_changed_" + name, bytes(changed))
    for name, (who, frames) in SEEDS.items():
        write(os.path.join(folder, "ebpf_frames"), name, bytes([who]) + frames)
    write(folder, "stamp", b"")


if __name__ == "__main__":
    main()
