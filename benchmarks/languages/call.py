"""textstat from Python: `rhodes`, or what is used today: `ctypes`, `cffi` (the library in
the same process), `grpc` (a server in Python)."""
import json
import statistics
import sys
import time

BATCH = 64


def measure(add, calls):
    for i in range(calls // 10):
        if add(i, 1) != i + 1:
            raise SystemExit(f"ts_add({i}, 1) is not {i + 1}")
    now, took = time.perf_counter_ns, []
    for i in range(calls):
        began = now()
        add(i, 1)
        took.append(now() - began)
    took.sort()
    batches = []
    for _ in range(calls // BATCH):
        began = now()
        for j in range(BATCH):
            add(j, 1)
        batches.append((now() - began) / BATCH)
    print(json.dumps({"p50": took[calls // 2], "p99": took[calls // 100 * 99],
                      "batch": round(statistics.median(batches), 2)}))


def by_rhodes(_):
    import textstat  # the hook of `rhodes run` makes it
    return textstat.ts_add


def by_ctypes(library):
    import ctypes
    add = ctypes.CDLL(library).ts_add
    add.argtypes, add.restype = [ctypes.c_int32, ctypes.c_int32], ctypes.c_int32
    return add


def by_cffi(library):
    import cffi
    ffi = cffi.FFI()
    ffi.cdef("int32_t ts_add(int32_t a, int32_t b);")
    opened = ffi.dlopen(library)
    by_cffi.kept = ffi, opened
    return opened.ts_add


def by_grpc(address):
    import struct
    import grpc
    channel = grpc.insecure_channel(address)
    call = channel.unary_unary("/textstat/add", request_serializer=None,
                               response_deserializer=None)
    by_grpc.kept = channel
    return lambda a, b: struct.unpack("<i", call(struct.pack("<ii", a, b)))[0]


def main():
    what, calls, where = sys.argv[1], int(sys.argv[2]), sys.argv[3:] or [""]
    ways = {"rhodes": by_rhodes, "ctypes": by_ctypes, "cffi": by_cffi, "grpc": by_grpc}
    measure(ways[what](where[0]), calls)


if __name__ == "__main__":
    main()
