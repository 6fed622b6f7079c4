"""Makes the tree that step 1 runs over: at least 10,000 entries of every kind that a file
system and its users come up with, the same for the same seed.

The system's own libraries are part of it: a link to each folder stands in the tree, and
every file below is an entry.  They are read where they are and never changed.
"""
import bz2
import gzip
import io
import lzma
import os
import random
import socket
import sqlite3
import stat
import struct
import subprocess
import tarfile
import zipfile
import zlib

ENTRIES = 10_000
WORDS = ("rule resource agent center driver service hardware page slot call edge matrix "
         "protocol frame ring event handle queue revision audit").split()


def library_folders():
    """The folders the dynamic linker searches, without those inside another one."""
    found = set()
    listing = subprocess.run(["/sbin/ldconfig", "-N", "-v"], capture_output=True, check=False)
    for line in listing.stdout.decode(errors="replace").splitlines():
        folder = line.split(":")[0]
        if line.startswith("/") and os.path.isdir(folder):
            found.add(os.path.realpath(folder))
    triplet = os.path.realpath(f"/usr/lib/{os.uname().machine}-linux-gnu")
    found = {f for f in found if f != "/usr/lib"} | {triplet}
    return sorted(f for f in found if not any(f.startswith(o + "/") for o in found))


def text(rng, lines):
    return "\n".join(" ".join(rng.choices(WORDS, k=rng.randrange(1, 12)))
                     for _ in range(lines)) + "\n"


def noise(rng, most):
    return rng.randbytes(rng.randrange(1, most))


def chunk(kind, data):
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I",
                                                                    zlib.crc32(kind + data))


def png(rng):
    head = struct.pack("!IIBBBBB", rng.randrange(1, 4000), rng.randrange(1, 4000), 8,
                       rng.choice((0, 2, 3, 6)), 0, 0, rng.randrange(2))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def wav(rng):
    rate, body = rng.choice((8000, 44100, 48000)), noise(rng, 400)
    return (b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " +
            struct.pack("<IHHIIHH", 16, 1, rng.choice((1, 2)), rate, rate * 2, 2, 16) +
            b"data" + struct.pack("<I", len(body)) + body)


def elf(rng):
    """A header that is right, then wrong offsets: what parsers stumble over."""
    return (b"\x7fELF\x02\x01\x01" + bytes(9) +
            struct.pack("<HHIQQQIHHHHHH", rng.choice((1, 2, 3, 4)), 62, 1,
                        rng.getrandbits(64), rng.getrandbits(40), rng.getrandbits(40), 0,
                        64, 56, rng.randrange(4), 64, rng.randrange(40), rng.randrange(40)) +
            noise(rng, 600))


def archive_tar(rng):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for number in range(rng.randrange(1, 4)):
            body = text(rng, 3).encode()
            entry = tarfile.TarInfo(f"member{number}")
            entry.size, entry.mtime = len(body), rng.randrange(1 << 30)
            tar.addfile(entry, io.BytesIO(body))
    return memory.getvalue()


def archive_zip(rng):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", rng.choice((zipfile.ZIP_STORED,
                                                  zipfile.ZIP_DEFLATED))) as archive:
        for number in range(rng.randrange(1, 4)):
            archive.writestr(zipfile.ZipInfo(f"member{number}.txt"), text(rng, 3))
    return memory.getvalue()


def pack(rng, plain):
    if rng.randrange(3) == 0:
        return gzip.compress(plain, mtime=rng.randrange(1 << 30))
    return rng.choice((bz2.compress, lzma.compress))(plain)


def packed(rng):
    plain = rng.choice((lambda: text(rng, 20).encode(), lambda: png(rng),
                        lambda: archive_tar(rng), lambda: noise(rng, 2000)))()
    data = pack(rng, plain)
    fate = rng.randrange(8)
    if fate == 0:  # cut short
        return data[:rng.randrange(1, len(data))]
    if fate == 1:  # one byte wrong
        at = rng.randrange(len(data))
        return data[:at] + bytes((data[at] ^ 0x55,)) + data[at + 1:]
    return pack(rng, data) if fate == 2 else data


