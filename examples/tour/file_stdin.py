#!/usr/bin/python3
"""Runs `file - <x` for every name x on standard input (each ends with NUL) and prints
what each run said: name, exit code, output, errors.  More arguments go to file.
"""
import os
import stat
import subprocess
import sys


def main():
    for name in sys.stdin.buffer.read().split(b"\0")[:-1]:
        try:
            if stat.S_ISFIFO(os.stat(name).st_mode):
                continue  # opening it would wait for a writer
            source = open(name, "rb", buffering=0) if not os.path.isdir(name) else \
                os.open(name, os.O_RDONLY)
        except OSError as error:
            print(ascii(name), "not opened:", error.strerror)
            continue
        try:
            done = subprocess.run(["/usr/bin/file", *sys.argv[1:], "-"], stdin=source,
                                  capture_output=True, check=False)
        finally:
            os.close(source) if isinstance(source, int) else source.close()
        print(ascii(name), done.returncode, ascii(done.stdout), ascii(done.stderr))


if __name__ == "__main__":
    main()
