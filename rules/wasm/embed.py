#!/usr/bin/python3
"""embed.py OUT.c FILE...: the headers that generated code is compiled with, as texts.

The program that builds modules carries them, so that it needs no sources when it runs.
"""
import os
import sys


def literal(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').splitlines()
    return "".join(f'\t  "{line}\\n"\n' for line in lines)


def main():
    out, *paths = sys.argv[1:]
    text = '#include "rules/wasm/build_texts.h"\n\nconst struct rh_build_text rh_build_texts[] = {\n'
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text += f'\t{{ "{os.path.basename(path)}",\n{literal(file.read())}\t}},\n'
    text += f"}};\n\nconst unsigned rh_build_text_count = {len(paths)};\n"
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