def script(rng):
    return (rng.choice(("#!/bin/sh\n", "#!/usr/bin/env python3\n", "#!/usr/bin/perl -w\n",
                        "#! /usr/bin/awk -f\n")) + text(rng, 5)).encode()


def markup(rng):
    return rng.choice((
        lambda: '{"words": ["%s"]}\n' % '", "'.join(rng.choices(WORDS, k=5)),
        lambda: "<!DOCTYPE html>\n<html><title>%s</title></html>\n" % rng.choice(WORDS),
        lambda: '<?xml version="1.0"?>\n<%s/>\n' % rng.choice(WORDS),
        lambda: "a,b,c\n" + "".join(f"{n},{n * n},{rng.choice(WORDS)}\n" for n in range(9)),
        lambda: "%PDF-1." + str(rng.randrange(8)) + "\n%\xe2\xe3\n",
        lambda: "#include <stdio.h>\nint main(void) { return 0; }\n",
        lambda: "From: a@example.org\nTo: b@example.org\nSubject: x\n\n" + text(rng, 3),
    ))().encode()


def encoded(rng):
    return (text(rng, 4) + "Grüße, ça va, 50 % – naïve\n").encode(
        rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252",
                    "cp437", "cp037")), errors="replace")


MAKERS = (
    lambda rng: text(rng, rng.randrange(1, 40)).encode(), encoded, markup, script, packed,
    packed, archive_zip, archive_tar, png, wav, elf,
    lambda rng: noise(rng, 3000),
    lambda rng: bytes(rng.randrange(1, 4000)),
    lambda rng: text(rng, 3).replace("\n", rng.choice(("\r\n", "\r"))).encode(),
    lambda rng: b"GIF8" + rng.choice((b"7a", b"9a")) + noise(rng, 60),
    lambda rng: b"BM" + noise(rng, 120),
    lambda rng: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + noise(rng, 300),
    lambda rng: b"\xca\xfe\xba\xbe" + noise(rng, 60),
)

NAMES = (  # each is one entry; bytes, because a name is bytes
    b"two\nlines", b"\nbegins with a line end", b"ends with one\n", b"tab\there", b"-i",
    b"--help", b"-", b"a b  c", b" leading", b"trailing ", b"colon: inside", b"back\\slash",
    b"percent %s %n", b"quote'\"", b"$(echo no)", b"*", b"\x01\x1b[31mred\x1b[0m", b"\x7f",
    "umlaut-äöü".encode(), "снег-☃-🎿".encode(), "e\u0301 combining".encode(),
    "ä".encode("latin-1"), b"\xff\xfe", b"half \xe2\x98", b"\x80" * 20, b"x" * 255,
    "☃".encode() * 85, b"..hidden", b".rc", b"name.gz", b"CON", b"~",
)


