#!/usr/bin/python3
"""embed.py OUT.c COMMON READER...: each reader, behind what all share, as bytes.

The program carries its readers, so that nothing has to be found where it is
installed, and nobody can put another one in their place.
"""
import os
import sys


def joined(common, reader):
    """One program: the reader imports what stands before it already."""
    lines, skips = [], False
    for line in reader.splitlines(keepends=True):
        skips = skips or line.startswith("from declare import")
        if not skips:
            lines.append(line)
        skips = skips and ")" not in line
    return common.rsplit("\nif __name__", 1)[0] + "\n" + "".join(lines)


def main():
    out, common, *readers = sys.argv[1:]
    with open(common, encoding="utf-8") as file:
        shared = file.read()
    parts = ['#include "interface/source.h"\n\n#include <stddef.h>\n']
    table = []
    for path in readers:
        with open(path, encoding="utf-8") as file:
            data = joined(shared, file.read()).encode() + b"\0"
        name = os.path.splitext(os.path.basename(path))[0]
        rows = [", ".join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
        parts.append(f"static const char {name}_text[] = {{\n\t" + ",\n\t".join(rows) + "\n};\n")
        table.append(f'\t{{ "{name}", {name}_text }},')
    parts.append("const struct rh_source_reader rh_source_readers[] = {\n" + "\n".join(table) +
                 "\n\t{ NULL, NULL },\n};\n")
    with open(out, "w", encoding="ascii") as target:
        target.write("\n".join(parts))


if __name__ == "__main__":
    main()
