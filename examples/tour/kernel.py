"""What the kernel knows of processes and of the objects that they share: /proc, read."""
import contextlib
import os
import re
import signal
import time


def threads(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return os.listdir(f"/proc/{pid}/task")
    return []


def stands(pid):
    """Whether each of its threads is stopped."""
    for thread in threads(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii",
                      errors="replace") as stat:
                if stat.read().rpartition(")")[2].split()[0] != "T":
                    return False
    return True


def stop(pid):
    """Stops a process.  The signal is sent at once, but a thread of it that runs on another
    processor goes on until it is interrupted."""
    os.kill(pid, signal.SIGSTOP)
    while not stands(pid):
        time.sleep(0.001)  # nobody but its parent is told


def context_switches(pid):
    """Of all threads, given up and taken away, since the process began."""
    count = 0
    for thread in threads(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii",
                      errors="replace") as status:
                count += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status.read())))
    return count


def code(pid):
    """How much code it runs from memory that no file names: such as rules."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            return sum("r-xp" in line and "memfd:" in line for line in maps)
    return 0


def descriptors(pid):
    """Number -> what it refers to."""
    found = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
    return found


def descriptor_info(pid, number):
    """The lines of fdinfo as a mapping."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as info:
            return dict(re.findall(r"^([\w-]+):\s*(\S+)", info.read(), re.M))
    return {}


class Mapping:
    """Memory that a process has mapped from a memfd."""

    def __init__(self, pid, start, end, inode, name):
        self.pid, self.start, self.end = pid, start, end
        self.inode, self.name = inode, name

    def read(self, offset, size):
        """Bytes of it, seen from outside; empty when the process is gone."""
        with contextlib.suppress(OSError):
            with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
                memory.seek(self.start + offset)
                return memory.read(size)
        return b""

    def number(self, offset, size=8):
        return int.from_bytes(self.read(offset, size), "little")


def memfds(pid):
    """The memfds that a process has mapped, by inode."""
    found = {}
    line = re.compile(r"(\w+)-(\w+) \S+ \w+ \S+ (\d+)\s+/memfd:(.*?)(?: \(deleted\))?$")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
            for start, end, inode, name in map(lambda m: m.groups(),
                                               filter(None, map(line.match, maps))):
                found[int(inode)] = Mapping(pid, int(start, 16), int(end, 16), int(inode),
                                            name)
    return found


def objects(pid):
    """What a process holds, open or mapped, of what calls pass through: (name, inode) of
    its memfds and message queues."""
    held = {(mapping.name, inode) for inode, mapping in memfds(pid).items()}
    for number, target in descriptors(pid).items():
        name = re.fullmatch(r"/memfd:(.*) \(deleted\)|(/.*-queue)(?: \(deleted\))?", target)
        with contextlib.suppress(OSError):
            if name:
                inode = os.stat(f"/proc/{pid}/fd/{number}").st_ino
                held.add((name[1] or name[2], inode))
    return held


def shared(pid, other):
    """Pairs of mappings of the same memfd in two processes."""
    mine, theirs = memfds(pid), memfds(other)
    return [(mine[inode], theirs[inode]) for inode in mine.keys() & theirs.keys()]
