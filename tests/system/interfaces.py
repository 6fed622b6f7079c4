#!/usr/bin/python3
"""Stock Debian programs over stock Debian libraries, governed and not: no difference.

Each library of examples/interfaces is governed for the program that Debian built
against it.  Every command runs twice, plain and governed; output, errors and exit code
are compared, and files that it wrote.

  --loopback DIR  joins shadow and skeleton in one process (no system needed)
  otherwise       starts a system with `rhodes up` and uses `rhodes run`

Exits 77 (skipped) when a package is missing.
"""
import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
EXAMPLES = os.path.join(ROOT, "examples", "interfaces")
UUID = "5ba7b810-9dad-11d1-80b4-00c04fd430c8"
HASHES = """
import xxhash
for make in (xxhash.xxh32, xxhash.xxh64, xxhash.xxh3_64, xxhash.xxh3_128):
    one = make(b"hello", seed=7)
    one.update(b" world" * 1000)
    two = one.copy()
    two.update(bytes(range(256)))
    one.reset()
    one.update(b"again")
    print(one.hexdigest(), two.hexdigest(), two.intdigest())
print(xxhash.xxh128_hexdigest(b"abc"), xxhash.xxh3_128_intdigest(b"", 3))
"""


class Library:
    """One example: its packages' header, its resource, and the commands to compare."""

    def __init__(self, name, resource, soname, program, commands):
        self.name, self.resource, self.soname = name, resource, soname
        self.program, self.commands = program, commands

    def missing(self):
        side = os.path.join(EXAMPLES, self.name, self.name + ".side")
        with open(side, encoding="utf-8") as file:
            header = re.search(r"^header\s+(\S+)", file.read(), re.M).group(1)
        wanted = [os.path.join("/usr/include", header), self.program]
        return [path for path in wanted if not os.path.exists(path)]


