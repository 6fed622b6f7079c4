#!/usr/bin/python3
"""Asks Debian's python3-magic about the name on each line of standard input, and answers
on a line, until there are no more."""
import sys

import magic


def main():
    kinds = magic.Magic()
    for line in sys.stdin:
        try:
            answer = kinds.from_file(line.rstrip("\n"))
        except (magic.MagicException, OSError) as error:
            answer = f"{type(error).__name__}: {error}"
        print(ascii(answer), flush=True)


if __name__ == "__main__":
    main()
