"""Describes the machine by what matters to the figures, not by its name."""
import os
import re
import subprocess


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def first(pattern, text, default="unknown"):
    found = re.search(pattern, text, re.M)
    return found.group(1).strip() if found else default


def virtualised():
    done = subprocess.run(["systemd-detect-virt", "--vm"], capture_output=True, text=True,
                          check=False) if os.path.exists("/usr/bin/systemd-detect-virt") \
        else None
    if done and done.stdout.strip():
        kind = done.stdout.strip()
        return "no" if kind == "none" else f"yes ({kind})"
    return "yes" if re.search(r"^flags.*\bhypervisor\b", read("/proc/cpuinfo"), re.M) \
        else "no"


def caches():
    sizes = []
    for index in range(4):
        folder = f"/sys/devices/system/cpu/cpu0/cache/index{index}"
        level, size, kind = (read(f"{folder}/{name}") for name in ("level", "size", "type"))
        if level and kind != "Instruction":
            sizes.append(f"L{level} {size}")
    return ", ".join(sizes) or "unknown"


def compiler():
    done = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0] if done.stdout else "unknown"


def describe():
    """Pairs of label and text."""
    cpuinfo, memory = read("/proc/cpuinfo"), read("/proc/meminfo")
    kib = int(first(r"^MemTotal:\s*(\d+)", memory, "0"))
    release = os.uname().release
    return [
        ("CPU", first(r"^model name\s*:(.*)$", cpuinfo)),
        ("CPUs for this run", str(len(os.sched_getaffinity(0)))),
        ("Caches (CPU 0)", caches()),
        ("Memory", f"{kib / 2**20:.0f} GiB"),
        ("Virtualised", virtualised()),
        ("Kernel", "Linux " + first(r"^(\d+\.\d+)", release)),
        ("Idle", read("/sys/devices/system/cpu/cpuidle/current_governor") or "unknown"),
        ("System", first(r'^PRETTY_NAME="(.*)"', read("/etc/os-release"))),
        ("Compiler", compiler() + ", -O2"),
    ]
