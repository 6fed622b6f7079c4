"""What is measured, with which program, how long and how often."""

SIZES = [64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304]
PROTOCOLS = ["msgqueue", "shm", "semaphore"]
LANES = [1, 2, 4, 8]
QUEUE_LANES = 4  # callers at the shared queue (Figures 12 and 13)

RAW = "peers/bench-raw"
PROGRAMS = {"slot-spin": RAW, "slot-futex": RAW, "pipe": RAW, "unix-stream": RAW,
            "posix-queue": RAW, "shared-queue": RAW,
            "relay-epoll": RAW, "relay-futex": RAW,
            "memcpy": "peers/bench-copy", "memcpy+read": "peers/bench-copy",
            "grpc": "peers/bench-grpc", "dbus": "peers/bench-dbus",
            "iceoryx": "peers/bench-iceoryx", "iceoryx-poll": "peers/bench-iceoryx",
            "page": "rhodes/bench-page"}
BLOCKING = ["slot-futex", "pipe", "unix-stream", "posix-queue", "iceoryx", "grpc", "dbus",
            "page", "bind", "library", "relay-epoll", "relay-futex"] + PROTOCOLS
AWAKE = ["slot-spin", "page", "bind", "library", "iceoryx-poll"]
SWEPT = ["slot-futex", "unix-stream", "iceoryx", "grpc", "memcpy", "memcpy+read", "bind"]


class Plan:
    """How long and how often; --quick only shows that everything runs."""

    def __init__(self, quick):
        self.rounds = 1 if quick else 5
        self.sweeps = 1 if quick else 3
        self.turns = 1 if quick else 5        # of those awake, in each round
        self.seconds = 0.05 if quick else 0.3
        self.calls = 2000 if quick else 20000
        self.quiet = 0.5 if quick else 5      # seconds to wait before one run
        self.patience = 10 if quick else 120  # and before all of them


def label(size):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"