def commands_archive(folder):
    """Reads what it made: good, empty and broken archives, by name and by descriptor."""
    tree = os.path.join(folder, "tree")
    os.makedirs(os.path.join(tree, "sub"))
    for name, size in (("one", 1), ("two words", 70000), ("sub/nothing", 0)):
        with open(os.path.join(tree, name), "wb") as file:
            file.write(bytes(i * i % 251 for i in range(size)))
    os.symlink("one", os.path.join(tree, "link"))
    os.link(os.path.join(tree, "one"), os.path.join(tree, "hard"))
    for end, mode in (("tar.gz", "gztar"), ("tar.xz", "xztar"), ("zip", "zip")):
        shutil.make_archive(os.path.join(folder, "tree"), mode, folder, "tree")
    with open(os.path.join(folder, "tree.tar.gz"), "rb") as file:
        whole = file.read()
    with open(os.path.join(folder, "cut.tar.gz"), "wb") as file:
        file.write(whole[: len(whole) // 2])
    with open(os.path.join(folder, "junk"), "wb") as file:
        file.write(b"no archive at all")
    shutil.rmtree(tree)
    yield from (["bsdtar", "-tvf", f"../{name}"] for name in
                ("tree.tar.gz", "tree.tar.xz", "tree.zip", "cut.tar.gz", "junk", "none"))
    yield ["bsdcat", "../tree.tar.gz"]
    yield ["bsdcat", "../junk"]
    yield ["bsdtar", "-xOf", "../tree.zip", "tree/two words"]
    yield ["bsdtar", "-xf", "../tree.tar.xz"]
    yield ["bsdtar", "-tf", "../tree.tar.gz", "--include", "*words"]
    yield "bsdtar -tf - < ../tree.tar.gz"


def commands_uuid(_):
    yield ["uuidgen", "-s", "-n", "@dns", "-N", "example.com"]
    yield ["uuidgen", "-m", "-n", UUID, "-N", ""]
    yield ["uuidgen", "-s", "-n", "nonsense", "-N", "x"]
    yield ["uuidparse", UUID, "00000000-0000-0000-0000-000000000000", "broken",
           "6fa459ea-ee8a-3ca4-894e-db77e160355e"]


def commands_idn2(_):
    for name in ("b\u00fccher.example", "fa\u00df.de", "xn--", "a" * 80,
                 "\u4f8b\u3048.jp"):
        yield ["idn2", "--", name]
    yield ["idn2", "-d", "xn--bcher-kva.example"]
    yield ["idn2", "-r", "-u", "b\u00fccher"]


LIBRARIES = [
    Library("libxxhash", "xxhash", "libxxhash.so.0",
            "/usr/lib/python3/dist-packages/xxhash/__init__.py",
            lambda _: iter([["/usr/bin/python3", "-c", HASHES]])),
    Library("libuuid", "uuid", "libuuid.so.1", "/usr/bin/uuidgen", commands_uuid),
    Library("libarchive", "archive", "libarchive.so.13", "/usr/bin/bsdtar",
            commands_archive),
    Library("libidn2", "idn2", "libidn2.so.0", "/usr/bin/idn2", commands_idn2),
]


def execute(command, cwd, env, prefix=()):
    """What a command did; one written as text goes through a shell."""
    if isinstance(command, str):
        command = ["sh", "-c", " ".join(prefix) + " " + command]
    else:
        command = [*prefix, *command]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, check=False,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def same_files(one, two):
    match = filecmp.dircmp(one, two)
    return not (match.left_only or match.right_only or match.diff_files or
                match.funny_files) and all(
                    same_files(os.path.join(one, name), os.path.join(two, name))
                    for name in match.common_dirs)


class Loopback:
    """Shadow and skeleton in the program's own process."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.sdk = os.path.join(folder, "sdk")
        os.makedirs(os.path.join(self.sdk, "lib"))
        os.symlink(os.path.join(build, "tests/interface/librhodes.so.0"),
                   os.path.join(self.sdk, "lib/librhodes.so.0"))

    def start(self, library):
        out = os.path.join(self.folder, library.name)
        subprocess.run([os.path.join(self.build, "interface/rhodes-interface"), "build",
                        os.path.join(EXAMPLES, library.name, library.name + ".side"),
                        "-d", out, "--werror"], check=True,
                       env={**os.environ, "RHODES_SDK_DIR": self.sdk})
        with open(os.path.join(out, "interface.json"), encoding="utf-8") as file:
            real = re.search(r'"library": "([^"]+)"', file.read()).group(1)
        return [], {"RHODES_LOOPBACK": f"{out}/skeleton.so:{real}",
                    "LD_LIBRARY_PATH": f"{out}/lib:{self.sdk}/lib"}

    def calls(self, library, wanted):
        """There is nobody to count them."""
        del library
        return wanted

    def stop(self):
        pass


class Governed:
    """A system of its own for each library."""

    def __init__(self, build, folder):
        self.rhodes = os.path.join(build, "cli/rhodes")
        self.folder = tempfile.mkdtemp(prefix="rh-")
        self.env = {"RHODES_SYSTEM": "interfaces",
                    "RHODES_RUN_DIR": os.path.join(self.folder, "run"),
                    "RHODES_STATE_DIR": os.path.join(self.folder, "state")}
        self.is_up = False
        del folder

    def start(self, library):
        self.stop()
        manifest = os.path.join(EXAMPLES, library.name, "system.yaml")
        done = subprocess.run([self.rhodes, "up", "--detach", manifest], check=False,
                              env={**os.environ, **self.env}, timeout=120)
        self.is_up = True
        if done.returncode != 0:
            raise RuntimeError(f"rhodes up {manifest}: exit code {done.returncode}")
        return [self.rhodes, "run", f"{library.resource}_user", "--"], self.env

    def calls(self, library, wanted):
        """How many calls the agents counted, once it is as many as wanted: what a program
        that was never governed prints is the same, too."""
        until = time.monotonic() + 20
        while True:
            done = subprocess.run([self.rhodes, "matrix", "-o", "json"], check=True,
                                  env={**os.environ, **self.env}, timeout=60,
                                  capture_output=True)
            edge, = (edge for edge in json.loads(done.stdout)["edges"]
                     if edge["callee"] == library.resource)
            if edge["observed"] >= wanted or time.monotonic() > until:
                return edge["observed"]
            time.sleep(0.1)

    def stop(self):
        if self.is_up:
            subprocess.run([self.rhodes, "down"], check=False,
                           env={**os.environ, **self.env}, timeout=60)
        self.is_up = False

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def compare(library, folder, prefix, extra):
    """Runs every command both ways; how many differed, and how many there were."""
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    failures = number = 0
    for number, command in enumerate(library.commands(folder), 1):
        places = [os.path.join(folder, f"{kind}{number}") for kind in ("plain", "ruled")]
        for place in places:
            os.mkdir(place)
        plain = execute(command, places[0], env)
        ruled = execute(command, places[1], {**env, **extra}, prefix)
        good = plain == ruled and same_files(*places)
        text = command if isinstance(command, str) else " ".join(command).split("\n")[0]
        print(f"{'ok' if good else 'DIFFERS':8}{library.name}: {text}")
        if not good:
            failures += 1
            print(f"  plain: {plain!r:.600}\n  ruled: {ruled!r:.600}")
    return failures, number


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--only")
    options = parser.parse_args()
    missing = [path for library in LIBRARIES for path in library.missing()]
    if missing:
        print("skipped: not installed:", *missing)
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        way = (Loopback if options.loopback else Governed)(options.build, folder)
        try:
            for library in LIBRARIES:
                if options.only and library.name != options.only:
                    continue
                # a link map of its own has a C library, and so a locale, of its own
                if options.loopback and library.name == "libidn2":
                    continue
                place = os.path.join(folder, "work-" + library.name)
                os.mkdir(place)
                prefix, extra = way.start(library)
                wrong, commands = compare(library, place, prefix, extra)
                calls = way.calls(library, commands)
                is_called = calls >= commands  # each command calls the library
                print(f"{'ok' if is_called else 'FEW':8}{library.name}: {calls} calls")
                failures += wrong + (not is_called)
        finally:
            way.stop() if options.loopback else way.close()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
