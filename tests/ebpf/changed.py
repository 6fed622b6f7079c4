#!/usr/bin/python3
"""Copies of sources with one thing changed, for a test that must see the change:

    changed.py WHAT BY SOURCE... FOLDER

WHAT stands exactly once in the sources, and becomes BY."""
import os
import sys

what, by, *sources, folder = sys.argv[1:]
found = 0
for source in sources:
    with open(source, encoding="utf-8") as file:
        text = file.read()
    found += text.count(what)
    path = os.path.join(folder, os.path.basename(source))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(what, by))
if found != 1:
    sys.exit(f'changed.py: "{what}" stands there {found} times')
