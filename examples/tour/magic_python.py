#!/usr/bin/python3
"""Asks Debian's python3-magic about every name on standard input (each ends with NUL)."""
import os
import stat
import sys

import magic

HEAD_BYTES = 8192


def ask(function, *arguments):
    try:
        return function(*arguments)
    except (magic.MagicException, OSError) as error:
        return f"{type(error).__name__}: {error}"


def main():
    plain, mime = magic.Magic(), magic.Magic(mime=True, uncompress=True)
    print(magic.version(), plain.getparam(magic.MAGIC_PARAM_NAME_MAX))
    for name in sys.stdin.buffer.read().split(b"\0")[:-1]:
        path = os.fsdecode(name)
        # python3-magic opens the file first; a fifo would wait for a writer.
        if not (os.path.exists(path) and stat.S_ISREG(os.stat(path).st_mode)):
            print(ascii(path), "not opened")
            continue
        answers = [ask(plain.from_file, path), ask(mime.from_file, path)]
        try:
            with open(path, "rb") as file:
                answers.append(ask(plain.from_descriptor, file.fileno()))
                answers.append(ask(mime.from_buffer, os.pread(file.fileno(), HEAD_BYTES, 0)))
        except OSError as error:
            answers.append(str(error))
        print(ascii(path), ascii(answers))


if __name__ == "__main__":
    main()