class Tree:
    """The tree below `root`; entries are names relative to it, as bytes."""

    def __init__(self, root, seed, entries=ENTRIES):
        self.root = os.fsencode(root)
        self.rng = random.Random(seed)
        self.entries = []
        self.special = []  # the entries that are not plain readable files
        os.makedirs(self.root, exist_ok=True)
        os.chmod(self.root, 0o755)
        self.add_libraries()
        self.add_names()
        self.add_special()
        self.add_files(entries)

    def sample(self, count):
        """That many of the entries, the strange ones among them."""
        special = set(self.special)
        rest = [name for name in self.entries if name not in special]
        wanted = max(0, count - len(self.special))
        return self.special + random.Random(count).sample(rest, min(wanted, len(rest)))

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        self.entries.append(name)

    def add_libraries(self):
        for number, folder in enumerate(library_folders()):
            link = b"library%d" % number
            os.symlink(folder, self.path(link))
            for above, folders, files in os.walk(self.path(link) + b"/"):
                folders.sort()
                below = os.path.relpath(above, self.root)
                self.entries += [os.path.join(below, f) for f in sorted(files)]
        self.libraries = len(self.entries)

    def add_names(self):
        os.mkdir(self.path(b"names"))
        for name in NAMES:
            self.write(os.path.join(b"names", name), self.rng.choice(MAKERS)(self.rng))
        self.special += self.entries[-len(NAMES):]

    def add_special(self):
        before = len(self.entries)
        os.mkdir(self.path(b"special"))
        self.write(b"special/empty", b"")
        self.write(b"special/one", b"\n")
        self.sparse(b"special/sparse", 64 << 30, b"")
        self.sparse(b"special/sparse.gz", 8 << 30, gzip.compress(b"head", mtime=0))
        self.write(b"special/executable", b"#!/bin/sh\nexit 0\n")
        os.chmod(self.path(b"special/executable"), 0o4755)
        self.database(b"special/database")
        self.write(b"special/unreadable", b"secret: 42\n")
        os.chmod(self.path(b"special/unreadable"), 0)
        self.write(b"special/write-only", b"#!/bin/sh\n")
        os.chmod(self.path(b"special/write-only"), 0o222)
        self.links()
        self.folders()
        self.nodes()
        self.entries += [b"special/does-not-exist", b"", b"no/such/folder"]
        self.special += self.entries[before:]

    def sparse(self, name, size, head):
        self.write(name, head)
        try:
            os.truncate(self.path(name), size)
        except OSError:  # a file system with a lower limit
            os.truncate(self.path(name), 1 << 30)

    def database(self, name):
        database = sqlite3.connect(os.fsdecode(self.path(name)))
        database.execute("create table words (word text)")
        database.commit()
        database.close()
        self.entries.append(name)

    def links(self):
        for name, target in ((b"link", b"one"), (b"link-broken", b"nowhere"),
                             (b"link-loop", b"link-loop"), (b"link-folder", b"folder"),
                             (b"link-absolute", b"/etc/passwd"), (b"link-long", b"x" * 400),
                             (b"link-strange", b"new\nline \xff")):
            os.symlink(target, self.path(b"special/" + name))
            self.entries.append(b"special/" + name)

    def folders(self):
        for name, mode in ((b"folder", 0o755), (b"folder-sticky", 0o1777),
                           (b"folder-closed", 0o000), (b"folder-unlisted", 0o311)):
            os.mkdir(self.path(b"special/" + name))
            self.entries.append(b"special/" + name)
            self.write(b"special/" + name + b"/inside", b"inside\n")
            os.chmod(self.path(b"special/" + name), mode)
        self.entries += [b".", b"..", b"special/folder/", b"special/one/"]

    def nodes(self):
        os.mkfifo(self.path(b"special/fifo"))
        self.entries.append(b"special/fifo")
        here = os.open(self.path(b"special"), os.O_PATH)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(b"/proc/self/fd/%d/socket" % here)  # the whole path may be too long
        listener.close()
        os.close(here)
        self.entries.append(b"special/socket")
        for name, kind, device in ((b"device-null", stat.S_IFCHR, os.makedev(1, 3)),
                                   (b"device-none", stat.S_IFCHR, os.makedev(250, 250)),
                                   (b"device-loop", stat.S_IFBLK, os.makedev(7, 250))):
            try:
                os.mknod(self.path(b"special/" + name), 0o666 | kind, device)
                self.entries.append(b"special/" + name)
            except PermissionError:  # not root, or a container
                pass
        self.entries += [b"/dev/null", b"/dev/zero", b"/proc"]

    def add_files(self, entries):
        number = 0
        # A machine with many libraries still gets some thousands of made ones.
        wanted = max(entries - len(self.entries), entries // 3)
        while number < wanted:
            folder = b"made%03d" % (number // 500)
            os.makedirs(self.path(folder), exist_ok=True)
            for _ in range(min(500, wanted - number)):
                maker = self.rng.choice(MAKERS)
                self.write(b"%s/f%05d" % (folder, number), maker(self.rng))
                number += 1


def remove(root):
    """Removes a tree, also one with closed folders in it; follows no link."""
    for above, folders, _ in os.walk(os.fsencode(root)):
        for folder in folders:
            path = os.path.join(above, folder)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    subprocess.run(["rm", "-rf", "--", root], check=False)
