#!/usr/bin/python3
"""embed_rule.py OUT.c TABLE [PATH=]FILE...: what a new rule is written with, as bytes.

The command line carries the headers, so that a rule can be built where Rhodes is
installed without them, and with the very headers it was written for.
"""
import os
import sys


def main():
    out, name, *pairs = sys.argv[1:]
    lines = ['#include "cli/rule.h"\n']
    table = []
    for number, pair in enumerate(pairs):
        path, file = pair.split("=", 1) if "=" in pair else (os.path.basename(pair), pair)
        with open(file, "rb") as source:
            data = source.read()
        rows = [", ".join(str(byte) for byte in data[i:i + 20]) for i in range(0, len(data), 20)]
        lines.append(f"static const unsigned char text_{number}[] = {{\n\t" +
                     ",\n\t".join(rows) + "\n};\n")
        table.append(f'\t{{ "{path}", text_{number}, {len(data)} }},')
    lines.append(f"const struct rh_rule_text {name}[] = {{\n" + "\n".join(table) +
                 "\n\t{ 0 },\n};\n")
    with open(out, "w", encoding="ascii") as target:
        target.write("\n".join(lines))


if __name__ == "__main__":
    main()
