#!/usr/bin/python3
"""Writes a file as a C array: embed.py <input> <output.c> <name>."""
import sys


def main():
    source, target, name = sys.argv[1:4]
    with open(source, "rb") as file:
        data = file.read()
    rows = [", ".join(str(byte) for byte in data[i:i + 20]) for i in range(0, len(data), 20)]
    with open(target, "w", encoding="ascii") as file:
        file.write('#include "center/api/openapi.h"\n\n')
        file.write(f"const size_t {name}_bytes = {len(data)};\n")
        file.write(f"const unsigned char {name}[] = {{\n\t" + ",\n\t".join(rows) + "\n};\n")


if __name__ == "__main__":
    main()
